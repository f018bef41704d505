"""Prints what is published of sessions on Redis, a line for each. Usage: bus_events.py URL"""

import json
import sys

import redis

from lines import say

subscription = redis.Redis.from_url(sys.argv[1]).pubsub()
subscription.subscribe("switchyard:events")
for message in subscription.listen():
    if message["type"] == "subscribe":
        say(ready=True)
    else:
        say(event=json.loads(message["data"]))
