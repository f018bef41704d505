#!/usr/bin/env python3
"""Publishes a message to every session that is subscribed to a channel, on whichever replica.

    publish.py http://127.0.0.1:9901 room:lobby 'hello'        through the admin API of any replica
    publish.py redis://127.0.0.1:6379 room:lobby 'hello'       or on Redis itself (pip install redis)
    publish.py redis://127.0.0.1:6379 room:lobby 'hello' --id order-17 --exclude 3f9c01aa22bb-17

env: SWITCHYARD_TOKEN  the token of the admin API, where it has one
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request

PREFIX = "switchyard:"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("channel")
    parser.add_argument("text")
    parser.add_argument("--id", help="a second message of this id is not delivered")
    parser.add_argument("--exclude", help="the name of a session that does not get it")
    asked = parser.parse_args()
    options = {key: value for key, value in (("id", asked.id), ("exclude", asked.exclude)) if value}
    if asked.url.startswith("redis"):
        on_redis(asked.url, asked.channel, asked.text, options)
    elif asked.url.startswith("http"):
        by_http(asked.url, asked.channel, asked.text, options)
    else:
        parser.error("the URL is one of http://, redis:// and rediss://")


def by_http(url: str, channel: str, text: str, options: dict) -> None:
    body = json.dumps({"channel": channel, "text": text, **options}).encode()
    request = urllib.request.Request(f"{url}/publish", body, {"Content-Type": "application/json"})
    if token := os.environ.get("SWITCHYARD_TOKEN"):
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            print(answer.read().decode())
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code} {error.read().decode()}")


def on_redis(url: str, channel: str, text: str, options: dict) -> None:
    import redis

    # Also where it says nothing: a text that begins as such a line does is a text all the same.
    payload = f"SWITCHYARD/1 {json.dumps(options)}\n{text}".encode()
    replicas = redis.Redis.from_url(url).publish(f"{PREFIX}channel:{channel}", payload)
    print(f"{replicas} replicas have subscribers")


if __name__ == "__main__":
    main()
