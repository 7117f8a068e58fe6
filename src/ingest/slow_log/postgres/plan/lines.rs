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
//! Whatever stands otherwise, or is no whole plan, is left to the JSON reader.

use std::borrow::Cow;

use super::json::{Node, below, step};
use super::{Explained, Place, Steps};
use crate::ingest::slow_log::{MAX_STATEMENT_BYTES, scan};

/// A deeper plan is left to the JSON reader, which bounds it too.
const MAX_DEPTH: usize = 100;

/// A double holds this many digits exactly.
const MAX_NUMBER_BYTES: usize = 15;

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
    Other,
}

#[derive(Debug, Default)]
struct Reader<'a> {
    open: Vec<Open>,
    /// The step whose fields come.
    node: Node<'a>,
    steps: Steps,
    query: Option<Cow<'a, str>>,
    /// The white space before the last line.
    indent: &'a [u8],
    has_plan: bool,
    is_done: bool,
}

/// Reads a report; `None` for one that the JSON reader must look at.
pub(super) fn read(text: &[u8]) -> Option<Explained<'_>> {
    let mut reader = Reader::default();
    let mut start = 0;
    while let Some(length) = scan::find_soon(b'\n', &text[start..]) {
        reader.line(&text[start..start + length])?;
        start += length + 1;
    }
    reader.line(&text[start..])?;
    reader.explain()
}

/// Reads a report as it stands in the log, where each of its further lines starts with a tab, and finds its end
/// behind a line end; `None` for one that does not end in `text`, too.
pub(super) fn logged(text: &[u8]) -> Option<(Explained<'_>, usize)> {
    let mut reader = Reader::default();
    let mut start = 0;
    let mut next = b'\t';
    while next == b'\t' {
        let end = start + scan::find_soon(b'\n', &text[start..])?;
        reader.line(&text[start..end])?;
        start = end + 1;
        next = *text.get(start)?;
    }
    // a longer one is cut
    let is_whole = start < MAX_STATEMENT_BYTES / 2;
    Some((reader.explain().filter(|_| is_whole)?, start))
}

impl<'a> Reader<'a> {
    /// All lines have come.
    fn explain(self) -> Option<Explained<'a>> {
        let query = self.query.filter(|_| self.is_done && self.has_plan);
        let sql = match query? {
            Cow::Borrowed(sql) => sql.as_bytes().into(),
            Cow::Owned(sql) => sql.into_bytes().into(),
        };
        Some(self.steps.explain(sql))
    }

    fn line(&mut self, line: &'a [u8]) -> Option<()> {
        let line = self.trimmed(line);
        let line = line.strip_suffix(b",").unwrap_or(line);
        let Some(last) = line.last() else {
            return Some(());
        };
        match (line, last) {
            ([b'"', ..], b'{' | b'[') => self.container(line),
            ([b'"', ..], _) => self.field(line),
            (b"{", _) => self.item(),
            (b"}", _) => self.close(),
            (b"]", _) if matches!(self.open.last()?, Open::Steps(_) | Open::Other) => self.close(),
            // in a list that nobody asks for
            _ => (*self.open.last()? == Open::Other).then_some(()),
        }
    }

    /// The line without white space around it; that before it is mostly the same as before the last one.
    fn trimmed(&mut self, line: &'a [u8]) -> &'a [u8] {
        let line = line.trim_ascii_end();
        let inner = line.strip_prefix(self.indent);
        if let Some(inner) =
            inner.filter(|inner| !inner.first().is_none_or(u8::is_ascii_whitespace))
        {
            return inner;
        }
        let inner = line.trim_ascii_start();
        self.indent = &line[..line.len() - inner.len()];
        inner
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
            Some(Open::Other) => self.push(Open::Other),
            Some(_) => None,
        }
    }

    /// `"Plan": {`, `"Plans": [` or something else.
    fn container(&mut self, line: &[u8]) -> Option<()> {
        match (*self.open.last()?, line) {
            (Open::Report, b"\"Plan\": {") if !self.has_plan => {
                self.has_plan = true;
                self.push(Open::Step(None))
            }
            (Open::Step(above), b"\"Plans\": [") => {
                let place = self.tell(above)?;
                *self.open.last_mut()? = Open::Told;
                self.push(Open::Steps(place))
            }
            (Open::Told | Open::Steps(_), _) => None,
            _ => self.push(Open::Other),
        }
    }

    fn close(&mut self) -> Option<()> {
        if let Open::Step(above) = self.open.pop()? {
            self.tell(above)?;
        }
        self.is_done = self.open.is_empty();
        Some(())
    }

    /// All fields of a step are known; says where it stands.
    fn tell(&mut self, above: Option<Place>) -> Option<Place> {
        let node = std::mem::take(&mut self.node);
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
        match self.open.last()? {
            Open::Step(_) => self.step_field(line.get(1..)?),
            Open::Report => {
                let (key, value) = key(line)?;
                match key {
                    b"Query Text" if self.query.is_none() => self.query = Some(string(value)?),
                    b"Query Text" | b"Plan" => return None,
                    _ => {}
                }
                Some(())
            }
            Open::Other => Some(()),
            Open::Told | Open::Steps(_) => None,
        }
    }

    /// `Key": value` of a step: by its first letter, for that takes a third of the search for the end of the key.
    fn step_field(&mut self, field: &'a [u8]) -> Option<()> {
        let node = &mut self.node;
        let behind = |key: &[u8]| field.strip_prefix(key);
        match field.first()? {
            b'A' => {
                if let Some(value) = behind(b"Actual Rows\": ") {
                    node.given = Some(number(value)?);
                } else if let Some(value) = behind(b"Actual Loops\": ") {
                    node.loops = Some(number(value)?);
                }
            }
            b'P' => {
                if let Some(value) = behind(b"Plan Rows\": ") {
                    node.rows = Some(number(value)?);
                } else if let Some(value) = behind(b"Parent Relationship\": ") {
                    node.relationship = string(value)?;
                } else if field.starts_with(b"Plans\"") {
                    return None;
                }
            }
            b'R' => {
                if let Some(value) = behind(b"Relation Name\": ") {
                    node.table = string(value)?;
                } else if let Some(value) = behind(b"Rows Removed by Filter\": ") {
                    node.filtered = number(value)?;
                } else if let Some(value) = behind(b"Rows Removed by Index Recheck\": ") {
                    node.rechecked = number(value)?;
                } else if let Some(value) = behind(b"Rows Removed by Join Filter\": ") {
                    node.join_filtered = number(value)?;
                }
            }
            b'N' | b'O' | b'I' | b'C' | b'S' => return self.named_field(field),
            _ => {}
        }
        Some(())
    }

    fn named_field(&mut self, field: &'a [u8]) -> Option<()> {
        let node = &mut self.node;
        let behind = |key: &[u8]| field.strip_prefix(key);
        if let Some(value) = behind(b"Node Type\": ") {
            node.kind = string(value)?;
        } else if let Some(value) = behind(b"Index Name\": ") {
            node.index = string(value)?;
        } else if let Some(value) = behind(b"Operation\": ") {
            node.operation = string(value)?;
        } else if let Some(value) = behind(b"Conflict Resolution\": ") {
            node.conflict = string(value)?;
        } else if let Some(value) = behind(b"Sort Space Type\": ") {
            node.sort_space = Some(string(value)?);
        }
        Some(())
    }
}

/// A key, and what stands behind it.
fn key(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = line.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', text)?;
    Some((&text[..end], text[end + 1..].strip_prefix(b": ")?))
}

#[expect(
    clippy::needless_bitwise_bool,
    reason = "without a branch for each byte several are looked at at once"
)]
fn string(value: &[u8]) -> Option<Cow<'_, str>> {
    let text = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let is_plain = text.iter().fold(true, |is_plain, byte| {
        is_plain & (*byte >= b' ') & (*byte != b'\\') & (*byte != b'"')
    });
    if is_plain {
        return std::str::from_utf8(text).ok().map(Cow::Borrowed);
    }
    serde_json::from_slice(value).ok().map(Cow::Owned)
}

/// A number without sign and exponent: so few digits that a double holds them, hence the quotient is the nearest.
#[expect(clippy::cast_precision_loss, reason = "of at most 15 digits")]
fn number(value: &[u8]) -> Option<f64> {
    if value.len() > MAX_NUMBER_BYTES {
        return None;
    }
    let (mut digits, mut unit) = (0_u64, 1_u64);
    let mut is_behind_point = false;
    for byte in value {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(byte - b'0');
                unit *= if is_behind_point { 10 } else { 1 };
            }
            b'.' if !is_behind_point => is_behind_point = true,
            _ => return None,
        }
    }
    let ends_well = value.last()?.is_ascii_digit() && value.first()?.is_ascii_digit();
    ends_well.then_some(digits as f64 / unit as f64)
}

#[cfg(test)]
mod tests;
