//! The person's WhatsApp and their SMS, in their hand: what they write in them, what they show, and whether anything reaches
//! them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

mod handset;

pub(super) use handset::Handset;

use super::messaging::delivery::read_all;
use super::messaging::inbound::{Received, Writing, receive};
use super::timeline::{NeverHappened, Side, TextForm, TextState};
use super::world::World;

/// A text as the phone shows it; of the server's texts also those that have not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Counted from 1 over everybody's texts either way, as in the timeline.
    pub number: usize,
    /// Whose it is: the server's, or that of whoever holds the phone ([`Side::Person`]).
    pub from: Side,
    /// What it is.
    pub form: TextForm,
    /// Its words; a template's with the variables filled in.
    pub words: String,
    /// `IM…` in a conversation, else `SM…` or `MM…`; a UUID at Telnyx.
    pub sid: String,
    /// The channel's own name for it, which quotes use.
    pub channel_sid: String,
    /// When it was sent, since the emulator started.
    pub at: Duration,
    /// When it came to the other side, if it did.
    pub arrived: Option<Duration>,
    /// What has become of it.
    pub state: TextState,
}

/// What became of something that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// As the phone shows it.
    pub shown: Shown,
    /// What the server answered to its webhooks, one after the other: none for a text that reaches nobody, `None` for a webhook
    /// without an answer, or one that a fault keeps or delays.
    pub answers: Vec<Option<u16>>,
}

/// As whom something is written that the person did not write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guise {
    /// As another author in the person's own conversation, such as `whatsapp:+…` or a name.
    Author(String),
    /// To another account, by its sid; nevertheless signed for ours.
    Account(String),
}

/// A handle on somebody's WhatsApp, or on their SMS; clones share it. What only WhatsApp has is done there by either.
#[derive(Clone)]
pub struct Chat {
    world: Arc<World>,
    number: String,
    by_sms: bool,
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").finish_non_exhaustive()
    }
}

impl Chat {
    pub(super) fn new(world: Arc<World>, number: String, by_sms: bool) -> Self {
        Self { world, number, by_sms }
    }

    /// Writes a text, and waits until the server has heard of it or will not. It counts for the window.
    pub async fn write(&self, words: &str) -> Written {
        self.give(self.writing(words)).await
    }

    /// Writes a text, and leaves it to the carrier.
    pub fn sends(&self, words: &str) -> Shown {
        receive(&self.world, self.writing(words)).shown
    }

    /// Reads all that has arrived; without it each text is read when [`TextRules::read_after`](super::TextRules) says so.
    pub fn reads(&self) {
        read_all(&self.world, &self.number);
    }

    /// Writes a text whose webhooks are delivered twice.
    pub async fn write_twice(&self, words: &str) -> Written {
        self.give(Writing { copies: 2, ..self.writing(words) }).await
    }

    /// Writes a text that quotes another.
    pub async fn reply_to(&self, quoted: &Shown, words: &str) -> Written {
        self.give(Writing { quotes: Some(quoted), ..self.writing(words) }).await
    }

    /// Taps a button with these words on it, below a text.
    pub async fn tap(&self, below: &Shown, words: &str) -> Written {
        self.give(Writing { form: TextForm::Button, quotes: Some(below), ..self.writing(words) }).await
    }

    /// Sends a picture; without a caption there are no words in it.
    pub async fn send_picture(&self, caption: &str) -> Written {
        self.give(Writing { form: TextForm::Picture, ..self.writing(caption) }).await
    }

    /// Something is written in this person's place that they did not write: it does not count for the window, and is not in
    /// their chat.
    pub async fn write_as(&self, guise: Guise, words: &str) -> Written {
        self.give(Writing { guise: Some(guise), ..self.writing(words) }).await
    }

    /// The texts of the chat, in the order in which they were sent.
    pub fn shown(&self) -> Vec<Shown> {
        self.world.exchange().chat(&self.number, self.by_sms)
    }

    /// The first text of the server's that has arrived and has these words in it; waits for it if need be.
    ///
    /// # Errors
    /// When it does not come within the configured patience; shows what happened instead.
    pub async fn receives(&self, words: &str) -> Result<Shown, NeverHappened> {
        let find = || {
            let arrived = |shown: &Shown| shown.from == Side::Server && shown.state.has_arrived();
            self.shown().into_iter().find(|shown| arrived(shown) && shown.words.contains(words))
        };
        self.world.recorder.wait_for(0, self.world.config.patience, |_| find().is_some()).await?;
        Ok(find().expect("what has arrived stays"))
    }

    /// Joins the sandbox, without writing. Everybody has, to begin with.
    pub fn joins(&self) {
        self.handset(|handset| handset.joined = true);
    }

    /// Leaves the sandbox: nothing arrives (63015), and nothing that is written reaches the server, until it is joined again,
    /// also by writing `join` and the sandbox's code.
    pub fn leaves(&self) {
        self.handset(|handset| handset.joined = false);
    }

    /// Blocks the server's number (63014), or no longer.
    pub fn blocks(&self, blocked: bool) {
        self.handset(|handset| handset.blocked = blocked);
    }

    /// Is on the carrier's own list of those who want nothing (21610), or no longer.
    pub fn opts_out(&self, opted_out: bool) {
        if self.by_sms {
            let stopped = &mut self.world.exchange().stopped;
            if opted_out {
                stopped.insert(self.number.clone())
            } else {
                stopped.remove(&self.number)
            };
            return;
        }
        self.handset(|handset| handset.opted_out = opted_out);
    }

    /// Opens the window for 24 hours, as if something had just been written.
    pub fn opens_window(&self) {
        let now = self.world.recorder.elapsed();
        self.handset(|handset| handset.write(now));
    }

    /// Closes the window, as if the last thing had been written long ago.
    pub fn closes_window(&self) {
        self.handset(Handset::forget);
    }

    fn handset(&self, change: impl FnOnce(&mut Handset)) {
        change(self.world.exchange().handset(&self.number));
    }

    fn writing<'a>(&'a self, words: &'a str) -> Writing<'a> {
        let form = if self.by_sms { TextForm::Sms } else { TextForm::Free };
        Writing { number: &self.number, form, words, quotes: None, copies: 1, guise: None }
    }

    async fn give(&self, writing: Writing<'_>) -> Written {
        let Received { shown, answers: awaited } = receive(&self.world, writing);
        let mut answers = Vec::new();
        for answer in awaited {
            answers.push(answer.await.ok().flatten());
        }
        Written { shown, answers }
    }
}

/// A text has arrived: if it is the person's they may write something in reply, unless another comes before they do.
pub(super) fn notice(world: &Arc<World>, text: usize) {
    let Some(pause) = world.person.typing_pause() else { return };
    let outer = Arc::clone(world);
    world.spawn(async move {
        tokio::time::sleep(pause).await;
        if outer.exchange().latest_arrival(&outer.config.person) != Some(text) {
            return;
        }
        if let Some(words) = outer.person.next_typed() {
            let by_sms = outer.exchange().is_sms(text);
            Chat::new(Arc::clone(&outer), outer.config.person.clone(), by_sms).write(&words).await;
        }
    });
}
