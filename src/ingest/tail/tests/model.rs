//! Whatever happens to the files, and wherever the process dies: every entry is told once, in order.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use proptest::prelude::*;

use super::support::Rig;
use crate::ingest::tail::Start;

#[derive(Debug, Clone)]
enum Op {
    /// The server writes so many entries with bodies of this length.
    Append(usize, usize),
    /// The server is caught in the middle of an entry.
    Half,
    /// Rotated by renaming; a new file is made at once, or by the server.
    Rename {
        create: bool,
    },
    /// Rotated by copying; what a server writes between copy and truncation is lost by nature, and not modelled.
    CopyTruncate,
    Poll,
    /// Killed after this share of the batches had been stored.
    Crash(prop::sample::Index),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (1..4_usize, prop_oneof![8 => 1..2_000_usize, 1 => Just(300_000)])
            .prop_map(|(n, len)| Op::Append(n, len)),
        2 => Just(Op::Half),
        2 => any::<bool>().prop_map(|create| Op::Rename { create }),
        2 => Just(Op::CopyTruncate),
        4 => Just(Op::Poll),
        1 => any::<prop::sample::Index>().prop_map(Op::Crash),
    ]
}

/// The server, and all it has written.
struct Server {
    rig: Rig,
    log: File,
    rest: Option<String>,
    /// A rotation has asked it to reopen its log.
    reopen: bool,
    written: Vec<String>,
    rotations: usize,
}

impl Server {
    fn new(eager: bool, existing: usize) -> Self {
        let mut rig = Rig::with(Start::Beginning, eager);
        let log = rig.open("slow.log");
        let mut server = Self {
            rig,
            log,
            rest: None,
            reopen: false,
            written: Vec::new(),
            rotations: 0,
        };
        (0..existing).for_each(|_| server.append(10));
        server
    }

    fn append(&mut self, len: usize) {
        self.complete();
        if std::mem::take(&mut self.reopen) {
            self.log = self.rig.open("slow.log");
        }
        let entry = self.entry(len);
        self.rig.write(&self.log, entry.as_bytes());
    }

    fn entry(&mut self, len: usize) -> String {
        let entry = format!("#{}\n{}\n", self.written.len(), "x".repeat(len));
        self.written.push(entry.clone());
        entry
    }

    fn complete(&mut self) {
        if let Some(rest) = self.rest.take() {
            self.rig.write(&self.log, rest.as_bytes());
        }
    }

    fn half(&mut self) {
        self.append(20);
        let entry = self.entry(50);
        let (now, later) = entry.split_at(entry.len() / 2);
        self.rig.write(&self.log, now.as_bytes());
        self.rest = Some(later.to_owned());
    }

    /// Rotated files keep their order; the newest gets the lowest number of all.
    fn next_name(&mut self) -> String {
        self.rotations += 1;
        format!("slow.log.{}", 1_000 - self.rotations)
    }

    fn rename(&mut self, create: bool) {
        if !self.rig.path("slow.log").exists() {
            return;
        }
        let to = self.next_name();
        self.rig.rename("slow.log", &to);
        if create {
            self.rig.open("slow.log");
        }
        self.reopen = true;
    }

    fn copytruncate(&mut self) {
        self.complete();
        let at_path = std::fs::metadata(self.rig.path("slow.log")).map(|m| m.ino());
        if at_path.is_ok_and(|ino| ino == self.log.metadata().unwrap().ino()) {
            let to = self.next_name();
            self.rig.copytruncate(&to);
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Append(n, len) => (0..*n).for_each(|_| self.append(*len)),
            Op::Half => self.half(),
            Op::Rename { create } => self.rename(*create),
            Op::CopyTruncate => self.copytruncate(),
            Op::Poll => drop(self.rig.try_poll()),
            Op::Crash(_) if self.rig.batches.is_empty() => {}
            Op::Crash(at) => {
                let kept = at.index(self.rig.batches.len()) + 1;
                self.rig.crash(kept);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_entry_is_told_once_and_in_order(
        ops in prop::collection::vec(op(), 1..50),
        eager in any::<bool>(),
        existing in 0..3_usize,
    ) {
        let mut server = Server::new(eager, existing);
        server.rig.poll();
        for op in ops {
            server.apply(&op);
        }
        server.complete();
        server.rig.settle();
        let short = |entries: &[String]| -> Vec<String> {
            entries.iter().map(|e| e.chars().take_while(|c| *c != '\n').collect()).collect()
        };
        prop_assert_eq!(short(&server.rig.told()), short(&server.written));
        prop_assert!(server.rig.told() == server.written, "an entry was cut");
        prop_assert_eq!(server.rig.gap(), 0);
    }
}
