"""``fleet``: how all gateways below the topic prefix are."""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import Subparsers, add_command, add_config, config_file, load_startable, say

if TYPE_CHECKING:
    from sensor_gateway.config.sections.broker import MqttSection
    from sensor_gateway.publishing.fleet.expected import Expected
    from sensor_gateway.publishing.fleet.gateway_line import GatewayLine
    from sensor_gateway.publishing.fleet.roll import Roll
    from sensor_gateway.publishing.subscriber import Subscriber

_ABOUT: Final = """\
One line for each gateway that has said anything below the configuration's topic prefix, the worst first: online or
offline and since when, version, sensors that are online, events that wait and events that are lost, its clock, how long
ago it said so, and what is wrong. It reads retained messages alone, so nothing is asked of the gateways.

  sensor-gateway fleet --config my.yaml
  sensor-gateway fleet --config my.yaml --json | jq -r 'select(.state == "offline").gateway'
  sensor-gateway fleet --config my.yaml --check --expect 40

A gateway of which the broker keeps no message is not shown: after a restart of a broker that keeps its messages in
memory (mosquitto without `persistence true`), one that does not come back is missing. --expect tells how many gateways
there are, or which ones (--expect barn,shed), and what is missing is bad.

With --check the exit code is 0 when all are well, 1 when one is degraded (a sensor is not online, events wait for long,
a clock is not set), 2 when one is bad (offline, unreadable, all its sensors offline, or events are lost or soon will
be), or none was heard of. Exit code 69 when the broker cannot be reached. A gateway that is no more is shown until its
retained topics are cleared.
"""

_QUIET_S: Final = 0.5
"""What is retained comes at once; where nothing has come for so long, that was all."""

_LONGEST_S: Final = 10.0


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "fleet", summary="one line for each gateway at the broker", about=_ABOUT)
    add_config(parser)
    parser.add_argument(
        "--expect", metavar="N|NAMES", help="how many gateways there are, or their names with commas between them"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="each gateway as one line of JSON")
    form.add_argument("--check", action="store_true", help="one line, and an exit code of 0, 1 or 2")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Listen for a moment, and print; the exit code."""
    from sensor_gateway.cli.fleet.page import json_object, table, verdict_line, verdict_of
    from sensor_gateway.publishing.subscriber import BrokerUnreachable
    from sensor_gateway.sensing.catalogue import DriverCatalogue

    expected, file = _expected(arguments), config_file(arguments)
    mqtt = load_startable(file, DriverCatalogue(), needs_broker=True, with_secrets=True).configuration.mqtt
    if mqtt is None:
        return os.EX_CONFIG
    try:
        heard = _heard(mqtt)
    except BrokerUnreachable as error:
        say(f"sensor-gateway: {error}")
        return os.EX_UNAVAILABLE
    lines, shortage = expected.completed(heard), expected.shortage(len(heard))
    if arguments.check:
        print(verdict_line(lines, shortage))
        return int(verdict_of(lines, shortage))
    if shortage:
        say(shortage)
    if arguments.json:
        sys.stdout.writelines(f"{json_object(line)}\n" for line in lines)
    elif lines:
        print(table(lines))
    else:
        say(f"no gateway has said anything below {mqtt.topic_prefix}/")
    return os.EX_OK


def _expected(arguments: argparse.Namespace) -> Expected:
    """What --expect names; wrong usage where it names nothing."""
    from sensor_gateway.publishing.fleet.expected import Expected, expected_of

    try:
        return Expected() if arguments.expect is None else expected_of(arguments.expect)
    except ValueError as error:
        arguments.refuse(f"argument --expect: {error}")
        raise


def _heard(mqtt: MqttSection) -> list[GatewayLine]:
    """A line for each gateway that the broker tells of. BrokerUnreachable."""
    from sensor_gateway.publishing.fleet.roll import Roll
    from sensor_gateway.publishing.subscriber import Subscriber
    from sensor_gateway.publishing.wire.dialing import dial
    from sensor_gateway.service.plans import broker_settings

    roll = Roll(mqtt.topic_prefix)
    subscriber = Subscriber(broker_settings(mqtt, client_id=""), roll.topics, roll.hear, dial=dial)
    try:
        subscriber.connect()
        _listen(subscriber, roll)
    finally:
        subscriber.close()
    return roll.lines(datetime.now(UTC))


def _listen(subscriber: Subscriber, roll: Roll) -> None:
    """Until it is quiet: gateways that go on talking do not keep us."""
    until_s = time.monotonic() + _LONGEST_S
    before = -1
    while roll.heard != before and time.monotonic() < until_s:
        before = roll.heard
        if not subscriber.listen(_QUIET_S):
            return
