//! Metrics: fields that are reckoned from lists of the object that they stand under.

use std::sync::Arc;

use apollo_compiler::executable::FieldSet;
use apollo_compiler::validation::Valid;

use super::TypeId;

/// A type whose fields are metrics of another object: `CustomerSummary`, at `Customer.summary`.
#[derive(Debug)]
pub struct Derived {
    /// The type of the metrics.
    pub ty: TypeId,
    /// Everything that they read.
    pub lists: Vec<MetricList>,
    /// By field number of `ty`.
    pub metrics: Vec<Option<Metric>>,
}

/// A list of the object, as a query would select it, and what is read of each of its items.
#[derive(Debug)]
pub struct MetricList {
    /// The response key that it is selected by.
    pub name: Arc<str>,
    /// Names of fields inside each other, from an item on.
    pub columns: Vec<Vec<Arc<str>>>,
    /// What is read of it is all that is wanted, however much more there is.
    pub is_enough: bool,
}

#[derive(Debug)]
pub struct Metric {
    /// What it selects of the object, as a client would.
    pub reads: Arc<Valid<FieldSet>>,
    /// The lists that it reads, by their place in [`Derived::lists`]: the first one makes the value, or there is none.
    pub lists: Vec<usize>,
    pub formula: Arc<Formula>,
}

/// The rows of one list that count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Place in [`Derived::lists`].
    pub list: usize,
    /// All of them must hold.
    pub filters: Vec<Filter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    pub column: usize,
    pub test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The value is one of these.
    Is(Vec<Arc<str>>),
    /// There is a value, and it is none of these.
    IsNot(Vec<Arc<str>>),
    /// An instant or day before now, moved by so many seconds.
    Before(i64),
    After(i64),
    /// Of a day before or after today.
    BeforeToday,
    AfterToday,
}

/// How a metric is reckoned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Amounts of money, one total for each currency.
    Sum(Vec<Term>),
    /// Amounts of money by how many days ago something was.
    Buckets(Buckets),
    /// How many rows; how many for each value of a column.
    Count {
        rows: Rows,
        by: Option<usize>,
    },
    /// The mean of numbers.
    Mean {
        rows: Rows,
        column: usize,
    },
    /// The mean of the seconds between two instants.
    MeanSeconds {
        rows: Rows,
        from: usize,
        to: usize,
    },
    /// The first or last of instants and days.
    Instant {
        is_latest: bool,
        of: Vec<(Rows, usize)>,
    },
    /// How long ago another metric's instant is.
    Age {
        of: Arc<Self>,
        unit: AgeUnit,
    },
    Score(Score),
    /// The names of the conditions that hold.
    Flags(Vec<Flag>),
}

/// Amounts that are added or taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub rows: Rows,
    pub amount: usize,
    pub currency: usize,
    pub is_negative: bool,
    /// A column that each amount is multiplied by.
    pub times: Option<usize>,
    pub per: Option<Per>,
}

/// Amounts that recur, as what they come to in a month or year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Per {
    /// `DAY`, `WEEK`, `MONTH`, `YEAR`.
    pub unit: usize,
    /// How many units one amount is for; left out: one.
    pub count: Option<usize>,
    pub is_yearly: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    pub rows: Rows,
    pub amount: usize,
    pub currency: usize,
    /// The instant or day that the days are counted from.
    pub since: usize,
    /// By name: the most days; `None` for all that is older.
    pub limits: Vec<(Arc<str>, Option<u32>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgeUnit {
    Seconds,
    Days,
}

/// From 0 to 100: the mean of what other metrics come to, each by its weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    pub factors: Vec<Factor>,
    /// By name: the least score, the highest first.
    pub bands: Vec<(Arc<str>, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    pub name: Arc<str>,
    pub of: Arc<Formula>,
    /// The lists that it reads.
    pub lists: Vec<usize>,
    /// Values that count as 1 and as 0, in thousandths; between them it goes evenly.
    pub best: i64,
    pub worst: i64,
    pub weight: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: Arc<str>,
    pub of: Arc<Formula>,
    pub lists: Vec<usize>,
    /// It holds when the metric is more than this, in thousandths.
    pub above: i64,
}
