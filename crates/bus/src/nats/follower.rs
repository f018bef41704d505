//! Keeps a connection, for as long as the bus is there.

use std::fmt::Write as _;
use std::sync::Arc;

use arcstr::ArcStr;
use async_nats::ConnectError;
use async_nats::jetstream::context::ContextBuilder;
use tokio::time::sleep;

use super::backoff::Backoff;
use super::echo::Echo;
use super::events::Events;
use super::history::History;
use super::link::{Link, Slot};
use super::serving::Serving;
use super::settings::Settings;
use super::subjects::Subjects;
use crate::duty::Duty;

/// The half of the driver that keeps the connection.
pub(super) struct Follower {
    settings: Settings,
    subjects: Arc<Subjects>,
    slot: Slot,
}

/// A connection that has just been made.
struct Made {
    link: Arc<Link>,
    events: Arc<Events>,
    server: ArcStr,
}

impl Follower {
    pub(super) fn new(settings: Settings, subjects: Arc<Subjects>, slot: Slot) -> Self {
        Self {
            settings,
            subjects,
            slot,
        }
    }

    /// Does not end.
    pub(super) async fn run(self, mut duty: Duty) {
        let mut backoff = Backoff::new();
        loop {
            match Box::pin(self.connect()).await {
                Err(fault) => duty.gone(&fault),
                Ok(made) => {
                    let (was_followed, fault) = self.serve(&made, &mut duty).await;
                    if was_followed {
                        backoff = Backoff::new();
                    }
                    duty.gone(&format_args!("{}: {fault}", made.server));
                }
            }
            sleep(backoff.next()).await;
        }
    }

    /// Until the connection ends; whether it was any good, and why it ended.
    async fn serve(&self, made: &Made, duty: &mut Duty) -> (bool, String) {
        self.slot.set(Some(Arc::clone(&made.link)));
        let mut serving = Serving::new(&made.link, &self.subjects, &made.events);
        let fault = serving.run(duty, self.settings.timeout).await;
        self.slot.set(None);
        made.link.echo.end();
        (serving.is_followed(), fault)
    }

    /// The first server that lets us in, from any on, so that replicas spread over them; or what is wrong with each.
    async fn connect(&self) -> Result<Made, String> {
        let servers = &self.settings.servers;
        let random = getrandom::u64().map_err(|error| format!("no random numbers: {error}"))?;
        let begin = usize::try_from(random & 0xffff).unwrap_or_default() % servers.len().max(1);
        let mut faults = vec![String::new(); servers.len()];
        for at in (0..servers.len()).map(|step| (begin + step) % servers.len()) {
            let (Some(server), Some(fault)) = (servers.get(at), faults.get_mut(at)) else {
                continue;
            };
            match self.connect_to(server, random).await {
                Ok(made) => return Ok(made),
                Err(error) => _ = write!(fault, "{server}: {error}"),
            }
        }
        Err(faults.join("; "))
    }

    /// `random` is what only this connection has.
    async fn connect_to(&self, server: &ArcStr, random: u64) -> Result<Made, ConnectError> {
        let events = Arc::new(Events::default());
        let told = Arc::clone(&events);
        let options = self.settings.options().event_callback(move |event| {
            told.take(event);
            std::future::ready(())
        });
        let scheme = if self.settings.has_tls { "tls" } else { "nats" };
        let client = options.connect(format!("{scheme}://{server}")).await?;
        let context = ContextBuilder::new()
            .timeout(self.settings.timeout)
            .ack_timeout(self.settings.timeout)
            .build(client.clone());
        let link = Link {
            client,
            echo: Echo::new(self.subjects.echo(random)),
            history: History::new(context, &self.subjects),
        };
        Ok(Made {
            link: Arc::new(link),
            events,
            server: server.clone(),
        })
    }
}
