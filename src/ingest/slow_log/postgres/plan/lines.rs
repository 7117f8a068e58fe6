//! Plans in JSON as PostgreSQL lays them out, a field a line, read in one pass and a third of the time.
//!
//! ```text
//! "Plan": {                    root step
//!   "Node Type": "Sort",       a field of it
//!   "Sort Key": ["a", "b"],    a field that nobody asks for
//!   "Plans": [                 its steps
//!     {                        the first of them
//! ```
//!
//! Whatever stands otherwise, or is no whole plan, is left to the JSON reader: what is read here that one reads, too.

mod value;

use std::borrow::Cow;

use self::value::{
    Field, indent, is_blank, is_value, key, leading_number, number, number_length, string,
    text_length,
};
use super::json::{Node, below, step};
use super::{Explained, Place, Steps};
use crate::ingest::slow_log::{MAX_STATEMENT_BYTES, scan};

/// A deeper plan is left to the JSON reader, which bounds it too.
const MAX_DEPTH: usize = 100;

/// What is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Report,
    /// A step below one at this place, whose fields may still come.
    Step(Option<Place>),
    /// A step that told its steps, and before them all of its fields.
    Told,
    /// The steps of the step at this place.
    Steps(Place),
    /// What nobody asks for.
    Object,
    /// The same in brackets.
    List,
}

/// What the last line ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum After {
    /// An open brace or bracket.
    #[default]
    Open,
    /// A comma.
    Comma,
    /// Anything else, which nothing may follow in the same braces.
    Value,
}

/// Why a line was not read.
enum Unread {
    /// It has no end, and nothing of it was looked at.
    Open,
    /// The JSON reader must look at the plan.
    Other,
}

impl After {
    fn comma(is_there: bool) -> Self {
        if is_there { Self::Comma } else { Self::Value }
    }
}

#[derive(Debug, Default)]
struct Reader<'a> {
    open: Vec<Open>,
    after: After,
    /// The step whose fields come.
    node: Node<'a>,
    /// The fields of it that were told, a bit each.
    told: u16,
    steps: Steps,
    query: Option<Cow<'a, str>>,
    has_plan: bool,
    is_done: bool,
}

/// Reads a report; `None` for one that the JSON reader must look at.
pub(super) fn read(text: &[u8]) -> Option<Explained<'_>> {
    let mut reader = Reader::default();
    let mut rest = text;
    loop {
        match reader.next(rest) {
            Ok(length) => rest = &rest[length + 1..],
            Err(Unread::Open) => break,
            Err(Unread::Other) => return None,
        }
    }
    reader.line(rest)?;
    reader.explain()
}

/// Reads a report as it stands in the log, where each of its further lines starts with a tab, and finds its end
/// behind a line end; `None` for one that does not end in `text`, too.
pub(super) fn logged(text: &[u8]) -> Option<(Explained<'_>, usize)> {
    let mut reader = Reader::default();
    let mut start = 0;
    loop {
        start += reader.next(&text[start..]).ok()? + 1;
        if *text.get(start)? != b'\t' {
            break;
        }
        start += 1;
    }
    // a longer one is cut
    let is_whole = start < MAX_STATEMENT_BYTES / 2;
    Some((reader.explain().filter(|_| is_whole)?, start))
}

impl<'a> Reader<'a> {
    /// All lines have come.
    fn explain(self) -> Option<Explained<'a>> {
        let is_whole = self.is_done && self.has_plan && self.after == After::Value;
        let sql = match self.query.filter(|_| is_whole)? {
            Cow::Borrowed(sql) => sql.as_bytes().into(),
            Cow::Owned(sql) => sql.into_bytes().into(),
        };
        Some(self.steps.explain(sql))
    }

    /// Reads the line that `rest` starts with, and says how long it is without its end.
    #[inline]
    fn next(&mut self, rest: &'a [u8]) -> Result<usize, Unread> {
        if let Some(length) = self.usual_field(rest) {
            return Ok(length);
        }
        let start = indent(rest);
        let text = rest.get(start..).unwrap_or_default();
        if let [mark @ (b'{' | b'}' | b']'), behind @ ..] = text
            && let Some(has_comma) = ends_line(behind)
        {
            self.mark(*mark, has_comma).ok_or(Unread::Other)?;
            return Ok(start + 1 + usize::from(has_comma));
        }
        let length = scan::find_soon(b'\n', rest).ok_or(Unread::Open)?;
        self.line(&rest[..length]).ok_or(Unread::Other)?;
        Ok(length)
    }

    /// Reads a field of a step whose line is written as most are: what stands where is known by its key, and neither the
    /// end of the line nor that of the key is searched for.
    #[inline]
    fn usual_field(&mut self, line: &'a [u8]) -> Option<usize> {
        let is_field = matches!(self.open.last()?, Open::Step(_)) && self.after != After::Value;
        let start = 2 * self.open.len();
        if !is_field || !is_blank(line, start) {
            return None;
        }
        let text = line[start..].strip_prefix(b"\"")?;
        let (field, head) = Field::usual(text)?;
        let value = &text[head..];
        let is_other = field == Field::Other;
        let (length, number, name) = match value.first()? {
            b'0'..=b'9' if is_other => (number_length(value)?, 0.0, None),
            b'0'..=b'9' => {
                let (number, length) = leading_number(value)?;
                (length, number, None)
            }
            b'"' => {
                let length = text_length(&value[1..])?;
                (length + 2, 0.0, Some(&value[1..=length]))
            }
            _ if is_other && value.starts_with(b"false") => (b"false".len(), 0.0, None),
            _ => return None,
        };
        let has_comma = ends_line(value.get(length..)?)?;
        match name {
            _ if is_other => {}
            None => self.count(field, number)?,
            Some(name) => {
                *self.text(field)? = std::str::from_utf8(name).ok()?.into();
                self.note(field)?;
            }
        }
        self.after = After::comma(has_comma);
        Some(start + 1 + head + length + usize::from(has_comma))
    }

    fn line(&mut self, line: &'a [u8]) -> Option<()> {
        let (line, has_comma) = without_comma(line.trim_ascii());
        let Some(last) = line.last() else {
            return (!has_comma).then_some(());
        };
        if matches!(line, b"{" | b"}" | b"]") {
            return self.mark(*last, has_comma);
        }
        if self.after == After::Value {
            return None;
        }
        self.after = After::comma(has_comma);
        if matches!(last, b'{' | b'[') && line.starts_with(b"\"") {
            self.after = After::Open;
            return (!has_comma).then(|| self.container(line))?;
        }
        if self.open.last() == Some(&Open::List) {
            return is_value(line).then_some(());
        }
        self.field(line)
    }

    /// A line of one brace or bracket.
    #[inline]
    fn mark(&mut self, mark: u8, has_comma: bool) -> Option<()> {
        if mark == b'{' {
            let is_parted = self.after != After::Value && !has_comma;
            self.after = After::Open;
            return is_parted.then(|| self.item())?;
        }
        let is_parted = self.after != After::Comma;
        self.after = After::comma(has_comma);
        is_parted.then(|| self.close(mark))?
    }

    fn push(&mut self, open: Open) -> Option<()> {
        self.open.push(open);
        (self.open.len() <= MAX_DEPTH && !self.is_done).then_some(())
    }

    /// `{` of the report, of a step, or of something else.
    fn item(&mut self) -> Option<()> {
        match self.open.last() {
            None => self.push(Open::Report),
            Some(Open::Steps(place)) => self.push(Open::Step(Some(*place))),
            Some(Open::List) => self.push(Open::Object),
            Some(_) => None,
        }
    }

    /// `"Plan": {`, `"Plans": [` or something else.
    fn container(&mut self, line: &[u8]) -> Option<()> {
        let (key, value) = match line {
            b"\"Plans\": [" => (b"Plans".as_slice(), b"[".as_slice()),
            _ => key(line)?,
        };
        let other = match value {
            b"{" => Open::Object,
            b"[" => Open::List,
            _ => return None,
        };
        match (*self.open.last()?, key, other) {
            (Open::Report, b"Plan", Open::Object) if !self.has_plan => {
                self.has_plan = true;
                self.push(Open::Step(None))
            }
            (Open::Step(above), b"Plans", Open::List) => {
                let place = self.tell(above)?;
                *self.open.last_mut()? = Open::Told;
                self.push(Open::Steps(place))
            }
            (Open::Report, b"Plan" | b"Query Text", _) => None,
            (Open::Report | Open::Object, ..) => self.push(other),
            (Open::Step(_), key, _) if Field::of(key) == Field::Other && key != b"Plans" => {
                self.push(other)
            }
            _ => None,
        }
    }

    fn close(&mut self, bracket: u8) -> Option<()> {
        match (self.open.pop()?, bracket) {
            (Open::Step(above), b'}') => drop(self.tell(above)?),
            (Open::Report | Open::Told | Open::Object, b'}')
            | (Open::Steps(_) | Open::List, b']') => {}
            _ => return None,
        }
        self.is_done = self.open.is_empty();
        Some(())
    }

    /// All fields of a step are known; says where it stands.
    fn tell(&mut self, above: Option<Place>) -> Option<Place> {
        let node = std::mem::take(&mut self.node);
        self.told = 0;
        if node.kind.is_empty() {
            return None;
        }
        let place = above.map_or(Place::Root, |above| below(above, &node));
        if let Some(space) = &node.sort_space {
            self.steps.sort_on(space == "Disk");
        }
        self.steps.push(step(node, place));
        Some(place)
    }

    /// `"Key": value`
    fn field(&mut self, line: &'a [u8]) -> Option<()> {
        let (key, value) = key(line)?;
        match (self.open.last()?, key) {
            (Open::Step(_), b"Plans") => None,
            (Open::Step(_), key) => self.set(Field::of(key), value),
            (Open::Report, b"Query Text") if self.query.is_none() => {
                self.query = Some(string(value)?);
                Some(())
            }
            (Open::Report, b"Query Text" | b"Plan") => None,
            (Open::Report | Open::Object, _) => is_value(value).then_some(()),
            _ => None,
        }
    }

    /// Takes note of a field of a step, which must not have been told before.
    #[inline]
    fn note(&mut self, field: Field) -> Option<()> {
        let bit = u16::from(field != Field::Other) << field as u16;
        let is_new = self.told & bit == 0;
        self.told |= bit;
        is_new.then_some(())
    }

    fn set(&mut self, field: Field, value: &'a [u8]) -> Option<()> {
        if field == Field::Other {
            return is_value(value).then_some(());
        }
        let Some(text) = self.text(field) else {
            return self.count(field, number(value)?);
        };
        *text = string(value)?;
        self.note(field)
    }

    /// Where a field is kept that is a text.
    #[inline]
    fn text(&mut self, field: Field) -> Option<&mut Cow<'a, str>> {
        Some(match field {
            Field::Kind => &mut self.node.kind,
            Field::Operation => &mut self.node.operation,
            Field::Relationship => &mut self.node.relationship,
            Field::Table => &mut self.node.table,
            Field::Index => &mut self.node.index,
            Field::Conflict => &mut self.node.conflict,
            Field::SortSpace => self.node.sort_space.get_or_insert_default(),
            _ => return None,
        })
    }

    /// Sets a field that is a number.
    #[inline]
    fn count(&mut self, field: Field, number: f64) -> Option<()> {
        match field {
            Field::Rows => self.node.rows = Some(number),
            Field::Given => self.node.given = Some(number),
            Field::Loops => self.node.loops = Some(number),
            Field::Filtered => self.node.filtered = number,
            Field::JoinFiltered => self.node.join_filtered = number,
            Field::Rechecked => self.node.rechecked = number,
            _ => return None,
        }
        self.note(field)
    }
}

/// Whether a comma is all that stands before the end of the line; `None` when something else does.
#[inline]
fn ends_line(text: &[u8]) -> Option<bool> {
    match text {
        [b'\n', ..] => Some(false),
        [b',', b'\n', ..] => Some(true),
        _ => None,
    }
}

fn without_comma(line: &[u8]) -> (&[u8], bool) {
    let bare = line.strip_suffix(b",");
    (bare.unwrap_or(line), bare.is_some())
}

#[cfg(test)]
mod tests;
