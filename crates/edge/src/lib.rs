//! Accept, route, admission and handshake towards the client.
