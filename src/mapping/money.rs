//! `{ money: P, currency: … }`: an amount and its currency, exact.

use super::forms::{Here, Mapper};
use super::leaf::{self, Misfit};
use super::path::{Found, Path};
use super::payload::Kind;
use super::{CurrencySource, decimal, escape, json};
use crate::graph::ShapeId;
use crate::value::Cell;

pub(super) struct Money<'a> {
    pub(super) amount: &'a Path,
    pub(super) currency: &'a CurrencySource,
    pub(super) is_minor: bool,
    pub(super) shape: ShapeId,
}

impl Mapper<'_> {
    /// `here` is the record, `found` the amount, which is not null. Blank text is no amount.
    pub(super) fn money(&mut self, money: &Money<'_>, here: Here<'_>, found: Here<'_>) -> Cell {
        let payload = found.payload;
        let kind = payload.node(found.at).kind;
        if payload.scalar_text(found.at).is_some_and(|text| text.trim().is_empty()) {
            return Cell::Null;
        }
        let currency = self.currency(money.currency, here);
        let amount = match (payload.scalar_text(found.at), &currency) {
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
                    Ok(letters) if money.is_minor => decimal::minor_digits(text_of(letters)),
                    _ => 0,
                };
                let cell = self.written(|out| {
                    out.push('"');
                    decimal::write(text.trim(), shift, out)?;
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
            Ok(letters) => self.written(|out| {
                escape::write_string(text_of(&letters), out);
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
        let (path, at) = match source {
            CurrencySource::Constant(currency) => {
                return leaf::currency_letters(currency).ok_or(Cell::Null);
            }
            CurrencySource::Path(path) => {
                match path.first_hinted(here.payload, here.at, &mut self.hints) {
                    Found::At(at) => (path, at),
                    Found::Missing => return Err(Cell::Null),
                    Found::Misfit { step, found } => {
                        return Err(self.problem(|| path.misfit(step, found)));
                    }
                }
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
        if text.trim().is_empty() {
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

fn text_of(letters: &[u8; 3]) -> &str {
    std::str::from_utf8(letters).unwrap_or_default()
}
