//! Three small chat servers and a page, to try the gateway without installing anything.
