use super::vigil::Vigil;
use super::*;

fn is_send<T: Send>() {}

#[test]
fn a_session_is_small_and_can_move() {
    is_send::<Session>();
    assert!(size_of::<Session>() <= 280, "{}", size_of::<Session>());
    assert!(size_of::<Vigil>() <= 112, "{}", size_of::<Vigil>());
}

/// The reasons that a file's `reason` gives, as they are written there.
fn written(source: &str) -> impl Iterator<Item = &str> {
    let (_, body) = source.split_once("fn reason(self)").unwrap();
    let (body, _) = body.split_once("\n    }\n").unwrap();
    body.lines()
        .filter_map(|line| line.split_once("=> \"")?.1.split('"').next())
}

/// A new cause comes into `all`, and so into the tests and documents that go by it.
#[test]
fn all_causes_are_in_all() {
    let sources = [
        include_str!("outcome.rs"),
        include_str!("../violation.rs"),
        include_str!("../close.rs"),
    ];
    let mut written: Vec<_> = sources.into_iter().flat_map(written).collect();
    let mut all: Vec<_> = Cause::all().map(Cause::reason).collect();
    for reasons in [&mut written, &mut all] {
        reasons.sort_unstable();
        reasons.dedup();
    }
    assert_eq!(written, all);
    assert!(all.len() > 20, "{all:?}");
}
