//! Sends OTLP to a sidecar of its own as fast as that takes it, and says what a span costs.
//!
//! `otlp_load BINARY load SECONDS`: gRPC and HTTP, one sender each, then 100 senders at once. Every span that was accepted must
//! be counted. `refusals` and `outage` instead of `load` forward to a backend that refuses, or is away. `tests/bench/otlp` runs
//! it.
#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a load generator keeps real time and prints a few digits"
)]

mod backend;
mod forward;
mod make;
mod send;
mod sidecar;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::make::Maker;
use crate::send::{Grpc, Http, Sent};
use crate::sidecar::Sidecar;

/// Spans of a request.
const SIZES: [usize; 2] = [100, 1_000];
/// Spans per CPU-second.
const BUDGETS: [(&str, f64); 2] = [("gRPC", 300_000.0), ("HTTP protobuf", 400_000.0)];
/// Resident memory, whatever comes.
const RSS_MB: f64 = 256.0;
/// Senders of the flood.
const CROWD: u64 = 100;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let binary = arguments.next().context("which binary?")?;
    let what = arguments.next().context("load, refusals or outage?")?;
    let seconds = arguments
        .next()
        .context("how many seconds each?")?
        .parse()?;
    let time = Duration::from_secs(seconds);
    match what.as_str() {
        "load" => load(&binary, time),
        "refusals" => forward::refusals(&binary, time).map(|()| ExitCode::SUCCESS),
        "outage" => forward::outage(&binary, time).map(|()| ExitCode::SUCCESS),
        other => anyhow::bail!("{other}: load, refusals or outage"),
    }
}

fn load(binary: &str, time: Duration) -> anyhow::Result<ExitCode> {
    let mut is_missed = false;
    for (way, budget) in BUDGETS {
        for size in SIZES {
            is_missed |= steady(binary, way, size, time, budget)?;
        }
    }
    is_missed |= flood(binary, time)?;
    Ok(ExitCode::from(u8::from(is_missed)))
}

/// What was sent and what became of it.
#[derive(Debug, Default)]
struct Tally {
    accepted: AtomicU64,
    refused: AtomicU64,
    wrong: AtomicU64,
}

impl Tally {
    fn note(&self, sent: &Sent, spans: usize) {
        let counter = match sent {
            Sent::Accepted => &self.accepted,
            Sent::Refused => &self.refused,
            Sent::Wrong(_) => &self.wrong,
        };
        counter.fetch_add(spans as u64, Ordering::Relaxed);
    }

    fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }
}

/// One sender, one connection, one request after the other.
fn steady(
    binary: &str,
    way: &str,
    size: usize,
    time: Duration,
    budget: f64,
) -> anyhow::Result<bool> {
    let mut sidecar = Sidecar::start(binary)?;
    let tally = Tally::default();
    let before = sidecar.cpu()?;
    send_for(&sidecar, way == "gRPC", Maker::new(1, size), time, &tally)?;
    sidecar.wait_for(tally.accepted())?;
    let spent = sidecar.cpu()? - before;
    let rate = tally.accepted() as f64 / spent;
    let rss = sidecar.peak_mb()?;
    let what = format!("{way}, {size} spans a request");
    sidecar.stop()?;
    let is_missed = row(
        &what,
        rate / 1_000.0,
        "k spans/CPU-s",
        budget / 1_000.0,
        false,
    )?;
    Ok(row(&format!("{what}: peak memory"), rss, "MB", RSS_MB, true)? || is_missed)
}

/// Many senders, as fast as they can, half by gRPC; who is refused comes again when told.
fn flood(binary: &str, time: Duration) -> anyhow::Result<bool> {
    let mut sidecar = Sidecar::start(binary)?;
    let tally = Arc::new(Tally::default());
    std::thread::scope(|scope| {
        for sender in 0..CROWD {
            let (sidecar, tally) = (&sidecar, &tally);
            scope.spawn(move || {
                let maker = Maker::new(sender + 1, 500);
                send_for(sidecar, sender % 2 == 0, maker, time, tally)
            });
        }
    });
    let missing = sidecar.wait_for(tally.accepted()).err();
    let rss = sidecar.peak_mb()?;
    sidecar.stop()?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "100 senders: {} spans accepted, {} refused, {} answered wrongly",
        tally.accepted(),
        tally.refused.load(Ordering::Relaxed),
        tally.wrong.load(Ordering::Relaxed)
    )?;
    if let Some(missing) = missing {
        writeln!(out, "100 senders: {missing:#}")?;
        return Ok(true);
    }
    let is_wrong = tally.wrong.load(Ordering::Relaxed) > 0;
    Ok(row("100 senders: peak memory", rss, "MB", RSS_MB, true)? || is_wrong)
}

fn send_for(
    sidecar: &Sidecar,
    is_grpc: bool,
    mut maker: Maker,
    time: Duration,
    tally: &Tally,
) -> anyhow::Result<()> {
    let mut http = Http::new(sidecar.http);
    let mut grpc = is_grpc.then(|| Grpc::new(sidecar.grpc)).transpose()?;
    let begun = Instant::now();
    while begun.elapsed() < time {
        let request = maker.request();
        let sent = match &mut grpc {
            Some(grpc) => grpc.send(request),
            None => http.send(&request),
        };
        tally.note(&sent, maker.size());
        match sent {
            Sent::Accepted => {}
            Sent::Refused => std::thread::sleep(Duration::from_secs(1)),
            Sent::Wrong(why) => {
                writeln!(std::io::stderr(), "answered wrongly: {why}")?;
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }
    Ok(())
}

/// Prints one figure beside its budget; whether it is missed by more than a quarter.
fn row(what: &str, measured: f64, unit: &str, budget: f64, is_most: bool) -> anyhow::Result<bool> {
    let ratio = measured / budget;
    let is_over = if is_most { ratio > 1.0 } else { ratio < 1.0 };
    let mark = if is_over { "   MISSED" } else { "" };
    writeln!(
        std::io::stdout(),
        "{what:<44} {measured:>8.1} {unit:<14} budget {budget:>6.1}   {ratio:.2} of it{mark}"
    )?;
    Ok(if is_most { ratio > 1.25 } else { ratio < 0.75 })
}
