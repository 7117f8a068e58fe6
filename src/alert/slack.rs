//! Slack: one message per incident that is edited as it changes (bot), or one per turn of events (webhook).
//!
//! ```text
//! bot:      new ─► chat.postMessage ─► evidence in its thread
//!           change ─► chat.update ─► what is new, in the thread (shown in the channel too when it got worse)
//! webhook:  new, worse or over ─► one more message; any other change ─► nothing
//! ```

mod post;

use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::watch;
use tracing::warn;

use self::post::Post;
use crate::alert::blocks::Message;
use crate::alert::throttle::Pace;
use crate::alert::told::{Place, Told};
use crate::alert::transport::{Answer, Door, Settings, Transport};
use crate::alert::{AlertError, Delivered, Failure, Letter, Plan, SendError, Sink, message, news};
use crate::model::incident::Incident;
use crate::report::Style;

/// Slack's limit: "one message per second per channel, short bursts tolerated".
const INTERVAL: Duration = Duration::from_secs(1);

/// Slack as it is configured now. On a reload a new one is sent through the `watch` channel of [`Slack::new`].
#[derive(Debug, Clone)]
pub struct Connection {
    door: Door,
    transport: Transport,
    style: Style,
}

impl Connection {
    /// Reads the secrets and makes the HTTP client; `None` when Slack is not configured.
    pub fn open(settings: &Settings, style: Style) -> Result<Option<Self>, AlertError> {
        let Some(door) = Door::open(settings)? else {
            return Ok(None);
        };
        let transport = Transport::new(settings)?;
        Ok(Some(Self {
            door,
            transport,
            style,
        }))
    }

    /// Asks Slack who the bearer of the token is. A webhook is not asked: whatever it is sent, it posts.
    pub async fn login(&self) -> Result<Login, SendError> {
        let Door::Bot { token, .. } = &self.door else {
            return Ok(Login::Webhook);
        };
        let nothing = std::collections::BTreeMap::<&str, &str>::new();
        let answer = self.transport.call("auth.test", token, &nothing).await?;
        Ok(Login::Bot {
            user: answer.user.unwrap_or_default(),
            team: answer.team.unwrap_or_default(),
        })
    }
}

/// As whom we speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A bot, as Slack knows it.
    Bot {
        /// Its name.
        user: String,
        /// Its workspace.
        team: String,
    },
    /// A webhook, of which only the address is known.
    Webhook,
}

/// The sink.
#[derive(Debug)]
pub struct Slack {
    connection: watch::Receiver<Connection>,
    pace: Pace,
}

impl Slack {
    /// Sends by the newest connection of the channel.
    pub fn new(connection: watch::Receiver<Connection>) -> Self {
        Self {
            connection,
            pace: Pace::new(INTERVAL),
        }
    }

    /// Calls a method in its turn; a message whose blocks are refused is sent as text.
    async fn call(&mut self, bot: &Bot, method: &str, post: Post<'_>) -> Result<Answer, SendError> {
        let first = self.try_call(bot, method, &post).await;
        match first {
            Err(error) if refuses_blocks(&error) && !post.message.blocks.is_empty() => {
                warn!(method, code = error.code(), "blocks refused, sending text");
                let plain = post.message.plain();
                let post = Post {
                    message: &plain,
                    ..post
                };
                self.try_call(bot, method, &post).await
            }
            answer => answer,
        }
    }

    async fn try_call(
        &mut self,
        bot: &Bot,
        method: &str,
        post: &Post<'_>,
    ) -> Result<Answer, SendError> {
        self.pace.turn().await;
        let answer = bot.transport.call(method, &bot.token, post).await;
        self.heed(answer)
    }

    /// Keeps the pause that the server asks for.
    fn heed<T>(&mut self, answer: Result<T, SendError>) -> Result<T, SendError> {
        if let Err(SendError::Busy { retry_after }) = &answer {
            self.pace.pause(*retry_after);
        }
        answer
    }

    /// Posts a new message in the channel; returns where it stands.
    async fn post(&mut self, bot: &Bot, post: Post<'_>) -> Result<(String, String), SendError> {
        let answer = self.call(bot, "chat.postMessage", post).await?;
        match (answer.channel, answer.ts) {
            (Some(channel), Some(ts)) => Ok((channel, ts)),
            _ => Err(SendError::Unexpected),
        }
    }

    async fn reply(
        &mut self,
        bot: &Bot,
        place: &Place,
        (message, broadcast): (&Message, bool),
    ) -> Result<(), SendError> {
        let (Place::Message { channel, ts } | Place::Digest { channel, ts }) = place else {
            return Ok(());
        };
        let post = Post {
            thread_ts: Some(ts),
            reply_broadcast: broadcast,
            ..Post::new(channel, message)
        };
        match self.call(bot, "chat.postMessage", post).await {
            Err(error) if !error.is_retryable() => {
                // The incident itself was told; a thread that is gone must not hold up its next change.
                warn!(code = error.code(), "a reply was refused");
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    /// The first message; or, once it stands, an edit of it and then its thread.
    async fn tell(&mut self, bot: &Bot, letter: &Letter) -> Result<Delivered, Failure> {
        let incident = &letter.incident;
        let told = Told::parse(letter.row.remote.as_deref());
        let edited = match told.filter(|t| t.place != Place::Webhook) {
            None => None,
            Some(told) => self.edit(bot, incident, told).await?,
        };
        match edited {
            None => self.tell_first(bot, incident).await.map(Delivered::Begun),
            Some(told) => (self.tell_thread(bot, incident, told).await).map(Delivered::Whole),
        }
    }

    async fn tell_first(&mut self, bot: &Bot, incident: &Incident) -> Result<String, Failure> {
        let parent = message::parent(incident, &bot.style);
        let post = Post::new(&bot.channel, &parent).about(incident);
        let (channel, ts) = self.post(bot, post).await.map_err(Failure::whole)?;
        Ok(Told::of(incident, Place::Message { channel, ts }).to_json())
    }

    /// Brings the message up to date; `None` when it is lost. What the thread knows stays in `told` until the
    /// thread is told.
    async fn edit(
        &mut self,
        bot: &Bot,
        incident: &Incident,
        told: Told,
    ) -> Result<Option<Told>, Failure> {
        let Place::Message { channel, ts } = &told.place else {
            return Ok(Some(told));
        };
        if told.revision >= incident.revision {
            return Ok(Some(told));
        }
        let parent = message::parent(incident, &bot.style);
        let post = Post {
            ts: Some(ts),
            ..Post::new(channel, &parent).about(incident)
        };
        match self.call(bot, "chat.update", post).await {
            Ok(_) => Ok(Some(Told {
                revision: incident.revision,
                ..told
            })),
            Err(error) if is_lost(&error) => {
                warn!(incident = %incident.id, code = error.code(), "message lost, posting it again");
                Ok(None)
            }
            Err(error) => Err(Failure::whole(error)),
        }
    }

    async fn tell_thread(
        &mut self,
        bot: &Bot,
        incident: &Incident,
        told: Told,
    ) -> Result<String, Failure> {
        let mut due = Vec::new();
        if told.threaded == 0 {
            due.push((news::evidence(incident, &bot.style), false));
        }
        let worse = told.escalated(incident);
        due.extend(news::update(incident, &told, &bot.style).map(|m| (m, worse)));
        for (message, broadcast) in &due {
            let reply = self.reply(bot, &told.place, (message, *broadcast)).await;
            reply.map_err(|error| Failure {
                error,
                remote: Some(told.to_json()),
            })?;
        }
        let threaded = incident.revision;
        let told = Told::of(incident, told.place);
        Ok(Told { threaded, ..told }.to_json())
    }

    async fn tell_by_webhook(&mut self, hook: &Hook, letter: &Letter) -> Result<String, Failure> {
        let incident = &letter.incident;
        let known = Told::parse(letter.row.remote.as_deref());
        if let Some(known) = known
            && !is_turn(&known, incident)
        {
            return Ok(known.to_json());
        }
        let message = message::parent(incident, &hook.style);
        self.hook(hook, &message).await.map_err(Failure::whole)?;
        Ok(Told::of(incident, Place::Webhook).to_json())
    }

    async fn hook(&mut self, hook: &Hook, message: &Message) -> Result<(), SendError> {
        let first = self.try_hook(hook, message).await;
        match first {
            Err(error) if refuses_blocks(&error) => {
                warn!(code = error.code(), "blocks refused, sending text");
                self.try_hook(hook, &message.plain()).await
            }
            answer => answer,
        }
    }

    async fn try_hook(&mut self, hook: &Hook, message: &Message) -> Result<(), SendError> {
        self.pace.turn().await;
        let answer = hook.transport.post(&hook.url, message).await;
        self.heed(answer)
    }

    fn way(&self) -> Way {
        let connection = self.connection.borrow().clone();
        let (transport, style) = (connection.transport, connection.style);
        match connection.door {
            Door::Bot { token, channel } => Way::Bot(Bot {
                token,
                channel,
                transport,
                style,
            }),
            Door::Webhook { url } => Way::Webhook(Hook {
                url,
                transport,
                style,
            }),
        }
    }
}

enum Way {
    Bot(Bot),
    Webhook(Hook),
}

struct Bot {
    token: SecretString,
    channel: String,
    transport: Transport,
    style: Style,
}

struct Hook {
    url: SecretString,
    transport: Transport,
    style: Style,
}

impl Sink for Slack {
    const NAME: &'static str = "slack";

    fn plan(&self, letter: &Letter) -> Plan {
        let is_bot = matches!(self.connection.borrow().door, Door::Bot { .. });
        match Told::parse(letter.row.remote.as_deref()) {
            None => Plan::New,
            Some(told) if is_bot && told.place == Place::Webhook => Plan::New,
            Some(told) if is_bot && told.threaded >= letter.incident.revision => Plan::Nothing,
            Some(_) if is_bot => Plan::Amend,
            Some(told) if is_turn(&told, &letter.incident) => Plan::New,
            Some(_) => Plan::Nothing,
        }
    }

    async fn ready(&mut self) {
        tokio::time::sleep(self.pace.remaining()).await;
    }

    async fn deliver(&mut self, letter: &Letter) -> Result<Delivered, Failure> {
        match self.way() {
            Way::Bot(bot) => self.tell(&bot, letter).await,
            Way::Webhook(hook) => {
                let told = self.tell_by_webhook(&hook, letter).await;
                told.map(Delivered::Whole)
            }
        }
    }

    async fn deliver_digest(&mut self, letters: &[Letter]) -> Result<Vec<String>, Failure> {
        let incidents = letters.iter().map(|l| &l.incident);
        let place = match self.way() {
            Way::Bot(bot) => {
                let digest = news::digest(incidents, &bot.style);
                let post = Post::new(&bot.channel, &digest);
                let (channel, ts) = self.post(&bot, post).await.map_err(Failure::whole)?;
                Place::Digest { channel, ts }
            }
            Way::Webhook(hook) => {
                let digest = news::digest(incidents, &hook.style);
                self.hook(&hook, &digest).await.map_err(Failure::whole)?;
                Place::Webhook
            }
        };
        let remember = |letter: &Letter| {
            let told = Told::of(&letter.incident, place.clone());
            let threaded = letter.incident.revision;
            Told { threaded, ..told }.to_json()
        };
        Ok(letters.iter().map(remember).collect())
    }
}

impl Failure {
    /// Nothing of it was told.
    fn whole(error: SendError) -> Self {
        Self {
            error,
            remote: None,
        }
    }
}

/// A webhook tells only these, because each is a new message.
fn is_turn(told: &Told, incident: &Incident) -> bool {
    told.escalated(incident) || told.led_anew(incident) || told.newly_resolved(incident)
}

/// A message that cannot be edited any more.
fn is_lost(error: &SendError) -> bool {
    const LOST: [&str; 4] = [
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "update_failed",
    ];
    LOST.contains(&error.code())
}

fn refuses_blocks(error: &SendError) -> bool {
    const REFUSALS: [&str; 3] = [
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
    ];
    REFUSALS.contains(&error.code())
}

#[cfg(test)]
mod tests;
