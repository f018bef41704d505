//! Has [`Peers`] speak over the bus: one task, which has the state to itself.
//!
//! It publishes, does what is asked and listens side by side, each within bounds; what is beyond them is dropped, and whoever
//! asked hears nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use switchyard_bus::{Bus, PublishError, Reached, Subject};
use switchyard_drain::Budget;
use switchyard_telemetry::PushMetrics;
use switchyard_telemetry::labels::NotDelivered;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep_until;

use crate::local::Local;
use crate::peers::{Answer, Ask, Asked, Member, Outcome, Output, Peers, Standing, To, Unheard};

/// Messages of other replicas that wait to be read.
const INBOX: usize = 1024;

/// What this process asks others that waits to be said.
const ORDERS: usize = 256;

/// What is being published, or done for others, at once.
const AT_ONCE: usize = 256;

/// What others say of themselves.
pub(crate) type Others = Vec<(Member, Standing)>;

/// The way to the task.
pub(crate) struct Exchange {
    inbox: mpsc::Sender<Bytes>,
    orders: mpsc::Sender<Order>,
    others: watch::Receiver<Others>,
}

/// The task before it runs.
pub(crate) struct Clerk {
    me: Member,
    inbox: mpsc::Receiver<Bytes>,
    orders: mpsc::Receiver<Order>,
    others: watch::Sender<Others>,
}

enum Order {
    Ask {
        to: To,
        ask: Ask,
        within: Duration,
        ticket: oneshot::Sender<Outcome>,
    },
    Resumed,
    Leave(oneshot::Sender<()>),
}

/// What the task works with.
pub(crate) struct Means {
    pub(crate) bus: Bus,
    pub(crate) local: Arc<Local>,
    pub(crate) budget: Budget,
    pub(crate) metrics: PushMetrics,
}

/// An end of these, and of what the task hears of them.
pub(crate) fn exchange(me: Member) -> (Exchange, Clerk) {
    let (inbox, incoming) = mpsc::channel(INBOX);
    let (orders, ordered) = mpsc::channel(ORDERS);
    let (heard, others) = watch::channel(Others::new());
    let exchange = Exchange {
        inbox,
        orders,
        others,
    };
    let clerk = Clerk {
        me,
        inbox: incoming,
        orders: ordered,
        others: heard,
    };
    (exchange, clerk)
}

impl Exchange {
    /// Another replica says something. Whether there is room for it.
    pub(crate) fn receive(&self, payload: Bytes) -> bool {
        self.inbox.try_send(payload).is_ok()
    }

    /// The bus was gone, and is there again.
    pub(crate) fn resumed(&self) {
        // One that waits is as good.
        self.orders.try_send(Order::Resumed).ok();
    }

    /// Asks, and waits for what comes of it.
    pub(crate) async fn ask(&self, to: To, ask: Ask, within: Duration) -> Outcome {
        let (ticket, answered) = oneshot::channel();
        let order = Order::Ask {
            to,
            ask,
            within,
            ticket,
        };
        match self.orders.try_send(order) {
            Ok(()) => answered.await.unwrap_or(Outcome::Unreachable),
            Err(_) => Outcome::Busy,
        }
    }

    /// Says farewell, as far as that is possible.
    pub(crate) async fn leave(&self) {
        let (told, done) = oneshot::channel();
        if self.orders.send(Order::Leave(told)).await.is_ok() {
            // Whether it was said or the task has ended: it is over.
            done.await.ok();
        }
    }

    /// Every other process that is there, and how it is.
    pub(crate) fn others(&self) -> Others {
        self.others.borrow().clone()
    }
}

type Work<Done> = FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send>>>;

/// What is under way.
struct Desk {
    means: Means,
    publishing: Work<(Option<u64>, Result<Reached, PublishError>)>,
    doing: Work<(Asked, Answer)>,
    leaving: Vec<oneshot::Sender<()>>,
}

impl Clerk {
    /// Speaks for this process, as long as it is.
    pub(crate) async fn run(mut self, dice: u64, means: Means) {
        let mut peers = Peers::new(self.me, dice, switchyard_relay::now());
        let mut changes = means.budget.changes();
        let mut desk = Desk {
            means,
            publishing: FuturesUnordered::new(),
            doing: FuturesUnordered::new(),
            leaving: Vec::new(),
        };
        loop {
            desk.carry_out(&mut peers);
            self.tell(&peers, &desk.means.budget);
            let due = peers.next_due();
            tokio::select! {
                Some(payload) = self.inbox.recv() => {
                    desk.hear(&mut peers, &payload);
                }
                order = self.orders.recv() => match order {
                    Some(order) => desk.order(&mut peers, order),
                    None => return,
                },
                Some((asking, published)) = desk.publishing.next() => {
                    if let Some(asking) = asking {
                        peers.handle_published(asking, published, switchyard_relay::now());
                    }
                }
                Some((asked, answer)) = desk.doing.next() => peers.answer(&asked, answer),
                Ok(()) = changes.changed() => peers.hurry(switchyard_relay::now()),
                () = sleep_until(due.into()) => {
                    peers.handle_time(desk.standing(), switchyard_relay::now());
                }
            }
        }
    }

    /// Has those know who want to that others say something new.
    fn tell(&self, peers: &Peers<oneshot::Sender<Outcome>>, budget: &Budget) {
        let mut others: Others = peers.others().collect();
        others.sort_unstable_by_key(|(member, _)| *member);
        let is_new = self.others.send_if_modified(|known| {
            let is_new = *known != others;
            if is_new {
                known.clone_from(&others);
            }
            is_new
        });
        if is_new {
            budget.hear(others.iter().map(|(_, standing)| standing.load).collect());
        }
    }
}

impl Desk {
    fn standing(&self) -> Standing {
        Standing {
            sessions: self.means.local.sessions(),
            load: self.means.budget.load(),
        }
    }

    fn hear(&self, peers: &mut Peers<oneshot::Sender<Outcome>>, payload: &[u8]) {
        match peers.handle_message(payload, switchyard_relay::now()) {
            Ok(()) => {}
            Err(Unheard::Broken) => self.means.metrics.dropped(NotDelivered::Malformed, 1),
            Err(Unheard::Unknown) => tracing::debug!("another release's message is not known here"),
        }
    }

    fn order(&mut self, peers: &mut Peers<oneshot::Sender<Outcome>>, order: Order) {
        let now = switchyard_relay::now();
        match order {
            Order::Ask {
                to,
                ask,
                within,
                ticket,
            } => peers.ask(to, ask, ticket, within, now),
            Order::Resumed => peers.handle_resumed(now),
            Order::Leave(told) => {
                peers.leave();
                self.leaving.push(told);
            }
        }
    }

    fn carry_out(&mut self, peers: &mut Peers<oneshot::Sender<Outcome>>) {
        while let Some(output) = peers.poll_output() {
            match output {
                Output::Publish {
                    to,
                    payload,
                    asking,
                } => self.publish(peers, to, payload, asking),
                Output::Asked(asked) => self.perform(asked),
                // Whoever does not wait any longer is not told.
                Output::Answered { ticket, outcome } => drop(ticket.send(outcome)),
            }
        }
    }

    fn publish(
        &mut self,
        peers: &mut Peers<oneshot::Sender<Outcome>>,
        to: To,
        payload: Bytes,
        asking: Option<u64>,
    ) {
        if self.publishing.len() >= AT_ONCE {
            self.means.metrics.dropped(NotDelivered::Overrun, 1);
            if let Some(asking) = asking {
                peers.handle_crowded(asking);
            }
            return;
        }
        let subject = match to {
            To::All => Subject::Replicas,
            To::One(replica) => Subject::Replica(replica.to_string().into()),
        };
        let bus = self.means.bus.clone();
        // A farewell waits for itself.
        let leaving = std::mem::take(&mut self.leaving);
        self.publishing.push(Box::pin(async move {
            let published = bus.publish(&subject, payload).await;
            drop(leaving);
            (asking, published)
        }));
    }

    fn perform(&mut self, asked: Asked) {
        if self.doing.len() >= AT_ONCE {
            return self.means.metrics.dropped(NotDelivered::Overrun, 1);
        }
        let local = Arc::clone(&self.means.local);
        self.doing.push(Box::pin(async move {
            let answer = local.carry_out(&asked.ask).await;
            (asked, answer)
        }));
    }
}
