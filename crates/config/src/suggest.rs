//! Help for a word that is not known: the nearest one that is, or all of them.

/// Keys and values of the vocabulary that this version does not have yet.
const RESERVED: &[&str] = &[
    "auth",
    "claims",
    "jwt",
    "jwt_claim",
    "limits",
    "messages_per_second",
    "tracing",
];

/// What to say about `word`, where one of `known` was expected; `what` they are, in the plural.
pub(crate) fn help(word: &str, known: &[&str], what: &str) -> String {
    if is_reserved(word) {
        return format!("this version of Switchyard does not have `{word}` yet");
    }
    match nearest(word, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the {what} here are {}", list(known, "and")),
    }
}

/// Whether `word` is of the vocabulary, but not of this version.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// The nearest of `known`, if a slip of the fingers or another length of it leads to `word`.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase().replace('-', "_");
    let slips = (word.chars().count() / 3).max(1);
    let distance = |near: &&str| strsim::damerau_levenshtein(&word, near);
    let near = known.iter().copied().min_by_key(distance)?;
    if distance(&near) <= slips {
        return Some(near);
    }
    let shortened = |it: &&str| {
        it.len().min(word.len()) >= 3 && (it.starts_with(&word) || word.starts_with(it))
    };
    known.iter().copied().find(shortened)
}

/// More words than this are counted, not listed.
const MAX_LISTED: usize = 16;

/// `a`, `b` and `c`; `joint` is "and" or "or".
pub(crate) fn list(words: &[&str], joint: &str) -> String {
    let mut quoted: Vec<String> = words
        .iter()
        .take(MAX_LISTED)
        .map(|word| format!("`{word}`"))
        .collect();
    if words.len() > MAX_LISTED {
        quoted.push(format!("{} more", words.len().saturating_sub(MAX_LISTED)));
    }
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {joint} {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["name", "address", "max_connections"];

    #[test]
    fn a_slip_is_put_right() {
        for (word, meant) in [
            ("adress", "address"),
            ("nmae", "name"),
            ("maxConnections", "max_connections"),
            ("max-connections", "max_connections"),
            ("Name", "name"),
            ("addr", "address"),
            ("names", "name"),
            ("address_to_listen_on", "address"),
        ] {
            assert_eq!(nearest(word, KEYS), Some(meant), "{word}");
        }
    }

    #[test]
    fn one_slip_is_allowed_in_a_short_word() {
        assert_eq!(nearest("ff", &["on", "off"]), Some("off"));
        assert_eq!(nearest("oooo", &["on", "off"]), None);
    }

    #[test]
    fn another_word_is_not_bent_into_one() {
        for word in ["port", "", "x", "connections"] {
            assert_eq!(nearest(word, KEYS), None, "{word}");
        }
        assert_eq!(nearest("name", &[]), None);
        let help = help("port", KEYS, "keys");
        assert_eq!(
            help,
            "the keys here are `name`, `address` and `max_connections`"
        );
    }

    #[test]
    fn long_lists_are_cut() {
        let words: Vec<String> = (0..20).map(|number| format!("w{number}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert!(list(&words, "and").ends_with("`w15` and 4 more"));
        assert_eq!(list(&words[..3], "or"), "`w0`, `w1` or `w2`");
        assert_eq!(
            (list(&words[..1], "or").as_str(), list(&[], "or").as_str()),
            ("`w0`", "")
        );
    }

    #[test]
    fn what_comes_later_is_said_to() {
        assert!(help("limits", KEYS, "keys").contains("does not have `limits` yet"));
    }

    #[test]
    fn the_reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted());
    }
}
