"""What serial sensors cost: CPU for one poll of ten Modbus registers, and for one line with one event, all the way.

Everything from the wake-up to the event in the outlet runs as in the daemon (``sensing/poller.py: Poller.step``). The
line is one of software that costs nothing, or a pseudo-terminal behind the door to serial ports; the other end of that
is written by the same thread, which is in the figure too. Prints the least of some series, in microseconds.

usage: python benchmarks/serial_lines.py [quick]
"""

from __future__ import annotations

import os
import pty
import sys
import time
import tty
from collections.abc import Callable
from pathlib import Path

from sensor_drivers.modbus import SPEC as MODBUS
from sensor_gateway.config.loading import load_text
from sensor_gateway.driver import crc16_modbus
from sensor_gateway.sensing.bus import SerialLine
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.sensing.serial_port import PortSettings, SerialPort
from sensor_gateway.service.logs import open_log
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.simulation.virtual_clock import VirtualClock

REGISTERS = "".join(
    f"      r{n}: {{register: {n}, function: input, type: s16, scale: 0.1, quantity: temperature, deadband: 0.1}}\n"
    for n in range(10)
)
TEN = f"  a:\n    driver: {MODBUS.name}\n    bus: wire\n    unit: 1\n    registers:\n{REGISTERS}"
LINE = (
    "  a: {driver: line, bus: wire, format: json, fields: {temperature: {quantity: temperature}},"
    " channels: {temperature: {deadband: 0}}}\n"
)


class Answering:
    """A line that costs nothing: what ``answer`` gives to a request is there at once."""

    name = "wire"

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._coming = b""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def wake(self) -> None: ...

    def write(self, data: bytes, timeout_s: float) -> None:  # noqa: ARG002 - the contract's
        self._coming = self._answer(data)

    def discard(self) -> int:
        return 0

    def read(self, timeout_s: float) -> bytes:  # noqa: ARG002 - the contract's
        if not self._coming:
            return self._answer(b"")
        came, self._coming = self._coming, b""
        return came


class Terminal(SerialPort):
    """A pseudo-terminal whose other end is answered within ``write``, or for a talker within ``read``."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._controller, terminal = pty.openpty()
        tty.setraw(terminal)
        super().__init__("wire", PortSettings(port=os.ttyname(terminal), baudrate=115200))
        self._answer = answer

    def write(self, data: bytes, timeout_s: float) -> None:
        super().write(data, timeout_s)
        os.write(self._controller, self._answer(os.read(self._controller, 4096)))

    def read(self, timeout_s: float) -> bytes:
        said = self._answer(b"")
        if said:
            os.write(self._controller, said)
        return super().read(timeout_s)


def poller_of(sensor: str, line: SerialLine, clock: VirtualClock, outlet: Outlet) -> Poller:
    text = f"buses: {{wire: {{type: serial, port: /dev/x}}}}\ndefaults: {{interval: 1s}}\nsensors:\n{sensor}"
    catalogue = DriverCatalogue()
    loaded = load_text(text, catalogue=catalogue, environ={}, needs_broker=False)
    assert loaded.configuration is not None, loaded.faults  # noqa: S101 - the text above is right
    plans = sensor_plans(loaded.configuration, catalogue)
    log = open_log(Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process
    return Poller(bus=line, sensors=plans, clock=clock, outlet=outlet, log=log, slack_s=0.05)


def least(series: int, turns: int, turn: Callable[[], None]) -> float:
    """Microseconds of CPU for one turn, in the quietest of some series."""
    found = []
    for _ in range(series):
        before = time.process_time()
        for _ in range(turns):
            turn()
        found.append((time.process_time() - before) / turns * 1e6)
    return min(found)


def polls(kind: Callable[[Callable[[bytes], bytes]], SerialLine], *, is_changing: bool, series: int) -> float:
    """One poll of ten registers; all of them change, or none."""
    count = 0

    def answer(request: bytes) -> bytes:
        nonlocal count
        if not request:
            return b""
        count += is_changing
        body = request[:2] + b"\x14" + b"".join((200 + (count + n) % 50 * 3).to_bytes(2, "big") for n in range(10))
        return body + crc16_modbus(body)

    clock = VirtualClock()
    outlet = Outlet(100_000, lambda: None)
    poller = poller_of(TEN, kind(answer), clock, outlet)

    def turn() -> None:
        clock.advance(1.0)
        poller.step()

    for _ in range(20):
        turn()
    cost = least(series, 100, turn)
    assert poller.counters.failures == 0  # noqa: S101 - else the figure is that of something else
    return cost


def lines(kind: Callable[[Callable[[bytes], bytes]], SerialLine], per_read: int, series: int) -> float:
    """One line with one event, ``per_read`` of them in a read."""
    count = 0

    def say(_request: bytes) -> bytes:
        nonlocal count
        count += per_read
        return b"".join(b'{"temperature": %d.%d}\r\n' % (15 + n % 7, n % 10) for n in range(count - per_read, count))

    clock = VirtualClock()
    outlet = Outlet(100_000, lambda: None)
    poller = poller_of(LINE, kind(say), clock, outlet)
    told = 0

    def turn() -> None:
        nonlocal told
        clock.advance(per_read / 2000)
        poller.step()
        told += len(outlet.take()[0])

    for _ in range(20):
        turn()
    cost = least(series, max(20, 200 // per_read), turn) / per_read
    assert count - told <= per_read, (count, told)  # noqa: S101 - one event for each line, and none lost
    return cost


def main() -> None:
    series = 5 if "quick" in sys.argv else 30
    for kind in (Answering, Terminal):
        where = "pseudo-terminal" if kind is Terminal else "line in software"
        for is_changing in (False, True):
            news = "all ten change" if is_changing else "nothing changes"
            cost = polls(kind, is_changing=is_changing, series=series)
            print(f"{where:17} Modbus, ten registers, {news:16} {cost:7.1f} us a poll")
        for per_read in (1, 10, 100):
            cost = lines(kind, per_read, series)
            print(f"{where:17} line with one event, {per_read:3} in a read   {cost:7.1f} us a line")


if __name__ == "__main__":
    main()
