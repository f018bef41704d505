//! `EndpointSlice`s as their controller writes them.

use serde_json::{Value, json};

/// An `EndpointSlice`.
#[derive(Debug, Clone)]
pub struct EndpointSlice {
    /// The namespace.
    pub namespace: String,
    /// The name of the service that it belongs to.
    pub service: String,
    /// Its own name.
    pub name: String,
    /// `IPv4`, `IPv6` or `FQDN`.
    pub family: String,
    /// Names and numbers.
    pub ports: Vec<(String, u16)>,
    /// Who is in it.
    pub pods: Vec<Pod>,
}

/// An endpoint in a slice.
#[derive(Debug, Clone)]
pub struct Pod {
    address: String,
    conditions: Value,
    zone: Option<String>,
}

impl EndpointSlice {
    /// An empty one of IPv4 in the namespace `default`, with a port `ws`.
    pub fn new(service: &str, name: &str, port: u16) -> Self {
        Self {
            namespace: "default".to_owned(),
            service: service.to_owned(),
            name: name.to_owned(),
            family: "IPv4".to_owned(),
            ports: vec![("ws".to_owned(), port)],
            pods: Vec::new(),
        }
    }

    /// With one more pod.
    #[must_use]
    pub fn pod(mut self, pod: Pod) -> Self {
        self.pods.push(pod);
        self
    }

    /// Of another family.
    #[must_use]
    pub fn family(mut self, family: &str) -> Self {
        family.clone_into(&mut self.family);
        self
    }

    /// The object, as it is in a list (an event also says its kind). What is empty is null.
    pub(super) fn json(&self, version: u64) -> Value {
        let ports: Vec<_> = self
            .ports
            .iter()
            .map(|(name, port)| json!({"name": name, "protocol": "TCP", "port": port}))
            .collect();
        let pods: Vec<_> = self.pods.iter().map(Pod::json).collect();
        let or_null = |list: Vec<Value>| {
            if list.is_empty() {
                Value::Null
            } else {
                Value::Array(list)
            }
        };
        json!({
            "metadata": {
                "name": self.name,
                "generateName": format!("{}-", self.service),
                "namespace": self.namespace,
                "uid": "5d2f7a0e-9f0b-4f6a-8d0c-0a4f2f1d7b11",
                "resourceVersion": version.to_string(),
                "generation": version,
                "creationTimestamp": "2026-01-02T03:04:05Z",
                "labels": {
                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                    "kubernetes.io/service-name": self.service,
                },
                "annotations": {
                    "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-02T03:04:05Z",
                },
                "ownerReferences": [{
                    "apiVersion": "v1", "kind": "Service", "name": self.service,
                    "uid": "0c1bb0a3-5a3e-4b0f-b8f8-6a7f0d1c2b3a",
                    "controller": true, "blockOwnerDeletion": true,
                }],
                "managedFields": [{
                    "manager": "kube-controller-manager", "operation": "Update",
                    "apiVersion": "discovery.k8s.io/v1", "time": "2026-01-02T03:04:05Z",
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:addressType": {}},
                }],
            },
            "addressType": self.family,
            "endpoints": or_null(pods),
            "ports": or_null(ports),
        })
    }
}

impl Pod {
    /// One that is ready.
    pub fn ready(address: &str) -> Self {
        Self::with(
            address,
            json!({"ready": true, "serving": true, "terminating": false}),
        )
    }

    /// One that is on its way out and still serves.
    pub fn leaving(address: &str) -> Self {
        Self::with(
            address,
            json!({"ready": false, "serving": true, "terminating": true}),
        )
    }

    /// One that is not ready yet, or not any more.
    pub fn unready(address: &str) -> Self {
        Self::with(
            address,
            json!({"ready": false, "serving": false, "terminating": false}),
        )
    }

    /// One with these conditions.
    pub fn with(address: &str, conditions: Value) -> Self {
        Self {
            address: address.to_owned(),
            conditions,
            zone: None,
        }
    }

    /// The same in a zone.
    #[must_use]
    pub fn zone(mut self, zone: &str) -> Self {
        self.zone = Some(zone.to_owned());
        self
    }

    fn json(&self) -> Value {
        let mut pod = json!({
            "addresses": [self.address],
            "conditions": self.conditions,
            "nodeName": "node-1",
            "targetRef": {
                "kind": "Pod", "namespace": "default", "name": "chat-7d9c5b6f4-x2k8p",
                "uid": "b6f1f3b2-7b1c-4e65-9e0b-1f2e3d4c5b6a",
            },
        });
        if let Some(zone) = &self.zone {
            pod["zone"] = json!(zone);
        }
        pod
    }
}
