//! One measurement that a service sent of itself, of those that say something of its database or its memory.

/// The latest value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which measurement, by the name of today.
    pub metric: &'static str,
    /// `service.name`; empty when not told.
    pub service: String,
    /// Pool of connections or of memory; empty when not told.
    pub pool: String,
    /// `used` or `idle` of connections, `heap` or `non_heap` of memory; empty when not told.
    pub state: String,
    /// Value, in the unit of the convention: connections, bytes, requests.
    pub value: f64,
}
