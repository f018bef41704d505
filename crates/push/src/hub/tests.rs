//! Subscriptions: what is there, what the bus is told, and what happens at the same time.

use std::sync::Barrier;
use std::thread;

use super::*;
use crate::channel::ChannelName;
use crate::testing::{Notes, hub, sample, session_of, settings};
use arcstr::ArcStr;
use switchyard_relay::Registry;

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).expect("a name")
}

fn names(names: &[ArcStr]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

#[test]
fn the_bus_hears_of_the_first_and_the_last_of_the_process() {
    let (hub, notes, metrics) = hub();
    let registry = Registry::new();
    let sessions: Vec<_> = (0..4).map(|_| session_of(&registry)).collect();
    let desks = [hub.desk(0), hub.desk(1)];
    for (index, (_, handle)) in sessions.iter().enumerate() {
        let desk = &desks[index % 2];
        desk.subscribe(handle, &channel("a")).expect("one channel");
        desk.subscribe(handle, &channel("a")).expect("the same");
    }
    assert_eq!(notes.take(), ["+a"]);
    assert_eq!(hub.subscribers("a"), 4);
    assert_eq!(sample(&metrics, "switchyard_push_subscriptions"), 4);
    let ids: Vec<_> = sessions.iter().map(|(_, it)| it.info().id).collect();
    desks[0].unsubscribe(ids[0], "a");
    desks[0].unsubscribe(ids[0], "a");
    desks[0].unsubscribe(ids[2], "a");
    desks[1].unsubscribe(ids[1], "b");
    desks[1].forget(ids[1]);
    assert!(notes.take().is_empty());
    desks[1].forget(ids[3]);
    assert_eq!(notes.take(), ["-a"]);
    assert_eq!(sample(&metrics, "switchyard_push_subscriptions"), 0);
    assert!(hub.channels("", None, 10).is_empty());
}

#[test]
fn a_session_has_no_more_channels_than_it_may() {
    let (hub, _, _) = hub();
    let ((_ticket, handle), desk) = (session_of(&Registry::new()), hub.desk(0));
    for name in ["c", "a", "b"] {
        assert_eq!(desk.subscribe(&handle, &channel(name)), Ok(()));
    }
    let fourth = desk.subscribe(&handle, &channel("d"));
    assert_eq!(fourth, Err(TooMany(3)));
    assert_eq!(desk.subscribe(&handle, &channel("a")), Ok(()));
    let id = handle.info().id;
    assert_eq!(names(&hub.channels_of(0, id)), ["c", "a", "b"]);
    assert!(hub.channels_of(1, id).is_empty());
    hub.adopt(config::Push {
        channels_per_session: 4,
        ..settings()
    });
    assert_eq!(desk.subscribe(&handle, &channel("d")), Ok(()));
}

#[test]
fn what_is_there_comes_in_pages() {
    let (hub, _, _) = hub();
    let registry = Registry::new();
    let sessions: Vec<_> = (0..10).map(|_| session_of(&registry)).collect();
    for (index, (_, handle)) in sessions.iter().enumerate() {
        let desk = hub.desk(index % 2);
        desk.subscribe(handle, &channel("all"))
            .expect("one channel");
    }
    hub.desk(0)
        .subscribe(&sessions[0].1, &channel("b"))
        .expect("two channels");
    let counted = hub.channels("", None, 10);
    assert_eq!(counted, [("all".into(), 10), ("b".into(), 1)]);
    assert_eq!(hub.channels("", Some("all"), 10), [("b".into(), 1)]);
    let ids: Vec<_> = sessions.iter().map(|(_, it)| it.info().id).collect();
    let page = |after, most| {
        let page = hub.members("all", after, most);
        page.iter().map(|it| it.info().id).collect::<Vec<_>>()
    };
    assert_eq!(page(SessionId::NONE, 4), ids[..4]);
    assert_eq!(page(ids[3], 100), ids[4..]);
    assert!(hub.members("none", SessionId::NONE, 10).is_empty());
}

#[test]
fn a_session_that_has_gone_is_not_subscribed() {
    let (hub, notes, _) = hub();
    let (ticket, handle) = session_of(&Registry::new());
    drop(ticket);
    assert_eq!(hub.desk(0).subscribe(&handle, &channel("a")), Ok(()));
    assert!(notes.take().is_empty());
    assert_eq!(hub.subscribers("a"), 0);
}

/// Whatever order they come in, what the bus was told last is how it is: workers, and who subscribes their sessions for them.
#[test]
fn many_may_come_and_go_at_once() {
    let (hub, notes, _) = hub();
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for worker in [0, 1, 0, 1] {
            let (hub, barrier) = (&hub, &barrier);
            scope.spawn(move || {
                let ((_ticket, handle), desk) = (session_of(&Registry::new()), hub.desk(worker));
                let id = handle.info().id;
                barrier.wait();
                for _ in 0..2_000 {
                    desk.subscribe(&handle, &channel("a")).expect("one channel");
                    assert_ne!(hub.subscribers("a"), 0);
                    desk.unsubscribe(id, "a");
                    desk.subscribe(&handle, &channel("a")).expect("one channel");
                    assert_ne!(hub.subscribers("a"), 0);
                    desk.forget(id);
                }
            });
        }
    });
    assert_eq!(hub.subscribers("a"), 0);
    assert_alternate(&notes);
}

fn assert_alternate(notes: &Notes) {
    let notes = notes.take();
    assert!(!notes.is_empty());
    for pair in notes.chunks(2) {
        assert_eq!(pair, ["+a", "-a"]);
    }
}

/// Somebody else subscribes a session while it goes.
#[test]
fn nothing_is_left_of_a_session_that_goes_meanwhile() {
    let (hub, notes, metrics) = hub();
    let (sender, handles) = std::sync::mpsc::sync_channel::<Handle>(0);
    thread::scope(|scope| {
        let desk = hub.desk(0);
        scope.spawn(move || {
            for handle in handles {
                desk.subscribe(&handle, &channel("a")).expect("one channel");
            }
        });
        let (registry, desk) = (Registry::new(), hub.desk(0));
        for _ in 0..5_000 {
            let (ticket, handle) = session_of(&registry);
            let id = handle.info().id;
            sender.send(handle).expect("they are taken");
            drop(ticket);
            desk.forget(id);
        }
        drop(sender);
    });
    assert_eq!(hub.subscribers("a"), 0);
    assert_eq!(sample(&metrics, "switchyard_push_subscriptions"), 0);
    drop(notes);
}
