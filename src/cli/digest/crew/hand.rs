//! What one thread works with.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use crate::cli::digest::crew::batch::{Batch, Told};
use crate::cli::digest::summing::{Identifier, LoggedRun};
use crate::ingest::slow_log::parts::{Guess, Part, Piece};
use crate::model::sql::Dialect;
use crate::normalise::TextId;

/// Texts that a hand knows to be known, without asking.
const REMEMBERED: usize = 4_096;

/// Texts whose statement has been added to the sums.
#[derive(Debug, Default)]
pub(super) struct Known(RwLock<HashSet<TextId>>);

impl Known {
    pub(super) fn add(&self, text: TextId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(text);
    }

    fn has(&self, text: TextId) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(&text)
    }
}

/// What one thread works with.
#[derive(Debug)]
pub(super) struct Hand {
    identifier: Identifier,
    remembered: Vec<Option<TextId>>,
    /// Reads parts of the log that the first was made for.
    part: Option<(Arc<Part>, Part)>,
}

impl Hand {
    pub(super) fn new(identifier: Identifier) -> Self {
        Self {
            identifier,
            remembered: vec![None; REMEMBERED],
            part: None,
        }
    }

    /// Reads the runs of a batch from a piece of the log, and identifies each while its text is at hand.
    pub(super) fn read(
        &mut self,
        batch: &mut Batch,
        (of, piece, guess): (&Arc<Part>, Piece, Guess),
        known: &Known,
    ) {
        let kept = self.part.take().filter(|(kept, _)| Arc::ptr_eq(kept, of));
        let (of, mut part) = kept.unwrap_or_else(|| (Arc::clone(of), of.fork()));
        let dialect = batch.dialect;
        batch.read((&mut part, piece), guess, &mut |entry| {
            let sql = (&*entry.sql, dialect, entry.truncated);
            self.tell(sql, entry.is_run(), known)
        });
        self.part = Some((of, part));
    }

    /// Identifies the runs of a batch that came from the parser of a whole log.
    pub(super) fn identify(&mut self, batch: &mut Batch, known: &Known) {
        let mut texts = std::mem::take(&mut batch.texts);
        for (sql, LoggedRun { run, .. }) in batch.runs() {
            let sql = (sql, batch.dialect, run.truncated);
            texts.push(self.tell(sql, run.is_run(), known));
        }
        batch.texts = texts;
    }

    /// Which text this is; the first time that it comes, its statement goes with it.
    fn tell(
        &mut self,
        (sql, dialect, truncated): (&[u8], Dialect, bool),
        is_run: bool,
        known: &Known,
    ) -> Told {
        let text = self.identifier.read(sql, dialect, truncated);
        let is_new = is_run && self.remember(text.id) && !known.has(text.id);
        let statement = is_new.then(|| Box::new(self.identifier.statement_of(&text)));
        (text, statement)
    }

    /// Takes note of a text; false when it was the last one noted in its place.
    fn remember(&mut self, text: TextId) -> bool {
        let place = text.spread(REMEMBERED);
        self.remembered[place].replace(text) != Some(text)
    }
}
