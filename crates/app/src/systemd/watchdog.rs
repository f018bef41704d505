//! Shows the service manager that the control runtime does its work, if it wants to see that.

use std::time::Duration;

use tokio::time::interval;

use super::Manager;

/// A sign of life that comes this many times before it is missed may be late once.
const SIGNS: u32 = 2;

/// How often the manager wants a sign of life from this process: `WATCHDOG_USEC`, unless `WATCHDOG_PID` is
/// another's.
fn wanted(usec: Option<&str>, pid: Option<&str>) -> Option<Duration> {
    let ours = pid.is_none_or(|pid| pid.parse() == Ok(std::process::id()));
    let micros = usec?.parse().ok().filter(|micros| *micros > 0 && ours)?;
    Some(Duration::from_micros(micros))
}

/// Gives signs of life for as long as the runtime that this is spawned on gives it its turns.
pub(crate) async fn show_life(manager: Manager) {
    let variable = |name| std::env::var(name).ok();
    let (usec, pid) = (variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"));
    let Some(within) = wanted(usec.as_deref(), pid.as_deref()) else {
        return;
    };
    let mut signs = interval((within / SIGNS).max(Duration::from_millis(1)));
    loop {
        signs.tick().await;
        manager.alive();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_are_for_one_process() {
        let own = std::process::id().to_string();
        let minute = Some(Duration::from_mins(1));
        assert_eq!(wanted(Some("60000000"), Some(&own)), minute);
        assert_eq!(wanted(Some("60000000"), None), minute);
        assert_eq!(wanted(Some("60000000"), Some("1")), None);
        assert_eq!(wanted(Some("60000000"), Some("")), None);
        assert_eq!(wanted(Some("0"), Some(&own)), None);
        assert_eq!(wanted(Some("soon"), Some(&own)), None);
        assert_eq!(wanted(None, Some(&own)), None);
    }
}
