//! The written side of a scenario: a line that grants the floor, a carrier that takes texts, and a person who writes.

use std::collections::VecDeque;

use super::{QUESTION, START, Scenario, text};
use crate::domain::carrier::{CallEnd, Verdict};
use crate::domain::media::MediaEvent;
use crate::domain::messaging::{Delivery, Form, MessagingClass, MessagingError};
use crate::domain::outcome::Channel;
use crate::domain::session::{CarrierNews, Effect, Input, Limits, PostError, Sense, Session, Texting};
use crate::domain::text::PersonText;
use crate::ids::{CarrierCallId, MessageId, PostId, RequestId};

/// What the line and the carrier do about texts.
#[derive(Clone)]
pub(super) struct Mail {
    /// The floor is granted as soon as it is claimed.
    floor_is_free: bool,
    /// The carrier takes texts at once, except as scripted.
    prompt: bool,
    script: VecDeque<PostError>,
}

impl Default for Mail {
    fn default() -> Self {
        Self { floor_is_free: true, prompt: true, script: VecDeque::new() }
    }
}

impl Mail {
    /// What comes back at once for an effect.
    pub(super) fn answer(&mut self, effect: &Effect) -> Option<Input> {
        match effect {
            Effect::Claim => Some(if self.floor_is_free { Input::Floor } else { Input::FloorTaken }),
            Effect::Post { post, .. } => match self.script.pop_front() {
                Some(error) => Some(Input::Posted { post: *post, result: Err(error) }),
                None => self.prompt.then(|| Input::Posted { post: *post, result: Ok(named(post.0)) }),
            },
            _ => None,
        }
    }
}

/// How a session comes to writing.
impl Scenario {
    /// Request 1 writes [`QUESTION`] to the person at 0 ms.
    pub(in crate::domain::session) fn writing() -> Self {
        Self::writing_with(texting(), Form::Free, |_| {})
    }

    pub(in crate::domain::session) fn writing_with(
        limits: Limits,
        form: Form,
        prepare: impl FnOnce(&mut Self),
    ) -> Self {
        let session = Session::message(RequestId(1), text(QUESTION), form, limits.clone(), START);
        let mut scenario = Self::of(session, limits, 1);
        prepare(&mut scenario);
        scenario.carry_out();
        scenario
    }

    /// Request 1's call was busy at 9,000 ms, and [`QUESTION`] was written instead.
    pub(in crate::domain::session) fn unanswered() -> Self {
        let mut scenario = Self::ringing_with(texting());
        scenario.at(9000).over(CallEnd::Busy);
        scenario
    }

    /// The person asked to be called and no session was there.
    pub(in crate::domain::session) fn called_back() -> Self {
        let mut scenario = Self::of(Session::call_back(texting(), START), texting(), 0);
        scenario.carry_out();
        scenario
    }
}

/// What the line and the carrier do.
impl Scenario {
    /// Another session has the floor.
    pub(in crate::domain::session) fn floor_is_taken(&mut self) -> &mut Self {
        self.mail.floor_is_free = false;
        self
    }

    pub(in crate::domain::session) fn gets_the_floor(&mut self) -> &mut Self {
        self.mail.floor_is_free = true;
        self.give(Input::Floor)
    }

    /// The carrier takes its time with texts.
    pub(in crate::domain::session) fn carrier_is_slow(&mut self) -> &mut Self {
        self.mail.prompt = false;
        self
    }

    /// The next text that is not scripted yet is not taken.
    pub(in crate::domain::session) fn next_fails(&mut self, class: MessagingClass) -> &mut Self {
        self.next_fails_with(trouble(class))
    }

    pub(in crate::domain::session) fn next_fails_with(&mut self, error: MessagingError) -> &mut Self {
        self.mail.script.push_back(PostError::Carrier(error));
        self
    }

    /// The person has stopped messages: the line sends nothing.
    pub(in crate::domain::session) fn line_is_opted_out(&mut self) -> &mut Self {
        self.mail.script.extend([PostError::OptedOut, PostError::OptedOut, PostError::OptedOut]);
        self
    }

    /// A slow carrier has taken the `n`-th text.
    pub(in crate::domain::session) fn takes(&mut self, n: u64) -> &mut Self {
        self.give(Input::Posted { post: PostId(n), result: Ok(named(n)) })
    }

    /// A slow carrier has not taken the `n`-th text.
    pub(in crate::domain::session) fn takes_not(&mut self, n: u64, class: MessagingClass) -> &mut Self {
        self.give(Input::Posted { post: PostId(n), result: Err(PostError::Carrier(trouble(class))) })
    }

    /// What became of the `n`-th text.
    pub(in crate::domain::session) fn arrives(&mut self, n: u64) -> &mut Self {
        self.give(Input::Receipt { message: named(n), delivery: Delivery::Fine })
    }

    pub(in crate::domain::session) fn arrives_not(&mut self, n: u64, class: MessagingClass) -> &mut Self {
        self.give(Input::Receipt { message: named(n), delivery: Delivery::Failed(trouble(class)) })
    }

    /// The call that the person asked for is placed, and rings.
    pub(in crate::domain::session) fn rings_again(&mut self) -> &mut Self {
        self.give(Input::Dialed(Ok(second_call())));
        self.second(CarrierNews::Ringing)
    }

    /// A person picks it up.
    pub(in crate::domain::session) fn picks_up_again(&mut self) -> &mut Self {
        self.rings_again().second(CarrierNews::Answered).second(CarrierNews::Machine(Verdict::Human));
        self.media(MediaEvent::Connected)
    }

    /// News of it.
    pub(in crate::domain::session) fn second(&mut self, news: CarrierNews) -> &mut Self {
        self.give(Input::Carrier { call: second_call(), news })
    }
}

/// What the person writes.
impl Scenario {
    pub(in crate::domain::session) fn writes(&mut self, words: &str) -> &mut Self {
        self.writes_as(words, Sense::Reply)
    }

    pub(in crate::domain::session) fn writes_aside(&mut self, words: &str) -> &mut Self {
        self.writes_as(words, Sense::Aside)
    }

    pub(in crate::domain::session) fn wants_a_call(&mut self) -> &mut Self {
        self.writes_as("Call me", Sense::CallMe { tell: false })
    }

    pub(in crate::domain::session) fn writes_as(&mut self, words: &str, sense: Sense) -> &mut Self {
        self.writes_by_as(words, sense, Channel::WhatsApp)
    }

    pub(in crate::domain::session) fn writes_by(&mut self, words: &str, channel: Channel) -> &mut Self {
        self.writes_by_as(words, Sense::Reply, channel)
    }

    pub(in crate::domain::session) fn writes_by_as(
        &mut self,
        words: &str,
        sense: Sense,
        channel: Channel,
    ) -> &mut Self {
        self.give(Input::Wrote { text: PersonText(words.to_owned()), sense, at: self.now, channel })
    }

    pub(in crate::domain::session) fn stops_messages(&mut self) -> &mut Self {
        self.give(Input::OptedOut { text: PersonText("Stop".to_owned()), channel: Channel::WhatsApp })
    }
}

/// What is seen of it.
impl Scenario {
    /// Every text that was handed to the carrier: `template:` or `sms:` and `again:` before it, line breaks as `|`.
    pub(in crate::domain::session) fn posts(&self) -> Vec<String> {
        let of = |effect| match effect {
            &Effect::Post { form, ref text, again, .. } => {
                let form = match form {
                    Form::Free => "",
                    Form::Template => "template: ",
                    Form::Sms => "sms: ",
                };
                let again = if again { "again: " } else { "" };
                Some(format!("{form}{again}{}", text.replace('\n', "|")))
            }
            _ => None,
        };
        self.effects.iter().filter_map(of).collect()
    }

    pub(in crate::domain::session) fn inspected(&self) -> Vec<&str> {
        let messages = self.effects.iter().filter_map(|effect| match effect {
            Effect::Inspect { message, .. } => Some(message.as_str()),
            _ => None,
        });
        messages.collect()
    }

    pub(in crate::domain::session) fn count(&self, effect: &Effect) -> usize {
        self.effects.iter().filter(|other| *other == effect).count()
    }

    /// Whether the session has, or waits for, the floor.
    pub(in crate::domain::session) fn wants_the_floor(&self) -> bool {
        let (claims, yields) = (self.count(&Effect::Claim), self.count(&Effect::Yield));
        assert!(claims == yields || claims == yields + 1, "claimed {claims} times, given back {yields} times");
        claims > yields
    }
}

/// Messaging is on: WhatsApp, with a template.
pub(in crate::domain::session) fn texting() -> Limits {
    let texting = Texting { longest: 1600, template: true, settles: true, sms: false };
    Limits { texting: Some(texting), ..Limits::default() }
}

pub(in crate::domain::session) fn without_template() -> Limits {
    let texting = Texting { longest: 1600, template: false, settles: true, sms: false };
    Limits { texting: Some(texting), ..Limits::default() }
}

pub(in crate::domain::session) fn trouble(class: MessagingClass) -> MessagingError {
    MessagingError { class, code: None, message: "no".to_owned(), retry_after: None }
}

/// The one after [`call`](super::call).
fn second_call() -> CarrierCallId {
    CarrierCallId("CA2".to_owned())
}

fn named(n: u64) -> MessageId {
    MessageId(format!("IM{n}"))
}
