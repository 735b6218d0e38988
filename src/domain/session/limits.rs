//! How long a session waits for what, how it may write, and what it says of itself.

use std::time::Duration;

/// How long a session waits for what, and how it may write.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Ring time, asked of the carrier.
    pub ring: Duration,
    /// From a question's end to its reply (`CALLME_TRANSCRIPT_TIMEOUT_MS`).
    pub reply: Duration,
    /// Without a word either way (`CALLME_INACTIVITY_TIMEOUT_MS`).
    pub inactivity: Duration,
    /// Longest call (`CALLME_MAX_CALL_MINUTES`).
    pub longest: Duration,
    /// From the media's coming up; speech that begins within neither cuts nor completes a turn (`CALLME_BARGE_IN_GUARD_MS`).
    pub guard: Duration,
    /// A dropped media socket may come back within this.
    pub reconnect: Duration,
    /// How long a question in messaging stays open (`CALLME_OPEN_QUESTION_HOURS`).
    pub open_question: Duration,
    /// How the person can be written to; `None` where messaging is off.
    pub texting: Option<Texting>,
}

/// What texts may be on WhatsApp, and whether they may go another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texting {
    /// The longest one, in characters.
    pub longest: usize,
    /// Whether there is a template for when the window is closed.
    pub template: bool,
    /// Whether it can be found out what became of a sending that was not answered.
    pub settles: bool,
    /// Whether SMS may be the last resort.
    pub sms: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ring: Duration::from_secs(25),
            reply: Duration::from_mins(3),
            inactivity: Duration::from_mins(7),
            longest: Duration::from_mins(55),
            guard: Duration::from_secs(1),
            reconnect: Duration::from_secs(2),
            open_question: Duration::from_hours(24),
            texting: None,
        }
    }
}

/// A dial, or a search for one, that is not answered at all counts as unknown after this; the adapter gives up sooner.
pub(super) const REST_PATIENCE: Duration = Duration::from_secs(15);
/// Added to the ring time before we stop trusting the carrier to report the end of the ringing.
pub(super) const RING_SLACK: Duration = Duration::from_secs(12);
/// From the pick-up to the carrier's media (answered but no media is a failed call).
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// The least that media of which nothing came any more gets to come back: both ends have to find the way to each other anew.
pub(super) const RECONNECT_SILENT: Duration = Duration::from_secs(5);
/// What machine detection gets for its verdict.
pub(super) const VERDICT: Duration = Duration::from_secs(6);
/// A pause within a reply: speech that begins again sooner extends it.
pub(super) const GRACE: Duration = Duration::from_millis(600);
/// The longest a reply is extended, and the longest a timed-out turn waits for someone who is speaking.
pub(super) const EXTENSION: Duration = Duration::from_mins(1);
/// A reply that nobody collects in a live call ends it after this.
pub(super) const COLLECT: Duration = Duration::from_mins(1);
/// How long the words of somebody who has hung up are awaited.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(3);
/// The same at a shutdown, which leaves the rest of its 8 s to the goodbye and the hang-up.
pub(super) const LAST_WORDS_AT_SHUTDOWN: Duration = Duration::from_millis(1500);
/// The goodbye at a shutdown.
pub(super) const SHORT_GOODBYE: Duration = Duration::from_secs(4);
/// What is said when nobody collects a reply.
pub(super) const PASS_ON: &str = "I will pass that on. Goodbye.";
/// What is said when the server stops in a call.
pub(super) const LEAVING: &str = "I have to go now. Goodbye.";
/// What is asked on the phone when the person wanted to be called and no agent waits.
pub(super) const ASK_FOR_MESSAGE: &str = "You asked me to call. What shall I pass on?";
/// From the end of such a message to the goodbye.
pub(super) const MESSAGE_PAUSE: Duration = Duration::from_secs(4);
/// Waits before a text is sent again: three attempts in all.
pub(super) const SEND_AGAIN: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];
/// The longest wait a carrier may ask for before a text is sent again; nobody waits longer for it.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Without news, what became of a text is asked so long after it was sent.
pub(super) const INSPECT_AFTER: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(15)];
/// How long before the window closes its closing is announced.
pub(super) const WINDOW_WARNING: Duration = Duration::from_hours(1);
/// A written goodbye that is not through after this never will be.
pub(super) const PARTING: Duration = Duration::from_secs(40);
/// How the first text after a call that reached nobody begins.
pub(super) const TRIED_TO_CALL: &str = "I tried to call you.";
/// The same when the call broke off.
pub(super) const CALL_BROKE_OFF: &str = "Our call broke off.";
/// What is written when a call broke off and nothing of it is left to be written.
pub(super) const CALL_BROKE_OFF_HERE: &str = "Our call broke off. You can answer here.";
/// What is written when the call that the person asked for reached nobody.
pub(super) const COULD_NOT_CALL: &str = "I tried to call you, but did not reach you. You can answer here.";
