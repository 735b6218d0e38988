//! Families whose series are there from the start, and histograms of seconds.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Names and values of a series' labels.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Counters that differ in their labels.
#[derive(Debug)]
pub(super) struct Counts<const N: usize> {
    names: [&'static str; N],
    family: Family<Labels<N>, Counter>,
}

impl<const N: usize> Counts<N> {
    /// Counters at 0, one for each of `values`.
    pub(super) fn new(
        registry: &mut Registry,
        (name, help): (&str, &str),
        names: [&'static str; N],
        values: impl IntoIterator<Item = [&'static str; N]>,
    ) -> Self {
        let counts = Self { names, family: Family::default() };
        for values in values {
            counts.add(values, 0);
        }
        registry.register(name, help, counts.family.clone());
        counts
    }

    pub(super) fn add(&self, values: [&'static str; N], more: u64) {
        self.family.get_or_create(&labels(self.names, values)).inc_by(more);
    }
}

/// Gauges that differ in one label.
#[derive(Debug)]
pub(super) struct Gauges {
    name: &'static str,
    family: Family<Labels<1>, Gauge>,
}

impl Gauges {
    /// Gauges at 0, one for each of `values`.
    pub(super) fn new(
        name: &'static str,
        values: impl IntoIterator<Item = &'static str>,
        register: impl FnOnce(Family<Labels<1>, Gauge>),
    ) -> Self {
        let gauges = Self { name, family: Family::default() };
        for value in values {
            gauges.add(value, 0);
        }
        register(gauges.family.clone());
        gauges
    }

    pub(super) fn add(&self, value: &'static str, more: i64) {
        self.family.get_or_create(&[(self.name, value)]).inc_by(more);
    }

    pub(super) fn set(&self, value: &'static str, to: i64) {
        self.family.get_or_create(&[(self.name, value)]).set(to);
    }
}

fn labels<const N: usize>(names: [&'static str; N], values: [&'static str; N]) -> Labels<N> {
    std::array::from_fn(|at| (names[at], values[at]))
}

/// A counter without labels.
pub(super) fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

/// A gauge without labels.
pub(super) fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

/// A histogram from 0.25 ms to 2 s: from our own work to what a person would notice.
pub(super) fn ours(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    seconds(registry, name, help, exponential_buckets(0.000_25, 2.0, 14))
}

/// A histogram from 10 ms to 10 s: another's answer, until nobody waits for it any more.
pub(super) fn theirs(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    let buckets = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];
    seconds(registry, name, help, buckets)
}

/// A histogram from 0.25 s to a minute and a half: how long phones ring.
pub(super) fn persons(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    let buckets = [0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0];
    seconds(registry, name, help, buckets)
}

fn seconds(registry: &mut Registry, name: &str, help: &str, buckets: impl IntoIterator<Item = f64>) -> Histogram {
    let histogram = Histogram::new(buckets);
    registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
    histogram
}
