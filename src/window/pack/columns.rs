//! Columns of varints: like beside like, so that compression finds the pattern.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::window::pack::UnpackError;

/// Every kind of number of a packed window. The order is the format: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Head,
    Text,
    Scope,
    Fingerprint,
    ScopeRef,
    Seen,
    Lock,
    Access,
    Errors,
    Parameters,
    ParameterHashes,
    Exemplars,
    ExemplarHashes,
    Plan,
    Names,
    /// The first of [`SKETCH_PARTS`] columns for each of [`SKETCHES`] sketches.
    Sketch,
}

/// Sketches of a statement: run time, rows examined, returned, affected, bytes, run time of cut runs.
pub(super) const SKETCHES: usize = 6;
/// Count, min, spread, total, bins.
pub(super) const SKETCH_PARTS: usize = 5;

const COLUMNS: usize = Column::Sketch as usize + SKETCHES * SKETCH_PARTS;

/// Bytes of one more column, which is no column of numbers, stand behind these; earlier releases wrote none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Appendix<'a>(pub(super) &'a [u8]);

/// Where a number goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(usize);

impl From<Column> for Place {
    fn from(column: Column) -> Self {
        Self(column as usize)
    }
}

impl Place {
    /// A part of a sketch.
    pub(super) fn of_sketch(sketch: usize, part: usize) -> Self {
        debug_assert!(sketch < SKETCHES && part < SKETCH_PARTS, "no such column");
        Self(Column::Sketch as usize + sketch * SKETCH_PARTS + part)
    }
}

/// Collects numbers by column.
#[derive(Debug)]
pub(super) struct Writer {
    columns: Vec<Vec<u8>>,
    texts: BTreeMap<Arc<str>, u64>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            columns: vec![Vec::new(); COLUMNS],
            texts: BTreeMap::new(),
        }
    }

    pub(super) fn put(&mut self, place: impl Into<Place>, value: u64) {
        put_varint(&mut self.columns[place.into().0], value);
    }

    /// Nanoseconds; most sources tell whole microseconds, which then take ten bits less.
    pub(super) fn put_nanos(&mut self, place: impl Into<Place>, nanos: u64) {
        let nanos = nanos.min(u64::MAX >> 1);
        let packed = if nanos.is_multiple_of(1_000) {
            (nanos / 1_000) << 1
        } else {
            nanos << 1 | 1
        };
        self.put(place, packed);
    }

    /// What may be absent.
    pub(super) fn put_option(&mut self, place: impl Into<Place>, value: Option<u64>) {
        self.put(place, value.map_or(0, |v| v.saturating_add(1)));
    }

    /// A text, stored once however often it is put.
    pub(super) fn put_text(&mut self, place: impl Into<Place>, text: &Arc<str>) {
        let id = self.text_id(text);
        self.put(place, id);
    }

    pub(super) fn text_id(&mut self, text: &Arc<str>) -> u64 {
        if let Some(&id) = self.texts.get(text) {
            return id;
        }
        let id = self.texts.len() as u64;
        self.texts.insert(text.clone(), id);
        let column = &mut self.columns[Column::Text as usize];
        put_varint(column, text.len() as u64);
        column.extend_from_slice(text.as_bytes());
        id
    }

    /// Every column, each after its length, and the appendix if there is one.
    pub(super) fn finish(self, appendix: Appendix<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let appendix = Some(appendix.0).filter(|bytes| !bytes.is_empty());
        for column in self.columns.iter().map(Vec::as_slice).chain(appendix) {
            put_varint(&mut bytes, column.len() as u64);
            bytes.extend_from_slice(column);
        }
        bytes
    }
}

/// Reads numbers by column; every byte may be hostile.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    columns: Vec<&'a [u8]>,
    texts: Vec<Arc<str>>,
    /// What stands behind the columns.
    pub(super) appendix: Appendix<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(mut bytes: &'a [u8]) -> Result<Self, UnpackError> {
        let mut columns = Vec::with_capacity(COLUMNS);
        for _ in 0..COLUMNS {
            columns.push(take_slice(&mut bytes)?);
        }
        let mut text = columns[Column::Text as usize];
        let mut texts = Vec::new();
        while !text.is_empty() {
            let utf8 = std::str::from_utf8(take_slice(&mut text)?);
            texts.push(Arc::from(utf8.map_err(|_| UnpackError::Corrupt("text"))?));
        }
        let appendix = if bytes.is_empty() {
            b""
        } else {
            take_slice(&mut bytes)?
        };
        Ok(Self {
            columns,
            texts,
            appendix: Appendix(appendix),
        })
    }

    pub(super) fn get(&mut self, place: impl Into<Place>) -> Result<u64, UnpackError> {
        take_varint(&mut self.columns[place.into().0])
    }

    pub(super) fn get_nanos(&mut self, place: impl Into<Place>) -> Result<u64, UnpackError> {
        let packed = self.get(place)?;
        let micros = packed & 1 == 0;
        let number = packed >> 1;
        Ok(if micros {
            number.saturating_mul(1_000)
        } else {
            number
        })
    }

    pub(super) fn get_option(
        &mut self,
        place: impl Into<Place>,
    ) -> Result<Option<u64>, UnpackError> {
        Ok(self.get(place)?.checked_sub(1))
    }

    pub(super) fn get_text(&mut self, place: impl Into<Place>) -> Result<Arc<str>, UnpackError> {
        let id = self.get(place)?;
        self.text(id)
    }

    pub(super) fn text(&self, id: u64) -> Result<Arc<str>, UnpackError> {
        let text = usize::try_from(id).ok().and_then(|id| self.texts.get(id));
        text.cloned().ok_or(UnpackError::Corrupt("text reference"))
    }

    /// A number of things that follow, at most `limit`.
    pub(super) fn get_len(
        &mut self,
        place: impl Into<Place>,
        limit: usize,
    ) -> Result<usize, UnpackError> {
        let len = usize::try_from(self.get(place)?).unwrap_or(usize::MAX);
        if len > limit {
            return Err(UnpackError::Corrupt("length"));
        }
        Ok(len)
    }

    /// Bytes that are left in a column; every number takes at least one.
    pub(super) fn left(&self, column: Column) -> usize {
        self.columns[column as usize].len()
    }
}

/// LEB128.
fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64, UnpackError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let Some((&byte, rest)) = bytes.split_first() else {
            return Err(UnpackError::Corrupt("column too short"));
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(UnpackError::Corrupt("number too long"))
}

fn take_slice<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], UnpackError> {
    let len = usize::try_from(take_varint(bytes)?).unwrap_or(usize::MAX);
    let Some((slice, rest)) = bytes.split_at_checked(len) else {
        return Err(UnpackError::Corrupt("column length"));
    };
    *bytes = rest;
    Ok(slice)
}
