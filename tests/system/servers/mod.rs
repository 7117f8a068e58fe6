//! Beside real servers: plant the fault, see one incident, end the fault, see it resolved.

mod applications;
mod casts;
mod crash;
mod detectors;
mod error_log;
mod errors;
mod grouping;
mod growth;
mod outage;
mod peers;
mod postgres;
mod schema;
mod shapes;
mod waits;
mod workload;
