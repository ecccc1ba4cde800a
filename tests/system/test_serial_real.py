"""The serial door, the exchanger and the modbus driver on real terminals: pymodbus as the slave, and nastier ones.

A pseudo-terminal is a real tty to pyserial and the kernel; what it has not is a speed, and modem lines.
"""

from __future__ import annotations

import asyncio
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from sensor_drivers.line import Line
from sensor_drivers.line_format import Field
from sensor_drivers.line_format import Options as LineOptions
from sensor_drivers.modbus import Modbus
from sensor_drivers.register_map import Options, Register
from sensor_gateway.driver import BadFrame, DeviceBusy, Exchange, NoAnswer, Rejected, Seconds, crc16_modbus
from sensor_gateway.model.errors import BusMissing, OperatorError
from sensor_gateway.sensing.bus import SerialLine
from sensor_gateway.sensing.exchange import Exchanger
from sensor_gateway.sensing.serial_port import PortSettings, SerialPort
from sensor_gateway.service.system_clock import SystemClock

pytestmark = [pytest.mark.system, pytest.mark.alone]  # an answer is late by tenths of a second

TIMEOUT_S = 0.4
TIOCGEXCL = 0x80045440


def with_crc(body: bytes) -> bytes:
    return body + crc16_modbus(body)


class Terminal:
    """A pseudo-terminal whose other end the test holds."""

    def __init__(self) -> None:
        self.controller, self._terminal = pty.openpty()
        self._open = [self.controller, self._terminal]
        tty.setraw(self._terminal)
        self.name = os.ttyname(self._terminal)

    def heard(self, count: int, timeout_s: float = 5.0) -> bytes:
        content = b""
        deadline_s = time.monotonic() + timeout_s
        while len(content) < count and select.select([self.controller], [], [], deadline_s - time.monotonic())[0]:
            content += os.read(self.controller, 4096)
        return content

    def say(self, content: bytes) -> None:
        os.write(self.controller, content)

    def unplug(self) -> None:
        """Also from another thread, and again: each end is closed once."""
        with suppress(IndexError):
            while True:
                os.close(self._open.pop(0))


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.unplug()


@pytest.fixture
def port(terminal: Terminal, tmp_path: Path) -> Iterator[SerialPort]:
    port = SerialPort("rs485", PortSettings(port=terminal.name, baudrate=115200), by_id=tmp_path)
    port.open()
    yield port
    port.close()


def after(seconds: float, action: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


# The port


def test_the_port_is_what_the_engine_asks_for(port: SerialPort) -> None:
    asked: SerialLine = port
    assert asked.name == "rs485"


def test_bytes_arrive_as_they_are_in_both_directions(terminal: Terminal, port: SerialPort) -> None:
    """No character is translated, echoed or taken for a control character."""
    every = bytes(range(256))
    port.write(every, 1.0)
    assert terminal.heard(256) == every
    terminal.say(every)
    came = b""
    while len(came) < 256:
        came += port.read(1.0)
    assert came == every


def test_a_port_that_was_unplugged_is_missing_at_once_and_closes(terminal: Terminal, port: SerialPort) -> None:
    after(0.1, terminal.unplug)
    began_s = time.monotonic()
    with pytest.raises(BusMissing, match="unplugged"):
        port.read(20.0)
    assert time.monotonic() - began_s < 5.0
    with pytest.raises(BusMissing, match="not open"):
        port.read(0.0)


@pytest.mark.parametrize("step", [lambda port: port.write(b"x", 0.5), lambda port: port.discard()])
def test_every_step_notices_an_unplugged_port(terminal: Terminal, port: SerialPort, step: Any) -> None:
    terminal.unplug()
    with pytest.raises(BusMissing):
        step(port)
    with pytest.raises(BusMissing, match="not open"):
        step(port)


def test_a_port_that_is_back_under_another_number_is_found_by_its_name(tmp_path: Path) -> None:
    first = Terminal()
    name = tmp_path / "usb-FTDI-if00"
    name.symlink_to(first.name)
    port = SerialPort("rs485", PortSettings(port=str(name)), by_id=tmp_path)
    port.open()
    first.unplug()
    with pytest.raises(BusMissing):
        port.read(5.0)
    name.unlink()
    with pytest.raises(BusMissing, match="no USB serial port"):
        port.open()
    second = Terminal()
    name.symlink_to(second.name)
    port.open()
    second.say(b"back")
    assert port.read(1.0).startswith(b"b")
    port.close()
    second.unplug()


def test_a_missing_port_lists_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "usb-Prolific-if00").touch()
    port = SerialPort("rs485", PortSettings(port=str(tmp_path / "usb-FTDI-if00")), by_id=tmp_path)
    with pytest.raises(BusMissing, match=r"there is no .*usb-FTDI-if00: plugged in are .*usb-Prolific-if00"):
        port.open()


def test_a_second_opener_is_refused_and_told_who_is_first(terminal: Terminal, port: SerialPort) -> None:
    second = SerialPort("other", PortSettings(port=terminal.name))
    with pytest.raises(OperatorError, match=r"is used by .*process"):
        second.open()
    port.close()
    second.open()
    second.close()


def test_other_programs_are_locked_out_while_it_is_open_and_only_then(terminal: Terminal, port: SerialPort) -> None:
    """TIOCEXCL keeps those out who do not ask for the lock (root excepted)."""

    def is_exclusive() -> bool:
        answer = ioctl(terminal._terminal, TIOCGEXCL, struct.pack("i", 0))
        return bool(struct.unpack("i", answer)[0])

    assert is_exclusive()
    port.close()
    assert not is_exclusive()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become somebody else")
def test_permission_names_the_group(terminal: Terminal) -> None:
    os.chmod(terminal.name, 0o600)  # noqa: PTH101 - a node, no path of ours
    program = (
        "import os\n"
        "from sensor_gateway.sensing.serial_port import PortSettings, SerialPort\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"try: SerialPort('x', PortSettings(port={terminal.name!r})).open()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout
    assert said.startswith("OperatorError")
    assert "usermod -aG dialout" in said


def test_what_is_no_terminal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperatorError, match="cannot be opened as a serial port"):
        SerialPort("x", PortSettings(port=str(tmp_path / "file"))).open()
    with pytest.raises(OperatorError, match="cannot be set up"):
        SerialPort("x", PortSettings(port="/dev/null", baudrate=-1)).open()


def test_settings_reach_the_terminal(terminal: Terminal) -> None:
    settings = PortSettings(port=terminal.name, baudrate=19200, parity="even", stopbits=2, bytesize=8)
    port = SerialPort("rs485", settings)
    port.open()
    flags, speed = termios.tcgetattr(terminal._terminal)[2], termios.tcgetattr(terminal._terminal)[4]
    port.close()
    assert speed == termios.B19200
    assert flags & termios.CSTOPB
    # The kernel refuses parity on a pseudo-terminal, so that it cannot be seen here; 7 bits it refuses as well.
    assert flags & termios.CSIZE == termios.CS8


def test_modem_lines_are_touched_only_where_they_are_configured(terminal: Terminal, port: SerialPort) -> None:
    """A pseudo-terminal has none: setting one fails, and the port that leaves them alone is open."""
    port.open()
    port.close()
    for settings in (PortSettings(port=terminal.name, rts=False), PortSettings(port=terminal.name, dtr=True)):
        with pytest.raises(OperatorError, match="cannot be opened as a serial port"):
            SerialPort("rs485", settings).open()
    port.open()


def test_a_peer_that_does_not_read_costs_the_deadline_and_no_more(terminal: Terminal, port: SerialPort) -> None:
    began_s = time.monotonic()
    with pytest.raises(NoAnswer, match="takes nothing"):
        port.write(bytes(200_000), 0.3)
    assert 0.25 < time.monotonic() - began_s < 3.0


def test_what_a_stuck_peer_did_not_take_is_not_sent_later(terminal: Terminal, port: SerialPort) -> None:
    with pytest.raises(NoAnswer):
        port.write(b"old" * 50_000, 0.2)
    while terminal.heard(1, 0.2):
        pass  # The other end had this already.
    port.write(b"new", 1.0)
    assert terminal.heard(3) == b"new"


def test_a_peer_that_reads_slowly_gets_everything(terminal: Terminal, port: SerialPort) -> None:
    """The control of the tests above."""
    content = bytes(range(256)) * 400
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(terminal.heard(len(content), 20.0)), daemon=True)
    after(0.1, reader.start)
    port.write(content, 15.0)
    reader.join(20.0)
    assert received == [content]


def test_wake_ends_a_read_and_a_write_that_wait(terminal: Terminal, port: SerialPort) -> None:
    after(0.1, port.wake)
    began_s = time.monotonic()
    assert port.read(30.0) == b""
    after(0.1, port.wake)
    with pytest.raises(NoAnswer, match="from outside"):
        port.write(bytes(200_000), 30.0)
    assert time.monotonic() - began_s < 5.0


def test_waking_a_closed_port_is_remembered(terminal: Terminal, port: SerialPort) -> None:
    port.close()
    port.wake()
    port.open()
    assert port.read(30.0) == b""
    terminal.say(b"x")
    assert port.read(5.0) == b"x"


def test_discarding_ends_though_the_device_never_stops(terminal: Terminal, port: SerialPort) -> None:
    stop = threading.Event()

    def talk() -> None:
        while not stop.is_set():
            terminal.say(b"u" * 512)

    talker = threading.Thread(target=talk, daemon=True)
    talker.start()
    began_s = time.monotonic()
    for _ in range(5):
        port.discard()
    assert time.monotonic() - began_s < 5.0
    stop.set()
    while talker.is_alive():
        port.discard()
        talker.join(0.01)


def test_hundreds_of_openings_leak_no_descriptor(terminal: Terminal) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    port = SerialPort("rs485", PortSettings(port=terminal.name))
    before = open_files()
    for _ in range(200):
        port.open()
        port.close()
    assert open_files() == before
    del port
    assert open_files() == before - 1


# pymodbus as the slave


class Slave:
    """pymodbus on one end of two terminals that are wired together, in a thread of its own."""

    def __init__(self) -> None:
        self.answers_with: Callable[[bytes], bytes] = lambda packet: packet
        self.near, self._far = Terminal(), Terminal()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._threads = [
            threading.Thread(target=self._wire, daemon=True),
            threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        assert self._ready.wait(20)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
        self.near.unplug()
        self._far.unplug()

    def _wire(self) -> None:
        ends = {self.near.controller: self._far.controller, self._far.controller: self.near.controller}
        while not self._stop.is_set():
            for end in select.select(list(ends), [], [], 0.05)[0]:
                os.write(ends[end], os.read(end, 4096))

    async def _serve(self) -> None:
        holding = [
            SimData(address=0, values=[0xFF33, 305], datatype=DataType.REGISTERS),
            SimData(address=2, values=[230.25], datatype=DataType.FLOAT32),
            SimData(address=10, values=[-100_000], datatype=DataType.INT32),
            SimData(address=100, count=130, values=7, datatype=DataType.REGISTERS),
        ]
        devices = [SimDevice(id=unit, simdata=holding) for unit in (1, 2)]
        server = ModbusSerialServer(
            devices,
            port=self._far.name,
            baudrate=115200,
            trace_packet=lambda is_sent, packet: self.answers_with(packet) if is_sent else packet,
        )
        await server.serve_forever(background=True)
        self._ready.set()
        await asyncio.to_thread(self._stop.wait)
        await server.shutdown()


@pytest.fixture
def slave() -> Iterator[Slave]:
    slave = Slave()
    yield slave
    slave.close()


@contextmanager
def opened(terminal: Terminal) -> Iterator[Exchanger]:
    port = SerialPort("rs485", PortSettings(port=terminal.name, baudrate=115200))
    port.open()
    yield Exchanger(port, SystemClock())
    port.close()


REGISTERS = {
    "frost": Register(register=0, type="s16", scale=0.1, quantity="temperature"),
    "hall": Register(register=1, type="s16", scale=0.1, quantity="temperature"),
    "mains": Register(register=2, type="f32", quantity="voltage"),
    "balance": Register(register=10, type="s32", scale=0.01, quantity="energy"),
}


def measured(exchanger: Exchanger, unit: int = 1, **registers: Register) -> dict[str, float]:
    """What the engine does, without its retries."""
    driver = Modbus(Options(registers=registers or REGISTERS, timeout=Seconds(TIMEOUT_S)), unit)
    steps = driver.measure()
    operation = next(steps)
    try:
        while isinstance(operation, Exchange):
            operation = steps.send(exchanger.exchange(operation, unit))
    except StopIteration as end:
        return dict(end.value)
    raise AssertionError(f"a Modbus driver only exchanges, got {operation}")


def test_pymodbus_is_read(slave: Slave) -> None:
    with opened(slave.near) as exchanger:
        for unit in (1, 2, 1):
            values = measured(exchanger, unit)
            assert values == pytest.approx({"frost": -20.5, "hall": 30.5, "mains": 230.25, "balance": -1000.0})
        assert exchanger.strays == 0


def test_pymodbus_gives_125_registers_at_once(slave: Slave) -> None:
    many = {f"r{n}": Register(register=100 + n, type="u16", quantity="other", unit="1") for n in range(130)}
    with opened(slave.near) as exchanger:
        assert set(measured(exchanger, **many).values()) == {7.0}


def test_pymodbus_refuses_a_register_that_it_has_not(slave: Slave) -> None:
    missing = Register(register=5000, type="u16", quantity="temperature")
    with opened(slave.near) as exchanger:
        with pytest.raises(Rejected, match="exception 2, illegal data address"):
            measured(exchanger, x=missing)
        assert measured(exchanger)["hall"] == pytest.approx(30.5)


def test_a_wrong_checksum_is_a_bad_frame_and_the_next_answer_is_good(slave: Slave) -> None:
    slave.answers_with = lambda packet: packet[:-1] + bytes((packet[-1] ^ 0x10,))
    with opened(slave.near) as exchanger:
        with pytest.raises(BadFrame):
            measured(exchanger)
        slave.answers_with = lambda packet: packet
        assert measured(exchanger)["hall"] == pytest.approx(30.5)


def test_a_unit_that_is_silent_costs_one_timeout_and_no_other_unit_waits(slave: Slave) -> None:
    slave.answers_with = lambda packet: b"" if packet[0] == 2 else packet
    with opened(slave.near) as exchanger:
        began_s = time.monotonic()
        with pytest.raises(NoAnswer):
            measured(exchanger, 2)
        assert time.monotonic() - began_s == pytest.approx(TIMEOUT_S, abs=0.3)
        asked_s = time.monotonic()
        assert measured(exchanger, 1)["hall"] == pytest.approx(30.5)
        assert time.monotonic() - asked_s < TIMEOUT_S


# Slaves that pymodbus would never be

TEMPERATURE = Register(register=1, function="input", type="s16", scale=0.1, quantity="temperature")
REQUEST = bytes.fromhex("01 04 00 01 00 01 60 0A")
ANSWER = bytes.fromhex("01 04 02 01 31 79 74")


@contextmanager
def behaving(terminal: Terminal, *scripts: list[tuple[float, bytes]]) -> Iterator[None]:
    """Answers request after request with pieces, each so many seconds after the one before."""

    def behave() -> None:
        for script in scripts:
            terminal.heard(len(REQUEST))
            for pause_s, piece in script:
                threading.Event().wait(pause_s)
                terminal.say(piece)

    thread = threading.Thread(target=behave, daemon=True)
    thread.start()
    yield
    thread.join(10)


NEAT = [(0.0, ANSWER)]


@pytest.mark.parametrize(
    "script",
    [
        NEAT,
        [(0.005, bytes((byte,))) for byte in ANSWER],
        [(0.0, b"\x00\xff\x01\x04" + ANSWER)],
        [(0.0, with_crc(b"\x02\x04\x02\x09\x99") + ANSWER)],
        [(0.0, with_crc(b"\x01\x03\x02\x09\x99") + ANSWER)],
        [(0.0, with_crc(b"\x01\x04\x04\x09\x99\x09\x99") + ANSWER)],
        [(0.0, ANSWER[:-1] + b"\x00" + ANSWER)],
        [(0.0, REQUEST + ANSWER)],
        [(0.0, ANSWER + ANSWER)],
    ],
    ids=["neat", "dribbled", "garbage", "unit", "function", "length", "crc", "echo", "glued"],
)
def test_the_answer_is_found_whatever_stands_around_it(terminal: Terminal, script: list[tuple[float, bytes]]) -> None:
    with behaving(terminal, script), opened(terminal) as exchanger:
        assert measured(exchanger, t=TEMPERATURE) == pytest.approx({"t": 30.5})


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([], NoAnswer),
        ([(0.0, ANSWER[:4])], NoAnswer),
        ([(0.0, REQUEST)], (NoAnswer, BadFrame)),
        ([(0.0, ANSWER[:-1] + b"\x00")], BadFrame),
        ([(0.0, with_crc(b"\x02\x04\x02\x09\x99"))], BadFrame),
        ([(0.0, with_crc(b"\x01\x03\x02\x09\x99"))], BadFrame),
        ([(0.0, with_crc(b"\x01\x04\x04\x09\x99\x09\x99"))], BadFrame),
        ([(0.0, with_crc(b"\x01\x84\x02"))], Rejected),
        ([(0.0, with_crc(b"\x01\x84\x06"))], DeviceBusy),
        ([(0.1, bytes((byte,))) for byte in ANSWER], NoAnswer),
    ],
    ids=["silence", "half", "echo", "crc", "unit", "function", "length", "refused", "busy", "dribbled"],
)
def test_what_is_no_answer_is_an_error_within_the_deadline(
    terminal: Terminal, script: list[tuple[float, bytes]], error: Any
) -> None:
    with behaving(terminal, script), opened(terminal) as exchanger:
        began_s = time.monotonic()
        with pytest.raises(error):
            measured(exchanger, t=TEMPERATURE)
        assert time.monotonic() - began_s < TIMEOUT_S + 0.3


def test_a_late_answer_is_not_taken_for_the_next_one(terminal: Terminal) -> None:
    late = with_crc(b"\x01\x04\x02\x00\x00")
    with behaving(terminal, [(TIMEOUT_S * 1.4, late)], NEAT), opened(terminal) as exchanger:
        with pytest.raises(NoAnswer):
            measured(exchanger, t=TEMPERATURE)
        assert measured(exchanger, t=TEMPERATURE) == pytest.approx({"t": 30.5})
        assert exchanger.strays == len(late)


def test_a_late_answer_does_not_disturb_another_unit(terminal: Terminal) -> None:
    late = with_crc(b"\x01\x04\x02\x00\x00")
    other = with_crc(b"\x02\x04\x02\x01\x31")
    scripts = ([(TIMEOUT_S * 1.2, late)], [(0.0, other)])
    with behaving(terminal, *scripts), opened(terminal) as exchanger:
        with pytest.raises(NoAnswer):
            measured(exchanger, 1, t=TEMPERATURE)
        assert measured(exchanger, 2, t=TEMPERATURE) == pytest.approx({"t": 30.5})


def test_an_adapter_that_echoes_is_no_trouble_where_it_is_configured(terminal: Terminal) -> None:
    options = Options(registers={"t": TEMPERATURE}, timeout=Seconds(TIMEOUT_S), echo=True)
    with behaving(terminal, [(0.0, REQUEST[:3]), (0.02, REQUEST[3:]), (0.02, ANSWER)]), opened(terminal) as exchanger:
        operation = next(Modbus(options, 1).measure())
        assert isinstance(operation, Exchange)
        assert exchanger.exchange(operation, 1) == ANSWER
        assert exchanger.strays == 0


def test_a_line_pulled_in_mid_answer_is_missing(terminal: Terminal) -> None:
    with opened(terminal) as exchanger:
        after(0.05, lambda: terminal.say(ANSWER[:3]))
        after(0.15, terminal.unplug)
        with pytest.raises(BusMissing):
            measured(exchanger, t=TEMPERATURE)


# A device that talks by itself


def test_lines_are_understood_as_they_come_through_a_terminal(terminal: Terminal, port: SerialPort) -> None:
    fields = {"temperature": Field(key="t", quantity="temperature")}
    stream = Line(LineOptions(format="json", fields=fields))
    terminal.say(b'er": 1}\r\nboot ok\r\n{"t": 21.5}\r\n{"t": 2')
    found: list[Any] = []
    while len(found) < 1:
        found += stream.feed(port.read(5.0))
    terminal.say(b'2.5}\r\n{"t": NaN}\r\n')
    while len(found) < 3:
        found += stream.feed(port.read(5.0))
    assert found[:2] == [{"temperature": 21.5}, {"temperature": 22.5}]
    assert isinstance(found[2], BadFrame)
