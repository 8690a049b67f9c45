//! The demo's tickets and what is said on them.

use super::names::{AGENTS, MESSAGES, NOTES, SUBJECTS};
use super::random::Random;
use super::world::{DAY, NOW, World, kind};

const TICKETS_EACH: u64 = 8;
const FIRST_TICKET: u32 = 90_000;
/// Ticket numbers per customer: room for all that one can have.
const STRIDE: u32 = 10;

#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) number: u32,
    pub(crate) customer: u32,
    /// A second requester, a neighbor of the first.
    pub(crate) copied: Option<u32>,
    pub(crate) subject: &'static str,
    pub(crate) description: &'static str,
    pub(crate) state: &'static str,
    /// 1 is the most urgent; its word may be one that no mapping needs.
    pub(crate) priority: (u32, &'static str),
    pub(crate) category: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) assignee: Option<(&'static str, &'static str)>,
    pub(crate) team: Option<&'static str>,
    pub(crate) labels: Vec<&'static str>,
    pub(crate) opened: i64,
    pub(crate) changed: i64,
    pub(crate) first_reply: Option<i64>,
    pub(crate) solved: Option<i64>,
    pub(crate) due: Option<i64>,
    pub(crate) is_escalated: bool,
    pub(crate) rating: Option<(u64, &'static str)>,
    pub(crate) more: More,
}

/// What the helpdesk keeps besides.
#[derive(Debug, Default)]
pub(crate) struct More {
    pub(crate) severity: &'static str,
    pub(crate) sla: &'static str,
    pub(crate) first_reply_due: i64,
    pub(crate) closed: Option<i64>,
    pub(crate) deleted: Option<i64>,
    pub(crate) escalated: Option<i64>,
    /// The ticket that it is a part of, and the one that took it over.
    pub(crate) parent: Option<u32>,
    pub(crate) survivor: Option<u32>,
    /// Fields that the company added.
    pub(crate) fields: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) number: u32,
    pub(crate) text: String,
    /// An agent by name and address; the requester otherwise.
    pub(crate) agent: Option<(&'static str, &'static str)>,
    pub(crate) is_public: bool,
    pub(crate) at: i64,
}

/// The tickets that a customer opened or is copied on, newest number first.
pub(crate) fn tickets_of(world: &World, customer: u32) -> Vec<Ticket> {
    let own = (0..count(world, customer))
        .filter_map(|place| ticket(world, FIRST_TICKET + customer * STRIDE + place));
    let neighbor = customer ^ 1;
    let copied = (0..if neighbor < world.customers { count(world, neighbor) } else { 0 })
        .filter_map(|place| ticket(world, FIRST_TICKET + neighbor * STRIDE + place))
        .filter(|ticket| ticket.copied == Some(customer));
    let mut tickets: Vec<Ticket> = own.chain(copied).collect();
    tickets.sort_by_key(|ticket| std::cmp::Reverse(ticket.number));
    tickets
}

fn count(world: &World, customer: u32) -> u32 {
    world.count(customer, 3, TICKETS_EACH)
}

/// A ticket by its number.
pub(crate) fn ticket(world: &World, number: u32) -> Option<Ticket> {
    let (customer, place) =
        (number.checked_sub(FIRST_TICKET)? / STRIDE, number.checked_sub(FIRST_TICKET)? % STRIDE);
    if customer >= world.customers || place >= count(world, customer) {
        return None;
    }
    let mut random = Random::of(world.seed, kind::TICKET, u64::from(number));
    let state = random.pick(&[
        "new",
        "in_progress",
        "in_progress",
        "waiting_customer",
        "waiting_third_party",
        "solved",
        "solved",
        "closed",
        "closed",
        "parked", // a word that no mapping knows
    ]);
    let opened = NOW - 60 * i64::try_from(1440 + random.below(60 * 24 * 200)).unwrap_or(1440);
    let is_over = matches!(state, "solved" | "closed");
    let is_answered = state != "new";
    let neighbor = customer ^ 1;
    let is_copied =
        place == 1 && neighbor < world.customers && (customer == 0 || random.chance(60));
    let written = !world.written(number).is_empty();
    let hours = i64::try_from(1 + random.below(30)).unwrap_or(1);
    Some(Ticket {
        number,
        customer,
        copied: is_copied.then_some(neighbor),
        subject: random.pick(SUBJECTS),
        description: MESSAGES.first().copied().unwrap_or_default(),
        state,
        priority: random.pick(&[
            (1, "urgent"),
            (2, "high"),
            (3, "normal"),
            (3, "normal"),
            (4, "low"),
        ]),
        category: random.pick(&["question", "incident", "complaint", "wish"]),
        channel: random.pick(&["email", "web", "phone", "chat"]),
        assignee: is_answered.then(|| random.pick(AGENTS)),
        team: random
            .chance(80)
            .then(|| random.pick(&["First level", "Second level", "Billing desk"])),
        labels: ["mobile", "export", "billing", "vip"]
            .into_iter()
            .filter(|_| random.chance(25))
            .collect(),
        opened,
        changed: if written { NOW } else { opened + hours * 3600 + if is_over { DAY } else { 0 } },
        first_reply: is_answered.then_some(opened + hours * 1800),
        solved: is_over.then_some(opened + hours * 3600 + DAY),
        due: random.chance(40).then_some(opened + 3 * DAY),
        is_escalated: random.chance(10),
        rating: (is_over && random.chance(50)).then(|| {
            random.pick(&[(5, "Great & fast!"), (4, "Good"), (3, ""), (1, "Took < forever >")])
        }),
        more: More::default(),
    })
    .map(|ticket| Ticket { more: more(world, &ticket, place), ..ticket })
}

fn more(world: &World, ticket: &Ticket, place: u32) -> More {
    let mut random = Random::of(world.seed, kind::MORE, (2 << 32) + u64::from(ticket.number));
    let first = ticket.number - place;
    let is_late = ticket.due.is_some_and(|due| ticket.solved.unwrap_or(NOW) > due);
    let is_merged = ticket.state == "closed" && place > 0 && random.chance(15);
    More {
        severity: random.pick(&["s1", "s2", "s3", "s3", "s4", "s9"]), // the last is unknown to mappings
        sla: match ticket.state {
            _ if is_late => "violated",
            "solved" | "closed" => "kept",
            "waiting_customer" => "stopped",
            _ if ticket.priority.0 == 1 => "warning",
            _ => "running",
        },
        first_reply_due: ticket.opened + 8 * 3600,
        closed: (ticket.state == "closed").then(|| ticket.changed + DAY),
        deleted: (ticket.state == "closed" && random.chance(3)).then(|| ticket.changed + 30 * DAY),
        escalated: ticket.is_escalated.then_some(ticket.opened + 5 * 3600),
        parent: (!is_merged && place > 1 && random.chance(15)).then_some(first),
        survivor: is_merged.then_some(first),
        fields: [
            ("device", "Scanner <X2>"),
            ("version", "7.1.0"),
            ("callback", "true"),
            ("queue_no", "4"),
        ]
        .into_iter()
        .filter(|_| random.chance(50))
        .collect(),
    }
}

/// Everything said on a ticket, oldest first, internal notes among it.
pub(crate) fn comments(world: &World, ticket: &Ticket) -> Vec<Comment> {
    let mut random = Random::of(world.seed, kind::TICKET, (1 << 32) + u64::from(ticket.number));
    let spoken = if ticket.state == "new" { 0 } else { 1 + random.below(5) };
    let count = u32::try_from(spoken).unwrap_or(0);
    let first_number = ticket.number * 100;
    let mut comments: Vec<Comment> = (0..count)
        .map(|place| {
            let is_note = random.chance(20);
            let agent = (is_note || place % 2 == 1)
                .then(|| ticket.assignee.unwrap_or_else(|| random.pick(AGENTS)));
            Comment {
                number: first_number + place,
                text: (random.pick(if is_note { NOTES } else { MESSAGES })).to_owned(),
                agent,
                is_public: !is_note,
                at: ticket.opened + 3600 * i64::from(place + 1),
            }
        })
        .collect();
    for (place, written) in (count..).zip(world.written(ticket.number)) {
        comments.push(Comment {
            number: first_number + place,
            text: written.text,
            agent: AGENTS.first().copied(),
            is_public: written.is_public,
            at: NOW,
        });
    }
    comments
}
