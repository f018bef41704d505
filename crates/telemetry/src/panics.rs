//! A fault of this process's own is said in the log, where operators look, and counted.

use std::any::Any;
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often a thread of this process has panicked. Clones are the same count.
#[derive(Clone, Default)]
pub struct Panics(Arc<AtomicU64>);

impl Panics {
    /// Counts and logs every panic from now on, and goes on with what was done about them before. Once a process.
    pub fn watch() -> Self {
        let panics = Self::default();
        let (counted, before) = (panics.clone(), panic::take_hook());
        panic::set_hook(Box::new(move |panic| {
            counted.0.fetch_add(1, Ordering::Relaxed);
            say(panic);
            before(panic);
        }));
        panics
    }

    /// Up to now.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn say(panic: &PanicHookInfo<'_>) {
    tracing::error!(
        panic = message(panic.payload()),
        location = panic.location().map(tracing::field::display),
        thread = std::thread::current().name(),
        "a fault of Switchyard's own: what was being done is dropped, the rest goes on; please report it"
    );
}

/// What was said, where it is text.
fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no text")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::field::{Field, Visit};
    use tracing::span;
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Keeps the fields of all events.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<(String, String)>>>);

    impl Visit for Heard {
        fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
            let field = (field.name().to_owned(), format!("{value:?}"));
            self.0.lock().expect("not poisoned").push(field);
        }
    }

    impl Subscriber for Heard {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }

        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

        fn event(&self, event: &Event<'_>) {
            event.record(&mut self.clone());
        }

        fn enter(&self, _: &span::Id) {}

        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn a_panic_is_said_with_its_place_and_counted() {
        let (heard, panics) = (Heard::default(), Panics::watch());
        let line = line!() + 2;
        tracing::subscriber::with_default(heard.clone(), || {
            panic::catch_unwind(|| panic!("number {}", 7)).expect_err("it panics");
        });
        assert_eq!(panics.count(), 1);
        let heard = heard.0.lock().expect("not poisoned");
        let said = |name: &str| heard.iter().find(|it| it.0 == name).map(|it| it.1.as_str());
        assert_eq!(said("panic"), Some("\"number 7\""));
        let place = said("location").expect("it has one");
        assert!(place.contains(&format!("panics.rs:{line}:")), "{place}");
        assert!(said("message").is_some_and(|it| it.contains("report it")));
    }

    #[test]
    fn what_is_no_text_is_none() {
        assert_eq!(message(&7), "no text");
        assert_eq!(message(&"text"), "text");
    }
}
