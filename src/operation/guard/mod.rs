//! Bounds a document before anything walks it.
//!
//! Takes: the limits, the document's text, whatever it is.
//! Gives: nothing, or the first limit that the document goes beyond: its name, its value, what was found and where.
//! Never: takes more than linear time, recurses, or judges the document otherwise (but for fragments that spread themselves).

mod lexer;
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
    };
    let scan = scan::scan(document, allowed);
    check_counts(limits, &scan, document)?;
    let totals = spread::totals(&scan.definitions).map_err(|cycle| {
        let message = format!("Cannot spread fragment \"{}\" within itself.", cycle.spread);
        RequestError::new(ErrorCode::GraphqlValidationFailed, message)
            .at(Lines::new(document).location(cycle.at))
    })?;
    check_totals(limits, &scan, &totals, document)
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
    for (limit, count, allowed) in counts {
        if let Some(at) = count.first_over {
            return Err(limit.exceeded(count.found, allowed).at(Lines::new(document).location(at)));
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
    let mut selections = 0_u64;
    let mut operations = 0_u64;
    let mut variables = 0_u64;
    for (definition, total) in scan.definitions.iter().zip(totals) {
        if definition.fragment.is_some() {
            variables = variables.saturating_add(definition.variables);
            continue;
        }
        operations += 1;
        selections = selections.saturating_add(total.selections);
        let bounds = [
            (Limit::Selections, selections, limits.selections),
            (Limit::Depth, total.depth, limits.depth),
            (Limit::RootFields, total.root_fields, limits.root_fields),
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
    RootFields,
    Depth,
    Selections,
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
            Self::RootFields => {
                (ErrorCode::RootFieldsLimit, "root_fields", "root fields in one operation")
            }
            Self::Depth => {
                (ErrorCode::DepthLimit, "depth", "fields inside each other, fragments spread")
            }
            Self::Selections => {
                (ErrorCode::SelectionsLimit, "selections", "selections, fragments spread")
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
