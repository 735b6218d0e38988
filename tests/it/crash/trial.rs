//! One telling of the story with one crash in it, and what must hold afterwards.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callme::emulator::{Emulator, EmulatorConfig, Moment, Side};
use futures_util::FutureExt;
use serde_json::Value;

use super::agent::{Agent, Answer};
use super::person;
use super::server::{Server, Store, lasting_port};
use crate::world::PERSON;

/// What the agent asks: by a call that is declined, in writing, and in writing and then by voice.
pub(super) const QUESTIONS: [&str; 3] = ["Restart the turbine?", "Empty the basin?", "Paint the gate?"];
/// What the person writes in return, at most once each.
pub(super) const ANSWERS: [&str; 3] = ["written answer one", "written answer two", "written answer three"];
/// Instead of the third.
pub(super) const CALL_ME: &str = "call me";
/// What the person says then.
pub(super) const SPOKEN: &str = "Yes, green.";
pub(super) const GOODBYE: &str = "Farewell then.";
/// What the person writes while the server is down.
const MEANWHILE: &str = "written in the dark";
/// One more exchange, where something has not reached the agent yet.
const LAST: &str = "Anything else?";

/// How often an agent tries to call, and how long it waits while an earlier call is being ended.
const TRIES: usize = 16;
const STILL_ENDING: Duration = Duration::from_secs(3);
/// How long the server is down while the person writes.
const DOWN: Duration = Duration::from_millis(300);
/// Longer than any telling takes.
const PATIENCE: Duration = Duration::from_secs(150);
/// From the end of the session to the end of its calls.
const HANG_UP: Duration = Duration::from_secs(20);

/// Where the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    Never,
    OnWire(usize, Moment),
    AfterCommit(usize),
}

/// A telling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) crash: Crash,
    pub(super) store: Store,
    /// The agent's client names its requests.
    pub(super) keyed: bool,
    /// The person writes while the server is down.
    pub(super) meanwhile: bool,
}

/// How it went.
pub(super) struct Told {
    pub(super) plan: Plan,
    /// What went over the wire, in order.
    pub(super) wire: Vec<String>,
    /// What the process died of; nothing where it never came to that.
    pub(super) died: Option<String>,
    /// What does not hold.
    pub(super) faults: Vec<String>,
    /// For whoever looks for the reason.
    pub(super) evidence: String,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { crash, store, keyed, meanwhile } = self.plan;
        let died = self.died.as_deref().unwrap_or("lived");
        let how = [(keyed, "key"), (meanwhile, "writes meanwhile")];
        let how: Vec<_> = how.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        let verdict =
            if self.faults.is_empty() { "holds".to_owned() } else { format!("FAILS: {}", self.faults.join("; ")) };
        write!(f, "{crash:?} ({store:?}: {}) {died}: {verdict}", how.join(", "))
    }
}

/// What the agent did and got.
#[derive(Default)]
struct Diary {
    answers: Vec<(String, Answer)>,
    /// Calls that it meant to place.
    calls: usize,
    sessions: Vec<String>,
    faults: Vec<String>,
}

/// Tells the story.
pub(super) async fn tell(plan: Plan) -> Told {
    let port = lasting_port();
    let webhook = Some(format!("http://127.0.0.1:{port}/whatsapp"));
    let config = EmulatorConfig {
        messaging_webhook: webhook,
        speech_delay: Duration::from_millis(50),
        speech_rate: 8.0,
        patience: Duration::from_secs(30),
        ..EmulatorConfig::default()
    };
    let emulator = Arc::new(Emulator::start(config).await.expect("a free port"));
    let server = Server::new(&emulator, port, plan.store, &[("CALLME_CALL_TIMEOUT_SECONDS", "5".to_owned())]);
    let wire = tap(&emulator, &server, plan.crash);
    let after_commit = match plan.crash {
        Crash::AfterCommit(n) => Some(("CALLME_CRASH_AFTER_COMMIT", n.to_string())),
        Crash::Never | Crash::OnWire(..) => None,
    };
    server.start(after_commit);
    server.listens().await;
    let writer = Arc::clone(&emulator);
    let _supervisor = server.supervised(move || {
        let emulator = Arc::clone(&writer);
        async move {
            if plan.meanwhile {
                emulator.chat().sends(MEANWHILE);
                tokio::time::sleep(DOWN).await;
            }
        }
        .boxed()
    });
    let agent = Agent::new(port, plan.keyed);
    let mut diary = Diary::default();
    let story = async {
        tokio::select! {
            () = work(&agent, &emulator, &mut diary) => {}
            () = person::live(Arc::clone(&emulator)) => {}
        }
    };
    if tokio::time::timeout(PATIENCE, story).await.is_err() {
        diary.faults.push("it never ends".to_owned());
    } else {
        diary.judge(&agent, &emulator, &server).await;
    }
    let (wire, died) = {
        let wire = wire.lock().expect("no holder of the lock panics");
        (wire.0.clone(), wire.1.clone())
    };
    let died = died.or_else(|| (server.starts() > 1).then(|| "after a commit".to_owned()));
    let evidence = format!("{:#?}\n{}\n{}", diary.answers, emulator.timeline(), server.log());
    Told { plan, wire, died, faults: diary.faults, evidence }
}

/// Writes down what goes over the wire, and ends the process there.
fn tap(emulator: &Emulator, server: &Server, crash: Crash) -> Arc<Mutex<(Vec<String>, Option<String>)>> {
    let wire = Arc::<Mutex<(Vec<String>, Option<String>)>>::default();
    let (into, server) = (Arc::clone(&wire), server.clone());
    emulator.tap(move |event| {
        if event.moment == Moment::Before {
            into.lock().expect("no holder of the lock panics").0.push(event.what.clone());
        }
        if crash == Crash::OnWire(event.number, event.moment) {
            server.kill();
            into.lock().expect("no holder of the lock panics").1 = Some(event.to_string());
        }
    });
    wire
}

/// What the agent does.
async fn work(agent: &Agent, emulator: &Emulator, diary: &mut Diary) {
    let Some(id) = diary.call(agent, QUESTIONS[0]).await else { return };
    diary.ask(agent, &format!("/api/call/{id}/continue"), QUESTIONS[1]).await;
    diary.ask(agent, &format!("/api/call/{id}/continue"), QUESTIONS[2]).await;
    let ended = diary.ask(agent, &format!("/api/call/{id}/end"), GOODBYE).await;
    if ended.status != 200 {
        diary.faults.push(format!("the end was answered with {}", ended.status));
    }
    // What is said to the person by voice has been said, and what is written has arrived.
    let over = async {
        while emulator.calls().iter().any(|call| !call.state.is_over()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(HANG_UP, over).await.is_err() {
        diary.faults.push("a call is live at the carrier".to_owned());
    }
}

impl Diary {
    async fn ask(&mut self, agent: &Agent, path: &str, message: &str) -> Answer {
        let answer = agent.post(path, message, &format!("request-{}", self.answers.len())).await;
        if answer.status != 200 {
            self.faults.extend(self.unexpected(path, &answer));
        }
        if let Some(id) = answer.session()
            && !self.sessions.contains(&id)
        {
            self.sessions.push(id);
        }
        self.answers.push((message.to_owned(), answer.clone()));
        answer
    }

    /// A call that died with the process is placed anew, perhaps when that one is known to be over; everything else must be
    /// answered.
    fn unexpected(&self, path: &str, answer: &Answer) -> Option<String> {
        let crashed = answer.status == 410 && answer.body["outcome"]["endedBy"] == "crash";
        let still_ending = answer.status == 409 && self.calls > 1;
        (path != "/api/call" || !crashed && !still_ending)
            .then(|| format!("{path} was answered with {} {}", answer.status, answer.body))
    }

    /// Calls, a few times; gives the session.
    async fn call(&mut self, agent: &Agent, message: &str) -> Option<String> {
        self.calls = 1;
        for _ in 0..TRIES {
            let answer = self.ask(agent, "/api/call", message).await;
            match answer.status {
                200 => return answer.session(),
                409 => tokio::time::sleep(STILL_ENDING).await,
                _ => self.calls += 1,
            }
        }
        self.faults.push("no call came about".to_owned());
        None
    }

    async fn judge(&mut self, agent: &Agent, emulator: &Arc<Emulator>, server: &Server) {
        let (mut got, mut history) = (Vec::new(), String::new());
        for attempt in 0..2 {
            got = self.answers.iter().flat_map(|(_, answer)| answer.words()).collect();
            for id in &self.sessions {
                let (_, view) = agent.get(&format!("/api/call/{id}")).await;
                let replies = view["replies"].as_array().cloned().unwrap_or_default();
                got.extend(replies.iter().filter_map(|words| words["text"].as_str().map(str::to_owned)));
            }
            history = agent.get("/api/history?limit=50").await.1.to_string();
            let missing = written(emulator).iter().any(|words| count(&got, words) == 0);
            if !missing || attempt == 1 {
                break;
            }
            // What belongs to no session opens the next one's.
            emulator.person().types_after(Duration::from_millis(300), ["nothing else"]);
            self.ask(agent, "/api/message", LAST).await;
        }
        for words in written(emulator) {
            match count(&got, &words) {
                1 => {}
                n => self.faults.push(format!("{words:?} reached the agent {n} times")),
            }
            if history.matches(words.as_str()).count() != 1 {
                self.faults.push(format!("{words:?} is in history {} times", history.matches(words.as_str()).count()));
            }
        }
        self.judge_texts(emulator);
        self.judge_calls(emulator);
        self.judge_window();
        let kept = String::from_utf8_lossy(&server.kept()).into_owned();
        let EmulatorConfig { number, whatsapp_number, .. } = EmulatorConfig::default();
        for number in [PERSON, &number, &whatsapp_number] {
            if kept.contains(&number[3..]) {
                self.faults.push("a phone number is on the disk".to_owned());
            }
        }
    }

    fn judge_texts(&mut self, emulator: &Emulator) {
        let mut texts = BTreeMap::<String, usize>::new();
        for shown in emulator.chat().shown().into_iter().filter(|shown| shown.from == Side::Server) {
            *texts.entry(shown.words).or_default() += 1;
        }
        for (words, n) in &texts {
            if *n > 1 {
                self.faults.push(format!("{words:?} was sent {n} times"));
            }
        }
        for question in QUESTIONS {
            let n: usize = texts.iter().filter(|(words, _)| words.contains(question)).map(|(_, n)| n).sum();
            if n != 1 {
                self.faults.push(format!("{question:?} was written {n} times"));
            }
        }
    }

    fn judge_calls(&mut self, emulator: &Emulator) {
        let asked = emulator.chat().shown().iter().filter(|shown| shown.words == CALL_ME).count();
        let rings = emulator.calls().len();
        if rings > self.calls + asked {
            self.faults.push(format!("it rang {rings} times for {} calls and {asked} wishes", self.calls));
        }
    }

    /// Who has just written can be written to.
    fn judge_window(&mut self) {
        let replies = self.answers.iter().filter(|(_, answer)| answer.body["outcome"]["replyChannel"] == "whatsapp");
        let unknown =
            |body: &Value| body["contactMode"] == "whatsapp" && body["whatsappSessionWindow"]["status"] != "active";
        let without: Vec<_> = replies.filter(|(_, answer)| answer.status == 200 && unknown(&answer.body)).collect();
        self.faults.extend(without.iter().map(|(question, _)| format!("no window with the reply to {question:?}")));
    }
}

/// What the person wrote that is for the agent. What is written into no conversation is told once, to whoever listens then.
fn written(emulator: &Emulator) -> Vec<String> {
    let shown = emulator.chat().shown().into_iter();
    let of_person = shown.filter(|shown| shown.from == Side::Person && shown.words != CALL_ME);
    let words = of_person.filter(|shown| shown.words != MEANWHILE || shown.sid.starts_with("IM"));
    words.map(|shown| shown.words).collect()
}

fn count(got: &[String], words: &str) -> usize {
    got.iter().map(|said| said.matches(words).count()).sum()
}
