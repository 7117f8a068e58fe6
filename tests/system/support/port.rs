//! Loopback ports that are a test's own.

use std::net::TcpListener;

/// Ports to serve on: below those that kernels give to clients (on Linux from 32768 on), so that no connection of
/// another process gets one by chance.
const FIRST: u16 = 21_000;
const COUNT: u16 = 11_000;

/// A port that no other test gets while this lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Bound to the port's twin, as a claim that ends with the process at the latest.
    _claim: TcpListener,
}

impl Port {
    /// Takes one that nobody listens on.
    pub fn take() -> Self {
        let begin = std::process::id().wrapping_mul(97);
        let mut offsets = (0..COUNT).map(|n| {
            let offset = begin.wrapping_add(u32::from(n)) % u32::from(COUNT);
            u16::try_from(offset).expect("below COUNT")
        });
        offsets
            .find_map(Self::claim)
            .expect("loopback has free ports")
    }

    fn claim(offset: u16) -> Option<Self> {
        let number = FIRST + offset;
        let claim = TcpListener::bind(("127.0.0.1", number - COUNT)).ok()?;
        let is_free = TcpListener::bind(("0.0.0.0", number)).is_ok();
        is_free.then_some(Self {
            number,
            _claim: claim,
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }
}
