//! Workers: how many, where they run, and that they share the connections.

use std::collections::BTreeSet;
use std::fs;

use switchyard_testkit::Settings;

use crate::support::{Ends, Stage};

/// The value of a line of `/proc/.../status`.
#[track_caller]
fn allowed(status: &str) -> String {
    let text = fs::read_to_string(status).expect("it runs");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.expect("Linux says so").trim().to_owned()
}

/// How many CPUs a list like `0-3,8` names.
fn count(cpus: &str) -> usize {
    let ranges = cpus.split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |text: &str| text.parse::<usize>().expect("a CPU");
        number(last) - number(first) + 1
    });
    ranges.sum()
}

/// The CPUs that each worker of the gateway may run on.
fn cores(stage: &Stage) -> Vec<String> {
    let tasks = format!("/proc/{}/task", stage.gateway.id());
    let tasks = fs::read_dir(tasks).expect("it runs").flatten();
    let workers = tasks.filter(|task| {
        let name = fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        name.starts_with("worker-")
    });
    workers
        .map(|task| allowed(&task.path().join("status").display().to_string()))
        .collect()
}

#[test]
fn each_has_a_cpu_of_its_own_where_the_machine_is_the_gateways() {
    let stage = Stage::with(Settings::workers_auto);
    let cores = cores(&stage);
    let cpus = std::thread::available_parallelism().expect("known").get();
    assert_eq!(cores.len(), cpus);
    let everything = allowed("/proc/self/status");
    if count(&everything) != cpus {
        // A quota: the machine is not the gateway's alone.
        return assert_eq!(cores, vec![everything; cpus]);
    }
    assert_eq!(
        cores.iter().collect::<BTreeSet<_>>().len(),
        cpus,
        "{cores:?}"
    );
    assert!(
        cores.iter().all(|core| core.parse::<u16>().is_ok()),
        "{cores:?}"
    );
}

#[test]
fn as_many_as_were_asked_for_run_where_the_system_wants() {
    let stage = Stage::with(|settings| settings.workers(3));
    assert_eq!(cores(&stage), vec![allowed("/proc/self/status"); 3]);
}

#[test]
fn they_share_the_connections() {
    const SESSIONS: u64 = 60;
    let stage = Stage::with(|settings| settings.workers(3));
    let sessions: Vec<Ends> = (0..SESSIONS).map(|_| stage.open()).collect();
    let metrics = stage.gateway.metrics();
    let each = ["0", "1", "2"]
        .map(|worker| metrics.count("switchyard_worker_connections", &[("worker", worker)]));
    assert_eq!(each.iter().sum::<u64>(), SESSIONS);
    // Without a hand-over it takes luck to stay within this: each comparison is with one other.
    let most = each.iter().max().expect("three");
    assert!(most - each.iter().min().expect("three") <= 12, "{each:?}");
    for mut ends in sessions {
        ends.talk();
    }
}
