//! Durations and other amounts counted in buckets.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// The ends of the buckets in microseconds, as the semantic conventions of HTTP have them.
pub const BOUNDS: [u64; 14] = [
    5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
    2_500_000, 5_000_000, 7_500_000, 10_000_000,
];

/// One more than there are bounds: the last has no end.
const BUCKETS: usize = BOUNDS.len() + 1;

#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    pub counts: [u64; BUCKETS],
    pub sum: Duration,
}

impl Histogram {
    pub fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(bucket(micros)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What is added meanwhile may stay or go.
    pub fn clear(&self) {
        for count in self.counts.iter().chain([&self.sum_micros]) {
            count.store(0, Ordering::Relaxed);
        }
    }

    pub fn read(&self) -> Durations {
        Durations {
            counts: std::array::from_fn(|at| {
                self.counts.get(at).map_or(0, |count| count.load(Ordering::Relaxed))
            }),
            sum: Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)),
        }
    }
}

/// Whole numbers of anything, in buckets that end at these.
#[derive(Debug)]
pub struct Amounts {
    ends: &'static [u64],
    /// One more than there are ends: the last has none.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Amounts {
    /// What amounts to one of the ends is within its bucket; they stand in order.
    pub fn new(ends: &'static [u64]) -> Self {
        let counts = (0..=ends.len()).map(|_| AtomicU64::new(0)).collect();
        Self { ends, counts, sum: AtomicU64::new(0) }
    }

    pub fn add(&self, amount: u64) {
        let at = self.ends.partition_point(|end| *end < amount);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(amount, Ordering::Relaxed);
    }

    pub fn ends(&self) -> &'static [u64] {
        self.ends
    }

    /// Counts by bucket, and the sum of all amounts.
    pub fn read(&self) -> (Vec<u64>, u64) {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        (counts.collect(), self.sum.load(Ordering::Relaxed))
    }
}

/// A histogram for each key that occurs: there must be only so many. A key that is known already takes a shared lock.
#[derive(Debug)]
pub struct Histograms<K>(RwLock<BTreeMap<K, Histogram>>);

impl<K> Default for Histograms<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Ord + Copy> Histograms<K> {
    pub fn add(&self, key: K, took: Duration) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = known.get(&key) {
            return histogram.add(took);
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(key).or_default().add(took);
    }

    /// In the order of the keys.
    pub fn read(&self) -> Vec<(K, Durations)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(key, histogram)| (*key, histogram.read())).collect()
    }
}

/// The bucket that a duration falls into; what ends at a bound is within it.
fn bucket(micros: u64) -> usize {
    BOUNDS.partition_point(|bound| *bound < micros)
}

impl Durations {
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum += other.sum;
        self
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// About how long the faster ones of these percent took at the most, by a straight line through the bucket. `None`: nothing
    /// was counted. What is beyond the last bound is taken to be at it.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let all = self.count();
        let wanted = (all * percent.min(100)).div_ceil(100).max(1);
        let (mut seen, mut begin) = (0, 0);
        for (count, end) in self.counts.iter().zip(BOUNDS) {
            if seen + count >= wanted {
                let within = u128::from(end - begin) * u128::from(wanted - seen);
                let within = u64::try_from(within / u128::from((*count).max(1)));
                return Some(Duration::from_micros(begin + within.unwrap_or(0)));
            }
            seen += count;
            begin = end;
        }
        (all > 0).then(|| Duration::from_micros(begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: &[u64]) -> Durations {
        let histogram = Histogram::default();
        for millis in millis {
            histogram.add(Duration::from_millis(*millis));
        }
        histogram.read()
    }

    #[test]
    fn what_ends_at_a_bound_is_within_it() {
        let durations = of(&[0, 5, 6, 10_000, 10_001]);
        assert_eq!((durations.counts[0], durations.counts[1]), (2, 1));
        assert_eq!((durations.counts[13], durations.counts[14]), (1, 1));
        assert_eq!((durations.count(), durations.sum), (5, Duration::from_millis(20_012)));
    }

    #[test]
    fn an_amount_of_an_end_is_within_its_bucket_and_the_last_bucket_has_no_end() {
        let amounts = Amounts::new(&[0, 1, 5]);
        for amount in [0, 1, 2, 5, 6, 600] {
            amounts.add(amount);
        }
        assert_eq!(amounts.read(), (vec![1, 1, 2, 2], 614));
    }

    #[test]
    fn a_percentile_lies_in_the_bucket_of_the_one_that_it_is_of() {
        assert_eq!(of(&[]).percentile(50), None);
        let durations = of(&[[30; 90].as_slice(), &[700; 10]].concat());
        let within = |percent, low, high| {
            let told = durations.percentile(percent).unwrap();
            assert!(told > Duration::from_millis(low) && told <= Duration::from_millis(high));
        };
        within(50, 25, 50);
        within(90, 25, 50);
        within(95, 500, 750);
        assert_eq!(of(&[60_000]).percentile(50), Some(Duration::from_secs(10)));
    }
}
