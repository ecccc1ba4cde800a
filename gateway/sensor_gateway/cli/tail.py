"""``tail``: what arrives at the broker."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

from sensor_gateway.cli.arguments import Subparsers, add_command, add_config, config_file, load_startable, say

if TYPE_CHECKING:
    from sensor_gateway.publishing.subscriber import Subscriber

_ABOUT = """\
Prints the events that arrive at the configuration's broker, from now on, until Ctrl-C. Of this gateway where the
configuration has `gateway: {id: ...}`, else of every gateway below the topic prefix.

  sensor-gateway tail --config my.yaml
  sensor-gateway tail --config my.yaml --json | jq -c '[.time, .sensor, .channel, .value]'

Exit code 69 when the broker cannot be reached at the start. An outage later is told on standard error, and the
broker tried every second; what others publish before the connection is there again is not shown.
"""

_RETRY_S: Final = 1.0


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers, "tail", summary="print the events that arrive at the broker, until Ctrl-C", about=_ABOUT
    )
    add_config(parser)
    parser.add_argument("--json", action="store_true", help="each event as one line of JSON")
    parser.add_argument("--all", action="store_true", help="of every gateway below the prefix, not this one alone")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Listen until Ctrl-C; the exit code."""
    import threading

    from sensor_gateway.publishing.subscriber import BrokerUnreachable, Subscriber
    from sensor_gateway.publishing.wire.dialing import dial
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.service.plans import broker_settings

    file = config_file(arguments)
    configuration = load_startable(file, DriverCatalogue(), needs_broker=True, with_secrets=True).configuration
    mqtt = configuration.mqtt
    if mqtt is None:
        return os.EX_CONFIG
    is_of_all = arguments.all or configuration.gateway.id is None
    topic = f"{mqtt.topic_prefix}/{'+' if is_of_all else configuration.gateway.id}/events"
    broker = broker_settings(mqtt, client_id="")
    hear = _printer(as_json=arguments.json, with_gateway=is_of_all)
    subscriber = Subscriber(broker, [topic], hear, dial=dial)
    try:
        subscriber.connect()
        say(f"listening to {topic} at {broker.host}:{broker.port}; Ctrl-C ends it")
        _listen_on(subscriber, threading.Event().wait)
    except BrokerUnreachable as error:
        say(f"sensor-gateway: {error}")
        return os.EX_UNAVAILABLE
    except KeyboardInterrupt:
        return os.EX_OK  # the one way in which it ends
    finally:
        subscriber.close()


def _listen_on(subscriber: Subscriber, pause: Callable[[float], object]) -> NoReturn:
    """Listen through every outage."""
    while True:
        while subscriber.listen(3600.0):
            pass
        say("--- the connection to the broker is lost; trying again every second ---")
        _reconnect(subscriber, pause)
        say("--- connected to the broker again ---")


def _reconnect(subscriber: Subscriber, pause: Callable[[float], object]) -> None:
    """Try until it succeeds. Why it does not is said once, and again when it changes."""
    from sensor_gateway.publishing.subscriber import BrokerUnreachable

    said = ""
    while True:
        pause(_RETRY_S)
        try:
            subscriber.connect()
        except BrokerUnreachable as error:
            if str(error) != said:
                said = str(error)
                say(f"    {said}")
        else:
            return


def _printer(*, as_json: bool, with_gateway: bool) -> Callable[[str, bytes], None]:
    """What prints the events of a message."""
    from sensor_gateway.cli.event_line import event_line, json_line

    def hear(topic: str, payload: bytes) -> None:
        try:
            events = json.loads(payload)
        except (ValueError, RecursionError):
            say(f"not JSON, on {topic!r}: {payload[:80]!r}")
            return
        for event in events if isinstance(events, list) else [events]:
            print(json_line(event) if as_json else event_line(event, with_gateway=with_gateway))
        sys.stdout.flush()

    return hear
