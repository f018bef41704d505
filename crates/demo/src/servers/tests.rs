//! Kill and revival, seen from plain sockets.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn each_server_has_its_own_name_and_port() {
    let servers = Servers::start(3, &Tasks::new()).await.unwrap();
    let addresses = servers.addresses();
    let names: Vec<_> = addresses.iter().map(|server| server.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    for Address { name, address } in addresses {
        let answer = get(address, "/").await;
        assert!(
            answer.contains(&format!("x-served-by: {name}\r\n")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn there_are_names_for_six() {
    for count in [0, 7] {
        let refused = Servers::start(count, &Tasks::new()).await.unwrap_err();
        assert!(matches!(refused, Error::Count { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_killed_server_cuts_its_connections_and_refuses_new_ones() {
    let servers = Servers::start(2, &Tasks::new()).await.unwrap();
    let [a, b] = servers.addresses().try_into().unwrap();
    let mut idle = TcpStream::connect(a.address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();

    servers.kill("a").await.unwrap();

    let cut = idle.read(&mut [0; 64]).await;
    assert!(matches!(cut, Ok(0)) || cut.is_err(), "{cut:?}");
    let refused = TcpStream::connect(a.address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let states: Vec<_> = servers.list().iter().map(|server| server.state).collect();
    assert_eq!(states, [State::Dead, State::Live]);
    assert!(get(b.address, "/").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_revived_server_is_back_on_its_port() {
    let servers = Servers::start(1, &Tasks::new()).await.unwrap();
    let before = servers.addresses();
    for _ in 0..3 {
        servers.kill("a").await.unwrap();
        assert!(matches!(servers.kill("a").await, Err(Error::Dead("a"))));
        servers.revive("a").await.unwrap();
        assert!(matches!(servers.revive("a").await, Err(Error::Live("a"))));
        assert!(
            get(before[0].address, "/")
                .await
                .contains("x-served-by: a\r\n")
        );
    }
    assert_eq!(servers.addresses(), before);
}

#[tokio::test]
async fn a_dead_servers_port_is_nobody_elses() {
    let servers = Servers::start(1, &Tasks::new()).await.unwrap();
    let address = servers.addresses()[0].address;
    servers.kill("a").await.unwrap();
    let taken = std::net::TcpListener::bind(address);
    assert!(taken.is_err(), "the port of a dead server was free to take");
}

#[tokio::test]
async fn all_tasks_end_when_the_servers_stop() {
    let tasks = Tasks::new();
    let servers = Servers::start(3, &tasks).await.unwrap();
    let _open = TcpStream::connect(servers.addresses()[1].address)
        .await
        .unwrap();
    servers.stop().await;
    tasks.finished().await;
}
