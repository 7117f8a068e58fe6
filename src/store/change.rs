//! What can be written: each change is kept whole or not at all.

use crate::incident::{Acknowledged, Decisions};
use crate::model::time::Timestamp;
use crate::model::trace::Trace;
use crate::store::view::Marker;
use crate::window::Flush;

/// One change. Changes are committed in the order in which they were sent.
#[derive(Debug, Clone)]
pub enum Change {
    /// Windows, new statements and checkpoints.
    Flush(Flush),
    /// What follows from one judged window.
    Decided(Box<Decisions>),
    /// Somebody took an incident.
    Acknowledged(Box<Acknowledged>),
    /// What became of a message.
    OutboxResult {
        /// Row of the outbox.
        id: i64,
        /// What became of it.
        result: Delivery,
    },
    /// Something that people want to see on the charts: a deploy, a restart.
    Marker(Marker),
    /// A trace that shows a problem.
    Trace(Box<Trace>),
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It was accepted.
    Sent {
        /// How the sink addresses the message from now on (Slack: JSON of channel and `ts`), to edit it later;
        /// `None` keeps what is known.
        remote: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Its message was accepted, what belongs to it is still to be told.
    Begun {
        /// As in `Sent`.
        remote: String,
    },
    /// Nothing had to be said: people knew already, or a newer message says it.
    Needless,
    /// It was not, and is to be tried again.
    Retry {
        /// Not before this instant.
        at: Timestamp,
        /// Why it was not; without any secret.
        error: String,
        /// As in `Sent`, when part of it was accepted (the message, but not the reply in its thread).
        remote: Option<String>,
    },
    /// It never will be.
    Dead {
        /// Why; without any secret.
        error: String,
    },
}

impl Change {
    /// Whether it is true only together with those before it: a checkpoint says that all up to it is stored.
    pub(super) fn builds_on_earlier(&self) -> bool {
        matches!(
            self,
            Self::Flush(_) | Self::Decided(_) | Self::Acknowledged(_)
        )
    }

    /// Whether its loss in a power cut would be seen by people: such a commit waits for the disk.
    pub(super) fn must_survive_a_power_cut(&self) -> bool {
        match self {
            Self::Flush(_) | Self::Trace(_) => false,
            Self::Decided(decisions) => {
                !(decisions.incidents.is_empty() && decisions.notices.is_empty())
            }
            Self::Acknowledged(_) | Self::OutboxResult { .. } | Self::Marker(_) => true,
        }
    }
}
