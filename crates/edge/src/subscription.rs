//! What a session is to hear of: its channels, and where its client had got to in them when it was here last. It goes with the
//! session from one process to the next.
//!
//! Not here: the names of channels (`channels`).

use http::HeaderName;
use switchyard_proto::record::{Malformed, Reader, Writer};
use switchyard_push::{ChannelName, Resume};
use switchyard_relay::SessionId;

use crate::affinity::Places;
use crate::channels;
use crate::query;
use crate::refusal::Refusal;
use crate::route::Route;
use crate::snapshot::Snapshot;
use crate::worker::Worker;

/// Where a client says it had got to, and the parameter of the query that says the same.
const LAST: HeaderName = HeaderName::from_static("last-message-id");
const LAST_IN_QUERY: &str = "last_message_id";

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscription {
    pub(crate) channels: Vec<ChannelName>,
    pub(crate) resume: Resume,
}

impl Subscription {
    /// What a request asks for on this route.
    ///
    /// # Errors
    /// A channel cannot be, there are too many, or the route has channels and what the client says it had last is no id.
    pub(crate) fn of_request(
        snapshot: &Snapshot,
        route: &Route,
        places: &Places<'_>,
    ) -> Result<Self, Refusal> {
        let most = snapshot.channels_per_session;
        Ok(Self {
            channels: channels::of_request(&route.channels, places, most)?,
            resume: if snapshot.keeps_history {
                resume(places, !route.channels.is_empty())?
            } else {
                Resume::default()
            },
        })
    }

    /// What a session has now, and how far it has come where its channels keep what is published. `None` while it is being
    /// given what it missed.
    pub(crate) fn of_session(worker: &Worker, id: SessionId) -> Option<Self> {
        let all = worker.desk.positions_of(id)?;
        let channels = all
            .iter()
            .filter_map(|(name, _)| ChannelName::new(name).ok());
        let positions = all
            .iter()
            .filter_map(|(name, last)| Some((&**name, (*last)?)));
        Some(Self {
            channels: channels.collect(),
            resume: Resume::at(positions),
        })
    }

    pub(crate) fn write(&self, to: &mut Writer) {
        to.list(&self.channels, |to, channel| to.text(channel));
        let texts: Vec<_> = self.resume.texts().collect();
        to.list(&texts, |to, text| to.text(text));
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let name =
            |from: &mut Reader<'_>| ChannelName::new(from.text()?).map_err(|_no_name| Malformed);
        let channels = from.list(name)?;
        let texts = from.list(|from| from.text().map(str::to_owned))?;
        let resume = Resume::of(texts.iter().map(String::as_str));
        Ok(Self {
            channels,
            resume: resume.map_err(|_no_id| Malformed)?,
        })
    }
}

/// What the request says that its client had last. What is no id is refused on a route that `has_channels`; on others it
/// is left out, as it may be the application's and mean something else.
fn resume(places: &Places<'_>, has_channels: bool) -> Result<Resume, Refusal> {
    let fields = places.headers.get_all(LAST).iter();
    let parameters = query::find_all(places.query.unwrap_or_default(), LAST_IN_QUERY);
    let fields = fields.map(|value| value.as_bytes().into());
    // A client that has none yet may say so.
    let said = fields.chain(parameters).filter(|value| !value.is_empty());
    let said = said.map(|value| {
        let text = String::from_utf8(value.into_owned()).ok()?;
        Resume::of([&*text]).is_ok().then_some(text)
    });
    let ids: Option<Vec<_>> = if has_channels {
        said.collect()
    } else {
        Some(said.flatten().collect())
    };
    let ids = ids.ok_or(Refusal::LastMessageId)?;
    Resume::of(ids.iter().map(String::as_str)).map_err(|_no_id| Refusal::LastMessageId)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::routes::Captures;

    fn asked(query: &str, field: Option<&'static str>) -> Result<Resume, Refusal> {
        asked_on(true, query, field)
    }

    fn asked_on(
        has_channels: bool,
        query: &str,
        field: Option<&'static str>,
    ) -> Result<Resume, Refusal> {
        let mut headers = HeaderMap::new();
        if let Some(field) = field {
            headers.insert(LAST, HeaderValue::from_static(field));
        }
        let places = Places {
            captures: &Captures::default(),
            headers: &headers,
            query: Some(query),
            client: [127, 0, 0, 1].into(),
        };
        resume(&places, has_channels)
    }

    #[test]
    fn where_a_client_had_got_to_is_in_its_query_or_a_field() {
        let of = |text| Resume::of([text]).expect("an id");
        assert_eq!(asked("a=1&last_message_id=7-1", None).unwrap(), of("7-1"));
        assert_eq!(asked("", Some("7-1")).unwrap(), of("7-1"));
        assert_eq!(asked("last_message_id=a%407-1", None).unwrap(), of("a@7-1"));
        assert!(asked("a=1", None).unwrap().is_empty());
        assert!(asked("last_message_id=", Some("")).unwrap().is_empty());
        for wrong in ["last_message_id=7", "last_message_id=%ff"] {
            assert!(
                matches!(asked(wrong, None), Err(Refusal::LastMessageId)),
                "{wrong}"
            );
            assert!(asked_on(false, wrong, None).unwrap().is_empty(), "{wrong}");
        }
        let both = asked_on(false, "last_message_id=mine&last_message_id=7-1", None);
        assert_eq!(both.unwrap(), of("7-1"));
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let name = |name| ChannelName::new(name).expect("a name");
        let subscription = Subscription {
            channels: vec![name("a"), name("b@c")],
            resume: Resume::of(["1-2", "b@c@3-4"]).expect("ids"),
        };
        let mut to = Writer::new();
        subscription.write(&mut to);
        let bytes = to.finish();
        let mut from = Reader::new(&bytes);
        let read = Subscription::read(&mut from).unwrap();
        from.end().unwrap();
        assert_eq!(read.channels, subscription.channels);
        assert_eq!(read.resume, subscription.resume);
    }
}
