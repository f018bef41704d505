//! What a drain is about: everything, or what has one name.

use std::fmt;

use arcstr::ArcStr;

/// What is drained. Names are those of the configuration, so that a drain outlives what it was begun on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Gateway,
    /// What came in by a listener.
    Listener(ArcStr),
    /// What took a route.
    Route(ArcStr),
    /// What went to a cluster.
    Cluster(ArcStr),
    /// What went to one endpoint of a cluster.
    Endpoint {
        /// The cluster's name.
        cluster: ArcStr,
        /// The endpoint's address.
        endpoint: ArcStr,
    },
}

/// Where a session or a handshake is; what is not known yet is empty, which is no name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The listener that it came in by.
    pub listener: &'a str,
    /// The route that it took.
    pub route: &'a str,
    /// The cluster that it went to.
    pub cluster: &'a str,
    /// The endpoint that it went to.
    pub endpoint: &'a str,
}

impl Scope {
    /// Whether what is there is drained.
    pub fn covers(&self, place: &Place<'_>) -> bool {
        match self {
            Self::Gateway => true,
            Self::Listener(name) => **name == *place.listener,
            Self::Route(name) => **name == *place.route,
            Self::Cluster(name) => **name == *place.cluster,
            Self::Endpoint { cluster, endpoint } => {
                **endpoint == *place.endpoint && **cluster == *place.cluster
            }
        }
    }
}

/// For people: `route chat`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway => f.write_str("gateway"),
            Self::Listener(name) => write!(f, "listener {name}"),
            Self::Route(name) => write!(f, "route {name}"),
            Self::Cluster(name) => write!(f, "cluster {name}"),
            Self::Endpoint { cluster, endpoint } => {
                write!(f, "endpoint {endpoint} of cluster {cluster}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'static> = Place {
        listener: "web",
        route: "chat",
        cluster: "app",
        endpoint: "10.0.0.1:9",
    };

    fn endpoint(cluster: &str, endpoint: &str) -> Scope {
        Scope::Endpoint {
            cluster: cluster.into(),
            endpoint: endpoint.into(),
        }
    }

    #[test]
    fn only_what_has_the_name_is_covered() {
        for (scope, is_covered) in [
            (Scope::Gateway, true),
            (Scope::Listener("web".into()), true),
            (Scope::Listener("chat".into()), false),
            (Scope::Route("chat".into()), true),
            (Scope::Route("app".into()), false),
            (Scope::Cluster("app".into()), true),
            (Scope::Cluster("web".into()), false),
            (endpoint("app", "10.0.0.1:9"), true),
            (endpoint("app", "10.0.0.2:9"), false),
            (endpoint("other", "10.0.0.1:9"), false),
        ] {
            assert_eq!(scope.covers(&HERE), is_covered, "{scope}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_name() {
        let early = Place {
            listener: "web",
            route: "chat",
            ..Place::default()
        };
        assert!(!Scope::Cluster("app".into()).covers(&early));
        assert!(Scope::Route("chat".into()).covers(&early));
    }
}
