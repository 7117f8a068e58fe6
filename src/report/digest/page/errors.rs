//! The most frequent errors.

use crate::report::digest::page::counted;
use crate::report::digest::{Digest, Failed};
use crate::report::{Lang, sentence, unit, words};

/// Families told of.
const FAMILIES: usize = 10;
/// Longest text of a statement or a message, in characters.
const TEXT_CHARS: usize = 300;

/// One family of errors.
#[derive(Debug)]
pub(in crate::report::digest) struct Failure {
    /// Kind, code and how often.
    pub(in crate::report::digest) what: String,
    /// The message without its values; empty where there is none.
    pub(in crate::report::digest) message: String,
    /// The statement that failed, redacted, where it is told.
    pub(in crate::report::digest) statement: Option<String>,
    /// Its identity.
    pub(in crate::report::digest) fingerprint: String,
}

pub(super) fn errors(digest: &Digest, lang: Lang) -> Vec<Failure> {
    let told = digest.errors.iter().take(FAMILIES);
    told.map(|failed| failure(failed, lang)).collect()
}

fn failure(failed: &Failed, lang: Lang) -> Failure {
    let mut what = words::failure(failed.class, lang).to_owned();
    if !failed.code.is_empty() {
        what = format!("{what} {}", failed.code);
    }
    let times = counted(failed.count, ("time", "times"), "회", lang);
    what = format!("{what}, {times}");
    if !failed.waited_s.0.is_zero() {
        let waited = unit::duration(failed.waited_s.0);
        what = lang.pick(
            format!("{what}, waited {waited}"),
            format!("{what}, 대기 {waited}"),
        );
    }
    let template = failed.template.as_ref();
    Failure {
        what: sentence::capitalise(&what),
        message: sentence::shorten(failed.message.as_str(), TEXT_CHARS),
        statement: template.map(|t| sentence::shorten(t.as_str(), TEXT_CHARS)),
        fingerprint: failed
            .fingerprint
            .map_or_else(String::new, |f| f.to_string()),
    }
}

/// What stands below the list.
pub(super) fn note(digest: &Digest, lang: Lang) -> Option<String> {
    let left_out = digest.errors.len().saturating_sub(FAMILIES);
    (left_out > 0).then(|| {
        lang.pick(
            format!("{left_out} more kinds of errors: --format json has them all."),
            format!("오류 {left_out}종이 더 있음: --format json에 모두 있음."),
        )
    })
}
