//! As much of a client as asking a question takes (RESP2).

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::wait::PATIENCE;

/// Asks over a connection of its own.
pub(super) fn ask(address: SocketAddr, words: &[&str]) -> io::Result<Value> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        write!(text, "${}\r\n{word}\r\n", word.len()).expect("memory");
    }
    (&stream).write_all(text.as_bytes())?;
    answer(&mut BufReader::new(stream))
}

fn answer(input: &mut impl BufRead) -> io::Result<Value> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let (kind, rest) = line.trim_end().split_at_checked(1).ok_or_else(strange)?;
    let number = || rest.parse::<i64>().ok().ok_or_else(strange);
    Ok(match kind {
        "+" | "-" => rest.into(),
        ":" => number()?.into(),
        "$" => match usize::try_from(number()?) {
            Err(_) => Value::Null,
            Ok(len) => {
                let mut bytes = vec![0; len + 2];
                input.read_exact(&mut bytes)?;
                bytes.truncate(len);
                String::from_utf8_lossy(&bytes).into_owned().into()
            }
        },
        "*" => {
            let each = 0..number()?;
            each.map(|_| answer(input)).collect::<io::Result<_>>()?
        }
        _ => return Err(strange()),
    })
}

fn strange() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no answer of Redis")
}
