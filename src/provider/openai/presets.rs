//! The models for one part of speech in the order in which they are tried, and which of them is used.
//!
//! A model that the provider does not offer any more is left once, for the whole process, whoever notices: a call that was
//! refused, the list of models, or a dry session. One that is only not found is left until the next look.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::BoxFuture;

use super::failure;
use crate::metrics::{Metrics, SpeechPart};
use crate::provider::ProviderError;

/// A part's models, each with what drives it.
pub(super) struct Presets<T> {
    part: SpeechPart,
    list: Vec<Preset<T>>,
    /// Whether the first was set by hand.
    own: bool,
    current: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// A model and what drives it.
pub(super) struct Preset<T> {
    /// As the provider calls it.
    pub(super) model: String,
    /// Speaks or listens with it.
    pub(super) driver: T,
    /// The provider said that there is no such model.
    gone: AtomicBool,
}

/// How sure it is that a model is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// The provider says so: it is left for good.
    Gone,
    /// Its address is not there, or a list lacks it: it is left until the next look.
    Missing,
}

/// What can be tried without a word being said.
pub(super) trait DryRun: Send + Sync {
    /// Opens a session as for a call, and closes it. What needs no session succeeds.
    fn dry_run(&self) -> BoxFuture<'_, Result<(), ProviderError>>;
}

/// A part's presets, whatever they drive.
pub(super) trait InUse: fmt::Debug + Send + Sync {
    /// Which part.
    fn part(&self) -> SpeechPart;
    /// The place of the preset in use.
    fn place(&self) -> usize;
    /// All models, by their places.
    fn models(&self) -> Vec<&str>;
    /// Whether the preset at a place was set by hand.
    fn is_own(&self, place: usize) -> bool;
    /// Whether the provider said that the model at a place is gone.
    fn is_gone(&self, place: usize) -> bool;
    /// As [`Presets::absence`].
    fn absence(&self, error: &ProviderError) -> Option<Absence>;
    /// As [`Presets::leave`].
    fn leave(&self, place: usize, why: Absence, code: Option<&str>) -> bool;
    /// Goes back to the preset at a place, which was found again.
    fn take(&self, place: usize);
    /// Tries the driver at a place.
    fn dry_run(&self, place: usize) -> BoxFuture<'_, Result<(), ProviderError>>;
}

impl<T> Presets<T> {
    /// The model set by hand, if there is one, then those of `models` that are others; `make` makes the driver of each.
    ///
    /// # Errors
    /// The first of `make`.
    pub(super) fn new(
        part: SpeechPart,
        own: Option<&str>,
        models: &[&str],
        metrics: Arc<Metrics>,
        mut make: impl FnMut(&str) -> Result<T, ProviderError>,
    ) -> Result<Self, ProviderError> {
        let others = models.iter().copied().filter(|model| own != Some(model));
        let preset = |model: &str| -> Result<_, ProviderError> {
            Ok(Preset { model: model.to_owned(), driver: make(model)?, gone: AtomicBool::new(false) })
        };
        let list = own.into_iter().chain(others).map(preset).collect::<Result<_, ProviderError>>()?;
        Ok(Self { part, list, own: own.is_some(), current: AtomicUsize::new(0), metrics })
    }

    /// The place of the preset in use.
    pub(super) fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// The preset at a place that [`Presets::current`] gave.
    pub(super) fn at(&self, place: usize) -> &Preset<T> {
        &self.list[place]
    }

    /// Whether an error says that the model is not to be had. Those that listen share one address: where that is not
    /// there, it says nothing of any of them.
    pub(super) fn absence(&self, error: &ProviderError) -> Option<Absence> {
        if failure::is_gone(error) {
            Some(Absence::Gone)
        } else if failure::is_missing(error) && self.part == SpeechPart::Tts {
            Some(Absence::Missing)
        } else {
            None
        }
    }

    /// Moves on from a preset whose model is not to be had, unless somebody else has. `false` when there is none to go on
    /// with: then what comes next tries all of them again, lest a gateway's bad moment lasts until the next start.
    pub(super) fn leave(&self, place: usize, why: Absence, code: Option<&str>) -> bool {
        let left = &self.list[place];
        if why == Absence::Gone {
            left.gone.store(true, Ordering::Relaxed);
        }
        let behind = self.list.iter().enumerate().skip(place + 1);
        let next = behind.into_iter().find(|(_, preset)| !preset.is_gone()).map_or(0, |(next, _)| next);
        if next == 0 {
            self.list.iter().for_each(|preset| preset.gone.store(false, Ordering::Relaxed));
        }
        if self.current.compare_exchange(place, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let (part, model) = (self.part.as_str(), &left.model);
            self.metrics.speech_moved(self.part);
            let until = match why {
                Absence::Gone => "from now on",
                Absence::Missing => "until it is found again",
            };
            if next > 0 {
                let next = &self.list[next].model;
                tracing::warn!(code, "the speech provider does not offer {model}; {next} is used for {part} {until}");
            } else {
                tracing::error!(
                    code,
                    "the speech provider does not offer {model} either, and no model is left for {part}"
                );
            }
        }
        next > 0
    }
}

impl<T> Preset<T> {
    fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }
}

impl<T: DryRun> InUse for Presets<T> {
    fn part(&self) -> SpeechPart {
        self.part
    }

    fn place(&self) -> usize {
        self.current()
    }

    fn models(&self) -> Vec<&str> {
        self.list.iter().map(|preset| preset.model.as_str()).collect()
    }

    fn is_own(&self, place: usize) -> bool {
        self.own && place == 0
    }

    fn is_gone(&self, place: usize) -> bool {
        self.list[place].is_gone()
    }

    fn absence(&self, error: &ProviderError) -> Option<Absence> {
        Presets::absence(self, error)
    }

    fn leave(&self, place: usize, why: Absence, code: Option<&str>) -> bool {
        Presets::leave(self, place, why, code)
    }

    fn take(&self, place: usize) {
        if !self.list[place].is_gone() && self.current.swap(place, Ordering::Relaxed) != place {
            tracing::info!("{} is used for {} again", self.list[place].model, self.part.as_str());
        }
    }

    fn dry_run(&self, place: usize) -> BoxFuture<'_, Result<(), ProviderError>> {
        self.list[place].driver.dry_run()
    }
}

impl<T> fmt::Debug for Presets<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models = self.list.iter().map(|preset| &preset.model);
        write!(f, "Presets({} of ", self.current())?;
        f.debug_list().entries(models).finish()?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::Absence::{Gone, Missing};
    use super::*;

    fn presets(own: Option<&str>, metrics: &Arc<Metrics>) -> Presets<usize> {
        Presets::new(SpeechPart::Tts, own, &["a", "b", "c"], Arc::clone(metrics), |model| Ok(model.len())).unwrap()
    }

    fn moves(metrics: &Metrics) -> u64 {
        let text = metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix("callme_speech_moves_total{part=\"tts\"} "));
        line.map_or(0, |count| count.parse().unwrap())
    }

    #[test]
    fn the_model_set_by_hand_is_tried_first_and_once() {
        for (own, want) in [(None, "abc"), (Some("b"), "bac"), (Some("x"), "xabc")] {
            let presets = presets(own, &Arc::default());
            let models: String = presets.list.iter().map(|preset| preset.model.as_str()).collect();
            assert_eq!(models, want);
        }
    }

    #[test]
    fn many_who_meet_the_same_refusal_move_once() {
        let metrics = Arc::default();
        let presets = presets(None, &metrics);
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| assert!(presets.leave(0, Gone, None)));
            }
        });
        assert_eq!((presets.current(), moves(&metrics)), (1, 1));
        assert!(presets.leave(1, Gone, None) && presets.leave(0, Gone, None));
        assert_eq!((presets.current(), moves(&metrics)), (2, 2), "who comes late with an old one changes nothing");
    }

    #[test]
    fn behind_the_last_all_are_tried_again() {
        for why in [Gone, Missing] {
            let metrics = Arc::default();
            let presets = presets(None, &metrics);
            assert!(presets.leave(0, why, None) && presets.leave(1, why, None));
            assert!(!presets.leave(2, why, None) && !presets.leave(2, why, None));
            assert_eq!((presets.current(), moves(&metrics)), (0, 3));
            assert!(presets.leave(0, why, None), "{why:?}: the next is tried again, too");
        }
    }

    #[test]
    fn a_model_that_is_gone_is_passed_over_and_a_missing_one_is_not() {
        for (why, next) in [(Gone, 2), (Missing, 1)] {
            let presets = presets(None, &Arc::default());
            // Found out while another one is in use.
            assert!(presets.leave(1, why, None) && presets.current() == 0);
            assert!(presets.leave(0, Missing, None));
            assert_eq!(presets.current(), next, "{why:?}");
        }
    }

    #[test]
    fn an_address_that_is_not_there_says_something_of_a_model_only_where_each_has_its_own() {
        let error = |status, body: &str| failure::of_status(status, body.as_bytes());
        let (gone, bare) = (error(404, r#"{"error":{"code":"model_not_found"}}"#), error(404, ""));
        for (part, want) in [(SpeechPart::Tts, Some(Missing)), (SpeechPart::Stt, None)] {
            let presets = Presets::new(part, None, &["a"], Arc::default(), |_| Ok(())).unwrap();
            assert_eq!((presets.absence(&gone), presets.absence(&bare)), (Some(Gone), want), "{part:?}");
            assert_eq!(presets.absence(&error(401, "")), None);
        }
    }
}
