//! What a filter may say: the parsed term is walked, refused or rewritten so that it counts its own steps.
//!
//! Every value that goes through a pipe, an iteration or a fold spends a step; whatever puts values together (`+`, `*`, lists,
//! objects, text) spends what the result weighs. Nothing else in the allowed language can repeat or grow.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Part, Path};

/// The name that the filter itself is defined under; no filter can call it.
pub(super) const MAIN: &str = "main_filter";

/// Functions that filters may call, with the number of their arguments.
pub(super) const ALLOWED: &[(&str, usize)] = &[
    ("abs", 0),
    ("add", 0),
    ("add", 1),
    ("all", 0),
    ("all", 1),
    ("all", 2),
    ("any", 0),
    ("any", 1),
    ("any", 2),
    ("arrays", 0),
    ("ascii_downcase", 0),
    ("ascii_upcase", 0),
    ("booleans", 0),
    ("ceil", 0),
    ("contains", 1),
    ("empty", 0),
    ("endswith", 1),
    ("error", 0),
    ("error", 1),
    ("false", 0),
    ("first", 0),
    ("first", 1),
    ("flatten", 0),
    ("flatten", 1),
    ("floor", 0),
    ("from_entries", 0),
    ("group_by", 1),
    ("has", 1),
    ("in", 1),
    ("index", 1),
    ("inside", 1),
    ("isarray", 0),
    ("isboolean", 0),
    ("isempty", 1),
    ("isnumber", 0),
    ("isobject", 0),
    ("isstring", 0),
    ("iterables", 0),
    ("join", 1),
    ("keys", 0),
    ("keys_unsorted", 0),
    ("last", 0),
    ("last", 1),
    ("length", 0),
    ("limit", 2),
    ("ltrim", 0),
    ("ltrimstr", 1),
    ("map", 1),
    ("map_values", 1),
    ("max", 0),
    ("max_by", 1),
    ("min", 0),
    ("min_by", 1),
    ("not", 0),
    ("nth", 1),
    ("nth", 2),
    ("null", 0),
    ("nulls", 0),
    ("numbers", 0),
    ("objects", 0),
    ("reverse", 0),
    ("rindex", 1),
    ("round", 0),
    ("rtrim", 0),
    ("rtrimstr", 1),
    ("scalars", 0),
    ("select", 1),
    ("skip", 2),
    ("sort", 0),
    ("sort_by", 1),
    ("split", 1),
    ("startswith", 1),
    ("strings", 0),
    ("to_entries", 0),
    ("toboolean", 0),
    ("tojson", 0),
    ("tonumber", 0),
    ("tostring", 0),
    ("trim", 0),
    ("true", 0),
    ("type", 0),
    ("unique", 0),
    ("unique_by", 1),
    ("values", 0),
    ("with_entries", 1),
];

/// Definitions of jq's libraries that the allowed ones stand on.
const INNER: &[&str] = &["recurse", "@text", "@json"];

/// What is refused with a word of its own.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &[
            "recurse",
            "recurse_down",
            "walk",
            "paths",
            "leaf_paths",
            "getpath",
            "env",
            "combinations",
        ],
        "it walks through everything; name the path that you mean",
    ),
    (
        &["range", "repeat", "while", "until", "input_line_number"],
        "it may go on without end; go through a list of the record with `.[]` or `map`",
    ),
    (
        &[
            "now",
            "input",
            "inputs",
            "$__loc__",
            "input_filename",
            "localtime",
            "mktime",
            "strftime",
            "strptime",
        ],
        "a mapping sees the record and nothing else; for times use the form `time`",
    ),
    (
        &["halt", "halt_error", "debug", "stderr", "print", "printerr"],
        "a mapping only gives a value",
    ),
    (
        &[
            "path", "del", "delpaths", "setpath", "to_paths", "pick", "splits", "ascii", "implode",
            "explode",
        ],
        "build the value that you want from the parts of the record",
    ),
    (
        &["test", "match", "capture", "scan", "sub", "gsub", "ascii_only", "fromjson", "getpath"],
        "it is not part of the fenced language; use `split`, `ltrimstr`, `startswith`, or a native form like `case`",
    ),
];

/// The definitions of jq's libraries that a fenced filter may reach.
pub(super) fn definitions<'s>() -> impl Iterator<Item = Def<&'s str>> {
    let is_kept = |def: &Def<&'static str>| {
        let own = matches!(def.name, "tonumber" | "toboolean");
        let is_allowed = ALLOWED.contains(&(def.name, def.args.len())) || INNER.contains(&def.name);
        is_allowed && !own
    };
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    // the definitions live as long as any filter's text
    let shorten = |def: Def<&'static str>| -> Def<&'s str> { def };
    definitions.filter(is_kept).map(shorten)
}

/// Why a function cannot be called, and what to do.
pub(super) fn refusal(name: &str, arity: usize) -> String {
    let name = if name.is_empty() { "this" } else { name };
    let advice = REFUSED.iter().find(|(names, _)| names.contains(&name)).map(|(_, advice)| *advice);
    let of_other_arity: Vec<usize> =
        ALLOWED.iter().filter(|(allowed, _)| *allowed == name).map(|(_, arity)| *arity).collect();
    match (advice, of_other_arity.first()) {
        (Some(advice), _) => format!("jq `{name}` is refused: {advice}"),
        (None, Some(other)) => format!("jq `{name}` takes {other} arguments here, not {arity}"),
        (None, None) => {
            format!(
                "jq `{name}` is not among the functions that mappings may call; use those, or a native form"
            )
        }
    }
}

type Fenced<'s> = Result<Term<&'s str>, String>;

/// Walks a term: refuses what is not allowed, and puts the counting in.
pub(super) fn fence(term: Term<&str>) -> Fenced<'_> {
    Ok(match term {
        Term::Id | Term::Num(_) => term,
        Term::Recurse => {
            return Err(refused("..", "it walks through everything; name the path that you mean"));
        }
        Term::Def(..) => {
            return Err(refused(
                "def",
                "write the filter out where it is used, or use native forms",
            ));
        }
        Term::Label(..) | Term::Break(_) => {
            return Err(refused("label", "use `first(…)` or `limit(…; …)`"));
        }
        Term::Str(Some(format), _) if !matches!(format, "@text" | "@json") => {
            return Err(refused(
                format,
                "only `@text` and `@json` are part of the fenced language",
            ));
        }
        Term::Str(format, parts) => fence_text(format, parts)?,
        Term::Arr(None) => Term::Arr(None),
        Term::Arr(Some(items)) => then(Term::Arr(Some(Box::new(fence(*items)?))), "!weigh"),
        Term::Obj(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| Ok((fence(name)?, value.map(fence).transpose()?)));
            then(Term::Obj(members.collect::<Result<_, String>>()?), "!weigh")
        }
        Term::Neg(term) => Term::Neg(Box::new(fence(*term)?)),
        Term::BinOp(left, operator, right) => {
            fence_operator(fence(*left)?, operator, fence(*right)?)?
        }
        Term::Fold(kind, values, pattern, arguments) => {
            let arguments = arguments.into_iter().map(|term| Ok(counted(fence(term)?)));
            Term::Fold(
                kind,
                Box::new(fence(*values)?),
                fence_pattern(pattern)?,
                arguments.collect::<Result<_, String>>()?,
            )
        }
        Term::TryCatch(body, handler) => {
            let handler = handler.map(|term| fence(*term).map(Box::new)).transpose()?;
            Term::TryCatch(Box::new(fence(*body)?), handler)
        }
        Term::IfThenElse(branches, otherwise) => {
            let branches =
                branches.into_iter().map(|(test, then)| Ok((fence(test)?, fence(then)?)));
            let branches = branches.collect::<Result<_, String>>()?;
            Term::IfThenElse(
                branches,
                otherwise.map(|term| fence(*term).map(Box::new)).transpose()?,
            )
        }
        Term::Call(name, arguments) => fence_call(name, arguments)?,
        Term::Var(name) if matches!(name, "$ENV" | "$__loc__" | "$__prog_args") => {
            return Err(refused(name, "a mapping sees the record and nothing else"));
        }
        Term::Var(name) => Term::Var(name),
        Term::Path(from, path) => fence_path(fence(*from)?, path)?,
    })
}

fn fence_text<'s>(
    format: Option<&'s str>,
    parts: Vec<StrPart<&'s str, Term<&'s str>>>,
) -> Fenced<'s> {
    let parts = parts.into_iter().map(fence_part).collect::<Result<Vec<_>, _>>()?;
    let is_made = parts.iter().any(|part| matches!(part, StrPart::Term(_)));
    let text = Term::Str(format, parts);
    Ok(if is_made { then(text, "!weigh") } else { text })
}

fn fence_path<'s>(from: Term<&'s str>, path: Path<Term<&'s str>>) -> Fenced<'s> {
    let parts = path.0.into_iter().map(|(part, opt)| Ok((fence_step(part)?, opt)));
    let parts: Vec<_> = parts.collect::<Result<_, String>>()?;
    let repeats = parts.iter().any(|(part, _)| matches!(part, Part::Range(None, None)));
    let term = Term::Path(Box::new(from), Path(parts));
    Ok(if repeats { then(term, "!step") } else { term })
}

fn fence_call<'s>(name: &'s str, arguments: Vec<Term<&'s str>>) -> Fenced<'s> {
    if name == "@text" || name == "@json" {
        let inner = if name == "@text" { "tostring" } else { "tojson" };
        return Ok(then(Term::Call(inner, Vec::new()), "!weigh"));
    }
    if !ALLOWED.contains(&(name, arguments.len())) {
        return Err(refusal(name, arguments.len()));
    }
    let arguments = arguments.into_iter().map(|term| Ok(counted(fence(term)?)));
    let call = Term::Call(name, arguments.collect::<Result<_, String>>()?);
    Ok(if name.starts_with("to") || name == "add" || name == "join" {
        then(call, "!weigh")
    } else {
        call
    })
}

fn fence_operator<'s>(
    left: Term<&'s str>,
    operator: BinaryOp<&'s str>,
    right: Term<&'s str>,
) -> Fenced<'s> {
    let operator = match operator {
        BinaryOp::Math(math) => {
            let name = match math {
                Math::Add => "!add",
                Math::Sub => "!sub",
                Math::Mul => "!mul",
                Math::Div => "!div",
                Math::Rem => "!rem",
            };
            return Ok(Term::Call(name, vec![left, right]));
        }
        BinaryOp::Pipe(pattern) => {
            let pattern = pattern.map(fence_pattern).transpose()?;
            return Ok(Term::BinOp(
                Box::new(left),
                BinaryOp::Pipe(pattern),
                Box::new(counted(right)),
            ));
        }
        BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
            return Err(refused(
                "=",
                "a mapping does not change the record; build the value that you want",
            ));
        }
        BinaryOp::Comma | BinaryOp::Alt | BinaryOp::Or | BinaryOp::And | BinaryOp::Cmp(_) => {
            operator
        }
    };
    Ok(Term::BinOp(Box::new(left), operator, Box::new(right)))
}

fn fence_part<'s>(
    part: StrPart<&'s str, Term<&'s str>>,
) -> Result<StrPart<&'s str, Term<&'s str>>, String> {
    Ok(match part {
        StrPart::Term(term) => StrPart::Term(fence(term)?),
        StrPart::Str(_) | StrPart::Char(_) => part,
    })
}

fn fence_pattern(pattern: Pattern<&str>) -> Result<Pattern<&str>, String> {
    Ok(match pattern {
        Pattern::Var(name) => Pattern::Var(name),
        Pattern::Arr(parts) => {
            Pattern::Arr(parts.into_iter().map(fence_pattern).collect::<Result<_, _>>()?)
        }
        Pattern::Obj(members) => {
            let members =
                members.into_iter().map(|(name, part)| Ok((fence(name)?, fence_pattern(part)?)));
            Pattern::Obj(members.collect::<Result<_, String>>()?)
        }
    })
}

fn fence_step(part: Part<Term<&str>>) -> Result<Part<Term<&str>>, String> {
    Ok(match part {
        Part::Index(term) => Part::Index(fence(term)?),
        Part::Range(from, upto) => {
            Part::Range(from.map(fence).transpose()?, upto.map(fence).transpose()?)
        }
    })
}

/// `term`, which spends a step for each value that comes to it.
fn counted(term: Term<&str>) -> Term<&str> {
    let step = Term::Call("!step", Vec::new());
    Term::BinOp(Box::new(step), BinaryOp::Pipe(None), Box::new(term))
}

/// `term | name`
fn then<'s>(term: Term<&'s str>, name: &'static str) -> Term<&'s str> {
    Term::BinOp(Box::new(term), BinaryOp::Pipe(None), Box::new(Term::Call(name, Vec::new())))
}

fn refused(word: &str, advice: &str) -> String {
    format!("jq `{word}` is refused: {advice}")
}
