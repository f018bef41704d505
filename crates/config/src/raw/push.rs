//! The declarations of what is published to sessions.

use super::{Limit, Timeout};
use crate::decode::table::table;
use crate::decode::{At, List};
use crate::model::OnFull;
use crate::scalar::{ChannelPrefix, Count, HeaderName, Switch};

table! {
    /// What is published to sessions, beside what their endpoints send them.
    Push {
        /// What may wait for one session that takes its messages more slowly than they come.
        queue: PushQueue = "{}";
        /// The payload of one message. A longer one is refused, and dropped where it comes from the bus.
        max_message: At<Limit> = "1MiB";
        /// A handshake that names more channels is refused, and nobody can subscribe a session to more.
        channels_per_session: Count<1, 65_536> = "64";
        /// A message that is published with an `id` is delivered once, if it comes again within so much time.
        remember_ids: Timeout = "2m";
        /// A request header that tells the endpoint the name of the session, under which it can be published to.
        /// A client's own header of that name goes no further.
        session_header: Option<At<HeaderName>>, eg "x-session-id";
        /// The opening and the end of each session are published on the bus.
        events: Switch = "off";
        /// Channels that keep what was published, so that clients that come back get what they missed. The first
        /// whose prefix fits counts.
        history: List<History, 0> = "[]", eg "[{ prefix: \"room:\", messages: 100, age: 10m }]";
    }
}

table! {
    /// What may wait for one session.
    PushQueue {
        /// So many messages.
        messages: Count<1, 1_000_000> = "256";
        /// So much payload; at least `max_message`.
        bytes: At<Limit> = "1MiB";
        /// What happens when one more comes.
        on_full: OnFull = "drop_oldest";
    }
}

table! {
    /// What is kept of each channel whose name begins in one way.
    History {
        /// What their names begin with.
        prefix: At<ChannelPrefix>, eg "\"room:\"";
        /// So many messages of each channel, and no more.
        messages: Count<1, 1_000_000> = "100";
        /// And none that is older.
        age: Timeout = "10m";
    }
}
