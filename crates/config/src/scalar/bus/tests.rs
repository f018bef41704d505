use super::*;

fn redis(text: &str) -> Result<RedisUrl, String> {
    RedisUrl::parse(text).map_err(|complaint| complaint.to_string())
}

#[test]
fn where_a_redis_server_is() {
    let plain = |host: &str, port, database| RedisUrl {
        tls: false,
        user: None,
        host: host.to_owned(),
        port,
        database,
    };
    for (text, url) in [
        ("redis://cache", plain("cache", 6379, None)),
        ("redis://10.0.0.5:6380/2", plain("10.0.0.5", 6380, Some(2))),
        ("redis://[::1]:1/", plain("::1", 1, None)),
        ("redis://[::1]", plain("::1", 6379, None)),
        (
            "rediss://push@cache.internal",
            RedisUrl {
                tls: true,
                user: Some("push".to_owned()),
                ..plain("cache.internal", 6379, None)
            },
        ),
    ] {
        assert_eq!(redis(text), Ok(url), "{text}");
    }
}

#[test]
fn what_is_no_redis_server_is_helped_on() {
    for (text, said) in [
        ("", "such as `redis://10.0.0.5:6379`"),
        (
            "cache:6379",
            "`cache:6379` is not the URL of a Redis server",
        ),
        ("http://cache", "`http://` does not begin"),
        ("redis://", "is not the URL"),
        ("redis://:6379", "is not the URL"),
        ("redis://a b", "is not the URL"),
        ("redis://cache:0", "is not the URL"),
        ("redis://cache:+1", "is not the URL"),
        ("redis://cache:65536", "is not the URL"),
        ("redis://::1", "is not the URL"),
        ("redis://[::1", "is not the URL"),
        ("redis://cache/x", "`x` is not the number of a database"),
        ("redis://cache/+2", "`+2` is not the number of a database"),
        ("redis://cache/2/3", "`2/3` is not the number of a database"),
        ("redis://cache?db=2", "is not the URL"),
        ("redis://@cache", "write it as `username`"),
        ("redis://a%40b@cache", "write it as `username`"),
    ] {
        let complaint = redis(text).expect_err(text);
        assert!(complaint.contains(said), "{text}: {complaint}");
    }
}

#[test]
fn a_password_in_a_url_is_not_repeated() {
    for text in [
        "redis://push:hunter2@cache",
        "redis://:hunter2@cache",
        "redis://push:hunt@er2@cache",
    ] {
        let complaint = redis(text).expect_err(text);
        assert!(complaint.contains("`password_file`"), "{complaint}");
        assert!(!complaint.contains("hunt"), "{complaint}");
    }
    for text in [
        "push:hunter2@cache",
        "nats://push:hunter2@cache",
        "nats://hunter2@cache",
    ] {
        let complaint = NatsUrl::parse(text).expect_err(text).to_string();
        assert!(!complaint.contains("hunter2"), "{complaint}");
    }
}

#[test]
fn where_a_nats_server_is() {
    for (text, tls, host, port) in [
        ("nats://bus", false, "bus", 4222),
        ("nats://bus:4223/", false, "bus", 4223),
        ("tls://[2001:db8::1]", true, "2001:db8::1", 4222),
    ] {
        let host = host.to_owned();
        assert_eq!(
            NatsUrl::parse(text),
            Ok(NatsUrl { tls, host, port }),
            "{text}"
        );
    }
    for text in ["bus:4222", "ws://bus", "nats://bus/x", "nats://"] {
        assert!(NatsUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn prefixes_can_be_written_where_they_stand() {
    let long = "x".repeat(64);
    for text in ["switchyard:", "a", "prod/push/", &long] {
        assert!(RedisPrefix::parse(text).is_ok(), "{text}");
    }
    for text in ["", "a b", "é", "{push}:", &"x".repeat(65)] {
        assert!(RedisPrefix::parse(text).is_err(), "{text}");
    }
    for text in ["switchyard.", "prod.push_1."] {
        assert!(NatsPrefix::parse(text).is_ok(), "{text}");
    }
    for text in [
        "",
        ".",
        "switchyard",
        "a..",
        ".a.",
        "a.*.",
        "a.>.",
        "a b.",
        &format!("{long}."),
    ] {
        assert!(NatsPrefix::parse(text).is_err(), "{text}");
    }
}
