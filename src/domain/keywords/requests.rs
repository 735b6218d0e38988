//! One language's requests to be called, and what may stand around them.

use std::collections::{HashMap, HashSet};

use super::words::{Word, joined, words};
use super::{BadPhrase, Language, fixed};

/// Stands for a number in a time.
const NUMBER: &str = "#";

/// How a language asks to be called.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    /// What must be left of a message, word for word.
    phrases: HashMap<String, Kind>,
    /// The words of the longest request.
    longest: usize,
    /// What is taken away, longer ones first.
    asides: Vec<Aside>,
    numbers: HashSet<String>,
}

/// When a request counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Also as the first sentence of more.
    SaysWho,
    /// Only as the whole message.
    Alone,
    /// Only with politeness or a time.
    WithPlease,
}

/// A phrase that is no part of the request itself.
#[derive(Clone, Debug)]
struct Aside {
    words: Vec<String>,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Before,
    Polite,
    Time,
}

impl Requests {
    pub(super) fn new(language: &Language) -> Result<Self, BadPhrase> {
        let numbers = language.numbers.iter().map(|number| fixed(number)).collect::<Result<_, _>>()?;
        let mut found = Self { phrases: HashMap::new(), longest: 0, asides: Vec::new(), numbers };
        for (phrases, role) in
            [(&language.before, Role::Before), (&language.polite, Role::Polite), (&language.time, Role::Time)]
        {
            for phrase in phrases {
                found.asides.push(Aside { words: pattern(phrase, role)?, role });
            }
        }
        found.asides.sort_by(|a, b| (b.words.len(), &b.words).cmp(&(a.words.len(), &a.words)));
        if let Some(pair) = found.asides.windows(2).find(|pair| pair[0].words == pair[1].words) {
            return Err(BadPhrase::Twice(pair[0].words.join(" ")));
        }
        for (phrases, kind) in
            [(&language.call, Kind::SaysWho), (&language.alone, Kind::Alone), (&language.with_please, Kind::WithPlease)]
        {
            for phrase in phrases {
                let request = words(phrase);
                found.longest = found.longest.max(request.len());
                if (0..request.len()).any(|at| found.aside(&request[at..]).is_some()) {
                    return Err(BadPhrase::Hidden(phrase.clone()));
                }
                if found.phrases.insert(fixed(phrase)?, kind).is_some() {
                    return Err(BadPhrase::Twice(phrase.clone()));
                }
            }
        }
        Ok(found)
    }

    /// Whether a message asks for a call, and then whether it says more than that.
    pub(super) fn read(&self, message: &[Word]) -> Option<bool> {
        let (mut asks, mut asides) = (Vec::new(), Vec::new());
        // A sentence has ended with which the request was whole.
        let mut first_sentence = false;
        let mut rest = message;
        while let Some(word) = rest.first()
            && asks.len() <= self.longest
        {
            let aside = self.aside(rest).filter(|aside| aside.role != Role::Before || asks.is_empty());
            match aside {
                Some(aside) => asides.push(aside.role),
                None => asks.push(word.clone()),
            }
            let (taken, left) = rest.split_at(aside.map_or(1, |aside| aside.words.len()));
            rest = left;
            first_sentence |= taken.last().is_some_and(|word| word.ends) && self.kind(&asks) == Some(Kind::SaysWho);
        }
        let please = asides.iter().any(|role| *role != Role::Before);
        match self.kind(&asks) {
            Some(Kind::SaysWho | Kind::Alone) => Some(asides.contains(&Role::Time)),
            Some(Kind::WithPlease) if please => Some(asides.contains(&Role::Time)),
            Some(Kind::WithPlease) | None => first_sentence.then_some(true),
        }
    }

    fn kind(&self, asks: &[Word]) -> Option<Kind> {
        self.phrases.get(&joined(asks)).copied()
    }

    /// The longest aside that the words begin with.
    fn aside(&self, words: &[Word]) -> Option<&Aside> {
        self.asides.iter().find(|aside| {
            aside.words.len() <= words.len()
                && aside.words.iter().zip(words).all(|(want, word)| self.is(want, &word.text))
        })
    }

    fn is(&self, want: &str, word: &str) -> bool {
        let digits = || word.len() <= 2 && word.bytes().all(|byte| byte.is_ascii_digit());
        want == word || (want == NUMBER && (digits() || self.numbers.contains(word)))
    }
}

/// An aside's words, with `#` for numbers in a time.
fn pattern(phrase: &str, role: Role) -> Result<Vec<String>, BadPhrase> {
    if role != Role::Time {
        fixed(phrase)?;
    }
    let mut pattern = Vec::new();
    for (place, part) in phrase.split(NUMBER).enumerate() {
        pattern.extend((place > 0).then(|| NUMBER.to_owned()));
        pattern.extend(words(part).into_iter().map(|word| word.text));
    }
    if pattern.is_empty() { Err(BadPhrase::NoWords(phrase.to_owned())) } else { Ok(pattern) }
}
