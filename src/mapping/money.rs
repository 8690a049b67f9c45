//! `{ money: P, currency: … }`: an amount and its currency, exact.

use std::sync::Arc;

use super::forms::{Here, Mapper};
use super::leaf::{self, Misfit};
use super::path::{Found, Path};
use super::payload::Kind;
use super::{CurrencySource, decimal, json};
use crate::graph::ShapeId;
use crate::value::{self, Cell};

pub(super) struct Money<'a> {
    pub(super) amount: &'a Path,
    pub(super) currency: &'a CurrencySource,
    pub(super) is_minor: bool,
    pub(super) own_digits: &'a [(Arc<str>, u32)],
    pub(super) shape: ShapeId,
}

impl Money<'_> {
    fn digits_of(&self, currency: [u8; 3]) -> u32 {
        let own = self.own_digits.iter().find(|(code, _)| code.as_bytes() == currency);
        own.map_or_else(|| decimal::minor_digits(currency), |(_, digits)| *digits)
    }
}

impl Mapper<'_> {
    /// `here` is the record, `found` the amount, which is not null. Blank text is no amount.
    pub(super) fn money(&mut self, money: &Money<'_>, here: Here<'_>, found: Here<'_>) -> Cell {
        let payload = found.payload;
        let kind = payload.node(found.at).kind;
        let text = payload.scalar_text(found.at);
        if text.as_ref().is_some_and(|text| value::trimmed(text).is_empty()) {
            return Cell::Null;
        }
        let currency = self.currency(money.currency, here);
        let amount = match (text, &currency) {
            (None, _) => self.misfit(money.amount, "a decimal number", kind),
            (Some(_), _) if matches!(kind, Kind::True | Kind::False) => {
                self.misfit(money.amount, "a decimal number", kind)
            }
            (Some(_), Err(_)) if money.is_minor => self.misfit_found(
                money.amount,
                Misfit { expected: "a currency for an amount in its minor unit", found: "none" },
            ),
            (Some(text), currency) => {
                let shift = match currency {
                    Ok(letters) if money.is_minor => money.digits_of(*letters),
                    _ => 0,
                };
                let cell = self.written(|out| {
                    out.push('"');
                    decimal::write(value::trimmed(&text), shift, out)?;
                    out.push('"');
                    Some(())
                });
                match cell {
                    Cell::Null => self.misfit_found(
                        money.amount,
                        Misfit { expected: "a decimal number", found: "another value" },
                    ),
                    cell => cell,
                }
            }
        };
        let currency = match currency {
            Ok([first, second, third]) => self.written(|out| {
                let text = [b'"', first, second, third, b'"'];
                out.push_str(std::str::from_utf8(&text).ok()?);
                Some(())
            }),
            Err(cell) => cell,
        };
        self.money_record(money.shape, amount, currency)
    }

    fn money_record(&mut self, shape_id: ShapeId, amount: Cell, currency: Cell) -> Cell {
        let slots = &self.graph.shape(shape_id).slots;
        let start = self.cells.len();
        self.cells.extend(slots.iter().map(|slot| match &*slot.name {
            "amount" => amount,
            "currency" => currency,
            _ => Cell::Null,
        }));
        Cell::Record { shape: shape_id, start: json::offset(start) }
    }

    /// The currency's three letters; `Err` is the cell in its place.
    fn currency(&mut self, source: &CurrencySource, here: Here<'_>) -> Result<[u8; 3], Cell> {
        let constant = |currency: &str| leaf::currency_letters(currency).ok_or(Cell::Null);
        match source {
            CurrencySource::Constant(currency) => constant(currency),
            CurrencySource::Path(path) => self.named_currency(path, here),
            CurrencySource::PathOr(path, otherwise) => match self.named_currency(path, here) {
                Err(Cell::Null) => constant(otherwise),
                found => found,
            },
            CurrencySource::OfRecord(path, otherwise) => {
                let record = Here { at: here.around.record, ..here };
                match (self.named_currency(path, record), otherwise) {
                    (Err(Cell::Null), Some(otherwise)) => constant(otherwise),
                    (found, _) => found,
                }
            }
        }
    }

    fn named_currency(&mut self, path: &Path, here: Here<'_>) -> Result<[u8; 3], Cell> {
        let at = match path.first_hinted(here.payload, here.at, &mut self.hints) {
            Found::At(at) => at,
            Found::Missing => return Err(Cell::Null),
            Found::Misfit { step, found } => {
                return Err(self.problem(|| path.misfit(step, found)));
            }
        };
        let kind = here.payload.node(at).kind;
        let Some(text) = here.payload.scalar_text(at) else {
            return Err(if kind == Kind::Null {
                Cell::Null
            } else {
                self.misfit(path, "a currency", kind)
            });
        };
        if value::trimmed(&text).is_empty() {
            return Err(Cell::Null);
        }
        leaf::currency_letters(&text).ok_or_else(|| {
            self.misfit_found(
                path,
                Misfit { expected: "a currency of three letters", found: "other text" },
            )
        })
    }
}
