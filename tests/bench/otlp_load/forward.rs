//! What goes on to a backend that refuses most, and to one that is away for minutes while the sidecar is killed.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::backend::Backend;
use crate::make::Maker;
use crate::send::{Http, Sent};
use crate::sidecar::{Sidecar, free};

/// What a busy service sends, in spans a second.
const RATE: u64 = 2_000;
/// Spans of a request.
const SIZE: u64 = 200;
/// Senders of the load, and its spans a second and a request. As fast as they can would only fill the queue.
const SENDERS: u64 = 4;
const LOAD: u64 = 20_000;
const LARGE: u64 = 1_000;
/// How long all may take to arrive once the backend is there: of ten tries, three go well.
const PATIENCE: Duration = Duration::from_secs(900);

/// A backend, the sidecar before it, and the folder that keeps what is not taken.
struct Way {
    backend: Backend,
    port: u16,
    sidecar: Sidecar,
    queue: tempfile::TempDir,
}

impl Way {
    fn new(binary: &str) -> anyhow::Result<Self> {
        let (port, queue) = (free()?, tempfile::TempDir::new()?);
        let settings = format!(
            "[window]\nlength = \"1s\"\n[forward]\notlp = \"http://127.0.0.1:{port}/\"\nprotocol = \"http/protobuf\"\n\
             queue_path = \"{}\"\n",
            queue.path().join("queue").display()
        );
        Ok(Self {
            backend: Backend::default(),
            port,
            sidecar: Sidecar::start_with(binary, &settings)?,
            queue,
        })
    }

    fn wait_for(&self, spans: u64) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        loop {
            let seen = self.backend.seen().spans();
            if seen == spans {
                return Ok(begun.elapsed());
            }
            ensure!(
                seen < spans && begun.elapsed() < PATIENCE,
                "{seen} spans arrived of {spans} acknowledged"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn queued_mb(&self) -> u64 {
        let files = std::fs::read_dir(self.queue.path().join("queue"));
        let sizes = files.into_iter().flatten().flatten();
        let sizes = sizes.filter_map(|file| Some(file.metadata().ok()?.len()));
        sizes.sum::<u64>() >> 20
    }
}

/// Several senders, and a backend that refuses seven of ten requests: sent, accepted, stored and forwarded
/// are one number.
pub(crate) fn refusals(binary: &str, time: Duration) -> anyhow::Result<()> {
    let way = Way::new(binary)?;
    way.backend.listen(way.port)?;
    let begun = Instant::now();
    let sent = std::thread::scope(|scope| {
        let senders = (1..=SENDERS).map(|number| {
            let way = &way;
            scope.spawn(move || -> anyhow::Result<u64> {
                let mut maker = Maker::new(number, usize::try_from(LARGE)?);
                let mut http = Http::new(way.sidecar.http);
                let mut sent = 0;
                while begun.elapsed() < time {
                    deliver(&mut http, &mut maker)?;
                    sent += LARGE;
                    pace(begun, sent, LOAD / SENDERS);
                }
                Ok(sent)
            })
        });
        let senders: Vec<_> = senders.collect();
        let counts = senders.into_iter().map(|sender| match sender.join() {
            Ok(count) => count,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        counts.sum::<anyhow::Result<u64>>()
    })?;
    way.wait_for(sent)?;
    // the entry of each trace is no statement
    let stored = way.sidecar.wait_for_stored(sent - sent / 10)?;
    let (seen, rss) = (way.backend.seen(), way.sidecar.peak_mb()?);
    writeln!(
        std::io::stdout(),
        "backend refuses {} of {} requests: {sent} spans sent and accepted, {stored} runs of {} stored, {} forwarded \
         ({} twice), {rss:.0} MB peak",
        seen.refused,
        seen.requests,
        sent - sent / 10,
        seen.spans(),
        seen.again
    )?;
    Ok(())
}

/// So many seconds of a busy service without its backend; the sidecar is killed half-way.
pub(crate) fn outage(binary: &str, time: Duration) -> anyhow::Result<()> {
    let mut way = Way::new(binary)?;
    let mut maker = Maker::new(1, usize::try_from(SIZE)?);
    let mut http = Http::new(way.sidecar.http);
    let (begun, mut sent, mut was_killed) = (Instant::now(), 0, false);
    while begun.elapsed() < time {
        if !was_killed && begun.elapsed() > time / 2 {
            was_killed = true;
            way.sidecar.kill_and_restart()?;
            http = Http::new(way.sidecar.http);
        }
        deliver(&mut http, &mut maker)?;
        sent += SIZE;
        pace(begun, sent, RATE);
    }
    let (queued, rss) = (way.queued_mb(), way.sidecar.peak_mb()?);
    way.backend.listen(way.port)?;
    let took = way.wait_for(sent)?;
    let seen = way.backend.seen();
    writeln!(
        std::io::stdout(),
        "backend away for {} s, killed half-way: {sent} spans acknowledged, {queued} MB on disk, {} forwarded within {} s \
         ({} twice), {rss:.0} MB peak",
        time.as_secs(),
        seen.spans(),
        took.as_secs(),
        seen.again
    )?;
    Ok(())
}

/// Waits until so much should have been sent.
fn pace(begun: Instant, sent: u64, rate: u64) {
    let due = Duration::from_secs_f64(sent as f64 / rate as f64);
    std::thread::sleep(due.saturating_sub(begun.elapsed()));
}

/// Sends the next request, again and again until it is accepted.
fn deliver(http: &mut Http, maker: &mut Maker) -> anyhow::Result<()> {
    let request = maker.request();
    let begun = Instant::now();
    loop {
        match http.send(&request) {
            Sent::Accepted => return Ok(()),
            Sent::Refused => std::thread::sleep(Duration::from_millis(200)),
            Sent::Wrong(why) => anyhow::bail!("answered wrongly: {why}"),
        }
        ensure!(begun.elapsed() < PATIENCE, "refused for minutes");
    }
}
