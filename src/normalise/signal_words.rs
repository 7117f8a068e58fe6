//! Words that say what the literals behind them are.

use super::chunk::Chunk;

pub(super) const BY: Chunk = Chunk::of(b"by");
pub(super) const LIMIT: Chunk = Chunk::of(b"limit");
pub(super) const OFFSET: Chunk = Chunk::of(b"offset");
pub(super) const HAVING: Chunk = Chunk::of(b"having");
pub(super) const VALUES: Chunk = Chunk::of(b"values");
pub(super) const SET: Chunk = Chunk::of(b"set");
pub(super) const UNION: Chunk = Chunk::of(b"union");
pub(super) const SELECT: Chunk = Chunk::of(b"select");
pub(super) const WHEN: Chunk = Chunk::of(b"when");
pub(super) const WHERE: Chunk = Chunk::of(b"where");
pub(super) const ON: Chunk = Chunk::of(b"on");
pub(super) const UPDATE: Chunk = Chunk::of(b"update");
pub(super) const TRUE: Chunk = Chunk::of(b"true");
pub(super) const FALSE: Chunk = Chunk::of(b"false");
pub(super) const OR: Chunk = Chunk::of(b"or");
