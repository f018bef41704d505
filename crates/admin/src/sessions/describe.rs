//! A session in JSON. Names are those of the access log.

use std::time::Duration;

use serde_json::{Value, json};
use switchyard_proto::session::Cause;
use switchyard_push::Push;
use switchyard_relay::{Figures, Handle};

/// What is known of a session, and what it says itself `within` this time; `live` is null when it says nothing.
pub(super) async fn describe(push: &Push, handle: &Handle, within: Duration) -> Value {
    let live = handle.figures(within).await;
    let (info, now) = (handle.info(), switchyard_relay::now());
    let channels = push.channels_of(info.id);
    json!({
        "id": info.id.get(),
        "name": push.name(info.id).to_string(),
        "request_id": info.request_id.to_string(),
        "listener": &*info.listener,
        "route": &*info.route,
        "cluster": &*info.cluster,
        "endpoint": &*info.endpoint,
        "client": info.client,
        "duration_ms": millis(now.saturating_duration_since(info.opened)),
        "idle_ms": millis(handle.idle(now)),
        "told_to_go": handle.told().map(Cause::reason),
        "channels": channels.iter().map(|name| &**name).collect::<Vec<_>>(),
        "live": live.as_ref().map(figures),
    })
}

fn figures(live: &Figures) -> Value {
    let (down, up) = (live.from_downstream, live.from_upstream);
    json!({
        "bytes_from_downstream": down.bytes,
        "bytes_from_upstream": up.bytes,
        "messages_from_downstream": down.messages,
        "messages_from_upstream": up.messages,
        "largest_message_bytes": down.largest_message.max(up.largest_message),
        "buffered_bytes_from_downstream": live.buffered_from_downstream,
        "buffered_bytes_from_upstream": live.buffered_from_upstream,
        "last_ping_rtt_ms_downstream": live.ping_rtt_downstream.map(fractional_millis),
        "last_ping_rtt_ms_upstream": live.ping_rtt_upstream.map(fractional_millis),
        "ending": live.ending.map(Cause::reason),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn fractional_millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
