//! Requests each behind its length, four bytes, the highest first: protobuf, or whatever the exporter packs.

use super::cursor::Cursor;
use super::request::{ZSTD, first_key};
use super::{Piece, Spot, json, signal};

/// Bytes of a length.
const LENGTH: usize = 4;

/// The longest request that a file is believed to begin with: of what is no such file, the first bytes as a length are
/// mostly beyond.
const MOST: usize = 64 << 20;

/// Whether a file begins with a length and so long a request.
pub(super) fn is_framed(head: &[u8]) -> bool {
    let Some((length, body)) = head.split_first_chunk::<LENGTH>() else {
        return false;
    };
    let length = number(*length);
    if !(2..=MOST).contains(&length) {
        return false;
    }
    let body = body.get(..length).unwrap_or(body);
    body.starts_with(ZSTD) || first_key(body).is_some() || signal::begins_request(body)
}

fn number(length: [u8; LENGTH]) -> usize {
    usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX)
}

/// The next request.
pub(super) fn next(cursor: &mut Cursor) -> Option<(Spot, Piece)> {
    let at = Spot::Byte(cursor.consumed());
    let held = cursor.need(LENGTH);
    if held == 0 {
        return None;
    }
    let Some(length) = cursor.rest().first_chunk::<LENGTH>().copied() else {
        cursor.take(held);
        return Some((at, cut()));
    };
    let length = number(length);
    cursor.take(LENGTH);
    if length > cursor.max {
        let is_there = cursor.skip(length as u64);
        let too_long = json::too_long(cursor.max);
        return Some((at, if is_there { too_long } else { cut() }));
    }
    let held = cursor.need(length);
    let range = cursor.take(length);
    Some((
        at,
        if held < length {
            cut()
        } else {
            Piece::Whole(range)
        },
    ))
}

fn cut() -> Piece {
    Piece::Unread("the file ends in the middle of a request".to_owned())
}

/// All of the file as one request.
pub(super) fn all(cursor: &mut Cursor) -> Option<(Spot, Piece)> {
    let at = Spot::Byte(cursor.consumed());
    let most = cursor.max;
    let held = cursor.need(most.saturating_add(1));
    if held == 0 {
        return None;
    }
    if held > most {
        cursor.skip(u64::MAX);
        return Some((at, json::too_long(most)));
    }
    Some((at, Piece::Whole(cursor.take(held))))
}
