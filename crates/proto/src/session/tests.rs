use super::*;

fn is_send<T: Send>() {}

#[test]
fn a_session_is_small_and_can_move() {
    is_send::<Session>();
    assert!(size_of::<Session>() <= 280, "{}", size_of::<Session>());
}
