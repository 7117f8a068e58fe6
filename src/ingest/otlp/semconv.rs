//! What the attributes of a span say, by the names of today and those of before.
//!
//! Names: <https://github.com/open-telemetry/semantic-conventions>, `docs/db/database-spans.md` and
//! `docs/registry/attributes/db.md` (deprecated ones). Where both are told, the new name wins.

use crate::ingest::otlp::spans::Place;
use crate::ingest::otlp::wire::Value;

/// What the attributes of one span say, as places in the body of its request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts {
    /// `db.query.text`, `db.statement`.
    pub statement: Place,
    /// `db.system.name`, `db.system`.
    pub system: Place,
    /// `db.namespace`, `db.name`.
    pub namespace: Place,
    /// `db.user`; gone from the conventions of today.
    pub user: Place,
    /// `server.address`, `net.peer.name`, the host of `url.full` or `http.url`, `net.peer.ip`, `network.peer.address`,
    /// or else `peer.service`, `http.host`.
    pub server: Place,
    /// `http.route`.
    pub route: Place,
    /// `http.request.method`, `http.method`.
    pub method: Place,
    /// `error.type`.
    pub error: Place,
    /// `db.response.status_code`.
    pub code: Place,
    /// `messaging.destination.name`, `messaging.destination`.
    pub destination: Place,
    /// `rpc.system.name`, `rpc.system`.
    pub rpc: Place,
    /// `enduser.id`, `user.id`, `session.id`, else `client.address` and what else tells who is at the other end: who asks,
    /// which is only ever compared.
    pub caller: Place,
    /// `user_agent.original`, `http.user_agent`.
    pub agent: Place,
    /// `server.port`, `net.peer.port`, or that of `url.full` or `http.url`; 0 when not told.
    pub port: u16,
    /// `http.response.status_code`, `http.status_code`; 0 when not told.
    pub status: u16,
    /// `db.operation.batch.size`; 0 when not told.
    pub batch: u32,
    /// `db.response.returned_rows`, plus one; 0 when not told.
    pub returned: u32,
    /// How good the names were that told `server` and `caller`.
    rank: Rank,
}

/// Rank of a caller from which it is a user or a session, and no address.
const NAMED: u8 = 3;

#[derive(Debug, Clone, Copy, Default)]
struct Rank {
    server: u8,
    caller: u8,
}

impl Facts {
    /// Takes note of one attribute.
    pub(super) fn learn<'a>(
        &mut self,
        key: &[u8],
        value: Value<'a>,
        place: impl Fn(&'a [u8]) -> Place,
    ) {
        match value {
            Value::Bytes(text) if matches!(key, b"url.full" | b"http.url") => {
                self.learn_url(text, place);
            }
            Value::Bytes(text) => self.learn_text(key, place(text), text),
            Value::Varint(number) => self.learn_number(key, number),
            Value::Fixed64(_) | Value::Fixed32(_) => {}
        }
    }

    fn learn_text(&mut self, key: &[u8], place: Place, text: &[u8]) {
        match key {
            b"db.query.text" => self.statement = place,
            b"db.statement" => fallback(&mut self.statement, place),
            b"db.system.name" => self.system = place,
            b"db.system" => fallback(&mut self.system, place),
            b"db.namespace" => self.namespace = place,
            b"db.name" => fallback(&mut self.namespace, place),
            b"db.user" => self.user = place,
            b"server.address" => self.rank_server(place, 6),
            b"net.peer.name" => self.rank_server(place, 5),
            // For who is asked it is the caller.
            b"net.peer.ip" | b"net.sock.peer.addr" => {
                self.rank_server(place, 3);
                self.rank_caller(place, 1);
            }
            b"network.peer.address" => {
                self.rank_server(place, 2);
                self.rank_caller(place, 1);
            }
            b"peer.service" | b"http.host" => self.rank_server(place, 1),
            b"http.route" => self.route = place,
            b"http.request.method" => self.method = place,
            b"http.method" => fallback(&mut self.method, place),
            b"error.type" => self.error = place,
            b"db.response.status_code" => self.code = place,
            b"messaging.destination.name" => self.destination = place,
            b"messaging.destination" => fallback(&mut self.destination, place),
            b"rpc.system.name" => self.rpc = place,
            b"rpc.system" => fallback(&mut self.rpc, place),
            b"enduser.id" => self.rank_caller(place, 5),
            b"user.id" => self.rank_caller(place, 4),
            b"session.id" => self.rank_caller(place, NAMED),
            b"client.address" | b"http.client_ip" => self.rank_caller(place, 2),
            b"user_agent.original" => self.agent = place,
            b"http.user_agent" => fallback(&mut self.agent, place),
            // Numbers that somebody wrote as text.
            _ => {
                if let Some(number) = decimal(text) {
                    self.learn_number(key, number);
                }
            }
        }
    }

    fn learn_number(&mut self, key: &[u8], number: u64) {
        match key {
            b"server.port" => self.port = u16::try_from(number).unwrap_or(self.port),
            b"net.peer.port" if self.port == 0 => self.port = u16::try_from(number).unwrap_or(0),
            b"http.response.status_code" => self.status = u16::try_from(number).unwrap_or(0),
            b"http.status_code" if self.status == 0 => {
                self.status = u16::try_from(number).unwrap_or(0);
            }
            b"db.operation.batch.size" => self.batch = u32::try_from(number).unwrap_or(u32::MAX),
            b"db.response.returned_rows" => {
                self.returned = u32::try_from(number).map_or(u32::MAX, |n| n.saturating_add(1));
            }
            _ => {}
        }
    }

    /// A client of HTTP whose conventions are the old ones tells whom it asks by this alone.
    fn learn_url<'a>(&mut self, url: &'a [u8], place: impl Fn(&'a [u8]) -> Place) {
        let Some((host, port)) = authority(url) else {
            return;
        };
        self.rank_server(place(host), 4);
        if self.port == 0 {
            self.port = port;
        }
    }

    fn rank_server(&mut self, place: Place, rank: u8) {
        if rank > self.rank.server && !place.is_empty() {
            self.rank.server = rank;
            self.server = place;
        }
    }

    fn rank_caller(&mut self, place: Place, rank: u8) {
        if rank > self.rank.caller && !place.is_empty() {
            self.rank.caller = rank;
            self.caller = place;
        }
    }

    /// Whether the caller is told by name, and not only by an address, which many may share.
    pub fn is_caller_named(&self) -> bool {
        self.rank.caller >= NAMED
    }

    /// Whether the span asks a database.
    pub fn is_database(&self) -> bool {
        !self.system.is_empty() || !self.statement.is_empty()
    }
}

/// Host and port of a URL, without who logs in; 0 where the port is the scheme's.
fn authority(url: &[u8]) -> Option<(&[u8], u16)> {
    let begin = url.windows(3).position(|part| part == b"://")? + 3;
    let rest = url.get(begin..)?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte));
    let all = &rest[..end.unwrap_or(rest.len())];
    let login = all.iter().rposition(|&byte| byte == b'@');
    let all = &all[login.map_or(0, |at| at + 1)..];
    let name = all
        .iter()
        .rposition(|&byte| byte == b']')
        .map_or(0, |at| at + 1);
    let colon = all[name..].iter().position(|&byte| byte == b':');
    let host = &all[..colon.map_or(all.len(), |at| name + at)];
    let host = host.strip_prefix(b"[").unwrap_or(host);
    let host = host.strip_suffix(b"]").unwrap_or(host);
    let port = colon.and_then(|at| decimal(&all[name + at + 1..]));
    let port = port.and_then(|port| u16::try_from(port).ok());
    Some((host, port.unwrap_or(0)))
}

/// An old name counts where the new one is not told.
fn fallback(known: &mut Place, old: Place) {
    if known.is_empty() {
        *known = old;
    }
}

/// A short run of digits.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 10 {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u64::from(byte - b'0'))
    })
}
