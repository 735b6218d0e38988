//! What one process leaves to the next, and what that makes of it.

use super::log::logged;
use super::shelf::Shelf;
use super::texts::Letters;
use super::*;
use crate::clock::Clock;
use crate::domain::line::{For, Taken};
use crate::domain::messaging::{Author, Inbound, MessagingClass, PastMessage};
use crate::domain::outcome::EndedBy;
use crate::domain::session::Failure;
use crate::ids::{EventId, MessageId};
use crate::phone_number::PhoneNumber;
use crate::store::{Mail, Received, Store, Write};

/// What the agents ask, and what the person writes in return.
const FIRST: (&str, &str) = ("Shall I deploy?", "Yes, deploy.");
const SECOND: (&str, &str) = ("Where to?", "To staging.");
/// What is asked by a call that rings.
const CALLED: &str = "Is it done?";

/// One process after another, over the same store and the same carrier of texts.
struct Process {
    ports: Ports,
    shelf: Arc<Shelf>,
    letters: Arc<Letters>,
}

impl Process {
    fn first(shelf: Shelf) -> Self {
        Self::start(shelf, Arc::default(), Millis(1_790_000_000_000))
    }

    fn start(shelf: Shelf, letters: Arc<Letters>, now: Millis) -> Self {
        let shelf = Arc::new(shelf);
        let store: Arc<dyn Store> = Arc::<Shelf>::clone(&shelf);
        Self { ports: Ports::over(limits(), 100, store, Arc::clone(&letters), now), shelf, letters }
    }

    /// The process that comes after this one, a second later.
    fn next(&self) -> Self {
        let now = self.ports.clock.now() + Duration::from_secs(1);
        Self::start(self.shelf.next(), Arc::clone(&self.letters), now)
    }

    /// Takes up what was left.
    async fn recalls(&self) -> Vec<Recalled> {
        let left = self.shelf.left().await.expect("it is there");
        self.ports.manager.recall(left).await
    }

    fn asks(&self, question: &str) -> Pending {
        self.ports.manager.write(text(question), Form::Free, Some(name(question))).expect("there is room")
    }

    /// The carrier's webhook for what the person wrote, the words being its id.
    fn hears(&self, words: &str) {
        let person = PhoneNumber::parse("+390000000001").expect("a number");
        let (received, kept) = self.ports.manager.arrived(&person, Channel::WhatsApp, mail(words));
        drop(kept);
        self.ports.manager.take(received.expect("it is the person's"));
    }

    fn asked(&self, question: &str) -> usize {
        self.letters.taken().iter().filter(|text| text.as_str() == question).count()
    }

    /// The person answers what is asked, as long as that takes, and the carrier tells of each answer at least once.
    async fn lives(&self) {
        let mut heard = [false; 2];
        for _ in 0..10 {
            settled().await;
            for (n, (question, answer)) in [FIRST, SECOND].into_iter().enumerate() {
                if self.asked(question) > 0 && !std::mem::replace(&mut heard[n], true) {
                    self.hears(answer);
                    settled().await;
                }
            }
        }
    }
}

fn name(question: &str) -> RequestName {
    RequestName { key: RequestKey(question.to_owned()), content: question.to_owned(), keyed: false }
}

fn mail(words: &str) -> Mail {
    Mail::Message(Inbound {
        message: MessageId(words.to_owned()),
        conversation: None,
        quotes: None,
        text: PersonText(words.to_owned()),
    })
}

/// Everything that needs no time is done.
async fn settled() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// What a request brought.
fn replied(pending: &Pending) -> Vec<String> {
    let Some(delivered) = pending.given() else { return Vec::new() };
    let Body::Reply(reply) = &delivered.answer.body else { return vec![format!("{:?}", delivered.answer.body)] };
    reply.earlier.iter().chain(&reply.words).map(|said| said.text.0.clone()).collect()
}

/// The request that was asked this, as the next process has it.
fn request(recalled: &[Recalled], question: &str) -> Option<Pending> {
    let found = recalled.iter().find(|recalled| recalled.record.key == name(question).key);
    found.map(|recalled| recalled.pending.clone())
}

#[tokio::test(start_paused = true)]
async fn at_whatever_commit_the_process_ends_each_question_is_asked_and_answered_once() {
    for commits in 0.. {
        let first = Process::first(Shelf::ends_at(commits));
        let mut requests = [first.asks(FIRST.0), first.asks(SECOND.0)];
        first.lives().await;
        if !first.shelf.is_dead() {
            assert!(commits > 10, "only {commits} commits");
            break;
        }
        let next = first.next();
        let recalled = next.recalls().await;
        for (pending, (question, _)) in requests.iter_mut().zip([FIRST, SECOND]) {
            if pending.given().is_none() {
                *pending = request(&recalled, question).unwrap_or_else(|| next.asks(question));
            }
        }
        next.lives().await;
        for (pending, (question, answer)) in requests.iter().zip([FIRST, SECOND]) {
            assert_eq!(replied(pending), [answer], "{question}: the process ended at commit {commits}");
            assert_eq!(next.asked(question), 1, "{question}: the process ended at commit {commits}");
            let lines = next.shelf.lines_of(&pending.session);
            let count = lines.iter().filter(|line| line.as_str() == answer).count();
            assert_eq!(count, 1, "{question}: the process ended at commit {commits}: {lines:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_read_back_no_question_is_asked_twice_and_whoever_asked_is_told_something() {
    for commits in 0.. {
        let begun_at = Millis(1_790_000_000_000);
        let first = Process::start(Shelf::ends_at(commits), Arc::new(Letters::sealed()), begun_at);
        let mut requests = [first.asks(FIRST.0), first.asks(SECOND.0)];
        first.lives().await;
        if !first.shelf.is_dead() {
            assert!(commits > 10, "only {commits} commits");
            break;
        }
        let next = first.next();
        let recalled = next.recalls().await;
        for (pending, (question, _)) in requests.iter_mut().zip([FIRST, SECOND]) {
            if pending.given().is_none() {
                *pending = request(&recalled, question).unwrap_or_else(|| next.asks(question));
            }
        }
        next.lives().await;
        for (pending, (question, answer)) in requests.iter().zip([FIRST, SECOND]) {
            assert!(next.asked(question) <= 1, "{question}: the process ended at commit {commits}");
            let told = replied(pending);
            let unknown = matches!(&told[..], [failure] if failure.contains("Unknown"));
            assert!(unknown || told == [answer], "{question}: the process ended at commit {commits}: {told:?}");
            assert!(!unknown || commits > 1, "what was never begun is not unknown");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_suspended_at_the_end_goes_on_in_the_next_process() {
    let first = Process::first(Shelf::new());
    let asked = first.asks(FIRST.0);
    settled().await;
    first.ports.manager.close(Duration::from_secs(6)).await;
    assert!(asked.given().expect("an answer at once").is_put_off(), "{asked:?}");
    assert_eq!((first.ports.tasks.len(), first.shelf.everything_left().sessions.len()), (0, 1));
    // What comes while nobody is there any more waits for the next process.
    first.hears(FIRST.1);
    let next = first.next();
    let pending = request(&next.recalls().await, FIRST.0).expect("it is known");
    assert_eq!((pending.session.clone(), next.ports.manager.running()), (asked.session, 1));
    settled().await;
    assert_eq!((replied(&pending), next.asked(FIRST.0)), (vec![FIRST.1.to_owned()], 1));
    assert!(next.ports.manager.collected(&pending), "it runs on");
    let further =
        next.ports.manager.request(&pending.session, None, |request| Input::Ask { request, text: text(SECOND.0) });
    let further = further.expect("it runs");
    settled().await;
    next.hears(SECOND.1);
    settled().await;
    assert_eq!(replied(&further), [SECOND.1]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_waits_a_moment_for_what_the_carrier_says_of_a_text() {
    for (takes, is_known) in [(2, true), (8, false)] {
        let letters = Letters::sealed().slow(Duration::from_secs(takes));
        let first = Process::start(Shelf::new(), Arc::new(letters), Millis(1_790_000_000_000));
        let asked = first.asks(FIRST.0);
        settled().await;
        first.ports.manager.close(Duration::from_secs(6)).await;
        assert!(asked.given().expect("an answer in time").is_put_off(), "{takes} s: {asked:?}");
        let next = first.next();
        let pending = request(&next.recalls().await, FIRST.0).expect("it is known");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(pending.given().is_none(), is_known, "{takes} s: {pending:?}");
        next.hears(FIRST.1);
        settled().await;
        assert_eq!(next.asked(FIRST.0), 1, "{takes} s: it is sent once");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_up_when_the_server_is_stopped_goes_on_with_the_next_process() {
    let first = Process::first(Shelf::new());
    first.asks(FIRST.0);
    settled().await;
    first.shelf.commit(vec![Write::Received(Box::new(received(&first, FIRST.1)))]).await.expect("it is kept");
    let second = first.next();
    second.ports.manager.close(Duration::ZERO).await;
    let put_off = request(&second.recalls().await, FIRST.0).expect("it is known");
    settled().await;
    assert_eq!((second.ports.manager.running(), second.ports.tasks.len()), (0, 0));
    assert!(put_off.given().expect("an answer at once").is_put_off(), "{put_off:?}");
    let third = second.next();
    let pending = request(&third.recalls().await, FIRST.0).expect("it is known");
    settled().await;
    assert_eq!((replied(&pending), third.asked(FIRST.0)), (vec![FIRST.1.to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_still_running_when_the_time_is_up_is_told_without_what_waits_for_the_next_process() {
    let first = Process::first(Shelf::new());
    let _asked = first.asks(FIRST.0);
    settled().await;
    first.ports.tasks.spawn(std::future::pending::<()>());
    let ((), log) = logged(first.ports.manager.close(Duration::from_secs(1))).await;
    assert!(log.contains("0 sessions did not end in time, and 1 task"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn what_was_left_may_come_late_and_finds_its_place_beside_what_began_meanwhile() {
    let first = Process::first(Shelf::new());
    let _asked = first.asks(FIRST.0);
    settled().await;
    let (next, mut left) = (first.next(), first.shelf.everything_left());
    // Another process held the store, and this one began without it.
    let newer = next.asks(SECOND.0);
    settled().await;
    assert_eq!(next.asked(SECOND.0), 1);
    left.received.push(Received { decided: None, ..received(&next, FIRST.1) });
    let older = request(&next.ports.manager.recall(left).await, FIRST.0).expect("it is known");
    settled().await;
    assert_eq!(next.ports.manager.running(), 2);
    assert_eq!(replied(&older), [FIRST.1], "who asked first is answered first");
    next.hears(SECOND.1);
    settled().await;
    assert_eq!((replied(&newer), next.asked(FIRST.0), next.asked(SECOND.0)), (vec![SECOND.1.to_owned()], 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wish_to_be_called_by_a_session_that_is_gone_leaves_the_phone_free_and_its_words_to_the_next() {
    let process = Process::first(Shelf::new());
    let asked = process.asks(FIRST.0);
    settled().await;
    process.shelf.commit(vec![Write::Ended(asked.session.clone())]).await.expect("it is kept");
    let next = process.next();
    let mut left = next.shelf.left().await.expect("it is there");
    let decided = Some(Taken::Session(asked.session.clone(), For::CallMe { tell: false }));
    left.received.push(Received { decided, ..received(&next, "call me") });
    next.ports.manager.recall(left).await;
    settled().await;
    let called = next.ports.manager.call(text(CALLED), None).expect("the phone is free");
    settled().await;
    assert_eq!(next.letters.taken().iter().filter(|text| text.contains("on the phone")).count(), 0);
    let look = next.ports.manager.look(&called.session).await.expect("it runs");
    let words: Vec<&str> = look.conversation.uncollected.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(words, ["call me"]);
}

#[tokio::test(start_paused = true)]
async fn a_conversation_whose_session_is_lost_does_not_run_for_ever() {
    let first = Process::first(Shelf::new());
    let (lost, left) = (first.asks(FIRST.0), first.asks(SECOND.0));
    settled().await;
    let next = first.next();
    let newer = next.asks(CALLED);
    settled().await;
    let mut kept = next.shelf.everything_left();
    kept.sessions.retain(|session| session.id == left.session);
    let (_, log) = logged(next.ports.manager.recall(kept)).await;
    assert!(log.contains("1 sessions of the process before are lost"), "{log}");
    for (pending, ended) in [(lost, true), (left, false), (newer, false)] {
        let conversation = next.shelf.conversation(&pending.session).await.expect("it is read").expect("it is kept");
        let told = (conversation.ended_at.is_some(), conversation.outcome.ended_by);
        assert_eq!(told, (ended, ended.then_some(EndedBy::Crash)), "{}", pending.session);
    }
}

/// A message that came in now, as it is kept.
fn received(process: &Process, words: &str) -> Received {
    process.ports.manager.received(Channel::WhatsApp, mail(words), None)
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_session_is_gone_is_answered_now_and_in_every_process_to_come() {
    let first = Process::first(Shelf::new());
    let asked = first.asks(FIRST.0);
    settled().await;
    let _ = first.shelf.commit(vec![Write::Ended(asked.session)]).await;
    let mut process = first.next();
    for which in ["the second process", "the third"] {
        let recalled = process.recalls().await;
        let pending = request(&recalled, FIRST.0).expect("it is known");
        let delivered = pending.given().expect("nobody waits for a session that is gone");
        let Body::Failed { failure: Failure::CallEnded, .. } = delivered.answer.body else {
            panic!("{which}: {delivered:?}")
        };
        assert_eq!(delivered.answer.outcome.ended_by, Some(EndedBy::Crash), "{which}");
        let kept = process.shelf.everything_left().requests;
        assert!(kept.iter().all(|request| request.answer.is_some()), "{which}: {kept:?}");
        process = process.next();
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_taken_or_is_a_day_old_is_not_given_to_anybody_again() {
    let first = Process::first(Shelf::new());
    let asked = first.asks(FIRST.0);
    settled().await;
    let before = received(&first, "Too late.");
    first.hears(FIRST.1);
    settled().await;
    assert_eq!((replied(&asked), first.shelf.everything_left().received.len()), (vec![FIRST.1.to_owned()], 0));
    assert!(first.ports.manager.collected(&asked), "it runs on");
    settled().await;
    // Its arrival comes up once more: what the line took is known by its id.
    let again = received(&first, FIRST.1);
    let _ = first.shelf.commit([&before, &again].map(|one| Write::Received(Box::new(one.clone()))).into()).await;
    let next = first.next();
    let wait = Duration::from_hours(24);
    let mut left = next.shelf.everything_left();
    for one in left.received.iter_mut().filter(|one| one.entry == before.entry) {
        one.at = next.ports.clock.now() - wait;
    }
    next.ports.manager.recall(left).await;
    settled().await;
    let wait = next.ports.manager.request(&asked.session, None, |request| Input::Wait { request }).expect("it runs");
    settled().await;
    assert_eq!(next.shelf.lines_of(&asked.session).iter().filter(|line| *line == FIRST.1).count(), 1);
    assert!(!next.shelf.lines_of(&asked.session).contains(&"Too late.".to_owned()));
    assert_eq!((replied(&wait), next.shelf.everything_left().received), (Vec::new(), Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_brings_the_restart_down_is_buried_alone_and_stands_in_nobodys_way() {
    for dies in [FIRST.0, SECOND.0, CALLED] {
        let first = Process::first(Shelf::new());
        let asked = [first.asks(FIRST.0), first.asks(SECOND.0)];
        let called = first.ports.manager.call(text(CALLED), Some(name(CALLED))).expect("there is room");
        settled().await;
        let call = (dies == CALLED).then(|| first.ports.call_of(&called.session));
        let [one, two] = &asked;
        let sessions = [(FIRST.0, one), (SECOND.0, two), (CALLED, &called)];
        let bad = &sessions.iter().find(|(question, _)| *question == dies).expect("it is one of them").1.session;
        let next = first.next();
        next.shelf.trap(bad);
        let (recalled, log) = logged(async {
            let recalled = next.recalls().await;
            settled().await;
            recalled
        })
        .await;
        assert!(log.contains(&format!("session {bad} died of a fault")), "{dies}: {log}");
        assert_eq!(log.contains("its call is hung up"), call.is_some(), "{dies}: {log}");
        assert_eq!(log.matches("ERROR").count(), 1, "{dies}: {log}");
        // It is over, for good.
        let left = next.shelf.everything_left().sessions;
        assert!(left.iter().all(|session| session.id != *bad), "{dies}: it is not met again");
        let conversation = next.shelf.conversation(bad).await.expect("it is read").expect("it is kept");
        let told = (conversation.ended_at.is_some(), conversation.outcome.ended_by);
        assert_eq!(told, (true, Some(EndedBy::Crash)), "{dies}");
        assert!(call.is_none_or(|call| next.ports.hung_up().contains(&call)), "{dies}: {:?}", next.ports.hung_up());
        assert!(request(&recalled, dies).expect("it is known").is_dead(), "{dies}: nobody waits for it");
        // Whoever else was there goes on.
        for (question, answer) in [FIRST, SECOND].into_iter().filter(|(question, _)| *question != dies) {
            next.hears(answer);
            settled().await;
            let pending = request(&recalled, question).expect("it is known");
            assert_eq!((replied(&pending), next.asked(question)), (vec![answer.to_owned()], 1), "{dies}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_carrier_told_of_a_call_is_no_news_to_the_next_process_either() {
    let event = |name: &str| EventId(name.to_owned());
    let first = Process::first(Shelf::new());
    let hears = |process: &Process, name: &str| process.ports.manager.hears(&event(name));
    assert!(hears(&first, "e1"), "it is news");
    first.ports.manager.has_heard(&event("e1")).await;
    assert!(!hears(&first, "e1"), "it came twice");
    // What is still being done about it when a process dies is to be told once more.
    assert!(hears(&first, "e3") && !hears(&first, "e3"));
    let next = first.next();
    next.recalls().await;
    assert!(!hears(&next, "e1"), "it came before");
    assert!(hears(&next, "e2") && hears(&next, "e3"));
    let waiting = next.asks(FIRST.0);
    settled().await;
    // Messages have names of their own.
    next.hears("e1");
    settled().await;
    assert_eq!(replied(&waiting), ["e1"], "it was taken for a reply");
}

#[tokio::test(start_paused = true)]
async fn what_was_written_while_no_process_ran_is_read_though_the_first_look_into_the_conversation_fails() {
    let first = Process::first(Shelf::ends_at(2));
    let asked = first.asks(FIRST.0);
    settled().await;
    assert!(first.shelf.is_dead(), "before it learned the name of the conversation");
    first.letters.receives(PastMessage {
        message: MessageId("IM-missed".to_owned()),
        author: Author::Person(PersonText(FIRST.1.to_owned())),
        at: first.ports.clock.now(),
    });
    first.letters.is_blind(MessagingClass::Transient);
    let next = first.next();
    next.recalls().await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(next.shelf.lines_of(&asked.session).contains(&FIRST.1.to_owned()));
}
