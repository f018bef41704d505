//! A TCP line to an endpoint that a test can slow or cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Socket as RawSocket, Type};

use crate::wait::PATIENCE;

/// How many connections the kernel keeps until the line takes them.
const BACKLOG: u8 = 8;
/// How long the kernel may take to answer, over loopback, while it has room.
const ANSWER: Duration = Duration::from_millis(200);

/// Carries connections to an endpoint, as well as the test lets it. Nothing that was sent is ever
/// lost: what a cut line was given arrives when it is whole again, as TCP would have it. A reset
/// passes as an end.
#[derive(Debug)]
pub struct FaultLine {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    condition: Condition,
    /// Whether the acceptor waits until the line is mended.
    is_parked: bool,
    /// Both ends of what it carries.
    carried: Vec<TcpStream>,
    /// What fills the queue of a cut line.
    fillers: Vec<TcpStream>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Condition {
    #[default]
    Whole,
    /// Each piece waits for this long.
    Slow(Duration),
    /// Nothing passes, and nobody answers a connection.
    Cut,
    /// The line is dropped.
    Gone,
}

impl FaultLine {
    /// A whole line to an endpoint, from a free port.
    #[track_caller]
    pub fn to(endpoint: SocketAddr) -> Self {
        let listener = RawSocket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&loopback.into()).expect("a free port");
        listener.listen(BACKLOG.into()).expect("a queue");
        let listener = TcpListener::from(listener);
        let address = listener.local_addr().expect("bound");
        let shared = Arc::<Shared>::default();
        let acceptor = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener, endpoint)
        });
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Where it leads to the endpoint from.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on each piece of data waits for at least this long.
    pub fn slow(&self, delay: Duration) {
        self.shared.turn(Condition::Slow(delay));
    }

    /// From now on nothing passes either way, not even that a side has gone, and new connections
    /// are not answered.
    pub fn cut(&self) {
        self.shared.turn(Condition::Cut);
        // The first is for the acceptor, which takes no more after it.
        self.fill(1);
        self.shared.wait_parked();
        self.fill(BACKLOG + 1);
    }

    fn fill(&self, count: u8) {
        for _ in 0..count {
            // Where others were faster it is full already.
            if let Ok(filler) = TcpStream::connect_timeout(&self.address, ANSWER) {
                self.shared.state().fillers.push(filler);
            }
        }
    }

    /// From now on everything passes, what waited first.
    pub fn mend(&self) {
        self.shared.turn(Condition::Whole);
    }
}

impl Drop for FaultLine {
    fn drop(&mut self) {
        self.shared.turn(Condition::Gone);
        for stream in &self.shared.state().carried {
            // Most have ended before.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Only to wake the acceptor, which may be awake.
        let _ = TcpStream::connect_timeout(&self.address, ANSWER);
        if let Some(acceptor) = self.acceptor.take() {
            // A panic there has failed the test already.
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under the lock")
    }

    fn turn(&self, condition: Condition) {
        self.state().condition = condition;
        self.changed.notify_all();
    }

    /// The condition of the line, once it is not cut.
    fn not_cut(&self) -> Condition {
        let is_cut = |state: &mut State| state.condition == Condition::Cut;
        let state = self.changed.wait_while(self.state(), is_cut);
        state.expect("no panic under the lock").condition
    }

    /// Waits until a piece may pass; `false` when none ever will.
    fn pass(&self) -> bool {
        let condition = self.not_cut();
        let Condition::Slow(delay) = condition else {
            return condition != Condition::Gone;
        };
        let is_slow = |state: &mut State| state.condition == condition;
        let waited = self
            .changed
            .wait_timeout_while(self.state(), delay, is_slow);
        waited.expect("no panic under the lock").0.condition != Condition::Gone
    }

    fn wait_parked(&self) {
        let is_awake = |state: &mut State| !state.is_parked;
        let waited = self
            .changed
            .wait_timeout_while(self.state(), PATIENCE, is_awake);
        assert!(
            !waited.expect("no panic under the lock").1.timed_out(),
            "the acceptor is woken"
        );
    }

    /// What `not_cut` gives, for the acceptor, which says where it is.
    fn park(&self) -> Condition {
        let mut state = self.state();
        state.is_parked = state.condition == Condition::Cut;
        drop(state);
        self.changed.notify_all();
        let condition = self.not_cut();
        self.state().is_parked = false;
        condition
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener, endpoint: SocketAddr) {
        while let Ok((near, from)) = listener.accept() {
            if self.park() == Condition::Gone {
                return;
            }
            if !self.is_filler(from) {
                self.carry(near, endpoint);
            }
        }
    }

    fn is_filler(&self, from: SocketAddr) -> bool {
        let is_it = |filler: &TcpStream| filler.local_addr().is_ok_and(|at| at == from);
        let fillers = &mut self.state().fillers;
        let before = fillers.len();
        fillers.retain(|filler| !is_it(filler));
        fillers.len() < before
    }

    fn carry(self: &Arc<Self>, near: TcpStream, endpoint: SocketAddr) {
        // Without an endpoint the connection ends here, as it would there.
        let Ok(far) = TcpStream::connect_timeout(&endpoint, PATIENCE) else {
            return;
        };
        for (from, to) in [(&near, &far), (&far, &near)] {
            let (from, to) = (handle(from), handle(to));
            let shared = Arc::clone(self);
            std::thread::spawn(move || shared.carry_one_way(from, to));
        }
        self.state().carried.extend([near, far]);
    }

    fn carry_one_way(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = vec![0; 16 * 1024];
        loop {
            let read = from.read(&mut piece).unwrap_or(0);
            if !self.pass() {
                return;
            }
            if read == 0 || to.write_all(&piece[..read]).is_err() {
                // Who is gone needs no word.
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
        }
    }
}

fn handle(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a handle")
}
