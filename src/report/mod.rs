//! Renders: sentences, postmortems, charts. Pure functions from facts to text.
//!
//! ```text
//! Finding, Evidence ─► sentence ─┬─► Slack, page, API
//! Incident + Context ─► ledger ──┴─► postmortem ─► Markdown, SVG charts, evidence.json ─► export
//! ```
//!
//! Nothing here knows a detector by name: a detector brings its phrase (`DetectorMeta`), its evidence is one
//! of few kinds, and each kind is rendered here in both languages.

pub mod block;
pub mod chart;
pub mod compare;
pub mod digest;
pub mod export;
pub mod link;
mod markdown;
pub mod moment;
pub mod postmortem;
pub mod sentence;
pub mod sql;
pub mod unit;
pub mod words;

#[cfg(test)]
pub(crate) mod example;

use serde::{Deserialize, Serialize};

use crate::detect::DetectorMeta;

pub use link::Links;

/// The language people are told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Lang {
    /// The tag of BCP 47.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The one of two texts that is in this language.
    pub fn pick<T>(self, english: T, korean: T) -> T {
        match self {
            Self::En => english,
            Self::Ko => korean,
        }
    }
}

/// Finds what the world knows of a detector by its slug; `None` for a slug of another version.
pub type Lookup = fn(&str) -> Option<&'static DetectorMeta>;

/// How readers want to be told: language, time zone, where links lead, and who knows the detectors.
#[derive(Debug, Clone)]
pub struct Style {
    /// Language.
    pub lang: Lang,
    /// Zone that every instant is shown in.
    pub zone: jiff::tz::TimeZone,
    /// Where links lead.
    pub links: Links,
    /// Who knows the detectors.
    pub lookup: Lookup,
}

impl Style {
    /// The same in another language.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> Self {
        Self {
            lang,
            ..self.clone()
        }
    }
}
