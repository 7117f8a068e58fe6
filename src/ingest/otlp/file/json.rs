//! Requests as JSON: one a line, or one over several lines.

use std::ops::Range;

use super::cursor::{Cursor, Line};
use super::request::{Key, first_key};
use super::{Foreign, Format, Piece, Sniffed, Spot};

/// What the line of an exporter begins with.
const REQUEST: &[u8] = b"{\"resource";

/// Bytes of the end of a line, which is no part of a request.
const NEWLINE: usize = 2;

/// What a file of JSON holds; `None` when that is no JSON, or tells of nothing that is known.
pub(super) fn sniff(head: &[u8]) -> Option<Sniffed> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let is_otlp = match first_key(head) {
        Some(Key::Signal(_) | Key::Wrapper) => true,
        Some(Key::Tempo) => return Some(Sniffed::Foreign(Foreign::Tempo)),
        Some(Key::Other) | None => {
            if let Some(foreign) = foreign(head) {
                return Some(Sniffed::Foreign(foreign));
            }
            // the file may begin in the middle of a line
            let mut lines = head.split(|byte| *byte == b'\n').skip(1);
            lines.any(|line| matches!(first_key(line), Some(Key::Signal(_))))
        }
    };
    is_otlp.then_some(Sniffed::Otlp(Format::Json))
}

fn foreign(head: &[u8]) -> Option<Foreign> {
    let has = |mark: &[u8]| memchr::memmem::find(head, mark).is_some();
    let begins = head.trim_ascii_start().first();
    match begins {
        Some(b'{') if has(b"\"traceID\"") && has(b"\"spanID\"") => Some(Foreign::Jaeger),
        Some(b'[') if has(b"\"traceId\"") && has(b"\"localEndpoint\"") => Some(Foreign::Zipkin),
        _ => None,
    }
}

/// The next request.
pub(super) fn next(cursor: &mut Cursor) -> Option<(Spot, Piece)> {
    let mut depth = Depth::default();
    let mut from = 0;
    let mut lines = 0;
    loop {
        let at = Spot::Line(cursor.lines + 1);
        let line = match cursor.line(from) {
            Line::None if from > 0 => {
                cursor.take(from);
                cursor.lines += lines;
                let why = "the file ends in the middle of a request";
                return Some((at, Piece::Unread(why.to_owned())));
            }
            Line::None => return None,
            Line::TooLong => {
                cursor.lines += lines + 1;
                return Some((at, too_long(cursor.max)));
            }
            Line::Whole(range) if range.end > cursor.max.saturating_add(NEWLINE) => {
                cursor.take(range.end);
                cursor.lines += lines + 1;
                return Some((at, too_long(cursor.max)));
            }
            Line::Whole(range) => range,
        };
        let text = cursor.rest().get(line.clone()).unwrap_or_default();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let text = text.trim_ascii();
        let is_begun = from > 0;
        if is_begun && text.starts_with(REQUEST) {
            cursor.take(from);
            cursor.lines += lines;
            let why = "the request is cut: the next line begins another one";
            return Some((at, Piece::Unread(why.to_owned())));
        }
        if !is_begun && text.is_empty() {
            cursor.take(line.end);
            cursor.lines += 1;
            continue;
        }
        let is_one = !is_begun && text.starts_with(REQUEST) && text.ends_with(b"}");
        if is_one || depth.is_closed_by(text) {
            cursor.lines += lines + 1;
            return Some((at, Piece::Whole(cursor.take(line.end))));
        }
        if !is_begun && !text.starts_with(b"{") {
            cursor.take(line.end);
            cursor.lines += 1;
            return Some((at, Piece::Unread("no JSON object".to_owned())));
        }
        (from, lines) = (line.end, lines + 1);
    }
}

pub(super) fn too_long(max: usize) -> Piece {
    let max = bytesize::ByteSize::b(max as u64);
    Piece::Unread(format!(
        "longer than {max}, as much as is taken at once (listen.otlp_max_message)"
    ))
}

/// How deep in a JSON text one is.
#[derive(Debug, Default)]
pub(super) struct Depth {
    open: u64,
    in_text: bool,
    escaped: bool,
}

impl Depth {
    /// Whether the first value is at its end behind these bytes.
    pub(super) fn is_closed_by(&mut self, bytes: &[u8]) -> bool {
        self.end_in(bytes).is_some()
    }

    /// Where in these bytes the first value ends.
    pub(super) fn end_in(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => self.open += 1,
                b'}' | b']' => {
                    self.open = self.open.saturating_sub(1);
                    if self.open == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// The value of the first key of an object, if it is an object.
pub(super) fn first_value(object: &[u8]) -> Option<Range<usize>> {
    let colon = memchr::memchr(b':', object)?;
    let open = colon + 1 + memchr::memchr(b'{', object.get(colon + 1..)?)?;
    let end = Depth::default().end_in(object.get(open..)?)?;
    Some(open..open + end)
}
