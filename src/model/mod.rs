//! Nouns only: what the stages say to each other, and nothing that they do.
//!
//! Every stage may import this module; it imports none of them.

pub mod course;
pub mod error;
pub mod event;
pub mod evidence;
pub mod finding;
pub mod id;
pub mod incident;
pub mod metric;
pub mod obstacle;
pub mod offset;
pub mod operation;
pub mod schema;
pub mod span;
pub mod sql;
pub mod stretch;
pub mod subject;
pub mod system_view;
pub mod time;
pub mod trace;
pub mod upkeep;
pub mod value;
