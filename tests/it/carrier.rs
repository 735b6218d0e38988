//! What a carrier can do to a call: lose it, refuse it, repeat itself, be forged.

mod contract;
mod dialing;
mod repeats;
mod sessions;
mod shutdown;
mod twice;
mod unanswered;
mod verdicts;
mod webhooks;

use callme::emulator::What;

use crate::world::World;

impl World {
    /// How often the carrier's REST API was used for this.
    fn asked_for(&self, wanted: &str) -> usize {
        self.emulator.timeline().count(|what| matches!(what, What::Rest { verb, .. } if *verb == wanted))
    }
}
