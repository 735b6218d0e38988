//! Looks ahead: whether the models in use are still offered, and until when. At the start, and then every few hours.
//!
//! Nobody waits for it: a call that comes first finds out for itself.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::endpoint::Endpoint;
use super::presets::{Absence, InUse};
use crate::clock::Clock;
use crate::metrics::{Metrics, SpeechPart};
use crate::provider::{ErrorClass, ProviderError, SpeechOutlook};

mod models;
#[cfg(test)]
mod tests;

use models::{ModelList, Models};

/// How many days before a model ends it is worth a warning.
const SOON: i32 = 60;

/// What a list of models that lacks one is taken for.
const NOT_LISTED: &str = "not_listed";

/// The presets of one part of speech, for [`Watch`].
#[derive(Debug)]
pub struct Watched(Arc<dyn InUse>);

impl Watched {
    pub(super) fn new(presets: Arc<dyn InUse>) -> Self {
        Self(presets)
    }
}

/// What one look at a part of speech came to.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Which part.
    pub part: SpeechPart,
    /// The model that was to be used.
    pub wanted: String,
    /// The one that is.
    pub model: String,
    /// The provider lists models, and not this one.
    pub is_unknown: bool,
    /// Why no session with it could be opened, or that no model is left.
    pub failure: Option<ProviderError>,
    /// That it ends soon, if it does.
    pub warning: Option<String>,
}

/// Watches over the models of the speech provider.
pub struct Watch {
    parts: Vec<Part>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Part {
    presets: Arc<dyn InUse>,
    list: ModelList,
    /// The last list that could be read.
    models: Mutex<Models>,
    /// Those of our models that any list has had.
    known: Mutex<HashSet<String>>,
}

impl Watch {
    /// A watch over nothing.
    pub fn new(clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { parts: Vec::new(), clock, metrics }
    }

    /// The same over one part more, whose models are listed at this endpoint.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn over(mut self, part: Watched, endpoint: &Endpoint, key: &SecretString) -> Result<Self, ProviderError> {
        let list = ModelList::new(endpoint, key)?;
        self.parts.push(Part { presets: part.0, list, models: Mutex::default(), known: Mutex::default() });
        Ok(self)
    }

    /// Looks at once and then again and again, until it is dropped.
    pub async fn run(&self, every: Duration) {
        loop {
            for part in &self.parts {
                let _ = self.look(part).await;
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Looks once, for somebody who asks; what there is to say of each part.
    pub async fn examine(&self) -> Vec<Examined> {
        let mut all = Vec::new();
        for part in &self.parts {
            let wanted = part.presets.models().first().map(|model| (*model).to_owned()).unwrap_or_default();
            let failure = self.look(part).await;
            let models = part.presets.models();
            let model = models.get(part.presets.place()).map(|model| (*model).to_owned()).unwrap_or_default();
            let listed = part.models.lock().unwrap_or_else(PoisonError::into_inner);
            let is_unknown = !listed.is_empty() && !listed.has(&model);
            drop(listed);
            let which = part.presets.part();
            all.push(Examined { part: which, wanted, model, is_unknown, failure, warning: self.warning(part) });
        }
        all
    }

    async fn look(&self, part: &Part) -> Option<ProviderError> {
        if let Some(models) = part.list.read().await {
            part.remember(models);
        }
        let failure = part.settle().await.err();
        let end = part.end();
        let at = end.and_then(|(_, day)| day.to_zoned(TimeZone::UTC).ok()).map(|at| at.timestamp().as_second());
        self.metrics.speech_model_ends(part.presets.part(), at);
        if let Some(sentence) = self.warning(part) {
            tracing::warn!("{sentence}");
        }
        failure
    }

    /// That the model in use ends soon, if it does.
    fn warning(&self, part: &Part) -> Option<String> {
        let (model, day) = part.end()?;
        let now = i64::try_from(self.clock.now().0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())?;
        let today = now.to_zoned(TimeZone::UTC).date();
        let left = today.until(day).ok()?.get_days();
        if left > SOON {
            return None;
        }
        let name = part.presets.part().as_str();
        let models = part.presets.models();
        let then = match models.get(part.presets.place() + 1) {
            Some(next) => format!("{next} is used from then on"),
            None => format!("set another in CALLME_{}_MODEL", name.to_uppercase()),
        };
        Some(format!("{model}, which is used for {name}, ends on {day}: {then}"))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl SpeechOutlook for Watch {
    fn warnings(&self) -> Vec<String> {
        self.parts.iter().filter_map(|part| self.warning(part)).collect()
    }
}

impl Part {
    /// Finds the first model that is listed and opens a session. Those before it are left; one that was only missed, and is
    /// found again, is gone back to.
    ///
    /// # Errors
    /// Why that one's session did not open, or that none is left.
    async fn settle(&self) -> Result<(), ProviderError> {
        for place in 0..self.presets.models().len() {
            if self.presets.is_gone(place) {
                continue;
            }
            let (why, code) = if self.is_unlisted(place) {
                (Absence::Missing, Some(NOT_LISTED.to_owned()))
            } else {
                match self.presets.dry_run(place).await {
                    Ok(()) => {
                        self.presets.take(place);
                        return Ok(());
                    }
                    Err(error) => match self.presets.absence(&error) {
                        Some(why) => (why, error.code.clone()),
                        None => {
                            let part = self.presets.part().as_str();
                            tracing::warn!(
                                code = error.code,
                                class = ?error.class,
                                "calls may be without {part}: the speech provider did not open a session for it when asked: {error}"
                            );
                            return Err(error);
                        }
                    },
                }
            };
            if !self.presets.leave(place, why, code.as_deref()) {
                break;
            }
        }
        Err(ProviderError::ours(ErrorClass::Refused, "the speech provider offers none of the models"))
    }

    fn remember(&self, models: Models) {
        let ours = self.presets.models();
        let listed = ours.into_iter().filter(|model| models.has(model)).map(str::to_owned);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend(listed);
        *self.models.lock().unwrap_or_else(PoisonError::into_inner) = models;
    }

    /// Whether the list says that there is no such model. One that knows none of ours says nothing: many servers list only
    /// what they have loaded, or nothing. A model set by hand may have a name that no list has, and work; it is missed only
    /// where an earlier list had it.
    fn is_unlisted(&self, place: usize) -> bool {
        let ours = self.presets.models();
        let Some(model) = ours.get(place) else { return false };
        let listed = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let was_listed = self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(*model);
        ours.iter().any(|model| listed.has(model)) && !listed.has(model) && (was_listed || !self.presets.is_own(place))
    }

    /// The model in use and the day on which it is to end.
    fn end(&self) -> Option<(&str, Date)> {
        let model = *self.presets.models().get(self.presets.place())?;
        let end = self.models.lock().unwrap_or_else(PoisonError::into_inner).end_of(model)?;
        Some((model, end))
    }
}
