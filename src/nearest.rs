//! "Did you mean": the nearest of the names that would be right.

/// `did you mean `x`?`, or the names themselves when none is near and they are few.
pub fn suggestion<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<&str> = names.into_iter().collect();
    if let Some(nearest) = nearest(name, names.iter().copied()) {
        return Some(format!("did you mean `{nearest}`?"));
    }
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => None,
        [only] => Some(format!("only `{only}` is known here")),
        few if few.len() <= 16 => Some(format!("known here: {}", few.join(", "))),
        _ => None,
    }
}

/// The name at the smallest edit distance, if that is small for the length of the name.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let bound = (length / 3).max(1);
    names
        .into_iter()
        // names whose lengths differ by more are farther apart
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= bound)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbors that lead from one to the other; letter case counts nothing.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.to_lowercase().chars().collect();
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    for (i, letter) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, candidate) in other.iter().enumerate() {
            let mut cost = (at(&row, j) + usize::from(letter != candidate))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            let is_swap = i > 0
                && j > 0
                && one.get(i - 1) == Some(candidate)
                && other.get(j - 1) == Some(letter);
            if is_swap {
                cost = cost.min(at(&before, j - 1) + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut row, next);
    }
    at(&row, other.len())
}
