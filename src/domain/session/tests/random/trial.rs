//! A session, and what must be true of it at every step.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::super::scenario::{text, trouble};
use super::story::Step;
use crate::clock::Millis;
use crate::domain::media::{MediaCommand, MediaEvent};
use crate::domain::messaging::{Delivery, Form};
use crate::domain::outcome::{Channel, Dial};
use crate::domain::session::{Body, Effect, Input, Limits, Phase, PostError, Sense, Session};
use crate::domain::text::PersonText;
use crate::ids::{MessageId, PostId, RequestId, StretchId};

pub(super) const START: Millis = Millis(1_000_000);
/// The last words, their verdict, and four hang-ups that nobody answers.
const SLACK: Duration = Duration::from_secs(80);
/// From the last input: a search for a lost dial, the ringing, and [`SLACK`].
const UNANSWERED: Duration = Duration::from_mins(5);

pub(super) struct Trial {
    session: Session,
    limits: Limits,
    now: Millis,
    /// The carrier, the media and the line answer at once.
    obliging: bool,
    requests: u64,
    answers: HashMap<u64, usize>,
    /// The words of each reply.
    replies: HashMap<u64, Vec<String>>,
    /// The person's words that must not be lost, and whether they were spoken.
    said: Vec<(String, bool)>,
    words: u64,
    collected: HashSet<String>,
    picked_up: Option<Millis>,
    finished: Option<Millis>,
    last_input: Millis,
    /// What may ring now: the beginning of a call, or the person's wish.
    may_dial: bool,
    claimed: bool,
    floor: bool,
    /// How the newest question ends, and those that were sent.
    newest: String,
    asked: HashSet<String>,
    posts: u64,
    on_its_way: Option<PostId>,
    /// Texts that were handed over since the person stopped messages.
    sent_after_stop: Option<usize>,
}

impl Trial {
    pub(super) fn new(session: Session, requests: u64, limits: &Limits, obliging: bool) -> Self {
        let mut trial = Self {
            session,
            limits: limits.clone(),
            now: START,
            obliging,
            requests,
            answers: HashMap::new(),
            replies: HashMap::new(),
            said: Vec::new(),
            words: 0,
            collected: HashSet::new(),
            picked_up: None,
            finished: None,
            last_input: START,
            may_dial: true,
            claimed: false,
            floor: false,
            newest: String::new(),
            asked: HashSet::new(),
            posts: 0,
            on_its_way: None,
            sent_after_stop: None,
        };
        trial.carry_out();
        trial
    }

    pub(super) fn take(&mut self, step: Step) {
        let mut request = || {
            self.requests += 1;
            RequestId(self.requests)
        };
        let input = match step {
            Step::Pass(millis) => return self.pass(millis),
            Step::Crash(millis) => return self.crash(millis),
            Step::Ask => {
                let request = request();
                self.newest = format!("{}?", request.0);
                Input::Ask { request, text: text(&format!("And {}", self.newest)) }
            }
            Step::Say => Input::Say { request: request(), text: text("So.") },
            Step::Wait => Input::Wait { request: request() },
            Step::End => Input::End { request: request(), text: text("Bye.") },
            Step::Collect(ago) => {
                let request = self.requests.saturating_sub(ago);
                self.collected.extend(self.replies.get(&request).into_iter().flatten().cloned());
                Input::Collected { request: RequestId(request) }
            }
            Step::OutOfTime(ago) => Input::OutOfTime { request: RequestId(self.requests.saturating_sub(ago)) },
            Step::Words(stretch, ago) => {
                // The media of a call that is over has nothing to say.
                let text = self.new_words(true, !self.is_writing());
                let began_at = self.now - Duration::from_millis(ago);
                Input::Media(MediaEvent::Words { stretch: StretchId(stretch), began_at, text })
            }
            Step::Writes { aside } => {
                let sense = if aside { Sense::Aside } else { Sense::Reply };
                let text = self.new_words(false, true);
                Input::Wrote { text, sense, at: self.now, channel: self.some_channel() }
            }
            Step::CallMe { tell } => Input::Wrote {
                text: self.new_words(false, tell),
                sense: Sense::CallMe { tell },
                at: self.now,
                channel: self.some_channel(),
            },
            Step::Stop => {
                self.sent_after_stop.get_or_insert(0);
                Input::OptedOut { text: self.new_words(false, true), channel: self.some_channel() }
            }
            Step::Floor => {
                self.floor |= self.claimed;
                Input::Floor
            }
            Step::Posted { ago, trouble: class } => {
                let Some(post) = self.posts.checked_sub(ago).map(PostId) else { return };
                self.on_its_way.take_if(|on_its_way| *on_its_way == post);
                let result = match class {
                    None => Ok(named(post)),
                    Some(class) => Err(PostError::Carrier(trouble(class))),
                };
                Input::Posted { post, result }
            }
            Step::Receipt { ago, trouble: class } => {
                let Some(post) = self.posts.checked_sub(ago).map(PostId) else { return };
                let delivery = class.map_or(Delivery::Fine, |class| Delivery::Failed(trouble(class)));
                Input::Receipt { message: named(post), delivery }
            }
            Step::Window(millis) => Input::Window { until: self.now + Duration::from_millis(millis) },
            Step::Other(input) => input,
        };
        self.last_input = self.now;
        self.may_dial = matches!(input, Input::Wrote { sense: Sense::CallMe { .. }, .. });
        self.handle(input);
        self.carry_out();
    }

    /// What was asked of the carrier, the media and the line is answered to nobody; the line forgets the claim.
    fn crash(&mut self, millis: u64) {
        let Some(kept) = self.session.snapshot() else { return };
        let kept_at = self.now;
        self.now = kept_at + Duration::from_millis(millis);
        (self.on_its_way, self.claimed, self.floor, self.may_dial) = (None, false, false, false);
        self.session = Session::restore(kept, kept_at, self.limits.clone(), self.now);
        self.last_input = self.now;
        self.picked_up = self.picked_up.map(|_| self.now);
        self.carry_out();
    }

    fn is_writing(&self) -> bool {
        let leaving = self.session.phase() == Phase::Ending && self.session.channel() != Channel::Voice;
        self.session.phase() == Phase::Messaging || leaving
    }

    fn new_words(&mut self, spoken: bool, count: bool) -> PersonText {
        self.words += 1;
        let words = format!("words {}", self.words);
        if count {
            self.said.push((words.clone(), spoken));
        }
        PersonText(words)
    }

    fn pass(&mut self, millis: u64) {
        let then = self.now + Duration::from_millis(millis);
        while self.session.next_deadline().is_some_and(|due| due <= then) {
            self.wake();
        }
        self.now = then;
    }

    fn wake(&mut self) {
        let due = self.session.next_deadline().expect("a deadline is armed");
        self.now = self.now.max(due);
        self.may_dial = false;
        self.session.handle_timeout(self.now);
        let left = self.session.next_deadline();
        assert!(left.is_none_or(|next| next > self.now), "woken at {}, it wants to be woken at {left:?}", self.now);
        self.carry_out();
    }

    fn handle(&mut self, input: Input) {
        self.session.handle(input, self.now);
        if self.session.outcome().dial == Dial::Voicemail {
            // What a machine says is nobody's words.
            self.said.retain(|(_, spoken)| !spoken);
        }
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            self.note(&effect);
            let answer = match effect {
                Effect::Claim if self.obliging => {
                    self.floor = true;
                    Some(Input::Floor)
                }
                Effect::Claim => Some(Input::FloorTaken),
                // The line sends nothing to somebody who stopped messages.
                Effect::Post { post, .. } if self.sent_after_stop.is_some() => {
                    self.on_its_way = None;
                    Some(Input::Posted { post, result: Err(PostError::OptedOut) })
                }
                Effect::Post { post, .. } if self.obliging => {
                    self.on_its_way = None;
                    Some(Input::Posted { post, result: Ok(named(post)) })
                }
                Effect::HangUp { call } if self.obliging => Some(Input::HangUpAnswered { call, result: Ok(()) }),
                Effect::Media(MediaCommand::Drain) if self.obliging => Some(Input::Media(MediaEvent::Drained)),
                _ => None,
            };
            if let Some(input) = answer {
                self.handle(input);
            }
        }
        if self.session.outcome().dial == Dial::Answered {
            self.picked_up.get_or_insert(self.now);
        }
        if self.finished.is_some() {
            assert_eq!((self.session.phase(), self.session.next_deadline()), (Phase::Ended, None));
        }
    }

    /// What must be true of every effect.
    fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Answer { request, answer } => {
                *self.answers.entry(request.0).or_default() += 1;
                assert_eq!(answer.outcome.reply_channel.is_some(), matches!(answer.body, Body::Reply(_)));
                if let Body::Reply(reply) = &answer.body {
                    assert!(!reply.words.is_empty(), "a reply has words");
                    let words = reply.words.iter().chain(&reply.earlier).map(|said| said.text.0.clone());
                    self.replies.insert(request.0, words.collect());
                }
            }
            Effect::Finished => {
                assert_eq!(self.finished, None, "finished once");
                self.finished = Some(self.now);
            }
            Effect::Dial => assert!(std::mem::take(&mut self.may_dial), "nobody asked for this call"),
            Effect::Claim => assert!(!std::mem::replace(&mut self.claimed, true), "claimed once"),
            Effect::Yield => {
                assert!(std::mem::take(&mut self.claimed), "given back what was claimed");
                self.floor = false;
            }
            Effect::Post { post, form, text, .. } => {
                assert!(self.limits.texting.is_some() && self.finished.is_none());
                assert_eq!(self.on_its_way.replace(*post), None, "one text at a time");
                self.posts = self.posts.max(post.0);
                assert!(*form != Form::Sms || self.may_sms(), "nobody allowed SMS");
                if let Some(asks) = text.split_whitespace().last().filter(|word| word.ends_with('?')) {
                    // One that a newer has replaced is mended without it.
                    let again = !self.asked.insert(asks.to_owned()) && asks != self.newest;
                    assert!(*form == Form::Template || self.floor || again, "a question needs the floor");
                }
                if let Some(sent) = &mut self.sent_after_stop {
                    *sent += 1;
                    assert!(*sent <= 1, "one refusal is enough");
                }
            }
            _ => {}
        }
    }

    fn may_sms(&self) -> bool {
        self.limits.texting.is_some_and(|texting| texting.sms)
    }

    /// Where the person writes: now here, now there.
    fn some_channel(&self) -> Channel {
        if self.may_sms() && self.words.is_multiple_of(3) { Channel::Sms } else { Channel::WhatsApp }
    }

    pub(super) fn check_ended(mut self) {
        for _ in 0..1000 {
            if self.session.next_deadline().is_none() {
                break;
            }
            self.wake();
        }
        assert_eq!((self.session.phase(), self.session.next_deadline()), (Phase::Ended, None));
        let finished = self.finished.expect("an ended session has said so");
        let latest = match (self.limits.texting, self.picked_up) {
            (Some(_), _) => self.last_input + UNANSWERED + self.limits.longest + self.limits.open_question,
            (None, Some(at)) => at + self.limits.longest + SLACK,
            (None, None) => self.last_input + UNANSWERED,
        };
        assert!(finished <= latest, "ended at {finished}, {:?} too late", finished.since(latest));
        for request in 1..=self.requests {
            assert_eq!(self.answers.get(&request), Some(&1), "answers to request {request}");
        }
        assert!(!self.claimed, "the floor is given back");
        let kept: HashSet<String> = self.session.uncollected().into_iter().map(|said| said.text.0).collect();
        for (words, _) in &self.said {
            assert!(self.collected.contains(words) || kept.contains(words), "{words} are lost");
        }
    }
}

fn named(post: PostId) -> MessageId {
    MessageId(format!("IM{}", post.0))
}
