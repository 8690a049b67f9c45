//! Who the demo's customers are, and what was changed since the start.
//!
//! Everything that is not a change is a pure function of the seed and a number, made anew whenever it is asked for:
//! a hundred thousand customers need no more memory than their e-mail addresses.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use serde_json::{Map, Value};

use super::names::{COMPANY_FIRST, COMPANY_SECOND, fold};
use super::places::{LOCALES, Locale};
use super::random::{Random, scramble, unscramble};

/// The demo's today: 2026-06-01T00:00:00Z. It never moves, so that the same seed gives the same bytes.
pub(crate) const NOW: i64 = 1_780_272_000;
pub(crate) const DAY: i64 = 86_400;

/// People who work for the same company stand next to each other.
const COMPANY_SIZE: u32 = 8;
/// Within each company's eight: the company itself as a customer, and someone who belongs to none.
const COMPANY_ITSELF: u32 = 6;
const PRIVATE: u32 = 7;

const DEALS_EACH: u64 = 4;
const FIRST_CONTACT: u32 = 1001;
const FIRST_COMPANY: u32 = 50_001;
/// Marks the second billing record of a customer whose address is ambiguous.
const TWIN: u32 = 0x8000_0000;

/// Kinds of things, each with its own streams of chance.
pub(crate) mod kind {
    pub(crate) const COMPANY: u64 = 1;
    pub(crate) const CONTACT: u64 = 2;
    pub(crate) const DETAILS: u64 = 3;
    pub(crate) const DEAL: u64 = 4;
    pub(crate) const INVOICE: u64 = 5;
    pub(crate) const SUBSCRIPTION: u64 = 6;
    pub(crate) const TICKET: u64 = 7;
    pub(crate) const COUNTS: u64 = 8;
    pub(crate) const MORE: u64 = 9;
    pub(crate) const ACTIVITY: u64 = 10;
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) customers: u32,
    /// Addresses in small letters, as they were at the start: billing and support keep those.
    by_email: FxHashMap<Box<str>, u32>,
    /// What `updateCustomer` wrote: properties by customer.
    changes: Mutex<FxHashMap<u32, Map<String, Value>>>,
    /// What `addTicketComment` wrote: by ticket.
    comments: Mutex<BTreeMap<u32, Vec<Written>>>,
}

/// A comment that was written while the demo ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) is_public: bool,
}

/// A customer as the CRM knew them at the start.
#[derive(Debug)]
pub(crate) struct Contact {
    pub(crate) index: u32,
    pub(crate) locale: &'static Locale,
    pub(crate) who: Who,
    pub(crate) email: String,
    pub(crate) company: Option<u32>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Person { first: &'static str, last: &'static str },
    Company { name: String },
}

impl Who {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Person { first, last } => format!("{first} {last}"),
            Self::Company { name } => name.clone(),
        }
    }
}

/// How a customer's record in billing can be found from the CRM's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The CRM holds billing's id.
    Id,
    /// Only the addresses are the same.
    Email,
    /// Only the addresses are the same, and billing has two records with it.
    Ambiguous,
    /// Billing does not know the customer.
    None,
}

/// What became of a customer's record in the CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Deleted,
    /// Two records were one customer; this is the other one.
    MergedInto(u32),
}

impl World {
    pub(crate) fn new(seed: u64, customers: u32) -> Self {
        let mut world = Self {
            seed,
            customers,
            by_email: FxHashMap::default(),
            changes: Mutex::default(),
            comments: Mutex::default(),
        };
        world.by_email.reserve(customers as usize);
        for index in 0..customers {
            let email = world.contact(index).email.to_lowercase().into_boxed_str();
            world.by_email.insert(email, index);
        }
        world
    }

    pub(crate) fn companies(&self) -> u32 {
        self.customers.div_ceil(COMPANY_SIZE)
    }

    pub(crate) fn company_name(number: u32) -> String {
        let (first, second) = (COMPANY_FIRST.len(), COMPANY_SECOND.len());
        // 389 has no factor in common with 1,024: every name once before any comes again
        let place = (number as usize).wrapping_mul(389) % (first * second);
        let name = COMPANY_FIRST.get(place % first).zip(COMPANY_SECOND.get(place / first));
        let (first_word, second_word) = name.unwrap_or((&"Blue", &"Works"));
        match number as usize / (first * second) {
            0 => format!("{first_word} {second_word}"),
            again => format!("{first_word} {second_word} {}", again + 1),
        }
    }

    pub(crate) fn company_locale(&self, number: u32) -> &'static Locale {
        // the first ones are the same for every seed: Ireland for its O'Neils, then Japan and Kuwait for their money
        let fixed = match number {
            0 => LOCALES.first().copied(),
            1 => LOCALES.get(3).copied(),
            2 => LOCALES.get(4).copied(),
            _ => None,
        };
        fixed.unwrap_or_else(|| {
            Random::of(self.seed, kind::COMPANY, u64::from(number)).pick(LOCALES)
        })
    }

    pub(crate) fn company_domain(number: u32) -> String {
        format!("{}.example", Self::company_name(number).to_lowercase().replace(' ', "-"))
    }

    pub(crate) fn contact(&self, index: u32) -> Contact {
        let company = index / COMPANY_SIZE;
        let locale = self.company_locale(company);
        let domain = Self::company_domain(company);
        let who = self.who(index);
        let email = match (&who, index % COMPANY_SIZE) {
            (Who::Company { .. }, _) => format!("accounts@{domain}"),
            (Who::Person { first, last }, PRIVATE) => {
                format!("{}.{}{index}@mail.example", fold(first), fold(last))
            }
            (Who::Person { first, last }, _) => {
                format!("{}@{domain}", self.local_part(index, locale, first, last))
            }
        };
        let company = (index % COMPANY_SIZE != PRIVATE).then_some(company);
        Contact { index, locale, who, email, company }
    }

    /// The customer's name alone.
    pub(crate) fn who(&self, index: u32) -> Who {
        let company = index / COMPANY_SIZE;
        let locale = self.company_locale(company);
        if index % COMPANY_SIZE == COMPANY_ITSELF {
            let name = format!("{} {}", Self::company_name(company), locale.legal_form);
            return Who::Company { name };
        }
        let (first, last) = self.name(index, locale);
        Who::Person { first, last }
    }

    /// Customers with every one of the words in their name, however they are spelled.
    pub(crate) fn by_name(&self, text: &str) -> Vec<u32> {
        let words: Vec<String> =
            text.split_whitespace().map(fold).filter(|word| !word.is_empty()).collect();
        let changes = lock(&self.changes);
        let has_all = |index: &u32| {
            let name = match (self.who(*index), changes.get(index)) {
                (Who::Person { first, last }, Some(written)) => {
                    let part =
                        |name: &str, old| written.get(name).and_then(Value::as_str).unwrap_or(old);
                    fold(&format!("{} {}", part("first_name", first), part("last_name", last)))
                }
                (who, _) => fold(&who.name()),
            };
            words.iter().all(|word| name.contains(word.as_str()))
        };
        if words.is_empty() { Vec::new() } else { (0..self.customers).filter(has_all).collect() }
    }

    /// Does the CRM know an address of the customer? Billing and support do.
    pub(crate) fn has_email(index: u32) -> bool {
        index % 250 != 217
    }

    pub(crate) fn fate(index: u32) -> Fate {
        match index % 40 {
            33 => Fate::MergedInto(index - 1),
            21 => Fate::Deleted,
            _ => Fate::Kept,
        }
    }

    fn name(&self, index: u32, locale: &'static Locale) -> (&'static str, &'static str) {
        let mut random = Random::of(self.seed, kind::CONTACT, u64::from(index));
        // the first customer always has a quote in the name, and so in the address
        if index == 0 {
            ("Zoë", "O'Neil")
        } else {
            (random.pick(locale.first), random.pick(locale.last))
        }
    }

    /// `first.last`, in the spellings that real address books hold.
    fn local_part(&self, index: u32, locale: &'static Locale, first: &str, last: &str) -> String {
        let (first, last) = (fold(first), fold(last));
        let colleagues = index - index % COMPANY_SIZE..index;
        let namesakes = colleagues
            .filter(|colleague| colleague % COMPANY_SIZE < COMPANY_ITSELF)
            .map(|colleague| self.name(colleague, locale))
            .filter(|(other_first, other_last)| {
                fold(other_first) == first && fold(other_last) == last
            })
            .count();
        let number = if namesakes == 0 { String::new() } else { (namesakes + 1).to_string() };
        match index % 50 {
            1 => format!("{first}.{last}{number}+crm"),
            2 => format!("{first}.{}{number}", last.to_uppercase()),
            _ => format!("{first}.{last}{number}"),
        }
    }

    /// The customer whose address this was at the start, in any spelling.
    pub(crate) fn by_email(&self, email: &str) -> Option<u32> {
        self.by_email.get(email.trim().to_lowercase().as_str()).copied()
    }

    pub(crate) fn link(index: u32) -> Link {
        match index {
            3 => Link::Email,
            4 => Link::None,
            5 => Link::Ambiguous,
            0..8 => Link::Id,
            _ => match index % 20 {
                7 => Link::None,
                11 => Link::Email,
                _ => Link::Id,
            },
        }
    }

    /// How many things of one sort a customer has. The first customer always has many, the tenth none.
    pub(crate) fn count(&self, index: u32, sort: u64, most: u64) -> u32 {
        let drawn =
            Random::of(self.seed, kind::COUNTS, u64::from(index) * 8 + sort).below(most + 1);
        let count = match index {
            0 => most.div_ceil(2),
            9 => 0,
            _ => drawn,
        };
        u32::try_from(count).unwrap_or(0)
    }

    pub(crate) fn deal_count(&self, index: u32) -> u32 {
        self.count(index, 0, DEALS_EACH)
    }

    // ---- ids: which thing a vendor's id names ----------------------------------------------------------------------

    pub(crate) fn contact_id(index: u32) -> String {
        (FIRST_CONTACT + index).to_string()
    }

    pub(crate) fn contact_of_id(&self, id: &str) -> Option<u32> {
        number_from(id, FIRST_CONTACT).filter(|index| *index < self.customers)
    }

    pub(crate) fn company_id(number: u32) -> String {
        (FIRST_COMPANY + number).to_string()
    }

    pub(crate) fn company_of_id(&self, id: &str) -> Option<u32> {
        number_from(id, FIRST_COMPANY).filter(|number| *number < self.companies())
    }

    /// The company that owns this one: it has a smaller number, so that nobody is their own grandparent.
    pub(crate) fn parent(number: u32) -> Option<u32> {
        (number % 5 == 4).then(|| number - 1 - number % 3)
    }

    /// The companies that this one owns.
    pub(crate) fn children(&self, number: u32) -> impl Iterator<Item = u32> {
        (number + 1..(number + 4).min(self.companies()))
            .filter(move |child| Self::parent(*child) == Some(number))
    }

    /// The customers who belong to a company.
    pub(crate) fn staff(&self, company: u32) -> impl Iterator<Item = u32> {
        let first = company * COMPANY_SIZE;
        (first..(first + COMPANY_SIZE).min(self.customers))
            .filter(|index| index % COMPANY_SIZE != PRIVATE)
    }

    pub(crate) fn billing_id(index: u32) -> String {
        format!("cus_{:08x}", scramble(index))
    }

    pub(crate) fn twin_id(index: u32) -> String {
        format!("cus_{:08x}", scramble(index | TWIN))
    }

    /// The customer of a billing id, and whether it is the second record of an ambiguous address.
    pub(crate) fn customer_of_billing_id(&self, id: &str) -> Option<(u32, bool)> {
        let number = unscramble(hexadecimal(id.strip_prefix("cus_")?)?);
        let (index, is_twin) = (number & !TWIN, number & TWIN != 0);
        let known = index < self.customers
            && match Self::link(index) {
                Link::None => false,
                Link::Ambiguous => true,
                Link::Id | Link::Email => !is_twin,
            };
        known.then_some((index, is_twin))
    }

    // ---- changes ---------------------------------------------------------------------------------------------------

    pub(crate) fn changed(&self, index: u32) -> Option<Map<String, Value>> {
        lock(&self.changes).get(&index).cloned()
    }

    pub(crate) fn change(&self, index: u32, properties: Map<String, Value>) {
        lock(&self.changes).entry(index).or_default().extend(properties);
    }

    /// Customers whose address was changed to this one.
    pub(crate) fn changed_to_email(&self, email: &str) -> Vec<u32> {
        let changes = lock(&self.changes);
        let is_it = |value: &Value| value.as_str().is_some_and(|text| text.to_lowercase() == email);
        let mut found: Vec<u32> = changes
            .iter()
            .filter(|(_, values)| values.get("email").is_some_and(is_it))
            .map(|(index, _)| *index)
            .collect();
        found.sort_unstable();
        found
    }

    pub(crate) fn written(&self, ticket: u32) -> Vec<Written> {
        lock(&self.comments).get(&ticket).cloned().unwrap_or_default()
    }

    pub(crate) fn write(&self, ticket: u32, comment: Written) {
        lock(&self.comments).entry(ticket).or_default().push(comment);
    }
}

/// Eight hexadecimal digits, small letters.
pub(crate) fn hexadecimal(digits: &str) -> Option<u32> {
    let is_plain =
        digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if is_plain && digits.len() == 8 { u32::from_str_radix(digits, 16).ok() } else { None }
}

fn number_from(id: &str, first: u32) -> Option<u32> {
    if id.bytes().all(|byte| byte.is_ascii_digit()) {
        id.parse::<u32>().ok()?.checked_sub(first)
    } else {
        None
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
