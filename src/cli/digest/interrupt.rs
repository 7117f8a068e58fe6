//! Ctrl-C ends the reading, and what was read is told; a second one ends the command.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

/// What a shell says of a command that Ctrl-C ended: 128 and the number of the signal.
const ENDED_BY_INTERRUPT: i32 = 130;

/// Whether somebody wants it to end; by default nobody is listened to.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. Where that is not possible, Ctrl-C ends the command as it ends any other.
    pub(in crate::cli) fn listen() -> Self {
        let came = Arc::new(AtomicBool::new(false));
        let (tell, ready) = std::sync::mpsc::channel();
        let asked = Arc::clone(&came);
        let listener = thread::Builder::new().name("interrupt".to_owned());
        let started = listener.spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_io().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(wait(&asked, &tell));
            }
        });
        if started.is_ok() {
            // An error says that nobody listens.
            ready.recv().unwrap_or_default();
        }
        Self(came)
    }

    /// It was asked for.
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether to go on with what is being read.
    pub(super) fn flow(&self) -> ControlFlow<()> {
        if self.came() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

#[expect(
    clippy::exit,
    reason = "the main thread may be in the middle of a read that waits"
)]
async fn wait(asked: &AtomicBool, ready: &std::sync::mpsc::Sender<()>) {
    let Ok(mut interrupt) = signal(SignalKind::interrupt()) else {
        return;
    };
    ready.send(()).unwrap_or_default();
    interrupt.recv().await;
    asked.store(true, Ordering::Relaxed);
    interrupt.recv().await;
    std::process::exit(ENDED_BY_INTERRUPT);
}
