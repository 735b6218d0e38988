//! The models for one part of speech in the order in which they are tried, and which of them is used.
//!
//! A model that the provider does not offer any more is left once, for the whole process, whoever notices: a call that was
//! refused, the list of models, or a dry session.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;

use crate::metrics::{Metrics, SpeechPart};
use crate::provider::ProviderError;

/// A part's models, each with what drives it.
pub(super) struct Presets<T> {
    part: SpeechPart,
    list: Vec<Preset<T>>,
    current: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// A model and what drives it.
pub(super) struct Preset<T> {
    /// As the provider calls it.
    pub(super) model: String,
    /// Speaks or listens with it.
    pub(super) driver: T,
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
    /// As [`Presets::leave`].
    fn leave(&self, place: usize, code: Option<&str>) -> bool;
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
        let preset =
            |model: &str| -> Result<_, ProviderError> { Ok(Preset { model: model.to_owned(), driver: make(model)? }) };
        let list = own.into_iter().chain(others).map(preset).collect::<Result<_, ProviderError>>()?;
        Ok(Self { part, list, current: AtomicUsize::new(0), metrics })
    }

    /// The place of the preset in use.
    pub(super) fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// The preset at a place that [`Presets::current`] gave.
    pub(super) fn at(&self, place: usize) -> &Preset<T> {
        &self.list[place]
    }

    /// Moves on from a preset whose model is gone, unless somebody else has. `false` when there is none to go on with: then
    /// what comes next tries all of them again, lest a gateway's bad moment lasts until the next start.
    pub(super) fn leave(&self, place: usize, code: Option<&str>) -> bool {
        let next = if place + 1 < self.list.len() { place + 1 } else { 0 };
        if self.current.compare_exchange(place, next, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let (part, gone) = (self.part.as_str(), &self.list[place].model);
            self.metrics.speech_moved(self.part);
            if next > 0 {
                let next = &self.list[next].model;
                tracing::warn!(
                    code,
                    "the speech provider does not offer {gone} any more; {next} is used for {part} from now on"
                );
            } else {
                tracing::error!(
                    code,
                    "the speech provider does not offer {gone} either, and no model is left for {part}"
                );
            }
        }
        next > 0
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

    fn leave(&self, place: usize, code: Option<&str>) -> bool {
        Presets::leave(self, place, code)
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
                scope.spawn(|| assert!(presets.leave(0, None)));
            }
        });
        assert_eq!((presets.current(), moves(&metrics)), (1, 1));
        assert!(presets.leave(1, None) && presets.leave(0, None));
        assert_eq!((presets.current(), moves(&metrics)), (2, 2), "who comes late with an old one changes nothing");
    }

    #[test]
    fn behind_the_last_all_are_tried_again() {
        let metrics = Arc::default();
        let presets = presets(None, &metrics);
        assert!(presets.leave(0, None) && presets.leave(1, None));
        assert!(!presets.leave(2, None) && !presets.leave(2, None));
        assert_eq!((presets.current(), moves(&metrics)), (0, 3));
    }
}
