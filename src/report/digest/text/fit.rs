//! Text that fits: columns of a terminal, padding, breaking of lines, bars.

/// Columns that a text takes on a terminal.
pub(in crate::report) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Columns of a character: wide ones of East Asian scripts take two (UAX #11).
fn width(c: char) -> usize {
    let is_wide = matches!(u32::from(c),
        0x1100..=0x115F | 0x2E80..=0x303E | 0x3041..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD);
    if is_wide { 2 } else { 1 }
}

/// The text in exactly so many columns, cut at the end or padded there.
pub(in crate::report) fn left(text: &str, room: usize) -> String {
    let text = cut(text, room);
    let padding = room.saturating_sub(columns(&text));
    format!("{text}{}", " ".repeat(padding))
}

/// The text in at least so many columns, padded at the front and at least one blank from what stands before.
pub(in crate::report) fn right(text: &str, room: usize) -> String {
    let padding = room.saturating_sub(columns(text)).max(1);
    format!("{}{text}", " ".repeat(padding))
}

/// What does not fit is cut and marked by `…`.
fn cut(text: &str, room: usize) -> String {
    if columns(text) <= room {
        return text.to_owned();
    }
    let (head, _) = split(text, room.saturating_sub(1));
    format!("{}…", head.trim_end())
}

/// The head of at most so many columns, but of one character at least, and the rest.
fn split(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (index, (at, c)) in text.char_indices().enumerate() {
        used += width(c);
        if used > room && index > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// A share as a bar of at most `full` columns, an eighth of a column at a time.
pub(super) fn bar(share: f64, full: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "between 0 and a few hundred"
    )]
    let eighths = (share.clamp(0.0, 1.0) * full as f64 * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// Lines of at most `room` columns, broken at spaces; a longer word is broken anywhere.
pub(in crate::report) fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words_of(text) {
        let mut rest = word.as_str();
        while !rest.is_empty() {
            let (part, behind) = split(rest, room);
            rest = behind;
            let length = columns(part);
            if used > 0 && used + 1 + length > room {
                lines.push(String::new());
                used = 0;
            }
            let Some(line) = lines.last_mut() else { break };
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(part);
            used += length;
        }
    }
    lines
}

/// Words, a number with its unit as one.
fn words_of(text: &str) -> Vec<String> {
    const UNIT_CHARS: usize = 3;
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let unit = word.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
        let is_short = unit.chars().count() <= UNIT_CHARS && !unit.contains(char::is_numeric);
        match words.last_mut() {
            Some(number) if is_short && number.ends_with(|c: char| c.is_ascii_digit()) => {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Names come from strangers: nothing that a terminal would obey, and nothing that turns the reading direction.
pub(in crate::report) fn printable(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let safe = |c: char| {
        if c.is_control() || turns(c) {
            '\u{FFFD}'
        } else {
            c
        }
    };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_keeps_its_width_even_for_a_word_without_end() {
        let text = format!("one two {} three", "x".repeat(50));
        let lines = wrapped(&text, 20);
        assert!(lines.iter().all(|l| columns(l) <= 20), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn hangul_takes_two_columns() {
        assert_eq!(columns("행 1"), 4);
        let lines = wrapped("테이블의 행을 처음부터 끝까지 읽음", 10);
        assert!(lines.iter().all(|l| columns(l) <= 10), "{lines:?}");
        assert_eq!(left("테이블", 5), "테이…");
        assert_eq!(right("행", 4), "  행");
    }

    #[test]
    fn a_number_is_not_torn_from_its_unit() {
        assert_eq!(
            wrapped("per row sent: 76.2 k (more)", 17),
            ["per row sent:", "76.2 k (more)"]
        );
    }

    #[test]
    fn a_bar_grows_with_the_share() {
        assert_eq!(
            [0.0, 0.0125, 0.5, 1.0].map(|share| bar(share, 10)),
            ["", "▏", "█████", "██████████"]
        );
        assert_eq!(bar(f64::NAN, 10), "");
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[2Jb\nc\u{202e}d"),
            "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d"
        );
    }
}
