//! Who is in a service of Kubernetes: its `EndpointSlice`s (`discovery.k8s.io/v1`), listed and watched.
//!
//! Not here: the Service object itself and the pods. A port is looked for in the slices, so a number
//! is the port that the pods listen on, not the one that the Service gives it.

mod access;
mod client;
mod config;
mod exchange;
mod home;
mod pause;
mod slice;
mod store;
mod watch;

use std::path::PathBuf;

use crate::found::Updates;

/// Which endpoints of which service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The namespace that it is in; `None`: the one of whoever asks, that is the one of the pod, or the one of the
    /// kubeconfig's context, which is `default` unless it says so.
    pub namespace: Option<String>,
    /// Its name: the slices with the label `kubernetes.io/service-name` of this value are its own.
    pub service: String,
    /// The port of the endpoints.
    pub port: Port,
}

/// A port of the endpoints, as it is in the slices. A slice that lacks it contributes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// The name that the Service gives the port.
    Name(String),
    /// The port that the pods listen on.
    Number(u16),
}

/// Where the API server is, and who asks. Whatever is in files is read again for each request, so
/// that a new token or authority is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// As a pod of the cluster: the environment says where, the files of the service account say who.
    InCluster,
    /// As a kubeconfig says. Tokens and client certificates are understood; plugins (`exec`,
    /// `auth-provider`), passwords, proxies and unverified TLS are refused.
    Kubeconfig {
        /// Where it is.
        path: PathBuf,
        /// The context to take; if there is none, the current one.
        context: Option<String>,
    },
}

/// Follows a service until nobody listens to `updates`.
///
/// The slices are listed and then watched; a watch that ends goes on where it was, and one that
/// cannot go on (410 Gone) begins with a new list, which replaces all that was known. Failures are
/// told and tried again after a pause, which doubles up to 30 s; what was told before stays true
/// until the API server says otherwise. Members that are the same as those told last are not told,
/// also after a failure.
pub async fn follow(service: Service, access: Access, updates: Updates) {
    tokio::select! {
        biased;
        () = updates.closed() => {}
        () = watch::Watch::new(service, access, updates.clone()).run() => {}
    }
}
