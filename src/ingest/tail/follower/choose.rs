//! Finds the file to read: at the first start, after a restart, and after each end of a file.

use std::path::{Path, PathBuf};

use super::{Begin, FINISHED, Follower, Step};
use crate::ingest::tail::Start;
use crate::ingest::tail::file::{FileId, HEAD, LogFile, Place, Stat};
use crate::ingest::tail::gathered::Gathered;
use crate::ingest::tail::memory::Memory;
use crate::ingest::tail::pattern::{self, Pattern};
use crate::ingest::tail::reading::Reading;
use crate::ingest::tail::siblings::{self, Sibling};
use crate::ingest::{Checkpoint, IngestError};
use crate::model::event::Coverage;
use crate::model::time::Timestamp;

impl Follower {
    /// A file that was empty is chosen anew once anything happened to it: its first bytes may have been moved.
    pub(super) fn must_open(&self) -> Result<bool, IngestError> {
        let Some(reading) = &self.reading else {
            return Ok(true);
        };
        let Some(modified) = self.opened_empty.filter(|_| reading.position() == 0) else {
            return Ok(false);
        };
        let stat = reading.file.stat()?;
        Ok(stat.len > 0 || stat.modified != modified)
    }

    /// Whether nothing was in it at the last look. Its first bytes are not read by the next one, but by a new choice:
    /// with nothing to know them by, those of a later file could be taken for them.
    pub(super) fn is_known_empty(&self) -> bool {
        let reading = self.reading.as_ref();
        self.opened_empty.is_some() && reading.is_some_and(|reading| reading.position() == 0)
    }

    pub(super) fn open(&mut self, into: &mut Gathered) -> Result<Step, IngestError> {
        match self.begin.clone() {
            Begin::First => self.open_first(),
            Begin::Resume(checkpoint) => self.resume(&checkpoint),
            Begin::Next(context) => self.open_next(context, into),
        }
    }

    fn open_first(&mut self) -> Result<Step, IngestError> {
        let file = match LogFile::open(&self.log()) {
            Ok(file) => Some(file),
            Err(e) if e.is_missing() => None,
            Err(e) => return Err(e),
        };
        let mut siblings = self.siblings();
        siblings.sort_by_key(|sibling| sibling.stat.modified);
        for sibling in siblings {
            self.horizon = self.horizon.max(sibling.stat.modified);
            self.pass_over(&sibling);
        }
        self.begin = Begin::Next(String::new());
        let Some(file) = file else {
            // what appears later is new, also for a later run
            self.checkpoint = Some(self.nowhere());
            return Ok(Step::Tell);
        };
        let stat = file.stat()?;
        self.horizon = self.horizon.max(stat.modified);
        self.opened_empty = stat.if_empty();
        self.reading = Some(match self.start {
            Start::End => Reading::from_offset(file, stat.len, String::new())?,
            Start::Beginning => {
                let head = file.read(0, HEAD)?;
                Reading::from_start(file, String::new())
                    .with_backlog(stat.len)
                    .with_head(head)
            }
        });
        // before its head was read, a file cannot be told from another
        let known = self.opened_empty.is_some() || self.start == Start::End;
        Ok(if known { Step::Tell } else { Step::Again })
    }

    fn resume(&mut self, checkpoint: &Checkpoint) -> Result<Step, IngestError> {
        let memory = Memory::of(checkpoint);
        self.horizon = memory.horizon;
        let others = memory.others.into_iter().take(FINISHED);
        self.finished = others.map(|(id, place)| (id, place.believed())).collect();
        if let Some((file, closed)) = self.find(checkpoint)? {
            let offset = checkpoint.offset;
            let mut reading = Reading::from_offset(file, offset, memory.parser.clone())?
                .with_backlog(memory.backlog_until);
            reading.closed = closed;
            // whatever happened to an empty file meanwhile, it is chosen anew
            let was_empty = offset == 0 && checkpoint.head_len == 0;
            self.opened_empty = was_empty.then_some(Timestamp::EPOCH);
            self.reading = Some(reading);
        } else if checkpoint.offset > 0 {
            // the directory may not be mounted yet, and then nothing is lost
            Stat::of(&self.log())?;
            tracing::warn!(
                path = %self.path.display(),
                "the file read before the restart is gone, and no copy of it is there: what was written to it \
                 since is lost"
            );
        }
        self.begin = Begin::Next(memory.parser);
        Ok(Step::Again)
    }

    /// The file that a checkpoint names, wherever it is now, and whether it is only a copy.
    fn find(&self, checkpoint: &Checkpoint) -> Result<Option<(LogFile, bool)>, IngestError> {
        let place = Place::of(checkpoint);
        let here = match LogFile::open(&self.log()) {
            Ok(file) => Some(file),
            Err(e) if e.is_missing() => None,
            Err(e) => return Err(e),
        };
        let (here, elsewhere): (Option<_>, Option<_>) = match here {
            Some(file) if !place.is_in(&file)? => (None, None),
            Some(file) if file.id == checkpoint.file => (Some(file), None),
            // the same bytes under another inode: restored, or mounted anew
            Some(file) => (None, place.is_telling().then_some(file)),
            None => (None, None),
        };
        if let Some(file) = here {
            return Ok(Some((file, false)));
        }
        let siblings = self.siblings();
        if let Some(file) = siblings::renamed(&siblings, checkpoint.file, &place)?.or(elsewhere) {
            return Ok(Some((file, false)));
        }
        let path_id = Stat::of(&self.log()).map_or(checkpoint.file, |s| s.id);
        let copy = siblings::copied(&siblings, path_id, &place)?;
        Ok(copy.map(|file| (file, true)))
    }

    fn open_next(&mut self, context: String, into: &mut Gathered) -> Result<Step, IngestError> {
        let log = self.log();
        let current = match Stat::of(&log) {
            Ok(stat) => Some(stat.id),
            Err(e) if e.is_missing() => None,
            Err(e) => return Err(e),
        };
        let siblings = self.siblings();
        let is_copy = |s: &Sibling| siblings::is_copy(s, &log);
        let next = self.next(&siblings, (current, None), is_copy);
        let (path, expected) = match next {
            Some(lost) if lost.compressed => {
                self.horizon = lost.stat.modified;
                into.gap += lost.stat.len;
                into.lost_by =
                    Some("it was compressed before it was read; rotate with delaycompress");
                return Ok(Step::Again);
            }
            Some(rotated) => (&rotated.path, Some(rotated.stat.id)),
            None => (&log, current),
        };
        let file = match (LogFile::open(path), next) {
            (Ok(file), _) => file,
            // to wait for the old file would be to miss what happens now
            (Err(IngestError::Permission(_)), Some(lost)) if Some(lost.stat.id) != current => {
                self.horizon = lost.stat.modified;
                into.gap += lost.stat.len;
                into.lost_by =
                    Some("a rotated file may not be read; let rotation keep its permissions");
                return Ok(Step::Again);
            }
            // rotated once more since the directory was listed
            (Err(e), Some(_)) if e.is_missing() => return Ok(Step::Wait),
            (Err(e), _) => return Err(e),
        };
        if Some(file.id) != expected {
            // a rotation came between: the next look sees both names
            return Ok(Step::Wait);
        }
        if let Some(place) = self.place_in(&file).filter(|_| self.is_pattern()) {
            return self.read_on_from(place, file, context);
        }
        let head = file.read(0, HEAD)?;
        let begins = |s: &Sibling| siblings::begins(s, &head);
        let is_rotated = || {
            self.next(&self.siblings(), (current, None), begins)
                .is_some()
        };
        if next.is_none() && is_rotated() {
            return Ok(Step::Again);
        }
        self.opened_empty = if head.is_empty() {
            Some(file.stat()?.modified)
        } else {
            None
        };
        self.tell_next(path);
        self.reading = Some(Reading::from_start(file, context).with_head(head));
        Ok(Step::Again)
    }

    /// After a rotation or a truncation; the first file is no news.
    fn tell_next(&self, file: &Path) {
        if self.has_read {
            tracing::info!(
                path = %self.path.display(),
                file = %file.display(),
                "the next file of the log is read, from its beginning"
            );
        }
    }

    /// Whether the server writes to another file by now.
    pub(super) fn is_superseded(&self) -> Result<bool, IngestError> {
        let Some(reading) = &self.reading else {
            return Ok(false);
        };
        let id = reading.file.id;
        if reading.closed {
            return Ok(true);
        }
        let current = match Stat::of(&self.log()) {
            Ok(stat) if stat.id == id && !self.is_pattern() => return Ok(false),
            Ok(stat) if stat.len > 0 && !self.is_pattern() => return Ok(true),
            Ok(stat) => Some(stat.id),
            Err(e) if e.is_missing() => None,
            Err(e) => return Err(e),
        };
        let read = (current, Some(id));
        Ok(self.next(&self.siblings(), read, |_| false).is_some())
    }

    /// The oldest file with something that was not read, but for the one that is read now, and for copies. The
    /// `current` one is not asked for, unless it is of a pattern: there any may be written to.
    fn next<'s>(
        &self,
        siblings: &'s [Sibling],
        (current, read_now): (Option<FileId>, Option<FileId>),
        is_copy: impl Fn(&Sibling) -> bool,
    ) -> Option<&'s Sibling> {
        let is_pattern = self.is_pattern();
        siblings::next(siblings, |sibling| {
            let id = Some(sibling.stat.id);
            let is_current = id == current;
            if id == read_now || (is_current && !is_pattern) {
                return false;
            }
            let known = self.finished.iter().find(|(known, _)| Some(*known) == id);
            let known = known.filter(|_| is_pattern);
            // one that was made within the tick of the last write is the newest by its name
            let is_late = sibling.stat.modified > self.horizon || is_current;
            match known {
                Some((_, place)) if sibling.stat.len == place.offset => return false,
                None if !is_late => return false,
                _ => {}
            }
            match self.place_in_sibling(sibling) {
                Some(place) => is_pattern && sibling.stat.len > place.offset,
                None => is_late && (is_current || !is_copy(sibling)),
            }
        })
    }

    /// Goes on in a file of a pattern that was finished.
    fn read_on_from(
        &mut self,
        place: Place,
        file: LogFile,
        context: String,
    ) -> Result<Step, IngestError> {
        if !std::mem::replace(&mut self.has_told_many, true) {
            tracing::warn!(
                path = %self.path.display(),
                "several files of this pattern are written to, and are read in turn; name each in a [[slow_log]] of its own"
            );
        }
        self.finished.retain(|(id, _)| *id != file.id);
        self.opened_empty = file.stat()?.if_empty();
        self.reading = Some(Reading::from_offset(file, place.offset, context)?);
        Ok(Step::Again)
    }

    /// The place before the first byte of a log that is not there yet.
    fn nowhere(&self) -> Checkpoint {
        let memory = Memory {
            horizon: self.horizon,
            ..Memory::default()
        };
        Checkpoint {
            source: self.source.id.clone(),
            path: self.path.clone(),
            file: (0, 0),
            offset: 0,
            head_len: 0,
            head_hash: 0,
            tail_len: 0,
            tail_hash: 0,
            coverage: Coverage::default(),
            context: memory.to_json(),
        }
    }

    /// A file that was rotated before the first start is not read, even if the server still writes to it.
    fn pass_over(&mut self, sibling: &Sibling) {
        if sibling.rotated
            && sibling.stat.len > 0
            && let Ok(file) = LogFile::open(&sibling.path)
            && let Ok(place) = Place::end(&file)
        {
            self.remember(file.id, place);
        }
    }

    pub(super) fn remember(&mut self, id: FileId, place: Place) {
        self.finished.truncate(FINISHED - 1);
        self.finished.push_front((id, place));
    }

    /// Up to where a finished file was read.
    fn place_in(&self, file: &LogFile) -> Option<Place> {
        let length = file.stat().ok()?.len;
        let is_whole_copy = |place: &Place| place.is_telling() && place.offset == length;
        let places = self.finished.iter();
        let mut places = places.filter(|(id, place)| *id == file.id || is_whole_copy(place));
        // an inode may have a second life
        let place = places.find(|(_, place)| place.is_in(file).unwrap_or(false));
        place.map(|(_, place)| *place)
    }

    fn place_in_sibling(&self, sibling: &Sibling) -> Option<Place> {
        self.place_in(&LogFile::open(&sibling.path).ok()?)
    }

    fn is_pattern(&self) -> bool {
        Pattern::of(&self.path).is_some()
    }

    /// The file that the server writes to: the newest where the path is a pattern.
    fn log(&self) -> PathBuf {
        pattern::current(&self.path)
    }

    pub(super) fn siblings(&self) -> Vec<Sibling> {
        if let Some(pattern) = Pattern::of(&self.path) {
            return pattern.files();
        }
        siblings::list(&self.path).unwrap_or_else(|error| {
            tracing::debug!(%error, "cannot look for rotated files");
            Vec::new()
        })
    }
}
