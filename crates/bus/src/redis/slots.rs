//! Which server of a cluster a key or channel belongs to (the Redis cluster specification, "Key distribution model").

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use redis::Value;
use switchyard_config::RedisServer;

/// How many slots a cluster has.
const SLOTS: u16 = 16384;

/// Which server has which slots.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Slots {
    /// By the last slot of each range: its first, and whose it is.
    ranges: BTreeMap<u16, (u16, Arc<RedisServer>)>,
}

impl Slots {
    /// All of them are this server's.
    pub(super) fn whole(server: RedisServer) -> Self {
        let range = (SLOTS - 1, (0, Arc::new(server)));
        Self {
            ranges: BTreeMap::from([range]),
        }
    }

    /// Reads the answer of `asked` to `CLUSTER SLOTS`. `None`: it is not understood.
    pub(super) fn parse(answer: &Value, asked: &RedisServer) -> Option<Self> {
        let range = |entry: &Value| {
            let [first, last, master, ..] = entry.as_sequence()? else {
                return None;
            };
            let server = Arc::new(server(master, asked)?);
            Some((number(last)?, (number(first)?, server)))
        };
        let ranges = answer
            .as_sequence()?
            .iter()
            .map(range)
            .collect::<Option<_>>()?;
        Some(Self { ranges })
    }

    /// Whose the slot of this key is; `None`: nobody's.
    pub(super) fn owner(&self, key: &str) -> Option<&RedisServer> {
        let slot = of_key(key);
        let (_, (first, server)) = self.ranges.range(slot..).next()?;
        (*first <= slot).then_some(server)
    }

    /// Those that have slots.
    pub(super) fn owners(&self) -> HashSet<&RedisServer> {
        self.ranges.values().map(|(_, server)| &**server).collect()
    }
}

/// A server that does not know its own address leaves it out: it is the one that was asked.
fn server(entry: &Value, asked: &RedisServer) -> Option<RedisServer> {
    let [host, port, ..] = entry.as_sequence()? else {
        return None;
    };
    let name: Option<String> = redis::from_redis_value_ref(host).ok()?;
    let host = match name {
        Some(name) if !name.is_empty() => name.into(),
        _ => asked.host.clone(),
    };
    Some(RedisServer {
        host,
        port: number(port)?,
        database: 0,
    })
}

fn number(value: &Value) -> Option<u16> {
    let Value::Int(number) = value else {
        return None;
    };
    u16::try_from(*number).ok()
}

/// The slot of a key.
pub(super) fn of_key(key: &str) -> u16 {
    crc16(tag(key).as_bytes()) % SLOTS
}

/// What is between the first `{` and the next `}`, if that is anything; otherwise all of it.
fn tag(key: &str) -> &str {
    let inner = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    match inner {
        Some((tag, _)) if !tag.is_empty() => tag,
        _ => key,
    }
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    let shifted = |crc: u16, _| match crc & 0x8000 {
        0 => crc << 1,
        _ => (crc << 1) ^ 0x1021,
    };
    let next = |crc: u16, byte: &u8| (0..8).fold(crc ^ (u16::from(*byte) << 8), shifted);
    bytes.iter().fold(0, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: u16) -> RedisServer {
        RedisServer {
            host: host.into(),
            port,
            database: 0,
        }
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(of_key("foo"), 12182);
        assert_eq!(of_key("{user1000}.following"), of_key("user1000"));
        assert_eq!(of_key("foo{{bar}}zap"), of_key("{bar"));
        assert_eq!(of_key("foo{bar}{zap}"), of_key("bar"));
        assert_ne!(of_key("foo{}{bar}"), of_key("bar"));
    }

    #[test]
    fn an_answer_says_whose_they_are() {
        let node =
            |host: &str, port| Value::Array(vec![Value::BulkString(host.into()), Value::Int(port)]);
        let range =
            |first, last, node| Value::Array(vec![Value::Int(first), Value::Int(last), node]);
        let asked = at("seed", 1);
        let answer = Value::Array(vec![
            range(0, 12000, node("a", 2)),
            range(12182, 16383, node("", 3)),
        ]);
        let slots = Slots::parse(&answer, &asked).expect("understood");
        assert_eq!(slots.owner("foo"), Some(&at("seed", 3)));
        assert_eq!(slots.owner("bar"), Some(&at("a", 2)));
        assert_eq!(slots.owners().len(), 2);
        let unowned = (0..100_000)
            .map(|i| i.to_string())
            .find(|key| (12001..12182).contains(&of_key(key)));
        assert_eq!(slots.owner(&unowned.expect("one")), None);
        assert_eq!(Slots::parse(&Value::Int(1), &asked), None);
    }
}
