//! Bounds a document before anything walks it.
//!
//! Takes: the limits, the document's text, whatever it is.
//! Gives: nothing, or the first limit that the document goes beyond: its name, its value, what was found and where.
//! Never: takes more than linear time, recurses, or judges the document otherwise (but for fragments that spread themselves,
//! and for strings that do not end, since nothing can be counted behind them).

pub(super) mod lexer;
mod scan;
mod spread;

use self::scan::{Allowed, Count, Scan};
use self::spread::Total;
use super::position::Lines;
use crate::error::{ErrorCode, RequestError};
use crate::graph::Limits;

/// Refuses a document that goes beyond a limit.
pub fn check(limits: &Limits, document: &str) -> Result<(), RequestError> {
    if document.len() > limits.document_bytes {
        return Err(Limit::DocumentBytes.exceeded(document.len(), limits.document_bytes));
    }
    let allowed = Allowed {
        tokens: limits.tokens,
        nesting: limits.nesting,
        aliases: limits.aliases,
        directives: limits.directives,
        operations: limits.operations,
        duplicates: limits.duplicates,
        list_items: limits.list_items,
    };
    let scan = scan::scan(document, allowed);
    // behind it the parser may see what was counted as a string's
    if let Some(at) = scan.unclosed {
        let message = "syntax error: unterminated string";
        return Err(RequestError::new(ErrorCode::GraphqlParseFailed, message)
            .at(Lines::new(document).location(at)));
    }
    check_counts(limits, &scan, document)?;
    let totals = spread::totals(&scan.definitions).map_err(|cycle| {
        let message = format!("Cannot spread fragment \"{}\" within itself.", cycle.spread);
        RequestError::new(ErrorCode::GraphqlValidationFailed, message)
            .at(Lines::new(document).location(cycle.at))
    })?;
    check_totals(limits, &scan, &totals, document)?;
    check_longest(limits, &scan, document)?;
    check_places(limits, &scan, document)
}

/// The limits on the document as it is written.
fn check_counts(limits: &Limits, scan: &Scan<'_>, document: &str) -> Result<(), RequestError> {
    let counts: [(Limit, Count, usize); 5] = [
        (Limit::Tokens, scan.tokens, limits.tokens),
        (Limit::Nesting, scan.nesting, limits.nesting),
        (Limit::Operations, scan.operations, limits.operations),
        (Limit::Aliases, scan.aliases, limits.aliases),
        (Limit::Directives, scan.directives, limits.directives),
    ];
    first_exceeded(&counts, document)
}

/// Fields of one response key are compared with each other, and each that conflicts is told of with a value: a long one counts with
/// all of them.
fn check_longest(limits: &Limits, scan: &Scan<'_>, document: &str) -> Result<(), RequestError> {
    const LONG: usize = 1_024;
    let (bytes, at) = scan.longest;
    if bytes <= LONG {
        return Ok(());
    }
    let (fields, allowed) = (scan.commonest_key(), limits.spread_bytes);
    if bytes.saturating_mul(fields) <= allowed {
        return Ok(());
    }
    let message = format!(
        "A value of {bytes} bytes may have to be compared with {fields} fields of one response key; \
         limits.spread_bytes allows {allowed} bytes for both multiplied. Send it as a variable."
    );
    Err(RequestError::new(ErrorCode::SpreadBytesLimit, message)
        .at(Lines::new(document).location(at)))
}

/// The limits on one place of the document: what is too much in all is told first.
fn check_places(limits: &Limits, scan: &Scan<'_>, document: &str) -> Result<(), RequestError> {
    let counts = [
        (Limit::Duplicates, scan.duplicates, limits.duplicates),
        (Limit::ListItems, scan.list_items, limits.list_items),
    ];
    first_exceeded(&counts, document)
}

fn first_exceeded(counts: &[(Limit, Count, usize)], document: &str) -> Result<(), RequestError> {
    for (limit, count, allowed) in counts {
        if let Some(at) = count.first_over {
            return Err(limit
                .exceeded(count.found, *allowed)
                .at(Lines::new(document).location(at)));
        }
    }
    Ok(())
}

/// The limits on what the document comes to when its fragments are spread.
fn check_totals(
    limits: &Limits,
    scan: &Scan<'_>,
    totals: &[Total],
    document: &str,
) -> Result<(), RequestError> {
    let (mut selections, mut tokens, mut bytes) = (0_u64, 0_u64, 0_u64);
    let mut operations = 0_u64;
    let mut variables = 0_u64;
    for (definition, total) in scan.definitions.iter().zip(totals) {
        if definition.fragment.is_some() {
            variables = variables.saturating_add(definition.variables);
            continue;
        }
        operations += 1;
        selections = selections.saturating_add(total.selections);
        tokens = tokens.saturating_add(total.tokens);
        bytes = bytes.saturating_add(total.bytes);
        let bounds = [
            (Limit::Selections, selections, limits.selections),
            (Limit::Depth, total.depth, limits.depth),
            (Limit::RootFields, total.root_fields, limits.root_fields),
            (Limit::SpreadTokens, tokens, limits.spread_tokens),
            (Limit::SpreadBytes, bytes, limits.spread_bytes),
        ];
        for (limit, found, allowed) in bounds {
            if found > allowed as u64 {
                return Err(limit
                    .exceeded(found, allowed)
                    .at(Lines::new(document).location(definition.at)));
            }
        }
    }
    let found = operations.saturating_mul(variables);
    let allowed = limits.operation_fragment_variables;
    if found > allowed as u64 {
        return Err(Limit::OperationFragmentVariables.exceeded(found, allowed));
    }
    Ok(())
}

/// A limit that a document can go beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    DocumentBytes,
    Tokens,
    Nesting,
    Operations,
    Aliases,
    Directives,
    Duplicates,
    ListItems,
    RootFields,
    Depth,
    Selections,
    SpreadTokens,
    SpreadBytes,
    OperationFragmentVariables,
}

impl Limit {
    /// Its code, its name under `limits:`, and what it counts.
    fn words(self) -> (ErrorCode, &'static str, &'static str) {
        match self {
            Self::DocumentBytes => (ErrorCode::DocumentBytesLimit, "document_bytes", "bytes"),
            Self::Tokens => (ErrorCode::TokensLimit, "tokens", "tokens"),
            Self::Nesting => (ErrorCode::NestingLimit, "nesting", "brackets inside each other"),
            Self::Operations => (ErrorCode::OperationsLimit, "operations", "operations"),
            Self::Aliases => (ErrorCode::AliasesLimit, "aliases", "aliases"),
            Self::Directives => (ErrorCode::DirectivesLimit, "directives", "directives"),
            Self::Duplicates => (
                ErrorCode::DuplicatesLimit,
                "duplicates",
                "selections of one response key (or spreads of one fragment) in one place",
            ),
            Self::ListItems => {
                (ErrorCode::ListItemsLimit, "list_items", "items in one list literal")
            }
            Self::RootFields => {
                (ErrorCode::RootFieldsLimit, "root_fields", "root fields in one operation")
            }
            Self::Depth => {
                (ErrorCode::DepthLimit, "depth", "fields inside each other, fragments spread")
            }
            Self::Selections => {
                (ErrorCode::SelectionsLimit, "selections", "selections, fragments spread")
            }
            Self::SpreadTokens => {
                (ErrorCode::SpreadTokensLimit, "spread_tokens", "tokens, fragments spread")
            }
            Self::SpreadBytes => {
                (ErrorCode::SpreadBytesLimit, "spread_bytes", "bytes, fragments spread")
            }
            Self::OperationFragmentVariables => (
                ErrorCode::FragmentVariablesLimit,
                "operation_fragment_variables",
                "uses of variables in fragments, times the operations",
            ),
        }
    }

    fn exceeded(self, found: impl std::fmt::Display, allowed: usize) -> RequestError {
        let (code, name, what) = self.words();
        RequestError::new(
            code,
            format!("The document has {found} {what}; limits.{name} allows {allowed}."),
        )
    }
}
