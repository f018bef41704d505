//! A run against a hub of a few lines, which is told what to do wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use super::*;
use crate::http;

/// What the hub sends for a message; if nothing, it ends all sessions.
type Fault = fn(&str) -> Vec<String>;

struct Served {
    #[expect(dead_code, reason = "to be dropped when it is over")]
    subscribed: Vec<(String, TcpStream)>,
    /// How many connections messages came on.
    publishers: usize,
}

fn right(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

/// A hub for so many messages. It gives its connections, so that they stay.
fn hub(sessions: usize, messages: usize, fault: Fault) -> (Fanout, thread::JoinHandle<Served>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let hub = thread::spawn(move || serve(&listener, sessions, messages, fault));
    let fanout = Fanout {
        steps: vec![1, sessions],
        channels: Channels::One,
        path: "/sub/{n}".parse().unwrap(),
        publisher: address,
        publish: "POST /pub/{n}".parse().unwrap(),
        body: "{text}".parse().unwrap(),
        content_type: "text/plain".to_owned(),
        publishers: 2,
        messages: messages as u64,
        rate: 1000,
        size: 64,
    };
    (fanout, hub)
}

fn serve(listener: &TcpListener, sessions: usize, messages: usize, fault: Fault) -> Served {
    let accept = || listener.accept().unwrap().0;
    let mut subscribed = Vec::new();
    for _ in 0..sessions {
        let mut tcp = accept();
        let head = head(&mut BufReader::new(&tcp));
        let (path, answer) = http::answer(head.as_bytes()).unwrap();
        tcp.write_all(&answer).unwrap();
        subscribed.push((path.replace("/sub/", "POST /pub/"), tcp));
    }
    let mut publishers: Vec<BufReader<TcpStream>> = Vec::new();
    for _ in 0..messages {
        // Every answer says that it is the last, so each message has a connection of its own.
        publishers.push(BufReader::new(accept()));
        let publisher = publishers.last_mut().unwrap();
        let head = head(publisher);
        let len = http::field(&head, "content-length")
            .unwrap()
            .parse()
            .unwrap();
        let mut body = vec![0; len];
        publisher.read_exact(&mut body).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
        publisher.get_mut().write_all(answer).unwrap();
        let line = head.split(" HTTP").next().unwrap();
        let texts = fault(std::str::from_utf8(&body).unwrap());
        if texts.is_empty() {
            subscribed.clear();
        }
        for text in texts {
            let to = subscribed.iter_mut().filter(|(wanted, _)| wanted == line);
            to.for_each(|(_, tcp)| tcp.write_all(&frame(&text)).unwrap());
        }
    }
    Served {
        subscribed,
        publishers: publishers.len(),
    }
}

fn head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    head
}

fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, u8::try_from(text.len()).unwrap()];
    frame.extend_from_slice(text.as_bytes());
    frame
}

/// The results of a run, or its error.
fn result(fanout: &Fanout, count: u64) -> Result<String> {
    let target = Target::new(fanout.publisher, None, "/", 0);
    let mut run = Run::open(target, fanout, |_| Ok(()))?;
    run.go(count)?;
    Ok(format!("{:?}", run.result()))
}

fn assert_has(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn one_channel_is_heard_by_all() {
    let (fanout, hub) = hub(5, 20, right);
    let line = result(&fanout, 20).unwrap();
    assert_has(
        &line,
        &[
            r#"sessions\":5,"#,
            r#"published\":20,"#,
            r#""messages\":100,"#,
        ],
    );
    assert_has(
        &line,
        &[
            r#"missed\":0,"#,
            r#"repeated\":0,"#,
            r#"disordered\":0,"#,
            r#"lost\":0,"#,
        ],
    );
    assert_eq!(hub.join().unwrap().publishers, 20);
}

#[test]
fn a_channel_of_ones_own_is_heard_by_one() {
    let (mut fanout, hub) = hub(5, 12, right);
    fanout.channels = Channels::Each;
    let line = result(&fanout, 12).unwrap();
    assert_has(
        &line,
        &[r#""messages\":12,"#, r#"missed\":0,"#, r#"disordered\":0,"#],
    );
    hub.join().unwrap();
}

#[test]
fn what_comes_twice_is_counted() {
    let twice = |text: &str| vec![text.to_owned(), text.to_owned()];
    let (fanout, hub) = hub(3, 4, twice);
    let line = result(&fanout, 4).unwrap();
    // Nobody waits for the second of the last one.
    let repeated = [9, 10, 11, 12].map(|count| format!(r#"repeated\":{count},"#));
    assert!(repeated.iter().any(|part| line.contains(part)), "{line}");
    assert_has(&line, &[r#""messages\":12,"#, r#"missed\":0,"#]);
    hub.join().unwrap();
}

#[test]
fn what_nobody_published_ends_the_run() {
    let wrong = |text: &str| vec![text.replacen('0', "1", 1)];
    let (fanout, hub) = hub(2, 1, wrong);
    let error = result(&fanout, 1).unwrap_err();
    assert!(
        format!("{error:#}").contains("not what was published"),
        "{error:#}"
    );
    hub.join().unwrap();
}

#[test]
fn what_is_published_to_sessions_that_have_ended_is_missed() {
    let none = |_: &str| Vec::new();
    let (fanout, hub) = hub(2, 1, none);
    let began = Instant::now();
    let line = result(&fanout, 1).unwrap();
    // Nobody is left to wait for.
    assert!(began.elapsed() < PATIENCE);
    assert_has(
        &line,
        &[
            r#"published\":1,"#,
            r#""messages\":0,"#,
            r#"missed\":2,"#,
            r#"lost\":2,"#,
        ],
    );
    hub.join().unwrap();
}
