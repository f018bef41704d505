//! What a container runtime does with an image: mounts of its own around a root that cannot be written to, a process that
//! is the first of its kind, the image's user, and no right at all.
//!
//! It is done with `unshare`, `mount` (util-linux) and `capsh` (libcap2-bin); whoever is not root needs user namespaces.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, Signal, getuid, kill_process};
use switchyard_testkit::kubernetes::ApiServer;
use switchyard_testkit::lines::{Lines, message};
use switchyard_testkit::{Process, eventually};
use tempfile::TempDir;

use crate::support::BINARY;

/// Who runs in the image.
pub(super) const USER: &str = "65532";

/// Builds the root around itself and becomes what is behind it. `$1` is the root, `$2` what is mounted over it.
const RUNTIME: &str = r#"
root=$1 given=$2
shift 2
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
for path in config keys; do
  mount --bind "$given/$path" "$root/etc/switchyard/$path"
  mount -o remount,bind,ro "$root/etc/switchyard/$path"
done
mount --bind "$given/account" "$root/var/run/secrets/kubernetes.io/serviceaccount"
mount --bind "$given/hosts" "$root/etc/hosts"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
"#;

/// The end of the script: the shell is replaced by the gateway, in the root and with an empty bounding set. What is left
/// of the script's arguments are the gateway's.
const BECOME: &str = r#"exec capsh --chroot="$root" --drop=all --noamb --inh= $identity --no-new-privs --shell=/switchyard -- "$@""#;

/// The root file system of the image, with the binary under test.
pub(super) struct Root {
    folder: TempDir,
}

impl Root {
    /// Builds it with the image's own script.
    #[track_caller]
    pub(super) fn build() -> Self {
        let folder = TempDir::new().expect("a folder");
        let (worked, said) = rootfs(&folder.path().join("root"), BINARY.as_ref());
        assert!(worked, "{said}");
        open(folder.path());
        Self { folder }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }
}

/// Runs the image's own script: whether it worked, and what it said of errors.
pub(super) fn rootfs(root: &Path, binary: &Path) -> (bool, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/image/rootfs");
    let output = Command::new(script).arg(root).arg(binary).output();
    let output = output.expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

/// The image with a configuration, and perhaps a gateway that runs in it. Dropping it ends that.
pub(super) struct Jail {
    root: PathBuf,
    given: TempDir,
    environment: Vec<(&'static str, String)>,
    gateway: Option<Gateway>,
}

/// One that runs.
struct Gateway {
    /// What waits for it.
    parent: Process,
    pid: Pid,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = kill_process(self.pid, Signal::KILL);
    }
}

impl Jail {
    /// Makes what is mounted, with this configuration.
    #[track_caller]
    pub(super) fn prepare(root: &Root, config: &str) -> Self {
        let given = TempDir::new().expect("a folder");
        let at = |name: &str| given.path().join(name);
        for folder in ["config", "keys", "account"] {
            fs::create_dir(at(folder)).expect("a folder");
            open(&at(folder));
        }
        fs::write(at("config/switchyard.yaml"), config).expect("a file");
        fs::write(at("keys/admin-token"), "a token of the test's own\n").expect("a file");
        fs::write(at("hosts"), "127.0.0.1 gateway.test\n").expect("a file");
        open(given.path());
        let root = root.path();
        // A runtime makes what it mounts something at.
        let account = root.join("var/run/secrets/kubernetes.io/serviceaccount");
        fs::create_dir_all(account).expect("a folder");
        for name in ["hosts", "resolv.conf"] {
            fs::write(root.join("etc").join(name), "").expect("a file");
        }
        Self {
            root,
            given,
            environment: Vec::new(),
            gateway: None,
        }
    }

    /// Makes it a pod in this namespace of a cluster with this API server.
    #[track_caller]
    pub(super) fn in_cluster(mut self, server: &ApiServer, namespace: &str) -> Self {
        let account = self.given.path().join("account");
        self.environment = server.service_account(namespace, &account).into();
        self
    }

    /// Runs the gateway until it is ready.
    #[track_caller]
    pub(super) fn start(mut self, arguments: &[&str]) -> Self {
        let parent = Process::start(self.command(arguments));
        let id = parent.id();
        let pid = eventually("the first process", || first_child(id));
        let gateway = self.gateway.insert(Gateway { parent, pid });
        let out = gateway.parent.stdout();
        out.wait_for("ready", |line| message(line, "ready"));
        self
    }

    /// Runs another command to its end, as the one of a health check is: its exit code and both outputs.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = self
            .command(arguments)
            .output()
            .expect("unshare (util-linux) runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--pid", "--fork"]);
        let identity = if is_root() {
            format!("--groups= --gid={USER} --uid={USER}")
        } else {
            command.args(["--map-user", USER, "--map-group", USER, "--keep-caps"]);
            String::new()
        };
        let script = format!("set -e\nidentity='{identity}'\n{RUNTIME}\n{BECOME}");
        command
            .args(["--", "sh", "-c", &script, "sh"])
            .arg(&self.root)
            .arg(self.given.path())
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().expect("it runs")
    }

    /// Where its listener `name` listens.
    #[track_caller]
    pub(super) fn address(&self, name: &str) -> SocketAddr {
        let line = self.log().wait_for("listening", |line| {
            message(line, "listening") && line["listener"] == name
        });
        let address = line["address"].as_str().expect("an address");
        address.parse().expect("an address")
    }

    /// Its log lines.
    pub(super) fn log(&self) -> &Lines {
        self.gateway().parent.stdout()
    }

    /// What the kernel says of the gateway.
    #[track_caller]
    pub(super) fn status(&self) -> HashMap<String, String> {
        let text = fs::read_to_string(self.proc("status")).expect("it runs");
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect()
    }

    /// Whether it runs as the image's user, without supplementary groups. In a user namespace the kernel shows the user who
    /// made it, with that user's groups, so there the map of users is looked at instead.
    #[track_caller]
    pub(super) fn is_its_user(&self) -> bool {
        let status = self.status();
        if !is_root() {
            let map = fs::read_to_string(self.proc("uid_map")).expect("it runs");
            let own = getuid().as_raw().to_string();
            return map.split_whitespace().eq([USER, &own, "1"]);
        }
        let ids = [USER; 4].join("\t");
        status["Uid"] == ids && status["Gid"] == ids && status["Groups"].is_empty()
    }

    /// Whether even root cannot write to its root.
    pub(super) fn is_read_only(&self) -> bool {
        let tried = fs::write(self.proc("root/file"), "x");
        tried.is_err_and(|error| error.kind() == std::io::ErrorKind::ReadOnlyFilesystem)
    }

    fn proc(&self, name: &str) -> PathBuf {
        let pid = self.gateway().pid.as_raw_nonzero();
        Path::new("/proc").join(pid.to_string()).join(name)
    }

    /// Sends a signal to the gateway itself.
    pub(super) fn signal(&self, signal: Signal) {
        kill_process(self.gateway().pid, signal).expect("it runs");
    }

    /// Waits until the gateway has ended by itself.
    #[track_caller]
    pub(super) fn wait_exit(&mut self) -> ExitStatus {
        let gateway = self.gateway.as_mut().expect("it runs");
        gateway.parent.wait_exit()
    }
}

fn is_root() -> bool {
    getuid().is_root()
}

/// Lets everyone look into a folder of the test's.
fn open(folder: &Path) {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("our folder");
}

/// The only child of a process that has no other thread.
fn first_child(id: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?;
    let first = children.split_whitespace().next()?;
    Pid::from_raw(first.parse().ok()?)
}
