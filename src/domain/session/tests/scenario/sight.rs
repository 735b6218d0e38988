//! What is seen of a scenario from outside: answers, effects, and how it stands at the end.

use super::Scenario;
use crate::domain::media::MediaCommand;
use crate::domain::outcome::{EndedBy, MessageHeard};
use crate::domain::session::{Answer, Body, Effect, Failure, Phase, Said};

/// What is seen of it.
impl Scenario {
    pub(in crate::domain::session) fn answers(&self, request: u64) -> Vec<&Answer> {
        let of_this = |effect| match effect {
            &Effect::Answer { request: of, ref answer } => (of.0 == request).then_some(answer),
            _ => None,
        };
        self.effects.iter().filter_map(of_this).collect()
    }

    /// What a request was told, in a line.
    pub(in crate::domain::session) fn told(&self, request: u64) -> String {
        match self.answers(request)[..] {
            [] => "nothing yet".to_owned(),
            [answer] => in_a_line(&answer.body),
            _ => panic!("request {request} was answered more than once"),
        }
    }

    /// The outcome a request was told: dial, who answered, how much was heard, the reply's channel, who ended it.
    pub(in crate::domain::session) fn truth(&self, request: u64) -> String {
        let outcome = &self.answers(request).first().expect("an answer").outcome;
        let heard = match &outcome.message_heard {
            MessageHeard::None => "none",
            MessageHeard::Partial(_) => "partial",
            MessageHeard::Full => "full",
            MessageHeard::Written => "null",
        };
        let channel = outcome.reply_channel.map_or("none", crate::domain::outcome::Channel::as_str);
        let ended_by = outcome.ended_by.map_or("null", EndedBy::as_str);
        format!("{} {} {heard} {channel} {ended_by}", outcome.dial.as_str(), outcome.answered_by.as_str())
    }

    pub(in crate::domain::session) fn ended_by(&self) -> &'static str {
        self.session.outcome().ended_by.map_or("null", EndedBy::as_str)
    }

    pub(in crate::domain::session) fn hang_ups(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::HangUp { .. })).count()
    }

    pub(in crate::domain::session) fn searches(&self) -> usize {
        self.effects.iter().filter(|effect| matches!(effect, Effect::FindCall { .. })).count()
    }

    /// Everything the agent's side asked the media to say.
    pub(in crate::domain::session) fn spoken(&self) -> Vec<&str> {
        let of = |effect| match effect {
            &Effect::Media(MediaCommand::Speak { ref text, .. }) => Some(text.as_str()),
            _ => None,
        };
        self.effects.iter().filter_map(of).collect()
    }

    /// What the history says the person said.
    pub(in crate::domain::session) fn recorded(&self) -> Vec<&str> {
        let of = |effect| match effect {
            &Effect::Said { by_person: true, ref text, .. } => Some(text.as_str()),
            _ => None,
        };
        self.effects.iter().filter_map(of).collect()
    }

    pub(in crate::domain::session) fn uncollected(&self) -> String {
        joined(&self.session.uncollected())
    }

    /// The session is over and has said so once, waits for nothing, and has answered requests 1 to the last once each.
    pub(in crate::domain::session) fn check_ended(&self) {
        assert_eq!(self.session.phase(), Phase::Ended);
        assert_eq!(self.session.next_deadline(), None, "an ended session waits for nothing");
        assert_eq!(self.effects.iter().filter(|effect| **effect == Effect::Finished).count(), 1, "finished once");
        for request in 1..=self.requests {
            assert_eq!(self.answers(request).len(), 1, "answers to request {request}");
        }
    }
}

fn in_a_line(body: &Body) -> String {
    let of = |what: &str, said: &[Said]| match said {
        [] => String::new(),
        said => format!(" ({what}: {})", joined(said)),
    };
    match body {
        Body::Reply(reply) => {
            let cut = if reply.interrupted { ", interrupted" } else { "" };
            format!("reply: {}{}{cut}", joined(&reply.words), of("earlier", &reply.earlier))
        }
        Body::Spoken { interrupted } => if *interrupted { "spoken, interrupted" } else { "spoken" }.to_owned(),
        Body::Ended { talked } => format!("ended after {talked}"),
        Body::Failed { failure, said } => {
            let failure = match failure {
                Failure::Speech(error) | Failure::Carrier(error) => {
                    let kind = if matches!(failure, Failure::Speech(_)) { "Speech" } else { "Carrier" };
                    format!("{kind} {}", error.code.as_deref().unwrap_or("without code"))
                }
                Failure::Undelivered { error, untouched, open } => {
                    let untouched = if *untouched { ", untouched" } else { "" };
                    let open = if *open { ", open" } else { "" };
                    format!("Undelivered {:?}{untouched}{open}", error.class)
                }
                other => format!("{other:?}"),
            };
            format!("{failure}{}", of("said", said))
        }
    }
}

fn joined(said: &[Said]) -> String {
    said.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" / ")
}
