//! Against a backend on loopback that answers as it is told to.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bytesize::ByteSize;
use tokio_util::task::TaskTracker;

use super::*;
use crate::ingest::relay::{Encoding, Signal};

/// What a backend does with the n-th request.
type Script = fn(u64) -> (u16, Duration);

#[derive(Debug)]
struct Stage {
    script: Mutex<Script>,
    taken: Mutex<Vec<Bytes>>,
    asked: AtomicU64,
    /// A body that is never taken.
    poison: Mutex<Option<Bytes>>,
}

#[derive(Debug, Clone)]
struct Collector {
    url: String,
    stage: Arc<Stage>,
}

impl Collector {
    async fn start(script: Script) -> Self {
        let stage = Arc::new(Stage {
            script: Mutex::new(script),
            taken: Mutex::default(),
            asked: AtomicU64::new(0),
            poison: Mutex::default(),
        });
        let app = Router::new()
            .route("/v1/traces", post(answer))
            .with_state(Arc::clone(&stage));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        TaskTracker::new().spawn(async move { axum::serve(listener, app).await });
        Self { url, stage }
    }

    fn act(&self, script: Script) {
        *self.stage.script.lock().unwrap() = script;
    }

    fn taken(&self) -> Vec<Bytes> {
        let mut taken = self.stage.taken.lock().unwrap().clone();
        taken.sort();
        taken
    }

    fn asked(&self) -> u64 {
        self.stage.asked.load(Ordering::SeqCst)
    }
}

async fn answer(
    State(stage): State<Arc<Stage>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let script = *stage.script.lock().unwrap();
    let (mut status, wait) = script(stage.asked.fetch_add(1, Ordering::SeqCst));
    if stage.poison.lock().unwrap().as_ref() == Some(&body) {
        status = 503;
    }
    tokio::time::sleep(wait).await;
    let mut told = HeaderMap::new();
    if status == 200 {
        stage.taken.lock().unwrap().push(body);
    } else {
        told.insert("retry-after", "1".parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), told)
}

const WELL: Script = |_| (200, Duration::ZERO);
const BUSY: Script = |_| (503, Duration::ZERO);

fn settings(backend: &Collector, folder: Option<&Path>) -> Settings {
    Settings {
        otlp: Some(backend.url.clone()),
        protocol: Some(Protocol::HttpProtobuf),
        queue_path: folder.map(Path::to_owned),
        ..Settings::default()
    }
}

fn open(settings: &Settings) -> Forward {
    Forward::open(settings, Clock::system()).unwrap().unwrap()
}

/// One that waits for an answer however slow the machine is.
fn open_patient(settings: &Settings) -> Forward {
    let mut forward = open(settings);
    Arc::get_mut(&mut forward.inner).unwrap().patience = Duration::MAX;
    forward
}

fn export(number: u64) -> Export {
    Export {
        signal: Signal::Traces,
        encoding: Encoding::Protobuf,
        body: Bytes::from(format!("request {number:06}")),
    }
}

/// The files of requests in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = all.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some());
    files.sort();
    files
}

/// Waits for `so` however long it takes; the test's own time limit is that of the whole run.
async fn until(so: impl Fn() -> bool) {
    while !so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Drives the queue while `work` goes on.
async fn driven<T>(forward: &Forward, work: impl Future<Output = T>) -> T {
    let stop = CancellationToken::new();
    let (driver, token) = (forward.clone(), stop.clone());
    let running = TaskTracker::new().spawn(async move { driver.run(token).await });
    let done = work.await;
    stop.cancel();
    running.await.unwrap();
    done
}

#[tokio::test]
async fn what_the_backend_takes_at_once_never_touches_the_disk() {
    let (backend, dir) = (Collector::start(WELL).await, tempfile::tempdir().unwrap());
    let forward = open_patient(&settings(&backend, Some(dir.path())));
    forward.pass(export(1)).await.unwrap();
    assert_eq!(backend.taken(), [export(1).body]);
    assert_eq!(forward.totals().queued, 0);
    assert!(files(dir.path()).is_empty());
}

#[tokio::test]
async fn what_the_backend_does_not_take_waits_in_a_private_file_until_it_does() {
    let (backend, dir) = (Collector::start(BUSY).await, tempfile::tempdir().unwrap());
    let folder = dir.path().join("queue");
    let forward = open_patient(&settings(&backend, Some(&folder)));
    for number in 0..20 {
        forward.pass(export(number)).await.unwrap();
    }
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert!(files(&folder).iter().all(|file| mode(file) == 0o600));
    assert_eq!(files(&folder).len(), 20);
    assert_eq!(backend.asked(), 1, "the rest waits without asking");

    backend.act(WELL);
    driven(&forward, until(|| files(&folder).is_empty())).await;
    let sent: Vec<Bytes> = (0..20).map(|number| export(number).body).collect();
    assert_eq!(backend.taken(), sent);
    assert_eq!(forward.queue_bytes(), 0);
}

#[tokio::test]
async fn the_next_process_sends_what_the_last_one_left() {
    let (backend, dir) = (Collector::start(BUSY).await, tempfile::tempdir().unwrap());
    let settings = settings(&backend, Some(dir.path()));
    let first = open_patient(&settings);
    for number in 0..5 {
        first.pass(export(number)).await.unwrap();
    }
    let second = Forward::open(&settings, Clock::system()).unwrap_err();
    assert!(second.to_string().contains("in use by another sqleuth"));
    drop(first);
    // What a process was about to write when it was killed was never acknowledged.
    let whole = std::fs::read(&files(dir.path())[0]).unwrap();
    for (name, bytes) in [
        ("77", &whole[..20]),
        ("78", &whole[..whole.len() - 1]),
        ("79", b""),
    ] {
        std::fs::write(dir.path().join(format!("{name}.otlp")), bytes).unwrap();
    }

    backend.act(WELL);
    let second = open(&settings);
    assert_eq!(files(dir.path()).len(), 5);
    // A number is not given twice.
    second.pass(export(5)).await.unwrap();
    driven(&second, until(|| files(dir.path()).is_empty())).await;
    let sent: Vec<Bytes> = (0..6).map(|number| export(number).body).collect();
    assert_eq!(backend.taken(), sent);
}

#[tokio::test]
async fn nothing_is_lost_of_a_backend_that_refuses_seven_of_ten() {
    let refuses: Script = |asked| (if asked * 7 % 10 < 7 { 503 } else { 200 }, Duration::ZERO);
    let (backend, dir) = (
        Collector::start(refuses).await,
        tempfile::tempdir().unwrap(),
    );
    let forward = open(&settings(&backend, Some(dir.path())));
    let passing = async {
        for number in 0..12 {
            forward.pass(export(number)).await.unwrap();
        }
        until(|| files(dir.path()).is_empty()).await;
    };
    driven(&forward, passing).await;
    let sent: Vec<Bytes> = (0..12).map(|number| export(number).body).collect();
    assert_eq!(backend.taken(), sent);
}

#[tokio::test]
async fn a_full_queue_leaves_requests_with_their_sender() {
    let (backend, dir) = (Collector::start(BUSY).await, tempfile::tempdir().unwrap());
    let settings = Settings {
        queue_max_bytes: ByteSize::b(100),
        ..settings(&backend, Some(dir.path()))
    };
    let forward = open_patient(&settings);
    forward.pass(export(0)).await.unwrap();
    forward.pass(export(1)).await.unwrap();
    forward.pass(export(2)).await.unwrap_err();
    assert_eq!(forward.totals().busy, 1);
    assert_eq!(files(dir.path()).len(), 2);
}

#[tokio::test]
async fn a_slow_backend_gets_a_request_once() {
    let slow: Script = |_| (200, Duration::from_millis(900));
    let (backend, dir) = (Collector::start(slow).await, tempfile::tempdir().unwrap());
    let forward = open(&settings(&backend, Some(dir.path())));
    let passing = async {
        forward.pass(export(0)).await.unwrap();
        assert_eq!(
            forward.totals().queued,
            1,
            "it was acknowledged for the disk"
        );
        until(|| files(dir.path()).is_empty()).await;
    };
    driven(&forward, passing).await;
    assert_eq!(backend.taken(), [export(0).body]);
}

#[tokio::test]
async fn without_a_queue_the_sender_is_told_what_the_backend_says() {
    let backend = Collector::start(BUSY).await;
    let forward = open(&settings(&backend, None));
    let busy = forward.pass(export(0)).await.unwrap_err();
    assert_eq!(busy.after, Duration::from_secs(1));
    backend.act(WELL);
    forward.pass(export(0)).await.unwrap();
    assert_eq!(backend.taken(), [export(0).body]);
}

#[tokio::test]
async fn what_the_backend_will_never_take_is_dropped_and_counted() {
    let (backend, dir) = (
        Collector::start(|_| (400, Duration::ZERO)).await,
        tempfile::tempdir().unwrap(),
    );
    let forward = open_patient(&settings(&backend, Some(dir.path())));
    forward.pass(export(0)).await.unwrap();
    assert_eq!(forward.totals().refused, 1);
    assert!(files(dir.path()).is_empty());
}

#[tokio::test]
async fn an_unwritable_folder_is_named_with_its_key() {
    let (backend, dir) = (Collector::start(WELL).await, tempfile::tempdir().unwrap());
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Forward::open(&settings(&backend, Some(&file)), Clock::system()).unwrap_err();
    assert!(
        error.to_string().starts_with("forward.queue_path: "),
        "{error}"
    );
}

#[tokio::test]
async fn one_that_is_never_taken_does_not_hold_up_the_others() {
    let (backend, dir) = (Collector::start(BUSY).await, tempfile::tempdir().unwrap());
    let forward = open_patient(&settings(&backend, Some(dir.path())));
    for number in 0..4 {
        forward.pass(export(number)).await.unwrap();
    }
    *backend.stage.poison.lock().unwrap() = Some(export(0).body);
    backend.act(WELL);
    driven(&forward, until(|| files(dir.path()).len() == 1)).await;
    let sent: Vec<Bytes> = (1..4).map(|number| export(number).body).collect();
    assert_eq!(backend.taken(), sent);
}

#[tokio::test]
async fn a_stop_waits_for_nobody_and_leaves_what_is_on_its_way_to_the_queue() {
    let never: Script = |_| (200, Duration::from_secs(3_600));
    let (backend, dir) = (Collector::start(never).await, tempfile::tempdir().unwrap());
    let settings = Settings {
        timeout: Duration::from_secs(3_600),
        ..settings(&backend, Some(dir.path()))
    };
    let forward = open(&settings);
    driven(&forward, forward.pass(export(0))).await.unwrap();
    assert_eq!(files(dir.path()).len(), 1);
    drop(forward);
    let again = open(&settings);
    assert!(
        again.queue_bytes() > 0,
        "the folder is free, and the request is there"
    );
}

#[test]
fn a_backend_that_takes_a_part_is_asked_on_and_one_that_takes_nothing_ever_less() {
    let round = |has_left, later: Option<u64>| Round {
        has_left,
        later: later.map(Duration::from_millis),
    };
    let mut pace = Pace::default();
    assert_eq!(pace.wait_after(round(true, None)), None);
    for _ in 0..20 {
        assert_eq!(pace.wait_after(round(true, Some(0))), Some(BREATH));
        assert_eq!(pace.most(), AT_ONCE);
    }
    let asked_for = pace.wait_after(round(true, Some(3_000)));
    assert_eq!(asked_for, Some(Duration::from_secs(3)));
    let waits: Vec<_> = (0..12)
        .filter_map(|_| pace.wait_after(round(false, Some(0))))
        .collect();
    assert!(
        waits.is_sorted_by(|a, b| *a < b.saturating_mul(2)),
        "{waits:?}"
    );
    assert!(waits[11] >= BACKOFF.cap / 2 && waits[0] < Duration::from_secs(1));
    assert_eq!(pace.most(), PROBES);
    assert_eq!(pace.wait_after(round(true, Some(0))), Some(BREATH));
    assert_eq!(pace.most(), AT_ONCE);
}
