//! Clusters, endpoints, dialling and the handshake towards them.
