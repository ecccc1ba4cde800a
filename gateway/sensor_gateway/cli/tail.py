"""``tail``: what arrives at the broker."""

from __future__ import annotations

import argparse
import json
import os
import sys

from sensor_gateway.cli.arguments import Subparsers, Unusable, add_config, load_or_complain


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("tail", help="print the events that arrive at the broker, until Ctrl-C")
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="each event as one line of JSON")
    parser.add_argument("--all", action="store_true", help="of every gateway below the prefix, not this one alone")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Listen until Ctrl-C; the exit code."""
    from sensor_gateway.cli.event_line import event_line
    from sensor_gateway.publishing.subscriber import Subscriber
    from sensor_gateway.publishing.wire.dialing import dial
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.service.plans import broker_settings

    try:
        configuration = load_or_complain(arguments.config, DriverCatalogue(), needs_broker=True, with_secrets=True)
    except Unusable:
        return os.EX_CONFIG
    mqtt = configuration.mqtt
    if mqtt is None:
        return os.EX_CONFIG
    gateway = "+" if arguments.all or configuration.gateway.id is None else configuration.gateway.id

    def hear(_topic: str, payload: bytes) -> None:
        try:
            events = json.loads(payload)
        except ValueError:
            print(f"not JSON: {payload[:80]!r}", file=sys.stderr)
            return
        for event in events if isinstance(events, list) else [events]:
            line = json.dumps(event, ensure_ascii=False) if arguments.json else event_line(event)
            print(line, flush=True)

    broker = broker_settings(mqtt, client_id="")
    subscriber = Subscriber(broker, [f"{mqtt.topic_prefix}/{gateway}/events"], hear, dial=dial)
    subscriber.connect()
    try:
        while subscriber.listen(3600.0):
            pass
    finally:
        subscriber.close()
    print("the broker closed the connection", file=sys.stderr)
    return os.EX_UNAVAILABLE
