//! Random operations on both sides: the engine on threads, the reference beside them on the cases before.

use serde_json::{Map, Value, json};

use super::compare::difference;
use super::dice::Dice;
use super::document::Document;
use super::generate::Generator;
use super::shrink::{self, Case};
use super::sides::{Ours, Reference, Verdict, World, verdicts};
use super::subject::Subject;
use super::tally::Tally;

/// Runs of each document, with other variables and data.
const RUNS: usize = 8;
const WORLDS: usize = 20;
/// Documents that are told to the reference at once.
const BATCH: usize = 60;
const THREADS: usize = 2;
/// Differences after which no more are looked for.
const FAILURES_MAX: usize = 3;

/// A number under which the reference holds the data of the case that is made smaller.
const SCRATCH: usize = 1_000_000;

/// Both sides of one subject.
pub(super) struct Both<'a> {
    pub(super) subject: &'a Subject,
    pub(super) reference: &'a mut Reference,
    ours: Vec<Ours>,
}

/// A document, its runs, and what we say to them.
struct Made {
    seed: u64,
    document: Document,
    runs: Vec<(Map<String, Value>, usize)>,
    /// One if the document itself is refused.
    ours: Vec<Verdict>,
}

impl<'a> Both<'a> {
    pub(super) fn start(subject: &'a Subject, reference: &'a mut Reference) -> Self {
        let sdl = &*subject.graph.sdl;
        reference.tell(&json!({ "schema": subject.name, "sdl": sdl }));
        let ours = (0..THREADS).map(|_| Ours::over(subject)).collect();
        Self { subject, reference, ours }
    }

    /// How the two differ on one request.
    pub(super) fn difference(
        &mut self,
        query: &str,
        variables: &Map<String, Value>,
        data: &Value,
    ) -> Option<String> {
        let world = World::new(self.subject, data.clone());
        let runs = json!([{ "variables": variables, "world": SCRATCH }]);
        let lines = [
            json!({ "world": SCRATCH, "data": data }),
            json!({ "schema": self.subject.name, "query": query, "runs": runs }),
        ];
        let answers = self.reference.tell_all(&lines, || ()).0;
        let ours = &self.ours[0];
        ours.hold(&world.data, &world.replies);
        let ours = ours.ask(query, variables);
        difference(&ours, verdicts(&answers[1], 1).first()?)
    }

    pub(super) fn shrunk(&mut self, case: &Case) -> Case {
        shrink::shrunk(case, |case| {
            case.query().is_some_and(|query| {
                self.difference(&query, &case.variables, &case.world).is_some()
            })
        })
    }

    /// Compares so many random cases; gives those that differ.
    pub(super) fn compared(
        &mut self,
        seed: u64,
        cases: usize,
        tally: &mut Tally,
    ) -> Vec<(Case, u64)> {
        let graph = &self.subject.graph;
        let worlds: Vec<World> = (0..WORLDS)
            .map(|index| World::new(self.subject, (self.subject.world)(graph, seed + index as u64)))
            .collect();
        let told: Vec<Value> = worlds
            .iter()
            .enumerate()
            .map(|(index, world)| json!({ "world": index, "data": world.data }))
            .collect();
        self.reference.tell_all(&told, || ());
        let mut failed = Vec::new();
        let mut first = 0;
        let mut batch = self.made(&worlds, seed, first);
        while tally.cases() < cases && failed.len() < FAILURES_MAX {
            first += BATCH as u64;
            let lines: Vec<Value> = batch.iter().map(|made| self.line(made)).collect();
            let (subject, ours) = (self.subject, &self.ours);
            let (theirs, next) = self
                .reference
                .tell_all(&lines, || made_on_threads(subject, ours, &worlds, seed, first));
            for (made, theirs) in batch.iter().zip(&theirs) {
                failed.extend(differing(made, theirs, &worlds, tally));
            }
            batch = next;
        }
        failed.truncate(FAILURES_MAX);
        failed
    }

    fn made(&self, worlds: &[World], seed: u64, first: u64) -> Vec<Made> {
        made_on_threads(self.subject, &self.ours, worlds, seed, first)
    }

    fn line(&self, made: &Made) -> Value {
        let runs: Vec<Value> = made
            .runs
            .iter()
            .map(|(variables, world)| json!({ "variables": variables, "world": world }))
            .collect();
        json!({ "schema": self.subject.name, "query": made.document.text(), "runs": runs })
    }
}

fn made_on_threads(
    subject: &Subject,
    ours: &[Ours],
    worlds: &[World],
    seed: u64,
    first: u64,
) -> Vec<Made> {
    let made = std::thread::scope(|scope| {
        let share = |number: usize| {
            (0..BATCH)
                .filter(move |index| index % THREADS == number)
                .map(move |index| first + index as u64)
        };
        let threads: Vec<_> = ours
            .iter()
            .enumerate()
            .map(|(number, ours)| {
                scope.spawn(move || {
                    share(number)
                        .map(|index| made(subject, ours, worlds, seed, index))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
    });
    made.into_iter().flatten().collect()
}

fn made(subject: &Subject, ours: &Ours, worlds: &[World], seed: u64, index: u64) -> Made {
    let seed = seed.wrapping_mul(31).wrapping_add(index);
    let generated = Generator::new(subject, seed).operation();
    let mut dice = Dice::new(seed ^ 0xABCD);
    let runs: Vec<(Map<String, Value>, usize)> = (0..RUNS)
        .map(|_| (generated.variables(subject, &mut dice), dice.below(worlds.len())))
        .collect();
    let query = generated.document.text();
    let mut verdicts = Vec::new();
    for (variables, world) in &runs {
        let world = &worlds[*world];
        ours.hold(&world.data, &world.replies);
        verdicts.push(ours.ask(&query, variables));
        if verdicts.len() == 1 && is_of_document(&verdicts[0]) {
            break;
        }
    }
    Made { seed, document: generated.document, runs, ours: verdicts }
}

/// Refused whatever the variables are.
fn is_of_document(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused(text) if text.contains("GRAPHQL_VALIDATION_FAILED") || text.contains("GRAPHQL_PARSE_FAILED"))
}

/// The first case of a document on which the two differ.
fn differing(
    made: &Made,
    theirs: &Value,
    worlds: &[World],
    tally: &mut Tally,
) -> Option<(Case, u64)> {
    let is_refused = theirs.get("refused").is_some();
    let runs = if is_refused { 1 } else { made.runs.len() };
    let theirs = verdicts(theirs, runs);
    let mut failed = None;
    for (number, theirs) in theirs.iter().enumerate() {
        tally.add(theirs, is_refused);
        let (variables, world) = &made.runs[number];
        // a document that is refused is asked once
        let ours = made.ours.get(number).unwrap_or(&made.ours[0]);
        if failed.is_none() && difference(ours, theirs).is_some() {
            let document = serde_json::to_value(&made.document).unwrap();
            let world = worlds[*world].data.clone();
            failed = Some((Case { document, variables: variables.clone(), world }, made.seed));
        }
    }
    failed
}
