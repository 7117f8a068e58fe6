//! Slack's Block Kit, as far as it is used here, with its limits.
//!
//! Limits are those of docs.slack.dev/reference/block-kit, and one that is not written there: a message of about
//! 13,200 characters over all blocks is refused (`msg_blocks_too_long`, slackapi/bolt-js issue 2509), however
//! legal each block is.

use serde::Serialize;

use crate::alert::text;

/// `header`: plain text.
pub(crate) const HEADER_CHARS: usize = 150;
/// `section.text`.
pub(crate) const SECTION_CHARS: usize = 3_000;
/// `section.fields`: how many.
pub(crate) const MAX_FIELDS: usize = 10;
/// `section.fields`: each; Slack allows 2,000, label included.
const FIELD_CHARS: usize = 400;
/// Text of a button.
pub(crate) const BUTTON_CHARS: usize = 75;
/// The `text` beside the blocks, which notifications show; Slack cuts at 40,000.
pub(crate) const FALLBACK_CHARS: usize = 1_000;
/// Our own cap on one message: Slack allows 50 blocks.
pub(crate) const MAX_BLOCKS: usize = 20;
/// Our own cap on the characters over all blocks of one message.
pub(crate) const MAX_CHARS: usize = 12_000;

/// A message: blocks, and the text that stands for them in notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Fallback; never empty.
    pub text: String,
    /// Blocks; may be empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<Block>,
}

/// One block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is Slack's block of that name")]
pub enum Block {
    Header {
        text: Text,
    },
    Section {
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        fields: Vec<Text>,
    },
    Context {
        elements: Vec<Text>,
    },
    Actions {
        elements: Vec<Button>,
    },
    Divider,
}

/// A text object; its content is already escaped and bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Text {
    /// No markup.
    PlainText {
        /// Escaped text.
        text: String,
    },
    /// Slack's markup.
    Mrkdwn {
        /// Escaped text.
        text: String,
        /// Show it as it is: no link is made of a word that looks like one.
        verbatim: bool,
    },
}

/// A button that opens a URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "button")]
pub struct Button {
    text: Text,
    url: String,
    action_id: &'static str,
}

impl Text {
    /// Markup whose variable parts are escaped already.
    pub(crate) fn mrkdwn(text: String) -> Self {
        Self::Mrkdwn {
            text,
            verbatim: true,
        }
    }

    /// Characters as Slack counts them.
    pub(crate) fn chars(&self) -> usize {
        match self {
            Self::PlainText { text } | Self::Mrkdwn { text, .. } => text.chars().count(),
        }
    }
}

impl Button {
    /// A button; `action_id` must differ from those of the other buttons of the message.
    pub(crate) fn new(label: &str, url: String, action_id: &'static str) -> Self {
        Self {
            text: Text::PlainText {
                text: text::line(label, BUTTON_CHARS),
            },
            url,
            action_id,
        }
    }
}

impl Block {
    /// A heading of raw text.
    pub(crate) fn header(raw: &str) -> Self {
        Self::Header {
            text: Text::PlainText {
                text: text::line(raw, HEADER_CHARS),
            },
        }
    }

    /// A paragraph of markup.
    pub(crate) fn section(markup: String) -> Self {
        Self::Section {
            text: Some(Text::mrkdwn(markup)),
            fields: Vec::new(),
        }
    }

    /// Short facts side by side, as label and raw value; at most [`MAX_FIELDS`].
    pub(crate) fn fields(facts: &[(&str, String)]) -> Self {
        let fields = facts
            .iter()
            .take(MAX_FIELDS)
            .map(|(label, value)| {
                Text::mrkdwn(format!("*{label}*\n{}", text::line(value, FIELD_CHARS)))
            })
            .collect();
        Self::Section { text: None, fields }
    }

    /// Small print of markup.
    pub(crate) fn context(markup: String) -> Self {
        Self::Context {
            elements: vec![Text::mrkdwn(markup)],
        }
    }

    /// Characters as Slack counts them.
    pub(crate) fn chars(&self) -> usize {
        match self {
            Self::Header { text } => text.chars(),
            Self::Section { text, fields } => {
                text.iter().chain(fields).map(Text::chars).sum::<usize>()
            }
            Self::Context { elements } => elements.iter().map(Text::chars).sum(),
            Self::Actions { elements } => elements
                .iter()
                .map(|b| b.text.chars() + b.url.chars().count())
                .sum(),
            Self::Divider => 0,
        }
    }
}

impl Message {
    /// A message of raw fallback text and blocks; blocks that are over the caps are left out, the last first.
    pub(crate) fn new(raw_text: &str, mut blocks: Vec<Block>) -> Self {
        blocks.truncate(MAX_BLOCKS);
        while blocks.iter().map(Block::chars).sum::<usize>() > MAX_CHARS {
            blocks.pop();
        }
        let text = text::line(raw_text, FALLBACK_CHARS);
        Self {
            text: if text.is_empty() {
                "sqleuth".to_owned()
            } else {
                text
            },
            blocks,
        }
    }

    /// The same without blocks, for a server that does not take them.
    pub(crate) fn plain(&self) -> Self {
        Self {
            text: self.text.clone(),
            blocks: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_written_as_slack_reads_them() {
        let message = Message::new(
            "a < b",
            vec![
                Block::header("x & y"),
                Block::fields(&[("Service", "<!channel>".to_owned())]),
                Block::Divider,
                Block::Actions {
                    elements: vec![Button::new("Open", "https://x".to_owned(), "open")],
                },
            ],
        );
        let json = serde_json::to_value(&message).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "text": "a &lt; b",
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "x &amp; y"}},
                    {"type": "section", "fields": [
                        {"type": "mrkdwn", "text": "*Service*\n&lt;!channel&gt;", "verbatim": true}
                    ]},
                    {"type": "divider"},
                    {"type": "actions", "elements": [
                        {"type": "button", "text": {"type": "plain_text", "text": "Open"},
                         "url": "https://x", "action_id": "open"}
                    ]},
                ],
            })
        );
    }

    #[test]
    fn a_message_over_the_cap_loses_its_last_blocks() {
        let long = "x".repeat(SECTION_CHARS);
        let message = Message::new("t", vec![Block::section(long); 6]);
        assert_eq!(message.blocks.len(), MAX_CHARS / SECTION_CHARS);
    }

    #[test]
    fn a_message_is_never_without_text() {
        assert_eq!(Message::new("\u{0}", Vec::new()).text, "sqleuth");
    }
}
