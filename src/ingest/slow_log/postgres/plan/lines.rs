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
    has_plan: bool,
    is_done: bool,
}

/// Reads a report; `None` for one that the JSON reader must look at.
pub(super) fn read(text: &[u8]) -> Option<Explained<'_>> {
    let mut reader = Reader::default();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text).chain([text.len()]) {
        let line = text[start..end].trim_ascii();
        if !line.is_empty() {
            reader.line(line)?;
        }
        start = end + 1;
    }
    let sql = match reader.query.filter(|_| reader.is_done && reader.has_plan)? {
        Cow::Borrowed(sql) => sql.as_bytes().into(),
        Cow::Owned(sql) => sql.into_bytes().into(),
    };
    Some(reader.steps.explain(sql))
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a [u8]) -> Option<()> {
        let line = line.strip_suffix(b",").unwrap_or(line);
        match (line, line.last()?) {
            (b"{", _) => self.item(),
            (b"}", _) => self.close(),
            (b"]", _) if matches!(self.open.last()?, Open::Steps(_) | Open::Other) => self.close(),
            ([b'"', ..], b'{' | b'[') => self.container(line),
            ([b'"', ..], _) => self.field(line),
            // in a list that nobody asks for
            _ => (*self.open.last()? == Open::Other).then_some(()),
        }
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
            Open::Step(_) => {
                let (key, value) = key(line)?;
                self.step_field(key, value)
            }
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

    fn step_field(&mut self, key: &[u8], value: &'a [u8]) -> Option<()> {
        let node = &mut self.node;
        match key {
            b"Node Type" => node.kind = string(value)?,
            b"Operation" => node.operation = string(value)?,
            b"Parent Relationship" => node.relationship = string(value)?,
            b"Relation Name" => node.table = string(value)?,
            b"Index Name" => node.index = string(value)?,
            b"Plan Rows" => node.rows = Some(number(value)?),
            b"Actual Rows" => node.given = Some(number(value)?),
            b"Actual Loops" => node.loops = Some(number(value)?),
            b"Rows Removed by Filter" => node.filtered = number(value)?,
            b"Rows Removed by Join Filter" => node.join_filtered = number(value)?,
            b"Rows Removed by Index Recheck" => node.rechecked = number(value)?,
            b"Conflict Resolution" => node.conflict = string(value)?,
            b"Sort Space Type" => node.sort_space = Some(string(value)?),
            b"Plans" => return None,
            _ => {}
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

fn string(value: &[u8]) -> Option<Cow<'_, str>> {
    let text = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr2(b'\\', b'"', text).is_some() {
        return serde_json::from_slice(value).ok().map(Cow::Owned);
    }
    let is_plain = text.iter().all(|byte| *byte >= b' ');
    let text = std::str::from_utf8(text).ok()?;
    is_plain.then_some(Cow::Borrowed(text))
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
mod tests {
    use super::*;

    /// As PostgreSQL writes it, tabs of the log included.
    const PLAN: &str = r#"{
	  "Query Text": "SELECT \"a\"\nFROM t WHERE b = '{'",
	  "Plan": {
	    "Node Type": "Sort",
	    "Parallel Aware": false,
	    "Actual Rows": 2.50,
	    "Actual Loops": 3,
	    "Sort Key": ["a", "b"],
	    "Sort Space Type": "Disk",
	    "Workers": [
	      {
	        "Worker Number": 0,
	        "Actual Rows": 77
	      }
	    ],
	    "Plans": [
	      {
	        "Node Type": "Seq Scan",
	        "Parent Relationship": "Outer",
	        "Relation Name": "t",
	        "Plan Rows": 9,
	        "Actual Rows": 2,
	        "Actual Loops": 3,
	        "Filter": "(b = '\\'::text)",
	        "Rows Removed by Filter": 7
	      },
	      {
	        "Node Type": "Index Scan",
	        "Parent Relationship": "InitPlan",
	        "Index Name": "pk",
	        "Plan Rows": 1,
	        "Plans": [
	          {
	            "Node Type": "Result"
	          }
	        ]
	      }
	    ]
	  },
	  "Settings": {
	    "work_mem": "64kB"
	  },
	  "Triggers": [
	  ]
	}
"#;

    #[test]
    fn a_plan_is_read_as_the_json_reader_reads_it() {
        let read = read(PLAN.as_bytes());
        assert!(read.is_some());
        assert_eq!(read, super::super::json::of_any_layout(PLAN.as_bytes()));
    }

    #[test]
    fn a_plan_without_one_of_its_lines_is_never_read_otherwise_than_by_the_json_reader() {
        let lines: Vec<&str> = PLAN.lines().collect();
        for left_out in 0..lines.len() {
            let kept = lines.iter().enumerate().filter(|(at, _)| *at != left_out);
            let text: Vec<&str> = kept.map(|(_, line)| *line).collect();
            let text = text.join("\n");
            let whole = super::super::json::of_any_layout(text.as_bytes());
            if let (Some(read), Some(whole)) = (read(text.as_bytes()), whole) {
                assert_eq!(read, whole, "without {}", lines[left_out]);
            }
        }
    }

    #[test]
    fn a_plan_that_was_cut_is_not_read() {
        for end in 0..PLAN.trim_end().len() {
            assert_eq!(read(&PLAN.as_bytes()[..end]), None, "{end}");
        }
    }

    #[test]
    fn numbers_are_those_that_the_json_reader_reads() {
        for text in [
            "0",
            "7",
            "0.10",
            "2.50",
            "123456789.12345",
            "99999999999999",
        ] {
            let expected: f64 = serde_json::from_str(text).unwrap();
            assert_eq!(
                number(text.as_bytes()).unwrap().to_bits(),
                expected.to_bits()
            );
        }
        for text in [
            "",
            "-1",
            "1e3",
            "1.",
            ".5",
            "1.2.3",
            "null",
            "1234567890123456",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }
}
