//! The listening side of a call: what the recogniser hears, and whether something is still being said.

use std::time::Duration;

use crate::audio::mulaw::SILENCE;
use crate::audio::order::Piece;
use crate::audio::vad::Loudness;
use crate::clock::Millis;
use crate::provider::{Heard, Stt, SttSession};
use std::sync::Arc;
use std::task::{Context, Poll};

/// After the line is gone, a recogniser that reports no speech for this long has none to report.
const QUIET: Duration = Duration::from_millis(700);

/// One call's ears.
pub(super) struct Ears {
    stt: Arc<dyn Stt>,
    session: Option<Box<dyn SttSession>>,
    failed: bool,
    /// Stretches of speech whose words have not come.
    open: usize,
    draining: Option<Millis>,
    drained: bool,
}

impl Ears {
    pub(super) fn new(stt: Arc<dyn Stt>) -> Self {
        Self { stt, session: None, failed: false, open: 0, draining: None, drained: false }
    }

    /// Begins to listen, so that the recogniser is there before the first word.
    pub(super) fn open(&mut self) {
        if !self.failed && self.session.is_none() {
            self.session = Some(self.stt.listen());
        }
    }

    pub(super) fn hear(&mut self, ulaw: &[u8], now: Millis) {
        if let Some(session) = self.session.as_mut().filter(|_| self.draining.is_none()) {
            session.hear(ulaw, now);
        }
    }

    /// The same for what comes out of a stream that was put in order.
    pub(super) fn hear_piece(&mut self, piece: Piece<'_>, now: Millis) {
        match piece {
            Piece::Sound(ulaw) => self.hear(ulaw, now),
            Piece::Silence(bytes) => self.hear(&vec![SILENCE; bytes], now),
        }
    }

    /// Whether the recogniser is to be told what we play.
    pub(super) fn minds_us(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.minds_us())
    }

    pub(super) fn we_play(&mut self, ours: Option<Loudness>) {
        if let Some(session) = &mut self.session {
            session.we_play(ours);
        }
    }

    /// No more will be said: get out of the recogniser what it still has.
    pub(super) fn drain(&mut self, now: Millis) {
        if self.draining.is_none() {
            self.draining = Some(now);
            if let Some(session) = &mut self.session {
                session.finish(now);
            }
        }
    }

    /// Whether a drain has just brought out everything there was; said once.
    pub(super) fn take_drained(&mut self, now: Millis) -> bool {
        let quiet = |since: Millis| self.session.is_none() || (self.open == 0 && now.since(since) >= QUIET);
        let news = !self.drained && self.draining.is_some_and(quiet);
        self.drained |= news;
        news
    }

    pub(super) fn next_deadline(&self) -> Option<Millis> {
        self.draining.filter(|_| self.open == 0 && !self.drained).map(|since| since + QUIET)
    }

    pub(super) fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        let Some(session) = &mut self.session else { return Poll::Pending };
        let heard = std::task::ready!(session.poll_heard(cx));
        match &heard {
            Heard::Started { .. } => self.open += 1,
            Heard::Words { .. } | Heard::Nothing { .. } => self.open = self.open.saturating_sub(1),
            Heard::BargedIn { .. } | Heard::Stopped { .. } => {}
            Heard::Failed(_) => {
                self.session = None;
                self.failed = true;
            }
        }
        Poll::Ready(heard)
    }
}
