//! An API server of Kubernetes, as far as lists and watches of `EndpointSlice`s go.
//!
//! It answers as the real one does: pages, chunked events, `410 Gone` as an answer and as an event,
//! bookmarks if they are asked for. A test says what happens. Not here: any other resource, and what
//! an API server would check of a slice.

mod answer;
mod front;
mod request;
mod slice;
mod state;

use std::fs;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

pub use request::Request;
pub use slice::{EndpointSlice, Pod};
pub use state::Gone;

use answer::serve;
use front::Front;
use state::{Happening, Presence, Shared, State};

/// Who may ask.
const TOKEN: &str = "a-token";

/// A server on a port of its own. Dropping it ends every connection.
#[derive(Debug)]
pub struct ApiServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    folder: TempDir,
    acceptor: Option<JoinHandle<()>>,
    /// Keeps the port while the server is away.
    kept: Option<Socket>,
    front: Option<Front>,
}

impl ApiServer {
    /// Starts without any slice.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared::default());
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("token"), TOKEN).expect("a file");
        let config = kubeconfig(&format!("http://{address}"));
        fs::write(folder.path().join("kubeconfig"), config).expect("a file");
        let acceptor = Some(accept(listener, &shared));
        Self {
            address,
            shared,
            folder,
            acceptor,
            kept: None,
            front: None,
        }
    }

    /// The same over TLS, for clients that show a certificate.
    pub fn start_with_tls() -> Self {
        let mut server = Self::start();
        let front = Front::asking(server.address, server.folder.path());
        let cluster = format!(
            "https://{}\n    certificate-authority: ca.pem",
            front.address
        );
        let user = "    client-certificate: client.pem\n    client-key: client.key\n";
        let config = kubeconfig(&cluster) + user;
        fs::write(server.kubeconfig(), config).expect("a file");
        server.front = Some(front);
        server
    }

    /// The same over TLS, for clients that show a token.
    pub fn start_for_pods() -> Self {
        let mut server = Self::start();
        server.front = Some(Front::of(server.address, server.folder.path()));
        server
    }

    /// Writes what a pod in this namespace has of its service account into `folder`, and gives the environment that it has
    /// besides. It is for a server that was started for pods.
    #[track_caller]
    pub fn service_account(&self, namespace: &str, folder: &Path) -> [(&'static str, String); 2] {
        let copy = |from: &str, to: &str| {
            fs::copy(self.folder.path().join(from), folder.join(to)).expect("a file");
        };
        copy("ca.pem", "ca.crt");
        copy("token", "token");
        fs::write(folder.join("namespace"), namespace).expect("a file");
        let front = self.front.as_ref().expect("it was started for pods");
        [
            ("KUBERNETES_SERVICE_HOST", front.address.ip().to_string()),
            ("KUBERNETES_SERVICE_PORT", front.address.port().to_string()),
        ]
    }

    /// A kubeconfig that leads here; its context is named `test`.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// From now on only this token may ask; it is in the file that the kubeconfig names.
    pub fn rotate_token(&self, token: &str) {
        self.shared
            .change(|state| token.clone_into(&mut state.token));
        fs::write(self.folder.path().join("token"), token).expect("a file");
    }

    /// A slice is there, new or changed.
    pub fn set(&self, slice: &EndpointSlice) {
        self.shared.change(|state| state.set(slice));
    }

    /// A slice is deleted.
    #[track_caller]
    pub fn delete(&self, namespace: &str, name: &str) {
        self.shared.change(|state| state.delete(namespace, name));
    }

    /// Every watch that wants bookmarks gets one.
    pub fn bookmark(&self) {
        self.shared.change(|state| {
            let bookmark = Happening::Bookmark(state.version);
            state.happenings.push(bookmark);
        });
    }

    /// Every watch ends as one whose time is over.
    pub fn end_watches(&self) {
        self.happen(Happening::End);
    }

    /// Every watch breaks in the midst of a line.
    pub fn break_watches(&self) {
        self.happen(Happening::Break);
    }

    /// Every watch gets this line as an event.
    pub fn say(&self, line: &str) {
        self.happen(Happening::Line(line.to_owned()));
    }

    /// Every watch is told that its version is gone.
    pub fn gone(&self) {
        self.happen(Happening::Gone);
    }

    /// What has happened so far is forgotten: watches from before it, and pages of lists from before
    /// it, are answered with 410.
    pub fn compact(&self, gone: Gone) {
        self.shared.change(|state| state.compact(gone));
    }

    /// Does all of this while every request waits: it is one thing for whoever asks afterwards.
    pub fn at_once(&self, act: impl FnOnce(&Self)) {
        self.shared.change(|state| state.is_held = true);
        act(self);
        self.shared.change(|state| state.is_held = false);
    }

    /// Every request is answered with this status until [`Self::accept_again`].
    pub fn refuse(&self, status: u16) {
        self.shared.change(|state| state.refusal = Some(status));
    }

    /// Requests are answered again.
    pub fn accept_again(&self) {
        self.shared.change(|state| state.refusal = None);
    }

    /// The next list is answered with this body instead of its own.
    pub fn answer_next_list(&self, body: &str) {
        self.shared
            .change(|state| state.next_list = Some(body.to_owned()));
    }

    /// Between the pages of the next list what came before is forgotten.
    pub fn compact_between_pages(&self) {
        self.shared.change(|state| state.compact_after_page = true);
    }

    /// Goes away: its port is closed, and then every connection.
    pub fn stop(&mut self) {
        self.shared
            .change(|state| state.presence = Presence::Leaving);
        // Wakes the acceptor, which sees that it is to end.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            // A panic there has failed the test already.
            let _ = acceptor.join();
        }
        let kept = Socket::new(Domain::for_address(self.address), Type::STREAM, None);
        let kept = kept.expect("a socket");
        kept.set_reuse_address(true).expect("a socket option");
        kept.bind(&self.address.into()).expect("the port is free");
        self.kept = Some(kept);
        self.shared.change(|state| state.presence = Presence::Away);
    }

    /// Is back on the same port, with all it had.
    pub fn come_back(&mut self) {
        self.shared.change(|state| state.presence = Presence::Here);
        let listener = self.kept.take().expect("it is away");
        listener.listen(16).expect("nobody else listens");
        self.acceptor = Some(accept(listener.into(), &self.shared));
    }

    /// Waits until the requests that came make `wanted` true, and gives all of them.
    #[track_caller]
    pub fn requests_until(&self, wanted: impl Fn(&[Request]) -> bool) -> Vec<Request> {
        self.shared.wait_for("requests", |state| {
            wanted(&state.requests).then(|| state.requests.clone())
        })
    }

    /// Waits until so many watches have begun since it started.
    #[track_caller]
    pub fn await_watches(&self, count: usize) {
        self.shared
            .wait_for("watches", |state| (state.watches >= count).then_some(()));
    }

    fn happen(&self, happening: Happening) {
        self.shared.change(|state| state.happenings.push(happening));
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if self.acceptor.is_some() {
            self.stop();
        }
    }
}

fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\npreferences: {{}}\ncurrent-context: test\n\
         clusters:\n- name: test\n  cluster:\n    server: {server}\n\
         contexts:\n- name: test\n  context:\n    cluster: test\n    user: test\n\
         users:\n- name: test\n  user:\n    tokenFile: token\n"
    )
}

/// Serves each connection on a thread of its own, until the server is away.
fn accept(listener: TcpListener, shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let mut served = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            if shared.read(|state: &State| state.presence == Presence::Leaving) {
                break;
            }
            served.push(stream.try_clone().expect("a descriptor"));
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let end = stream.try_clone().expect("a descriptor");
                serve(stream, &shared);
                // The acceptor has a descriptor of it, too.
                let _ = end.shutdown(Shutdown::Both);
            });
        }
        // Whoever comes back at once finds nobody.
        drop(listener);
        for stream in served {
            // Most have ended before.
            let _ = stream.shutdown(Shutdown::Both);
        }
    })
}
