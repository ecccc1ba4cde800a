"""A recording is played as it was, through drivers that may have changed since; and it becomes a vector."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sensor_gateway.cli.main import main
from sensor_gateway.model.driver_spec import DriverSpec, NoOptions, Vector
from sensor_gateway.model.errors import BusMissing, Nack, OperatorError
from sensor_gateway.model.operations import WriteRead
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.exchange import Exchanger
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.simulation.virtual_clock import VirtualClock
from sensor_gateway.testing import Playback, Replayed, Transfer, replay_recording
from sensor_gateway.testing.played_doors import PlayedBus, PlayedLine, RecordedTime
from sensor_gateway.testing.recording_file import (
    Came,
    Discarded,
    NotARecording,
    Opened,
    RecordingFile,
    Sent,
    Transferred,
    read_recording,
)
from sensor_gateway.testing.replaying import Unreadable
from sensor_gateway.testing.tapping import TappedBus, TappedLine
from sensor_gateway.testing.vector_finding import vector_of, vector_source
from sensor_gateway.testing.watching import Measurement

BENCH = """\
buses: {bench: {type: simulated, kind: i2c, scenario: faults.yaml}, line: {type: simulated, kind: serial},
        rs485: {type: simulated, kind: serial}}
defaults: {interval: 2s}
sensors:
  attic: {driver: bme280, bus: bench, filter: 4}
  cellar: {driver: sht40, bus: bench}
  fridge: {driver: tmp102, bus: bench, range: extended}
  window: {driver: bh1750, bus: bench}
  lamp: {driver: line, bus: line, format: csv, fields: {t: {index: 1, quantity: temperature}}}
  boiler: {driver: modbus, bus: rs485, unit: 3,
           registers: {temperature: {register: 1, type: s16, scale: 0.1, quantity: temperature}}}
"""
FAULTS = """\
faults:
  - {sensor: cellar, kind: nack, from: 5s, for: 3s}
  - {sensor: attic, kind: stuck, from: 11s, for: 1s}
"""
I2C = ("attic", "cellar", "fridge", "window")


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Records a sensor or a bus of the bench for 20 s, in virtual time."""

    def record(name: str, faults: str = "faults: []") -> Path:
        (tmp_path / "my.yaml").write_text(BENCH)
        (tmp_path / "faults.yaml").write_text(faults)
        file = tmp_path / f"{name}.jsonl"
        main(["record", name, str(file), "--config", str(tmp_path / "my.yaml"), "--for", "20s"])
        return file

    return record


def values(result: Replayed, sensor: str) -> list[Any]:
    return [one.values for one in result.measurements if one.plan.name == sensor and one.values is not None]


@pytest.mark.parametrize("name", ["bench", "line", "rs485", *I2C])
def test_a_recording_plays_without_a_difference(recorded: Callable[..., Path], name: str) -> None:
    result = replay_recording(recorded(name))
    assert result.differences == ()
    assert result.events
    for sensor in {one.plan.name for one in result.measurements}:
        assert len(values(result, sensor)) >= 9
    assert not [one for one in result.measurements if one.error is not None]


def test_what_failed_then_fails_again_and_with_the_same_words(recorded: Callable[..., Path]) -> None:
    result = replay_recording(recorded("bench", FAULTS))
    assert result.differences == ()
    failed = {str(one.error) for one in result.measurements if one.error is not None and one.plan.name == "cellar"}
    assert failed == {"nobody acknowledges address 0x44 on bench"}
    bad = [event for event in result.events if event.value is None]
    assert {(event.source.sensor, str(event.code)) for event in bad} >= {("cellar", "nack")}
    assert any(str(event.reason) == "recovery" for event in result.events if event.source.sensor == "cellar")


def test_a_replay_is_the_same_each_time(recorded: Callable[..., Path]) -> None:
    file = recorded("bench", FAULTS)
    first, second = replay_recording(file), replay_recording(file)
    assert first.events == second.events
    assert [one.values for one in first.measurements] == [one.values for one in second.measurements]


def test_events_carry_the_times_of_the_recording(recorded: Callable[..., Path]) -> None:
    file = recorded("cellar")
    header = json.loads(file.read_text().splitlines()[0])
    first = replay_recording(file).events[0]
    assert 0 <= first.stamp.wall_ms - header["wall_ms"] < 100


def changed(spec: DriverSpec, change: Callable[[Any], Any]) -> DriverSpec:
    """A driver whose ``measure`` was changed since the recording."""

    def create(variant: str, options: Any, address: int) -> Any:
        driver: Any = spec.create(variant, options, address)
        measure = driver.measure
        driver.measure = lambda: change(measure())
        return driver

    return replace(spec, create=create)


def test_a_driver_that_asks_for_more_is_told_and_goes_on(recorded: Callable[..., Path]) -> None:
    def asks_more(measuring: Any) -> Any:
        try:
            yield WriteRead(b"\x99", 1)
        except Nack:
            pass
        except Exception:  # noqa: BLE001, S110 - what a careless driver does
            pass
        return (yield from measuring)

    spec = changed(DriverCatalogue().spec("bh1750"), asks_more)
    result = replay_recording(recorded("window"), spec)
    assert len(values(result, "window")) >= 9
    assert "the driver asks to write 99, read 1 (address 0x23), and recorded is: write" in str(result.differences[0])


def test_a_driver_that_asks_for_less_passes_over_what_it_does_not_want(recorded: Callable[..., Path]) -> None:
    file = recorded("window")
    lines = file.read_text().splitlines()
    place = next(place for place, line in enumerate(lines) if '"read"' in line)
    extra = json.loads(lines[place]) | {"write": "77"}
    file.write_text("\n".join([*lines[:place], json.dumps(extra), *lines[place:]]))
    result = replay_recording(file)
    assert "(1 transfers passed over)" in str(result.differences[0])
    assert len(values(result, "window")) >= 9


def test_a_request_that_was_never_sent_is_a_difference(recorded: Callable[..., Path]) -> None:
    file = recorded("rs485")
    file.write_text(file.read_text().replace('"send": "03', '"send": "04'))
    result = replay_recording(file)
    assert "the driver asks to send 03" in str(result.differences[0])
    assert values(result, "boiler") == []


def test_a_recording_that_was_cut_off_anywhere_is_one(recorded: Callable[..., Path]) -> None:
    file = recorded("bench")
    text = file.read_text()
    for length in range(len(text) - 3000, len(text), 211):
        file.write_text(text[:length])
        result = replay_recording(file)
        assert result.differences == ()
        assert not [event for event in result.events if event.value is None], length


def test_a_driver_that_is_not_there_is_told_with_the_recording_as_its_place(recorded: Callable[..., Path]) -> None:
    with pytest.raises(Unreadable, match=r"the recording:.*unknown driver `sht40`"):
        replay_recording(recorded("cellar"), DriverCatalogue().spec("bh1750"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("hello\n", "has no sensor_gateway_recording"),
        ("[1]\n", "has no sensor_gateway_recording"),
        ('{"sensor_gateway_recording": 2}\n', "version 2; this release reads version 1"),
        ('{"sensor_gateway_recording": 1}\n', "is no header"),
    ],
)
def test_another_file_is_no_recording(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(text)
    with pytest.raises(NotARecording, match=why):
        read_recording(file)


def test_a_damaged_line_in_the_middle_is_named(recorded: Callable[..., Path]) -> None:
    file = recorded("cellar")
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:5], "{}", *lines[6:]]))
    with pytest.raises(NotARecording, match=":6 is no step of a recording"):
        read_recording(file)


def test_the_file_says_what_was_asked_by_whom_and_holds_no_other_sensor(recorded: Callable[..., Path]) -> None:
    header = read_recording(recorded("cellar")).header
    assert header.bus == "bench"
    assert header.drivers == {"sht40": DriverCatalogue().origin("sht40")}
    assert "cellar:" in header.configuration
    assert "attic" not in header.configuration


# The taps.


def test_a_tap_changes_nothing_and_tells_everything() -> None:
    heard: list[Any] = []
    transfers = [Transfer(0x44, b"\x89", b""), Transfer(0x44, b"", b"\x01\x02"), Transfer(0x44, b"", Nack("busy"))]
    tap = TappedBus(Playback(transfers), VirtualClock(), heard.append)
    tap.open()
    assert tap.transfer(0x44, b"\x89", 0) == b""
    assert tap.transfer(0x44, b"", 2) == b"\x01\x02"
    with pytest.raises(Nack, match="busy"):
        tap.transfer(0x44, b"", 2)
    assert [type(step) for step in heard] == [Opened, Transferred, Transferred, Transferred]
    assert [str(step.transfer) for step in heard[1:]] == [str(transfer) for transfer in transfers]
    assert isinstance(heard[-1].transfer.answer, Nack)


def test_a_bus_that_cannot_be_opened_is_told_too() -> None:
    class Absent(Playback):
        def open(self) -> None:
            raise BusMissing("there is no /dev/i2c-7")

    heard: list[Any] = []
    with pytest.raises(BusMissing):
        TappedBus(Absent([]), VirtualClock(), heard.append).open()
    assert "no /dev/i2c-7" in str(heard[0].error)


class Line:
    """A line that plays a list: bytes, or an error."""

    name = "line"

    def __init__(self, *coming: bytes | Exception) -> None:
        self.coming = list(coming)

    def open(self) -> None: ...
    def close(self) -> None: ...
    def wake(self) -> None: ...

    def write(self, data: bytes, timeout_s: float) -> None: ...

    def read(self, timeout_s: float) -> bytes:
        came = self.coming.pop(0) if self.coming else b""
        if isinstance(came, Exception):
            raise came
        return came

    def discard(self) -> int:
        return 3


def test_a_tap_in_a_line_tells_what_came_went_and_was_dropped() -> None:
    heard: list[Any] = []
    tap = TappedLine(Line(b"\x01\x03", b"", BusMissing("unplugged")), VirtualClock(), heard.append)
    assert tap.discard() == 3
    tap.write(b"\x01", 1.0)
    assert tap.read(1.0) == b"\x01\x03"
    assert tap.read(1.0) == b""
    with pytest.raises(BusMissing):
        tap.read(1.0)
    assert [type(step) for step in heard] == [Discarded, Sent, Came, Came]


def recording(header: Any, *steps: Any, end_s: float = 100.0) -> RecordingFile:
    return RecordingFile(header=header, steps=steps, end_s=end_s)


@pytest.fixture
def header(recorded: Callable[..., Path]) -> Any:
    return read_recording(recorded("rs485")).header


def test_openings_go_as_they_went(header: Any) -> None:
    time = RecordedTime(header)
    steps = (Opened(at_s=0.0, error=OperatorError("held")), Opened(at_s=5.0, error=None))
    bus = PlayedBus(recording(header, *steps), time, grace_s=1.0)
    with pytest.raises(OperatorError, match="held"):
        bus.open()
    bus.open()
    assert time.passed_s == 5.0
    bus.open()


def test_a_late_answer_of_a_recording_is_never_taken_for_a_current_one(header: Any) -> None:
    """The time limits of the exchanges run by the times of the recording."""
    steps = (
        Sent(at_s=1.0, data=b"\x01", error=None),
        Came(at_s=1.7, data=b"late"),
        Sent(at_s=3.0, data=b"\x01", error=None),
        Came(at_s=3.1, data=b"ok"),
    )
    time = RecordedTime(header)
    exchanger = Exchanger(PlayedLine(recording(header, *steps), time, grace_s=0.0), time)
    ask = SimpleNamespace(request=b"\x01", timeout_s=0.5, frame=lambda data: (len(data), data or None))
    with pytest.raises(Exception, match="no answer came"):
        exchanger.exchange(ask, 1)  # type: ignore[arg-type]
    assert exchanger.exchange(ask, 1) == b"ok"  # type: ignore[arg-type]
    assert exchanger.strays == 4


# Vectors.


@pytest.mark.parametrize("name", ["attic", "cellar", "fridge", "window", "line", "rs485"])
def test_a_recording_becomes_a_vector_that_its_driver_accepts(recorded: Callable[..., Path], name: str) -> None:
    result = replay_recording(recorded(name))
    register = {"register": 1, "type": "s16", "scale": 0.1, "quantity": "temperature"}
    written = {
        "attic": {"filter": 4},
        "fridge": {"range": "extended"},
        "line": {"format": "csv", "fields": {"t": {"index": 1, "quantity": "temperature"}}},
        "rs485": {"registers": {"temperature": register}},
    }
    for measurement in result.measurements:
        vector = vector_of(measurement, source="a test", written=written.get(name, {}))
        assert vector is not None
        assert measurement.plan.spec.replay(vector) == pytest.approx(measurement.values)
        pasted: tuple[Vector, ...] = eval("(" + "\n".join(vector_source(vector)) + ")", {"Vector": Vector})  # noqa: S307
        assert pasted == (vector,)


def test_options_that_have_their_defaults_are_left_out(recorded: Callable[..., Path]) -> None:
    (measurement, *_) = replay_recording(recorded("attic")).measurements
    vector = vector_of(measurement, source="x", written={"filter": 4, "humidity_oversampling": 1})
    assert vector is not None
    assert vector.options == {"filter": 4}


def test_status_polls_between_the_frames_are_no_frames(recorded: Callable[..., Path]) -> None:
    (measurement, *_) = replay_recording(recorded("attic")).measurements
    assert any(len(read) == 1 for read in measurement.reads)
    vector = vector_of(measurement, source="x", written={})
    assert vector is not None
    assert [len(frame) for frame in vector.frames] == [26, 7, 8]


def test_where_no_frames_give_the_values_there_is_no_vector(recorded: Callable[..., Path]) -> None:
    """The control: a value that was not made of these bytes alone is not passed off as one."""
    (measurement, *_) = replay_recording(recorded("cellar")).measurements
    assert measurement.values is not None
    averaged = {name: value + 0.01 for name, value in measurement.values.items()}
    assert vector_of(replace(measurement, values=averaged), source="x", written={}) is None
    assert vector_of(replace(measurement, values=None), source="x", written={}) is None


def test_a_frame_without_line_ends_is_found_in_what_a_stream_sent() -> None:
    lines = DriverCatalogue().spec("line")
    frame = b"\x42\x4d\x00\x17"

    def replay(vector: Vector) -> dict[str, float]:
        (only,) = vector.frames
        if only[:2] != b"\x42\x4d" or len(only) != 4:
            raise ValueError("no frame")
        return {"t": float(only[3])}

    spec = replace(
        lines,
        replay=replay,
        vectors=(Vector(variant="line", frames=(frame,), values={"t": 23.0}, source="x"),),
        channels_of=lambda _options: (),
    )
    plan = plan_alone("pm", spec, "line", NoOptions(), 0)
    measurement = Measurement(
        plan=plan, passed_s=0.0, part="", values={"t": 23.0}, error=None, reads=(b"\x00\x01" + frame,)
    )
    vector = vector_of(measurement, source="x", written={})
    assert vector is not None
    assert vector.frames == (frame,)
