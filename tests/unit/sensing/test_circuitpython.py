"""Foreign classes block, sleep, probe and raise as they like. Each costs its own sensor, and nobody else."""

from __future__ import annotations

import importlib
import itertools
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sensor_gateway.config.loading import load_text
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.errors import (
    BadFrame,
    BusMissing,
    BusRefused,
    DeviceBusy,
    MeasurementError,
    Nack,
    NotReady,
)
from sensor_gateway.model.operations import Operation, Read, Wait, Write, WriteRead
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.sensing.circuitpython import worker
from sensor_gateway.sensing.circuitpython.driver import SPEC, CircuitPython, check
from sensor_gateway.sensing.circuitpython.importing import import_foreign
from sensor_gateway.sensing.circuitpython.look_alikes import ForeignI2c
from sensor_gateway.sensing.circuitpython.options import Options, Property, value_of
from sensor_gateway.sensing.driver_fault import DriverFault
from sensor_gateway.testing import check_driver
from sensor_gateway.testing.playback import Playback, Transfer, play

ADDRESS = 0x10
NUMBERS = itertools.count()

CHIP = """
import time

class Chip:
    def __init__(self, i2c, address=0x10):
        self.i2c, self.address = i2c, address

    def ask(self, count=1):
        answer = bytearray(count)
        self.i2c.writeto_then_readfrom(self.address, b"\\x00", answer)
        return answer
"""

Library = Callable[..., str]


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """Writes a module of a stranger, whose class Its is a Chip, and gives the class's path."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(body: str, head: str = "") -> str:
        name = f"stranger_{next(NUMBERS)}"
        text = f"{head}\n{CHIP}\nclass Its(Chip):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        return f"{name}.Its"

    return write


@pytest.fixture(autouse=True)
def _no_worker_stays() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if isinstance(thread, worker.Worker):
            thread.join(5)
            assert not thread.is_alive(), thread.name


def options(class_: str, *names: str, **others: Any) -> Options:
    properties = {name: Property(quantity="temperature") for name in names or ("temperature",)}
    return Options(class_=class_, properties=properties, **others)


def steps_of(driver: CircuitPython) -> Generator[Operation, bytes, Any]:
    yield from driver.identify()
    yield from driver.setup()
    return (yield from driver.measure())


def measured(class_: str, *transfers: Transfer, **others: Any) -> Any:
    """What the class measures, and how long it waits, where exactly these transfers are expected."""
    with Playback(transfers) as bus:
        return play(steps_of(CircuitPython(options(class_, **others), ADDRESS)), bus, address=ADDRESS)


def asked(answer: bytes | MeasurementError = b"\x15") -> Transfer:
    return Transfer(ADDRESS, b"\x00", answer)


PLAIN = """
@property
def temperature(self):
    return self.ask()[0]
"""


def test_a_property_becomes_a_channel(library: Library) -> None:
    assert measured(library(PLAIN), asked()).result == {"temperature": 21.0}


def test_what_a_class_sleeps_is_a_wait_during_which_the_bus_serves_others(library: Library, rig: Any) -> None:
    slow = options(
        library("""
        def temperature(self):
            self.ask()
            time.sleep(0.5)
            return self.ask()[0]
        """)
    )
    rig.add("slow", lambda *_: CircuitPython(slow, ADDRESS), address=ADDRESS)
    rig.add("quick", address=0x11, interval_s=0.1)
    rig.run(3.0)
    moments = rig.bus.moments(0x11, b"\x00")
    assert moments == pytest.approx([0.1 * place for place in range(31)])
    assert rig.bus.moments(ADDRESS, b"\x00") == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
    assert rig.news("slow") == [("first", 20.0, None)]
    rig.poller._roster.polled[0].close()


def test_a_driver_that_sleeps_itself_would_be_found_out(rig: Any, plain_driver: Any) -> None:
    """The control: what is read beside it comes late."""

    class Sleeping(plain_driver):  # type: ignore[misc]
        def measure(self) -> Any:
            rig.clock.advance(0.5)
            return (yield from super().measure())

    rig.add("slow", Sleeping, address=ADDRESS)
    rig.add("quick", address=0x11, interval_s=0.1)
    rig.run(3.0)
    assert len(rig.bus.moments(0x11, b"\x00")) < 25


STUCK = """
import threading
GATE = threading.Event()
COMPUTING = []
"""


def test_a_class_that_does_not_come_back_is_left_alone_until_it_does(
    library: Library, rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MOST_ROUNDS", 3)
    class_ = library(
        "def temperature(self):\n    COMPUTING.append(1)\n    GATE.wait()\n    return self.ask()[0]", STUCK
    )
    stuck = options(class_)
    foreign: Any = import_foreign(class_.partition(".")[0])
    rig.add("stuck", lambda *_: CircuitPython(stuck, ADDRESS), address=ADDRESS)
    rig.add("quick", address=0x11, interval_s=0.1)
    rig.run(20.0)
    assert len(foreign.COMPUTING) == 1, "no second worker beside one that has not ended"
    assert rig.health("stuck")[-1] == ("offline", "driver_error")
    assert len(rig.bus.moments(0x11, b"\x00")) == 201
    foreign.GATE.set()
    rig.run(80.0)
    assert rig.health("stuck")[-1] == ("online", None)


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_poll_that_is_ended_ends_its_worker(library: Library, step: int) -> None:
    class_ = library("def temperature(self):\n    while True:\n        self.ask(); time.sleep(1)")
    driver = CircuitPython(options(class_), ADDRESS)
    list(driver.setup())
    steps = driver.measure()
    for _ in range(step):
        steps.send(None if step == 1 or _ == 0 else b"\x00")  # type: ignore[arg-type]
    (at_work,) = [thread for thread in threading.enumerate() if isinstance(thread, worker.Worker)]
    steps.close()
    at_work.join(5)
    assert not at_work.is_alive()


CLINGING = """
import threading
GATE = threading.Event()
CAUGHT = []
"""


@pytest.mark.parametrize("most", [worker.MOST_DISMISSALS, 10**9])
def test_a_class_that_catches_even_its_end_comes_to_rest(
    library: Library, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """With the control: without a limit it keeps a core busy."""
    monkeypatch.setattr(worker, "MOST_DISMISSALS", most)
    class_ = library(
        """
        def temperature(self):
            while not GATE.is_set():
                try:
                    self.ask()
                except:
                    CAUGHT.append(1)
        """,
        CLINGING,
    )
    foreign: Any = import_foreign(class_.partition(".")[0])
    driver = CircuitPython(options(class_), ADDRESS)
    list(driver.setup())
    steps = driver.measure()
    next(steps)
    (at_work,) = [thread for thread in threading.enumerate() if isinstance(thread, worker.Worker)]
    steps.close()
    at_work.join(0.3)
    caught = len(foreign.CAUGHT)
    foreign.GATE.set()
    at_work.dismiss()
    assert (1 < caught < 100) == (most < 100), caught


def test_a_class_that_cleans_up_when_it_is_ended_does_end(library: Library) -> None:
    class_ = library("def temperature(self):\n    try:\n        self.ask()\n    finally:\n        self.ask()")
    driver = CircuitPython(options(class_), ADDRESS)
    list(driver.setup())
    steps = driver.measure()
    next(steps)
    steps.close()


def test_a_wire_that_fails_is_told_as_what_it_is_whatever_the_class_makes_of_it(library: Library) -> None:
    class_ = library(
        """
        def __init__(self, i2c, address):
            try:
                i2c.writeto(address, b"")
            except OSError as error:
                raise ValueError("No I2C device at address: 0x10")
        temperature = 1.0
        """
    )
    with pytest.raises(Nack, match="nobody"):
        measured(class_, Transfer(ADDRESS, b"", Nack("nobody acknowledges")))


PROBING = """
def __init__(self, i2c, address):
    super().__init__(i2c, address)
    i2c.writeto(address, b"")

def temperature(self):
    return self.ask()[0]
"""


def test_an_adapter_that_refuses_empty_writes_does_not_stand_in_the_way_of_a_probe(library: Library) -> None:
    refused = Transfer(ADDRESS, b"", BusRefused("the adapter cannot do this transaction"))
    assert measured(library(PROBING), refused, asked()).result == {"temperature": 21.0}


def test_what_an_adapter_refuses_beyond_a_probe_ends_the_errand(library: Library) -> None:
    with pytest.raises(BusRefused, match="kernel driver"):
        measured(
            library(PROBING), Transfer(ADDRESS, b"", BusRefused("x")), asked(BusRefused("a kernel driver owns it"))
        )


def test_a_class_may_try_again_by_itself(library: Library) -> None:
    class_ = library(
        """
        @property
        def temperature(self):
            while True:
                try:
                    return self.ask()[0]
                except OSError:
                    time.sleep(0.01)
        """
    )
    played = measured(class_, asked(Nack("busy")), asked(Nack("busy")), asked())
    assert (played.result, played.waits_s) == ({"temperature": 21.0}, (0.01, 0.01))


def test_a_bus_that_is_gone_ends_the_errand_at_once(library: Library) -> None:
    class_ = library("def temperature(self):\n    try:\n        self.ask()\n    except OSError:\n        return 20.0")
    with pytest.raises(BusMissing):
        measured(class_, asked(BusMissing("gone")))


@pytest.mark.parametrize(
    ("raised", "kind", "code"),
    [
        ('RuntimeError("CRC mismatch")', BadFrame, FailureCode.CRC),
        ('ValueError("bad checksum")', BadFrame, FailureCode.CRC),
        ('RuntimeError("Timed out waiting")', DeviceBusy, FailureCode.TIMEOUT),
        ('RuntimeError("Timeout.")', DeviceBusy, FailureCode.TIMEOUT),
        ("TimeoutError()", DeviceBusy, FailureCode.TIMEOUT),
        ('RuntimeError("Failed to find BMP280! Chip ID 0x60")', DriverFault, FailureCode.DRIVER_ERROR),
        ("SystemExit()", DriverFault, FailureCode.DRIVER_ERROR),
        ("KeyError(5)", DriverFault, FailureCode.DRIVER_ERROR),
    ],
)
def test_what_a_class_raises_becomes_an_error_of_ours(
    library: Library, raised: str, kind: type[MeasurementError], code: FailureCode
) -> None:
    class_ = library(f"def temperature(self):\n    self.ask()\n    raise {raised}")
    with pytest.raises(kind) as caught:
        measured(class_, asked())
    assert (type(caught.value), caught.value.code) == (kind, code)
    if isinstance(caught.value, DriverFault):
        assert "stranger_" in caught.value.trace


def test_a_class_for_another_address_is_told_the_one_to_write(library: Library) -> None:
    class_ = library("def temperature(self):\n    self.address = 0x29\n    return self.ask()[0]")
    with pytest.raises(DriverFault, match="asks for address 0x29, and this sensor's is 0x10"):
        measured(class_)


@pytest.mark.parametrize("given", ["nan", "inf", "1e308 * 10", "10**400"])
def test_a_value_that_is_no_finite_number_is_never_a_good_one(library: Library, rig: Any, given: str) -> None:
    wanted = options(library(f"def temperature(self):\n    from math import nan, inf\n    return {given}"))
    rig.add(driver=lambda *_: CircuitPython(wanted, ADDRESS), address=ADDRESS)
    rig.run(1.0)
    assert rig.health()[-1][1] == "range"


@pytest.mark.parametrize(
    ("raw", "wanted", "value"),
    [
        (5, {}, 5.0),
        (True, {}, 1.0),
        (5.5, {"scale": 10.0, "offset": -1.0}, 54.0),
        ((1, 2, 3), {"index": 3}, 3.0),
        ([1, 2, 3], {"index": 1}, 1.0),
        (None, {}, NotReady),
        ((None, 1), {"index": 1}, NotReady),
        ("5", {}, DriverFault),
        ((1, 2), {}, DriverFault),
        ((1, 2), {"index": 3}, DriverFault),
        (5, {"index": 1}, DriverFault),
    ],
)
def test_what_a_property_gives_is_worked_out(raw: object, wanted: dict[str, Any], value: Any) -> None:
    row = Property(quantity="temperature", **wanted)
    if isinstance(value, type):
        with pytest.raises(value):
            value_of(raw, row, "Chip.it")
    else:
        assert value_of(raw, row, "Chip.it") == value


def test_a_property_of_several_channels_is_read_once(library: Library) -> None:
    class_ = library("@property\ndef measurements(self):\n    return tuple(self.ask(2))")
    row = {"property": "measurements", "quantity": "temperature"}
    wanted = Options(class_=class_, properties={"a": Property(index=1, **row), "b": Property(index=2, **row)})  # type: ignore[arg-type]
    with Playback([asked(b"\x01\x02")]) as bus:
        played = play(steps_of(CircuitPython(wanted, ADDRESS)), bus, address=ADDRESS)
    assert played.result == {"a": 1.0, "b": 2.0}


def test_a_class_is_made_set_and_started_as_the_options_say(library: Library) -> None:
    class_ = library(
        """
        gain = 0
        def __init__(self, i2c, addr, *, offset, mode="slow"):
            super().__init__(i2c, addr)
            self.offset, self.mode, self.is_started, self.looks = offset, mode, False, 0
        def start(self):
            self.is_started = True
        def data_ready(self):
            self.looks += 1
            return self.looks > 3
        @property
        def temperature(self):
            return self.offset + self.gain if self.is_started and self.mode == "fast" else None
        """
    )
    found = measured(
        class_,
        arguments={"offset": 2, "mode": "fast"},
        settings={"gain": 3.5},
        calls=("start",),
        settle=0.2,
        ready="data_ready",
    )
    assert found.result == {"temperature": 5.5}
    assert found.waits_s == (0.2, 0.05, 0.05, 0.05)


def test_a_class_that_never_gets_ready_is_a_timeout(library: Library) -> None:
    class_ = library("def ready(self):\n    return False\ntemperature = 1.0")
    with pytest.raises(DeviceBusy, match="ready did not become true in 12 s"):
        measured(class_, ready="ready")


# Time.


def test_the_time_of_foreign_code_is_its_own_and_nobody_elses(library: Library) -> None:
    class_ = library(
        """
        def temperature(self):
            from time import sleep
            start = time.monotonic()
            sleep(20)
            return time.monotonic() - start
        """,
        "import json",
    )
    slept = vars(time)["sleep"]
    began_s = time.monotonic()
    assert measured(class_).result == {"temperature": 20.0}
    assert time.monotonic() - began_s < 10
    assert vars(time)["sleep"] is slept
    foreign: Any = sys.modules[class_.partition(".")[0]]
    assert foreign.time is not time
    assert foreign.time.strftime is time.strftime
    assert sys.modules["json"].__builtins__ is not foreign.__builtins__


def test_outside_of_a_worker_its_time_is_the_real_one(library: Library) -> None:
    foreign: Any = import_foreign(library("pass").partition(".")[0])
    assert foreign.time.monotonic() == pytest.approx(time.monotonic(), abs=5)
    foreign.time.sleep(0.0)


@pytest.mark.parametrize("clock", ["monotonic()", "monotonic_ns() / 1e9", "time()", "perf_counter()"])
def test_a_loop_that_watches_the_clock_ends_and_lets_others_have_the_bus(library: Library, clock: str) -> None:
    class_ = library(
        f"""
        def temperature(self):
            end = time.{clock} + 0.1
            while time.{clock} < end:
                pass
            return 1.0
        """
    )
    waits_s = measured(class_).waits_s
    assert sum(waits_s) == pytest.approx(0.1, abs=0.002)
    assert max(waits_s) == worker.TICK_S


def test_a_class_that_polls_without_a_pause_lets_others_have_the_bus(library: Library) -> None:
    class_ = library(
        """
        def temperature(self):
            end = time.monotonic() + 1
            while not self.ask()[0]:
                if time.monotonic() > end:
                    raise RuntimeError("timeout")
            return 1.0
        """
    )
    transfers = [asked(b"\x00")] * 99 + [asked(b"\x01")]
    waits_s = measured(class_, *transfers).waits_s
    assert len(waits_s) >= 100 - worker.MOST_IN_A_ROW
    with pytest.raises(DeviceBusy):
        measured(class_, *[asked(b"\x00")] * 1017)


def test_a_value_that_a_class_keeps_for_a_while_is_not_taken_for_a_new_one(library: Library) -> None:
    class_ = library(
        """
        value, read_at = None, -1000.0
        def temperature(self):
            if time.monotonic() - self.read_at > 5:
                self.value, self.read_at = self.ask()[0], time.monotonic()
            return self.value
        """
    )
    driver = CircuitPython(options(class_), ADDRESS)
    with Playback([asked(b"\x01"), asked(b"\x02")]) as bus:
        assert play(steps_of(driver), bus, address=ADDRESS).result == {"temperature": 1.0}
        assert play(driver.measure(), bus, address=ADDRESS).result == {"temperature": 2.0}


# Modules.


def test_the_firmwares_modules_are_there_for_foreign_code_alone(library: Library) -> None:
    head = """
    from __future__ import annotations
    import busio, board
    from micropython import const
    import circuitpython_typing.device_drivers
    from circuitpython_typing.device_drivers import I2CDeviceDriver
    from digitalio import DigitalInOut
    from typing import Optional, Union
    EIGHT = const(8)
    def typed(pins: Optional[DigitalInOut], bus: Union[busio.I2C, I2CDeviceDriver[int]]): ...
    """
    class_ = library(
        "def temperature(self):\n    return EIGHT * isinstance(self.i2c, busio.I2C)", textwrap.dedent(head)
    )
    assert measured(class_).result == {"temperature": 8.0}
    assert not {"busio", "micropython", "board", "digitalio", "circuitpython_typing"} & set(sys.modules)


def test_a_blinka_that_is_there_is_neither_used_nor_disturbed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ModuleType("busio")
    monkeypatch.setitem(sys.modules, "busio", real)
    class_ = library("def temperature(self):\n    import busio\n    return len(busio.I2C.__name__)")
    assert measured(class_).result == {"temperature": 10.0}
    assert sys.modules["busio"] is real
    assert not hasattr(real, "I2C")


def test_a_blinka_that_somebody_imports_is_itself(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "adafruit_blinka.py").write_text("import time", "utf-8")
    (tmp_path / "adafruit_something.py").write_text("import time", "utf-8")
    import_foreign(library("pass").partition(".")[0])
    for name in ("adafruit_blinka", "adafruit_something"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert importlib.import_module("adafruit_blinka").time is time
    assert importlib.import_module("adafruit_something").time is not time


def test_a_module_that_looks_for_what_there_is_not_is_told_so(library: Library) -> None:
    class_ = library("def temperature(self):\n    import busio\n    return float(hasattr(busio, '__nothing__'))")
    assert measured(class_).result == {"temperature": 0.0}


# The bus's look-alike.


def test_the_look_alike_of_a_bus_takes_parts_of_buffers(library: Library) -> None:
    class_ = library(
        """
        def temperature(self):
            from array import array
            buffer = bytearray(b"abcdef")
            with self.i2c as bus:
                assert bus.try_lock() and bus.scan() == [0x10]
                bus.writeto(0x10, buffer, start=1, end=3, stop=False)
                bus.readfrom_into(0x10, buffer, start=4)
                bus.writeto_then_readfrom(0x10, buffer, buffer, out_start=5, in_end=2)
                words = array("H", [0, 0])
                bus.readfrom_into(0x10, words)
                bus.unlock(), bus.deinit()
            assert buffer == bytearray(b"XYcdVW"), buffer
            return words[1]
        """
    )
    found = measured(
        class_,
        Transfer(ADDRESS, b"bc"),
        Transfer(ADDRESS, b"", b"VW"),
        Transfer(ADDRESS, b"W", b"XY"),
        Transfer(ADDRESS, b"", b"\x01\x00\x02\x00"),
    )
    assert found.result == {"temperature": 2.0}


def test_the_look_alike_of_a_bus_is_for_workers() -> None:
    with pytest.raises(RuntimeError, match="thread"):
        ForeignI2c(ADDRESS).writeto(ADDRESS, b"")


def test_the_operations_are_ours(library: Library) -> None:
    class_ = library(
        """
        def temperature(self):
            self.i2c.writeto(0x10, b"a"); self.i2c.readfrom_into(0x10, bytearray(2)); self.ask(); time.sleep(1)
            return 1
        """
    )
    driver = CircuitPython(options(class_), ADDRESS)
    list(driver.setup())
    steps = driver.measure()
    seen = [steps.send(None)]  # type: ignore[arg-type]
    seen += [steps.send(answer) for answer in (b"", b"12", b"3")]
    assert seen == [Write(b"a"), Read(2), WriteRead(b"\x00", 1), Wait(1.0)]
    steps.close()


# The configuration.


class Catalogue:
    def names(self) -> tuple[str, ...]:
        return ("circuitpython",)

    def spec(self, _name: str) -> DriverSpec:
        return SPEC


def faults(class_: str, *more: str) -> list[tuple[str, str]]:
    lines = [
        "sensors:",
        "  attic:",
        "    driver: circuitpython",
        "    bus: i2c1",
        "    address: 0x44",
        f"    class: {class_}",
        *(f"    {line}" for line in more or ("properties: {temperature: {quantity: temperature}}",)),
    ]
    loaded = load_text("\n".join(lines) + "\n", catalogue=Catalogue(), environ={}, needs_broker=False)
    assert all(fault.line > 1 for fault in loaded.faults)
    return [(fault.path.removeprefix("sensors.attic."), fault.message) for fault in loaded.faults]


def test_a_class_that_is_there_has_no_fault(library: Library) -> None:
    assert faults(library(PLAIN)) == []


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("adafruit_nosuch1", "adafruit_nosuch1 is not installed: `pip install adafruit-circuitpython-nosuch1`"),
        ("adafruit_nosuch1.basic", "adafruit_nosuch1 is not installed: `pip install adafruit-circuitpython-nosuch1`"),
        (
            "adafruit_no_such",
            "adafruit_no_such is not installed: look for its package at https://circuitpython.org/libraries",
        ),
        ("nosuch", "nosuch is not installed: look for its package at https://circuitpython.org/libraries"),
    ],
)
def test_a_library_that_is_not_installed_is_a_fault_that_says_what_to_install(module: str, sentence: str) -> None:
    assert faults(f"{module}.It") == [("class", sentence)]


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (
            "import adafruit_nosuch2",
            "needs adafruit_nosuch2, which is not installed: `pip install adafruit-circuitpython-nosuch2`",
        ),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("(", "cannot be imported: SyntaxError: "),
    ],
)
def test_a_library_that_cannot_be_imported_is_a_fault(library: Library, head: str, sentence: str) -> None:
    ((path, message),) = faults(library("pass", head))
    assert path == "class"
    assert sentence in message


def test_ctrl_c_during_an_import_is_no_fault_of_the_library(library: Library) -> None:
    with pytest.raises(KeyboardInterrupt):
        check(options(library("pass", "raise KeyboardInterrupt")))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["properties: {t: {property: temperatur, quantity: temperature}}"], "did you mean `temperature`?"),
        (["properties: {nothing: {quantity: temperature}}"], "it has ask, temperature"),
        (["properties: {temperature: {quantity: temperature}}", "calls: [begin]"], "Its has no begin"),
        (["properties: {temperature: {quantity: temperature}}", "ready: data_ready"], "Its has no data_ready"),
        (["properties: {temperature: {quantity: temperature}}", "arguments: {gain: 3}"], "unexpected keyword argument"),
        (["properties: {temperature: {quantity: temperature}}", "arguments: {gain: [3]}"], "expected"),
    ],
)
def test_what_a_class_does_not_have_is_a_fault_at_its_key(library: Library, more: list[str], expected: str) -> None:
    ((path, message),) = faults(library(PLAIN), *more)
    assert path.partition(".")[0] == more[-1].partition(":")[0]
    assert expected in message


def test_a_class_that_is_not_there_is_told_those_that_are(library: Library) -> None:
    module = library(PLAIN).partition(".")[0]
    assert faults(f"{module}.Chop") == [("class", f"{module} has no class Chop; did you mean `Chip`?")]
    assert faults(f"{module}.Quite_Another") == [("class", f"{module} has no class Quite_Another; it has Chip, Its")]


def test_a_class_that_answers_to_any_name_is_believed(library: Library) -> None:
    assert faults(library("def __getattr__(self, name):\n    return 1.0")) == []


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"class_": "SHT31D"}, "class"),
        ({"class_": "os.system('x')"}, "class"),
        ({"properties": {}}, "properties"),
        ({"properties": {"Ü": Property(quantity="temperature")}}, "properties"),
        ({"arguments": {"__class__": 1}}, "arguments"),
        ({"settings": {"_private": 1}}, "settings"),
        ({"calls": ("a b",)}, "calls"),
        ({"ready": "__del__"}, "ready"),
        ({"settle": 61.0}, "settle"),
    ],
)
def test_options_that_cannot_be_are_refused_by_their_key(wrong: dict[str, Any], key: str) -> None:
    right = {"class_": "adafruit_x.X", "properties": {"t": Property(quantity="temperature")}}
    with pytest.raises(ValueError, match=rf"^{key}\b"):
        Options(**{**right, **wrong})


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"property": "__class__"}, "property"),
        ({"property": "a.b"}, "property"),
        ({"index": 0}, "index"),
        ({"scale": 0.0}, "scale"),
        ({"offset": float("nan")}, "offset"),
        ({"low": 5.0, "high": 4.0}, "low"),
    ],
)
def test_properties_that_cannot_be_are_refused_by_their_key(wrong: dict[str, Any], key: str) -> None:
    with pytest.raises(ValueError, match=rf"^{key}\b"):
        Property(quantity="temperature", **wrong)


def test_it_keeps_to_the_contract_of_drivers(library: Library) -> None:
    class_ = library("@property\ndef temperature(self):\n    time.sleep(0.01)\n    return self.ask()[0] / 8")
    check_driver(SPEC)
    check_driver(SPEC, options=options(class_))
    assert check(options(class_)) == ()
