//! Nothing is lost, and nothing rings twice: the real binary, killed at any moment of a story and started again.

mod agent;
mod clients;
mod gate;
mod gateway;
mod habits;
mod person;
mod published;
mod restarts;
mod server;
mod stage;
mod tools;
mod trial;

use std::sync::Arc;

use callme::emulator::Moment;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use server::Store;
use trial::{Crash, Plan, Told, tell};

/// Stories told at once: they mostly wait.
const AT_ONCE: usize = 10;

/// Tells the story with each of these crashes, and prints how each went.
async fn told(plans: Vec<Plan>) -> Vec<Told> {
    let (room, mut telling) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    for plan in plans {
        let room = Arc::clone(&room);
        telling.spawn(async move {
            let _place = room.acquire().await;
            let told = tell(plan).await;
            println!("{told}");
            told
        });
    }
    telling.join_all().await
}

#[track_caller]
fn check(told: &[Told]) {
    let failed: Vec<_> = told.iter().filter(|told| !told.faults.is_empty()).collect();
    if let Some(first) = failed.first() {
        println!("{}", first.evidence);
    }
    let lines: Vec<_> = failed.iter().map(ToString::to_string).collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), told.len(), lines.join("\n"));
}

/// A crash in every way it is told.
fn plans(crash: Crash) -> impl Iterator<Item = Plan> {
    let ways = [(false, false), (false, true), (true, false), (true, true)];
    let stores = [Store::Embedded, Store::Redis].into_iter();
    stores.flat_map(move |store| ways.map(|(keyed, meanwhile)| Plan { crash, store, keyed, meanwhile }))
}

/// The whole story, nothing being wrong.
async fn whole() -> Told {
    let plan = Plan { crash: Crash::Never, store: Store::Embedded, keyed: false, meanwhile: false };
    let told = tell(plan).await;
    check(std::slice::from_ref(&told));
    told
}

/// Where the sample begins; every run takes the same.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// All of these in the long test run, else so many, spread over all; or only those that are asked for, such as
/// `CALLME_TEST_CRASH='OnWire(7, After)'`.
fn some(mut all: Vec<Plan>, few: usize) -> Vec<Plan> {
    if let Some(wanted) = std::env::var_os("CALLME_TEST_CRASH") {
        all.retain(|plan| format!("{:?}", plan.crash) == wanted.to_string_lossy());
        return all;
    }
    if std::env::var_os("CALLME_TEST_LONG").is_some() {
        return all;
    }
    let mut state = SEED;
    let mut sample = Vec::new();
    while sample.len() < few && !all.is_empty() {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let at = usize::try_from(state % all.len() as u64).expect("it is an index");
        sample.push(all.swap_remove(at));
    }
    sample
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_repeated_by_a_crash_on_the_wire() {
    let wire = whole().await.wire;
    for (n, what) in wire.iter().enumerate() {
        println!("{} {what}", n + 1);
    }
    println!("{} points", wire.len() * 2);
    assert!(wire.len() * 2 >= 40, "the story is too short to tell much");
    let moments = (1..=wire.len()).flat_map(|n| [(n, Moment::Before), (n, Moment::After)]);
    let points = moments.flat_map(|(n, moment)| plans(Crash::OnWire(n, moment)));
    check(&told(some(points.collect(), 12)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_repeated_by_a_crash_between_a_commit_and_what_it_is_for() {
    /// About as many as the story has; after the last of them the process lives.
    const COMMITS: usize = 50;
    let points = (1..=COMMITS).flat_map(|n| plans(Crash::AfterCommit(n)));
    check(&told(some(points.collect(), 8)).await);
}
