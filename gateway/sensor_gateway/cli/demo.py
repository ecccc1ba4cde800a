"""``demo``: see it work, an outage included."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sensor_gateway.cli.arguments import EX_FAILED, Subparsers, add_command, program, say

if TYPE_CHECKING:
    from sensor_gateway.service.demonstration.play import Result

_ABOUT = """\
Runs the whole gateway for about half a minute: simulated chips on an I2C bus and on a serial line through the real
drivers, a broker of its own on a loopback port (mosquitto where it is installed), and a subscriber that prints the
events as they arrive. After ten seconds the broker goes away for ten; then it comes back, and what was measured
meanwhile arrives. Exit code 0 only if nothing was lost, 69 where no broker can be started.

  sensor-gateway demo
"""

_OPENING = """\
Five sensors in software, read by the real drivers: attic (BME280), cellar (SHT40), fridge (TMP102) and window (BH1750)
on an I2C bus, boiler (Modbus) on an RS-485 line. It takes about half a minute; Ctrl-C ends it.
Each line is an event as a subscriber gets it: when it was measured, where, what, and why it was sent."""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers,
        "demo",
        summary="watch it work for half a minute, an outage included; needs no hardware",
        about=_ABOUT,
    )
    parser.add_argument("--quiet", action="store_true", help="do not print each event")
    parser.add_argument(
        "--embedded-broker",
        action="store_true",
        help="use the broker in Python (sensor-gateway[demo]) even where mosquitto is installed",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play the demonstration; the exit code."""
    import tempfile
    from pathlib import Path

    from sensor_gateway.cli.event_line import event_line
    from sensor_gateway.model.errors import OperatorError
    from sensor_gateway.service.demonstration.local_broker import LocalBroker
    from sensor_gateway.service.demonstration.play import Demonstration
    from sensor_gateway.service.logs import open_log
    from sensor_gateway.service.system_clock import SystemClock

    def show_event(event: dict[str, Any]) -> None:
        if not arguments.quiet and event.get("type") != "epoch":  # which says that counting begins: not measured
            _show(event_line(event))

    _show(_OPENING)
    log = open_log(sys.stdout, level="warning", is_readable=True)
    with _ended_in_good_order(), tempfile.TemporaryDirectory(prefix="sensor-gateway-demo-") as directory:
        try:
            broker = LocalBroker(Path(directory), is_embedded=arguments.embedded_broker)
            demonstration = Demonstration(
                Path(directory), broker, clock=SystemClock(), log=log, show=_show, show_event=show_event
            )
            result = demonstration.play()
        except (OperatorError, TimeoutError) as error:
            say(f"sensor-gateway: {error}")
            return os.EX_UNAVAILABLE
    return _verdict(result)


def _show(line: str) -> None:
    print(line, flush=True)


def _verdict(result: Result) -> int:
    _show("")
    _show(f"events measured    {result.measured:6}")
    _show(f"events delivered   {result.delivered:6}")
    _show(f"duplicates         {result.duplicates:6}   (each with the id of its original)")
    _show(f"lost               {result.lost:6}")
    if result.failure:
        _show(f"FAILED: {result.failure}")
        return EX_FAILED
    _show(f"{result.waited} events waited for the broker; {result.drain_s:.1f} s after its return all had arrived.")
    _show(f"Next, a configuration of your own: {program()} simulate --help")
    return os.EX_OK


@contextmanager
def _ended_in_good_order() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: no broker is left behind."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
