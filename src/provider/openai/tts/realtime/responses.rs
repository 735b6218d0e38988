//! What was asked of a session and what came of it: puts the sound of several responses in its places, and none twice.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;

use super::event::Event;
use crate::provider::ProviderError;

/// Our name for a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Tag(u64);

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What stands before the tag in the id of the event that asks for a response, ...
const ASK: &str = "say-";
/// ... and in that of the event that calls it off.
const CALL_OFF: &str = "stop-";

impl Tag {
    /// The id of the event that asks for this response.
    pub(super) fn asking(self) -> String {
        format!("{ASK}{self}")
    }

    /// The id of the event that calls it off.
    pub(super) fn calling_off(self) -> String {
        format!("{CALL_OFF}{self}")
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// The responses of one session. Responses of an earlier socket are forgotten with [`Responses::lose`].
#[derive(Debug, Default)]
pub(super) struct Responses {
    last: u64,
    /// Asked for and not answered yet, in the order of asking; also those that were called off since.
    unanswered: VecDeque<Tag>,
    wanted: HashMap<Tag, Wanted>,
    /// The server's names of those that are wanted.
    names: HashMap<String, Tag>,
}

/// A response that somebody waits for.
#[derive(Debug, Default)]
struct Wanted {
    sound: VecDeque<Bytes>,
    /// The ids of the events whose sound was taken.
    taken: HashSet<String>,
    transcript: Option<String>,
    sounded: bool,
    end: Option<Result<(), ProviderError>>,
}

/// What a response has to give.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More sound; never empty.
    Sound(Bytes),
    /// It came to its end, with the words that were spoken, where the server says them.
    Over(Option<String>),
    /// It ended otherwise.
    Failed(ProviderError),
}

/// What an event asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// There is something to take for this response.
    For(Tag),
    /// A response that nobody wants has a name now, by which it can be called off.
    CallOff(Tag, String),
    /// Something to be logged, and not about a response of ours.
    Trouble(ProviderError),
    /// Nothing.
    Nothing,
}

impl Responses {
    /// Names a response that is going to be asked for.
    pub(super) fn ask(&mut self) -> Tag {
        self.last += 1;
        let tag = Tag(self.last);
        self.unanswered.push_back(tag);
        self.wanted.insert(tag, Wanted::default());
        tag
    }

    /// A response is not wanted any more. Gives the server's name, by which it can be called off, unless that is not
    /// known yet (then [`News::CallOff`] follows) or the response is over.
    pub(super) fn drop(&mut self, tag: Tag) -> Option<String> {
        let running = self.wanted.remove(&tag).is_some_and(|wanted| wanted.end.is_none());
        let name = self.names.iter().find(|(_, known)| **known == tag).map(|(name, _)| name.clone())?;
        self.names.remove(&name);
        running.then_some(name)
    }

    /// The socket is gone: what is under way fails with this, unless all of its sound has come and only its end was missing.
    pub(super) fn lose(&mut self, error: &ProviderError) {
        self.unanswered.clear();
        self.names.clear();
        for Wanted { sounded, end, .. } in self.wanted.values_mut() {
            end.get_or_insert_with(|| if *sounded { Ok(()) } else { Err(error.clone()) });
        }
    }

    /// Whether a response is being made that somebody waits for.
    pub(super) fn is_busy(&self) -> bool {
        self.wanted.values().any(|wanted| wanted.end.is_none())
    }

    /// All sound of a response has come, as far as can be known; its end may still be on the way.
    pub(super) fn is_sounded(&self, tag: Tag) -> bool {
        self.wanted.get(&tag).is_some_and(|wanted| wanted.sounded)
    }

    /// A response's end did not come, and its sound did.
    pub(super) fn finish(&mut self, tag: Tag) {
        self.end(tag, Ok(()));
    }

    /// Takes in an event of the present socket, whatever it is and whenever it comes.
    pub(super) fn read(&mut self, event: Event<'_>) -> News {
        match event {
            Event::Begun { response, tag } => self.begun(response, tag.as_deref()),
            Event::Sound { response, event, ulaw } => self.at(&response, |wanted| {
                // Without an id it cannot be known again.
                if event.is_none_or(|id| wanted.taken.insert(id.into_owned())) {
                    wanted.sounded = false;
                    wanted.sound.push_back(ulaw);
                }
            }),
            Event::Sounded { response } => self.at(&response, |wanted| wanted.sounded = true),
            Event::Transcript { response, text } => self.at(&response, |wanted| {
                wanted.transcript.get_or_insert_with(|| text.into_owned());
            }),
            Event::Done { response, tag, end } => {
                let known = response.and_then(|name| self.names.remove(&name));
                let Some(tag) = known.or_else(|| tag.as_deref().and_then(Tag::parse)) else { return News::Nothing };
                self.end(tag, end)
            }
            Event::Error { about, error } => self.error(about.as_deref(), error),
            Event::Created | Event::Updated { .. } | Event::Other => News::Nothing,
        }
    }

    /// The next thing that a response has to give. After its end nothing is known of it.
    pub(super) fn take(&mut self, tag: Tag) -> Option<Step> {
        let wanted = self.wanted.get_mut(&tag)?;
        if let Some(ulaw) = wanted.sound.pop_front() {
            return Some(Step::Sound(ulaw));
        }
        let end = wanted.end.take()?;
        let transcript = wanted.transcript.take();
        self.wanted.remove(&tag);
        self.names.retain(|_, known| *known != tag);
        Some(match end {
            Ok(()) => Step::Over(transcript),
            Err(error) => Step::Failed(error),
        })
    }

    fn begun(&mut self, name: String, tag: Option<&str>) -> News {
        // A server that does not give our name back answers in the order of asking.
        let tag = match tag {
            Some(text) => Tag::parse(text).filter(|tag| self.unanswered.contains(tag)),
            None => self.unanswered.front().copied(),
        };
        let Some(tag) = tag else { return News::Nothing };
        self.unanswered.retain(|known| *known != tag);
        if self.names.contains_key(&name) {
            return News::Nothing;
        }
        if !self.wanted.contains_key(&tag) {
            return News::CallOff(tag, name);
        }
        self.names.insert(name, tag);
        News::Nothing
    }

    fn error(&mut self, about: Option<&str>, error: ProviderError) -> News {
        match about {
            // What we call off may have ended by itself in the meantime.
            Some(event) if event.starts_with(CALL_OFF) => News::Nothing,
            Some(event) => match event.strip_prefix(ASK).and_then(Tag::parse) {
                Some(tag) => self.end(tag, Err(error)),
                None => News::Trouble(error),
            },
            // A server that does not say what it is about means the question that it has not answered.
            None => match self.unanswered.front().copied() {
                Some(tag) => self.end(tag, Err(error)),
                None => News::Trouble(error),
            },
        }
    }

    fn at(&mut self, name: &str, change: impl FnOnce(&mut Wanted)) -> News {
        let Some(tag) = self.names.get(name).copied() else { return News::Nothing };
        let Some(wanted) = self.wanted.get_mut(&tag).filter(|wanted| wanted.end.is_none()) else {
            return News::Nothing;
        };
        change(wanted);
        News::For(tag)
    }

    fn end(&mut self, tag: Tag, end: Result<(), ProviderError>) -> News {
        self.unanswered.retain(|known| *known != tag);
        match self.wanted.get_mut(&tag) {
            Some(wanted) => {
                wanted.end.get_or_insert(end);
                News::For(tag)
            }
            None => News::Nothing,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
