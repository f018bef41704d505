//! What is asked of one session, whichever replica it is on: what is done here is done at once.

use std::time::Duration;

use serde_json::Value;
use switchyard_proto::Close;
use switchyard_relay::Message;

use super::{Payload, Push};
use crate::channel::ChannelName;
use crate::fault::{Fault, answered};
use crate::local::Local;
use crate::name::{ReplicaId, SessionName};
use crate::peers::{Answer, Ask, To};

/// How long the replica of a session is given to answer.
const PATIENCE: Duration = Duration::from_secs(2);

impl Push {
    /// Sends one session a message.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn send(&self, to: SessionName, payload: &Payload) -> Result<(), Fault> {
        let now = switchyard_relay::now();
        let message = match std::str::from_utf8(&payload.data) {
            Ok(text) if !payload.is_binary => Message::text(text, now),
            _ => Message::binary(&payload.data, now),
        };
        let ask = Ask::Send {
            session: to.id.get(),
            binary: payload.is_binary,
            data: payload.data.clone(),
        };
        let here = self.here(to).map(|local| local.send(to.id, message));
        self.or_there(to, here, ask).await
    }

    /// Asks one session to go.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn close(&self, session: SessionName, close: &Close) -> Result<(), Fault> {
        let ask = Ask::Close {
            session: session.id.get(),
            code: close.status().get(),
            reason: close.reason().to_owned(),
        };
        let here = self.here(session);
        let here = here.map(|local| local.close(session.id, close.clone()));
        self.or_there(session, here, ask).await
    }

    /// Subscribes one session to a channel.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn enter(&self, session: SessionName, channel: &ChannelName) -> Result<(), Fault> {
        let ask = Ask::Subscribe {
            session: session.id.get(),
            channel: channel.to_string(),
        };
        let here = self.here(session);
        let here = here.map(|local| local.subscribe(session.id, channel));
        self.or_there(session, here, ask).await
    }

    /// Ends the subscription of one session to a channel, if there is one.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn leave_channel(
        &self,
        session: SessionName,
        channel: &ChannelName,
    ) -> Result<(), Fault> {
        let ask = Ask::Unsubscribe {
            session: session.id.get(),
            channel: channel.to_string(),
        };
        let here = self.here(session);
        let here = here.map(|local| local.unsubscribe(session.id, channel));
        self.or_there(session, here, ask).await
    }

    /// How one session stands, as the admin API shows it.
    ///
    /// # Errors
    /// See [`Fault`].
    pub async fn show(&self, session: SessionName) -> Result<Value, Fault> {
        if session.replica == self.replica() {
            let here = self.shared.local.show(session.id).await;
            if here != Err(Fault::Gone) || !self.has_twin() {
                return here;
            }
        }
        let ask = Ask::Show {
            session: session.id.get(),
        };
        let answer = self.ask_one(session.replica, ask).await?;
        let Answer::Shown { session } = answer else {
            return Err(Fault::Silent);
        };
        Ok(session)
    }

    /// The sessions of this process, if a session is one of this replica's.
    fn here(&self, session: SessionName) -> Option<&Local> {
        let is_here = session.replica == self.replica();
        is_here.then_some(&*self.shared.local)
    }

    /// What was done here, or what comes of asking. A session that has gone may have gone to another process of this replica.
    async fn or_there(
        &self,
        session: SessionName,
        here: Option<Result<(), Fault>>,
        ask: Ask,
    ) -> Result<(), Fault> {
        match here {
            None => {}
            Some(Err(Fault::Gone)) if self.has_twin() => {}
            Some(done) => return done,
        }
        self.ask_one(session.replica, ask).await.map(drop)
    }

    async fn ask_one(&self, replica: ReplicaId, ask: Ask) -> Result<Answer, Fault> {
        let asked = self.shared.exchange.ask(To::One(replica), ask, PATIENCE);
        answered(asked.await)
    }

    /// Whether another process goes by this one's name: one takes over from the other.
    fn has_twin(&self) -> bool {
        let others = self.shared.exchange.others();
        let mut others = others.iter();
        others.any(|(member, _)| member.replica == self.replica())
    }
}
