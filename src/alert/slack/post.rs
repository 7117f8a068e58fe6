//! What is sent to Slack's Web API.

use serde::Serialize;

use crate::alert::blocks::Message;
use crate::model::incident::Incident;

/// Body of `chat.postMessage` and `chat.update`.
#[derive(Debug, Serialize)]
pub(super) struct Post<'a> {
    pub(super) channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ts: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thread_ts: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) reply_broadcast: bool,
    pub(super) unfurl_links: bool,
    pub(super) unfurl_media: bool,
    #[serde(flatten)]
    pub(super) message: &'a Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Metadata<'a>>,
}

/// Tells two copies of one message from two messages.
#[derive(Debug, Serialize)]
pub(super) struct Metadata<'a> {
    event_type: &'static str,
    event_payload: Payload<'a>,
}

#[derive(Debug, Serialize)]
struct Payload<'a> {
    incident: &'a str,
    revision: u64,
}

impl<'a> Post<'a> {
    /// A message to a channel.
    pub(super) fn new(channel: &'a str, message: &'a Message) -> Self {
        Self {
            channel,
            ts: None,
            thread_ts: None,
            reply_broadcast: false,
            unfurl_links: false,
            unfurl_media: false,
            message,
            metadata: None,
        }
    }

    /// Says which incident it is about.
    pub(super) fn about(mut self, incident: &'a Incident) -> Self {
        self.metadata = Some(Metadata {
            event_type: "sqleuth_incident",
            event_payload: Payload {
                incident: incident.id.as_str(),
                revision: incident.revision,
            },
        });
        self
    }
}
