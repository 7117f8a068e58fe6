//! A log of which the parts are on their way.

use crate::cli::digest::crew::batch::Batch;
use crate::cli::digest::summing::{Sink, Summing};
use crate::ingest::slow_log::Entry;
use crate::ingest::slow_log::parts::{Guess, Whole};

/// Puts the parts of one log together.
#[derive(Debug)]
pub(super) struct Log(pub(super) Whole);

impl Log {
    /// Makes the next batch what the log tells in its place; false when that had to be read again, and has been added.
    pub(super) fn settle(&mut self, batch: &mut Batch, summing: &mut Summing) -> bool {
        let Some((piece, outcome)) = batch.take_read() else {
            return true;
        };
        let inherited = self.0.follow(&piece, outcome);
        if let Some(inherited) = &inherited {
            batch.inherit(inherited);
        } else {
            let dialect = batch.dialect;
            let tell = &mut |entry: Entry<'_>| Sink::add(summing, dialect, entry);
            self.0.read(&piece, tell);
        }
        batch.reuse(piece);
        inherited.is_some()
    }

    /// What the parts that are read from now on may take for given.
    pub(super) fn guess(&self) -> Guess {
        self.0.guess()
    }
}
