//! What this process takes from the machine, asked when somebody looks.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Memory and processor time of this process.
#[derive(Debug)]
pub(super) struct ProcessUsage {
    /// `None` where the platform does not tell.
    asked: Option<(System, Pid)>,
    resident_bytes: Gauge,
    cpu_seconds: Counter<f64, AtomicU64>,
}

impl ProcessUsage {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let usage = Self {
            asked: System::new().ok().zip(sysinfo::get_current_pid().ok()),
            resident_bytes: Gauge::default(),
            cpu_seconds: Counter::default(),
        };
        registry.register(
            "sqleuth_process_resident_memory_bytes",
            "Resident memory of this process",
            usage.resident_bytes.clone(),
        );
        registry.register(
            "sqleuth_process_cpu_seconds",
            "Processor time of this process",
            usage.cpu_seconds.clone(),
        );
        usage
    }

    pub(super) fn refresh(&mut self) {
        let Some((system, pid)) = &mut self.asked else {
            return;
        };
        let wanted = ProcessRefreshKind::nothing().with_memory().with_cpu();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[*pid]), true, wanted);
        let Some(process) = system.process(*pid) else {
            return;
        };
        let resident = i64::try_from(process.memory()).unwrap_or(i64::MAX);
        self.resident_bytes.set(resident);
        let cpu = std::time::Duration::from_millis(process.accumulated_cpu_time()).as_secs_f64();
        self.cpu_seconds
            .inc_by((cpu - self.cpu_seconds.get()).max(0.0));
    }
}
