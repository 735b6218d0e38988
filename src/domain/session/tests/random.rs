//! Any inputs in any order: whatever happens, a session ends in time, answers everybody once and loses no word.

mod story;
mod trial;

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::clock::Millis;
use crate::domain::messaging::Form;
use crate::domain::session::{Limits, Session};
use crate::domain::sweep::cases;
use crate::ids::RequestId;

use super::by_sms::with_sms;
use super::scenario::{text, texting, without_template};
use story::{Story, beginning, calls, crashes, texts};
use trial::{START, Trial};

/// How a session begins, with so many requests.
type Begin = fn(Limits, Millis) -> (Session, u64);

fn by_call(limits: Limits, now: Millis) -> (Session, u64) {
    (Session::call(RequestId(1), text("Shall I?"), limits, now), 1)
}

fn by_message(limits: Limits, now: Millis) -> (Session, u64) {
    (Session::message(RequestId(1), text("Shall I?"), Form::Free, limits, now), 1)
}

fn by_the_person(limits: Limits, now: Millis) -> (Session, u64) {
    (Session::call_back(limits, now), 0)
}

fn check(cases: u32, limits: &Limits, begin: Begin, story: &impl Strategy<Value = Story>) {
    let config = Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..Config::default() };
    let tried = TestRunner::new(config).run(story, |(begun, steps, obliging)| {
        let (session, requests) = begin(limits.clone(), START);
        let mut trial = Trial::new(session, requests, limits, obliging);
        for step in beginning().into_iter().take(begun).chain(steps) {
            trial.take(step);
        }
        trial.check_ended();
        Ok(())
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}

#[test]
fn whatever_happens_a_session_ends_in_time_answers_everybody_once_and_loses_no_word() {
    check(cases(64), &Limits::default(), by_call, &calls(0..300, 30));
}

#[test]
fn a_session_to_which_ten_thousand_things_happen_is_no_exception() {
    let limits = Limits { longest: Duration::from_hours(24), ..Limits::default() };
    check(cases(1), &limits, by_call, &calls(10_000, 10_000));
}

#[test]
fn nor_is_one_that_may_write() {
    for limits in [texting(), without_template(), with_sms(without_template())] {
        for begin in [by_call as Begin, by_message, by_the_person] {
            check(cases(40), &limits, begin, &texts(0..200, 12));
        }
    }
}

#[test]
fn nor_is_one_whose_process_dies_at_any_moment() {
    check(cases(64), &Limits::default(), by_call, &crashes(calls(0..100, 12)));
    for limits in [texting(), without_template(), with_sms(without_template())] {
        for begin in [by_call as Begin, by_message, by_the_person] {
            check(cases(64), &limits, begin, &crashes(texts(0..100, 6)));
        }
    }
}

#[test]
fn nor_is_one_that_writes_ten_thousand_times() {
    check(cases(1), &texting(), by_message, &texts(10_000, 20_000));
    check(cases(1), &with_sms(texting()), by_message, &texts(10_000, 20_000));
}
