//! A log tells the same however it is read.

use sqleuth::ingest::slow_log::{Entry, Next, Parser};

/// Splits off the two bytes that choose.
pub fn chosen(data: &[u8]) -> Option<(usize, &[u8])> {
    let (choice, rest) = data.split_first_chunk::<2>()?;
    Some((usize::from(u16::from_le_bytes(*choice)), rest))
}

/// A log that comes in two pieces is read to its end, and tells what it tells in one if it must.
pub fn in_pieces(make: impl Fn() -> Box<dyn Parser>, log: &[u8], at: usize, must_agree: bool) {
    let at = at % (log.len() + 1);
    let in_one = told(make(), &[log]);
    let in_two = told(make(), &[&log[..at], log]);
    assert!(
        !must_agree || in_one == in_two,
        "cut at {at}: {in_one:?} {in_two:?}"
    );
}

/// Every entry that is told while the looks at a growing log follow each other; the last look is its end.
fn told(mut parser: Box<dyn Parser>, looks: &[&[u8]]) -> Vec<String> {
    let mut entries = Vec::new();
    let mut done = 0;
    for (n, look) in looks.iter().enumerate() {
        let is_last = n + 1 == looks.len();
        let next = if is_last { Next::End } else { Next::More };
        let mut tell = |entry: Entry<'_>| entries.push(format!("{entry:?}"));
        done += feed(parser.as_mut(), &look[done..], next, &mut tell);
        assert!(done <= look.len(), "more was consumed than was shown");
    }
    assert_eq!(Some(done), looks.last().map(|l| l.len()), "nothing is left");
    entries
}

/// Shows the parser a look until it takes no more; says how much it took.
pub fn feed(
    parser: &mut dyn Parser,
    mut buffer: &[u8],
    next: Next,
    tell: &mut dyn FnMut(Entry<'_>),
) -> usize {
    let before = buffer.len();
    loop {
        let progress = parser.parse(buffer, next, tell);
        buffer = &buffer[progress.consumed..];
        if buffer.is_empty() || progress.consumed == 0 {
            return before - buffer.len();
        }
    }
}
