//! A real name server whose answers the test sets: dnsmasq, with nobody to ask behind it.
//!
//! It knows what its lines say and refuses every other name; `local=/test/` makes it answer that
//! there is no such name below `test`. Not here: answers that dnsmasq would not give.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::loopback;
use crate::process::Process;
use crate::wait::{PATIENCE, eventually};

/// A running name server, on a free port over UDP and TCP. Dropping it ends it.
pub struct Dnsmasq {
    address: SocketAddr,
    folder: TempDir,
    process: Option<Process>,
    marks: AtomicUsize,
}

impl Dnsmasq {
    /// Starts it with these lines of configuration, such as `host-record=a.test,127.0.0.1,5` (the
    /// last is its time to live), `srv-host=_ws._tcp.a.test,b.test,8080,PRIORITY,WEIGHT`,
    /// `cname=alias.test,a.test` or `local-ttl=5`, which holds for whatever has no other.
    #[track_caller]
    pub fn start(lines: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(hosts_of(&folder), "").expect("a file");
        let mut dns = Self {
            address: free_port(),
            folder,
            process: None,
            marks: AtomicUsize::new(0),
        };
        dns.restart(lines);
        dns
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the addresses that it knows besides those of its lines, without a gap in which it does
    /// not answer. Returns when it has read them.
    #[track_caller]
    pub fn set_hosts(&self, hosts: &[(&str, &str)]) {
        let text = hosts.iter().fold(String::new(), |mut text, (name, ip)| {
            writeln!(text, "{ip} {name}").expect("memory");
            text
        });
        fs::write(hosts_of(&self.folder), text).expect("a file");
        let process = self.process();
        let before = times_read(&process.stderr().so_far());
        process.signal(Signal::HUP);
        eventually("the hosts to be read", || {
            (times_read(&process.stderr().so_far()) > before).then_some(())
        });
    }

    /// Starts it anew on the same port, with other lines.
    #[track_caller]
    pub fn restart(&mut self, lines: &[&str]) {
        self.stop();
        let process = Process::start(self.command(lines));
        // It listens by then, and reads nothing more until it is told to.
        let stderr = process.stderr();
        stderr.wait_for("dnsmasq to start", is_read);
        self.process = Some(process);
    }

    /// Ends it: nothing listens on its port.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Keeps it from answering, with its port open.
    pub fn freeze(&self) {
        self.process().signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process().signal(Signal::CONT);
    }

    /// How many questions of this kind (such as `query[A]`) for this name have come so far.
    #[track_caller]
    pub fn asked(&self, kind: &str, name: &str) -> usize {
        self.settle();
        let wanted = format!("{kind} {name} from ");
        let lines = self.process().stderr().so_far();
        let found = lines.iter().filter(|line| text(line).contains(&wanted));
        found.count()
    }

    /// Waits until everything that it did so far is in its log: it works on one thing at a time.
    #[track_caller]
    fn settle(&self) {
        let mark = format!("mark{}", self.marks.fetch_add(1, Ordering::Relaxed));
        ask(self.address, &mark);
        let seen = |line: &Value| text(line).contains(&format!("query[A] {mark}.test from "));
        self.process().stderr().wait_for("the last mark", seen);
    }

    #[track_caller]
    fn process(&self) -> &Process {
        self.process.as_ref().expect("it has not been stopped")
    }

    fn command(&self, lines: &[&str]) -> Command {
        let mut config = format!(
            "port={}\nlisten-address={}\naddn-hosts={}\n",
            self.address.port(),
            self.address.ip(),
            hosts_of(&self.folder).display()
        );
        // `user`: as root it would give up the right to read our folder.
        config.push_str("bind-interfaces\nno-resolv\nno-hosts\nuser=root\npid-file=\n");
        config.push_str("keep-in-foreground\nlog-queries\nlog-facility=-\n");
        for line in lines {
            writeln!(config, "{line}").expect("memory");
        }
        let file = self.folder.path().join("dnsmasq.conf");
        fs::write(&file, config).expect("a file");
        let mut command = Command::new(program());
        command.arg(format!("--conf-file={}", file.display()));
        command
    }
}

/// Debian has it where only root's PATH leads.
fn program() -> &'static str {
    let sbin = "/usr/sbin/dnsmasq";
    if Path::new(sbin).exists() {
        sbin
    } else {
        "dnsmasq"
    }
}

/// A port that is free over UDP and TCP, and stays so while nothing listens on it.
fn free_port() -> SocketAddr {
    eventually("a port that is free over UDP and TCP", || {
        let udp = UdpSocket::bind((loopback::own(), 0)).expect("a free port");
        let address = udp.local_addr().expect("bound");
        TcpListener::bind(address).is_ok().then_some(address)
    })
}

fn hosts_of(folder: &TempDir) -> PathBuf {
    folder.path().join("hosts")
}

fn times_read(lines: &[Value]) -> usize {
    lines.iter().filter(|line| is_read(line)).count()
}

fn is_read(line: &Value) -> bool {
    text(line).contains("/hosts - ")
}

fn text(line: &Value) -> &str {
    line.as_str().unwrap_or_default()
}

/// Asks for the address of `label` in `test`: the code of the answer (RFC 1035, section 4.1.1), and
/// how many records it has.
#[track_caller]
fn ask(server: SocketAddr, label: &str) -> (u8, u8) {
    let mut question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
    question.push(u8::try_from(label.len()).expect("a label"));
    question.extend_from_slice(label.as_bytes());
    question.extend_from_slice(b"\x04test\x00\x00\x01\x00\x01");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let patience = socket.set_read_timeout(Some(PATIENCE));
    patience.expect("a socket option");
    socket.send_to(&question, server).expect("loopback");
    let mut answer = [0; 512];
    socket.recv(&mut answer).expect("an answer");
    (answer[3] & 0x0f, answer[7])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_what_the_test_says() {
        let mut dns = Dnsmasq::start(&["local=/test/", "host-record=a.test,127.0.0.7"]);
        assert_eq!(ask(dns.address(), "a"), (0, 1));
        assert_eq!(ask(dns.address(), "b"), (3, 0));
        dns.set_hosts(&[("b.test", "127.0.0.8"), ("b.test", "127.0.0.9")]);
        assert_eq!(ask(dns.address(), "b"), (0, 2));
        assert_eq!(dns.asked("query[A]", "b.test"), 2);
        dns.restart(&[]);
        assert_eq!(ask(dns.address(), "a"), (5, 0));
    }
}
