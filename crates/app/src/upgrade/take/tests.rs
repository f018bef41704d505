//! How long a process that takes over waits for its clusters.

use switchyard_handoff::{Channel, Giver};

use super::*;

/// The clusters of a configuration of which one is looked up, and nobody asks.
fn unknown() -> FirstAnswers {
    let text = "{ listeners: [{ name: web, address: \"127.0.0.1:0\" }], routes: [{ name: all, cluster: chat }], \
                clusters: [{ name: chat, dns: { name: chat.test, port: 9 } }] }";
    let config = switchyard_config::parse(text, "test.yaml".as_ref()).unwrap();
    FirstAnswers::of(crate::compose::snapshot(&config).unwrap().clusters())
}

async fn pair() -> (Giver, Taker) {
    let (channel, end) = Channel::pair().unwrap();
    let patience = Duration::from_secs(10);
    let giver = Giver::meet(channel, "old", patience, patience);
    let taker = Taker::meet(Channel::new(end).unwrap(), "new");
    let (giver, taker) = tokio::join!(giver, taker);
    (giver.unwrap(), taker.unwrap())
}

#[tokio::test]
async fn a_process_that_is_not_told_its_clusters_names_them_and_gives_up() {
    let (_giver, taker) = pair().await;
    tokio::time::pause();
    let error = know_clusters(&unknown(), &taker).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("discovery of chat was not answered"),
        "{error}"
    );
}

#[tokio::test]
async fn where_the_old_process_is_gone_nothing_is_waited_for() {
    let (giver, taker) = pair().await;
    giver.done().await;
    let error = know_clusters(&unknown(), &taker).await.unwrap_err();
    assert!(
        matches!(error, StartError::Handoff(Error::Nonsense)),
        "{error}"
    );
    know_clusters(&unknown(), &taker).await.unwrap();
}

#[tokio::test]
async fn an_old_process_that_gives_up_is_heard() {
    let (giver, taker) = pair().await;
    giver.give_up().await;
    let error = know_clusters(&unknown(), &taker).await.unwrap_err();
    assert!(
        matches!(error, StartError::Handoff(Error::GaveUp(_))),
        "{error}"
    );
}
