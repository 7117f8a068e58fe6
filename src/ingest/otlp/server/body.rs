//! Takes a body in under the budget: as it came, framed as gRPC does, and unpacked.
//!
//! ```text
//! frames ─► collect (grows with what has come) ─► unpack (gzip, zstd) ─► bytes of a message
//!              └────── every byte is in the share before it is kept ──────┘
//! ```

use std::io::Read;
use std::pin::pin;
use std::time::Duration;

use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use http_body::Body;
use http_body_util::BodyExt;

use super::refusal::Refusal;
use crate::ingest::otlp::budget::{Budget, Share};

/// A whole body must be there after this long: SDKs give up after 10 s, collectors after 5 s.
const MAX_BODY_TIME: Duration = Duration::from_secs(20);
/// How long a request waits for memory that others hold.
const PATIENCE: Duration = Duration::from_millis(250);
/// Memory that a body has at once, however little of it has come.
const FIRST: usize = 16 << 10;
/// A length that is told is believed up to this.
const BELIEVED: usize = 1 << 20;
/// Flag and length before a message of gRPC.
const PREFIX: usize = 5;
/// 2^23 is what RFC 8878 asks of every decoder, and the most that a frame may make us keep.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstd,
}

impl Packing {
    /// By the name of `content-encoding` and `grpc-encoding`.
    pub(super) fn of(name: &[u8]) -> Result<Self, Refusal> {
        match name.trim_ascii() {
            b"" | b"identity" => Ok(Self::None),
            b"gzip" | b"x-gzip" => Ok(Self::Gzip),
            b"zstd" => Ok(Self::Zstd),
            _ => Err(Refusal::Encoding),
        }
    }
}

/// Bounds of one request.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    pub(super) budget: Budget,
    /// Longest message, unpacked.
    pub(super) max: usize,
}

/// A buffer that grows as bytes come, each step paid before it is made.
struct Buffer<'a> {
    bytes: Vec<u8>,
    share: &'a mut Share,
    bounds: &'a Bounds,
    /// Bytes that may come, framing included.
    max: usize,
}

impl Buffer<'_> {
    /// Bytes to grow by so that `more` fit, and `expected` if it is told.
    fn step(&self, more: usize, expected: usize) -> Result<usize, Refusal> {
        let length = self.bytes.len() + more;
        if length > self.max {
            return Err(Refusal::TooLarge(self.bounds.max));
        }
        if length <= self.bytes.capacity() {
            return Ok(0);
        }
        let doubled = (self.bytes.capacity() * 2).max(FIRST);
        let wanted = doubled.max(expected.min(BELIEVED)).min(self.max);
        Ok(wanted.max(length) - self.bytes.capacity())
    }

    fn room_for(&mut self, step: usize) {
        let capacity = self.bytes.capacity() + step;
        self.bytes.reserve_exact(capacity - self.bytes.len());
    }

    async fn push(&mut self, mut data: impl Buf, expected: usize) -> Result<(), Refusal> {
        let step = self.step(data.remaining(), expected)?;
        if step > 0 {
            let grow = self.bounds.budget.grow(self.share, step, PATIENCE);
            grow.await?;
            self.room_for(step);
        }
        while data.has_remaining() {
            let chunk = data.chunk();
            self.bytes.extend_from_slice(chunk);
            let taken = chunk.len();
            data.advance(taken);
        }
        Ok(())
    }
}

/// The body of a request of HTTP, as it came.
pub(super) async fn collect<B>(
    body: B,
    share: &mut Share,
    bounds: &Bounds,
) -> Result<Bytes, Refusal>
where
    B: Body<Data: Buf, Error: std::error::Error>,
{
    let told = body.size_hint().lower();
    let told = usize::try_from(told).unwrap_or(usize::MAX);
    if told > bounds.max {
        return Err(Refusal::TooLarge(bounds.max));
    }
    let buffer = Buffer {
        bytes: Vec::new(),
        share,
        bounds,
        max: bounds.max,
    };
    let expected = |_: &[u8]| Ok(told);
    Ok(Bytes::from(take_in(body, buffer, expected).await?))
}

/// The one message of a unary call, and whether it says that it is packed.
pub(super) async fn message<B>(
    body: B,
    share: &mut Share,
    bounds: &Bounds,
) -> Result<(Bytes, bool), Refusal>
where
    B: Body<Data: Buf, Error: std::error::Error>,
{
    let buffer = Buffer {
        bytes: Vec::new(),
        share,
        bounds,
        max: bounds.max.saturating_add(PREFIX),
    };
    let expected = |bytes: &[u8]| match prefix(bytes) {
        Some((_, length)) if length > bounds.max => Err(Refusal::TooLarge(bounds.max)),
        Some((_, length)) => Ok(length + PREFIX),
        None => Ok(0),
    };
    let bytes = take_in(body, buffer, expected).await?;
    match prefix(&bytes) {
        Some((is_packed, length)) if bytes.len() == PREFIX + length => {
            Ok((Bytes::from(bytes).slice(PREFIX..), is_packed))
        }
        _ => Err(Refusal::Malformed(
            "a unary call has one message, of the length that it tells".to_owned(),
        )),
    }
}

/// Whether a message of gRPC is packed, and its length.
fn prefix(bytes: &[u8]) -> Option<(bool, usize)> {
    let (prefix, _) = bytes.split_first_chunk::<PREFIX>()?;
    let [flag, length @ ..] = prefix;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    Some((*flag == 1, length))
}

async fn take_in<B>(
    body: B,
    mut buffer: Buffer<'_>,
    expected: impl Fn(&[u8]) -> Result<usize, Refusal>,
) -> Result<Vec<u8>, Refusal>
where
    B: Body<Data: Buf, Error: std::error::Error>,
{
    let taking = async {
        let mut body = pin!(body);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|why| Refusal::Malformed(why.to_string()))?;
            if let Ok(data) = frame.into_data() {
                let told = expected(&buffer.bytes)?;
                buffer.push(data, told).await?;
                // told as soon as it is known, before the rest is waited for
                expected(&buffer.bytes)?;
            }
        }
        Ok(std::mem::take(&mut buffer.bytes))
    };
    tokio::time::timeout(MAX_BODY_TIME, taking)
        .await
        .map_err(|_elapsed| Refusal::Slow)?
}

/// Unpacks; blocks, and is bounded by what comes out.
pub(super) fn unpack(
    packed: Bytes,
    packing: Packing,
    share: &mut Share,
    bounds: &Bounds,
) -> Result<Bytes, Refusal> {
    let unpacked = match packing {
        Packing::None => return Ok(packed),
        Packing::Gzip => inflate(MultiGzDecoder::new(&packed[..]), share, bounds)?,
        Packing::Zstd => {
            let mut reader =
                zstd::Decoder::with_buffer(&packed[..]).map_err(|why| malformed(&why))?;
            reader
                .window_log_max(ZSTD_WINDOW_LOG)
                .map_err(|why| malformed(&why))?;
            inflate(reader, share, bounds)?
        }
    };
    // The packed bytes are not needed any more; their capacity was at least their length.
    let held = packed.len();
    drop(packed);
    share.shrink(held);
    Ok(Bytes::from(unpacked))
}

fn inflate(mut reader: impl Read, share: &mut Share, bounds: &Bounds) -> Result<Vec<u8>, Refusal> {
    let mut buffer = Buffer {
        bytes: Vec::new(),
        share,
        bounds,
        max: bounds.max,
    };
    loop {
        let room = buffer.bytes.capacity() - buffer.bytes.len();
        // `take`, so that nothing but `room_for` makes the buffer grow.
        let mut some = reader.by_ref().take(room as u64);
        let read = some
            .read_to_end(&mut buffer.bytes)
            .map_err(|why| malformed(&why))?;
        if read < room {
            return Ok(buffer.bytes);
        }
        let mut next = [0_u8];
        if reader.read(&mut next).map_err(|why| malformed(&why))? == 0 {
            return Ok(buffer.bytes);
        }
        let step = buffer.step(1, 0)?;
        buffer.bounds.budget.try_grow(buffer.share, step)?;
        buffer.room_for(step);
        buffer.bytes.extend_from_slice(&next);
    }
}

fn malformed(why: &std::io::Error) -> Refusal {
    Refusal::Malformed(why.to_string())
}
