from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.errors import BadFrame, BusMissing


class Lines:
    """``21.5`` or ``21.5,60``, and a newline."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[Any]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            try:
                numbers = [float(number) for number in line.split(b",")]
            except ValueError:
                yield BadFrame("no number", got=line)
            else:
                yield dict(zip(("temperature", "humidity"), numbers, strict=False))

    def reset(self) -> None:
        self.rest = b""


def talking(rig: Any, *, until_s: float, every_s: float = 1.0, text: bytes = b"20\n") -> Any:
    line = rig.on_a_line()
    for number in range(1, round(until_s / every_s) + 1):
        line.say(number * every_s, text)
    return line


def test_each_measurement_is_taken_when_it_comes(rig: Any) -> None:
    line = rig.on_a_line()
    for second in range(1, 6):
        line.say(second + 0.25, b"%d\n" % (20 + second))
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(5.5)
    assert rig.news() == [("first", 21.0, None), *[("change", 20.0 + n, None) for n in (2, 3, 4, 5)]]
    assert [event.stamp.uptime_ms for event in rig.events] == [5_000_250 + 1000 * n for n in range(1, 6)]


def test_many_measurements_of_one_read_are_all_taken(rig: Any) -> None:
    line = rig.on_a_line()
    line.say(1.0, b"".join(b"%d\n" % n for n in range(100)))
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(1.5)
    assert len(rig.events) == 100
    assert rig.wakes == 2


def test_one_measurement_updates_several_channels_with_one_stamp(rig: Any, channels: Any) -> None:
    talking(rig, until_s=1, text=b"20,55\n")
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM, channels=channels)
    rig.run(1.5)
    first, second = rig.events
    assert (first.value, second.value) == (20.0, 55.0)
    assert first.stamp is second.stamp


def test_silence_for_three_intervals_is_a_failure_and_for_six_the_sensor_is_offline(rig: Any) -> None:
    talking(rig, until_s=5)
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(30)
    assert rig.news() == [("first", 20.0, None), ("fault", None, "timeout")]
    assert rig.events[-1].stamp.uptime_ms == 5_008_000
    states = [(state.state.value, state.since.uptime_ms - 5_000_000) for state in rig.states]
    assert states == [("starting", 0), ("online", 1000), ("degraded", 8000), ("offline", 11000)]


def test_a_silent_stream_repeats_its_fault_at_each_heartbeat(rig: Any) -> None:
    talking(rig, until_s=5)
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM, heartbeat_ms=10_000)
    rig.run(60)
    assert [reason for reason, _, _ in rig.news()] == ["first", "fault"] + ["heartbeat"] * 5


def test_a_stream_that_speaks_again_recovers(rig: Any) -> None:
    line = talking(rig, until_s=5)
    line.say(30.0, b"20\n")
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(31)
    assert rig.news()[-1] == ("recovery", 20.0, None)
    assert rig.health()[-1] == ("online", None)


def test_a_damaged_frame_among_good_ones_is_counted_and_no_failure(rig: Any) -> None:
    line = talking(rig, until_s=10)
    line.say(4.5, b"2#\n")
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(10.5)
    assert rig.news() == [("first", 20.0, None)]
    assert rig.poller.counters.damaged == 1


def test_nothing_but_garbage_asks_for_the_baud_rate(rig: Any) -> None:
    talking(rig, until_s=20, text=b"\xff\xfe\n")
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(10)
    assert rig.news() == [("fault", None, "crc")]
    assert "baud rate" in rig.states[-1].reason


def test_a_channel_that_stays_away_alone_fails_alone(rig: Any, channels: Any) -> None:
    line = talking(rig, until_s=20, text=b"20\n")
    line.say(0.5, b"20,50\n")
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM, channels=channels)
    rig.run(20)
    told = [(event.source.channel.name, event.code and event.code.value) for event in rig.events]
    assert told == [("temperature", None), ("humidity", None), ("humidity", "timeout")]
    assert rig.health()[-1] == ("degraded", "timeout")


def test_a_channel_that_does_not_come_back_with_the_others_keeps_the_sensor_degraded(rig: Any, channels: Any) -> None:
    """After a silence of all, one channel alone came back, and the sensor was said to be online for ever."""
    line = rig.on_a_line()
    line.say(0.5, b"20,50\n")
    for second in range(20, 60):
        line.say(second, b"20\n")
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM, channels=channels)
    rig.run(60)
    assert rig.health()[-1] == ("degraded", "timeout")
    assert "no humidity came" in rig.states[-1].reason


def test_a_channel_that_does_not_come_back_after_a_driver_error_keeps_the_sensor_degraded(
    rig: Any, channels: Any
) -> None:
    class Stumbling(Lines):
        def feed(self, data: bytes) -> Iterator[Any]:
            if data == b"stumble":
                raise ValueError("once")
            yield from super().feed(data)

    line = talking(rig, until_s=60)
    line.say(0.5, b"20,50\n")
    line.say(10.5, b"stumble")
    rig.add(driver=Stumbling, kind=BusKind.SERIAL_STREAM, channels=channels)
    rig.run(60)
    assert rig.health()[-1] == ("degraded", "timeout")


def test_an_unplugged_line_is_opened_again_and_half_a_frame_forgotten(rig: Any) -> None:
    line = talking(rig, until_s=100)
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM)
    line.say(3.5, b"99")
    rig.run(3.7)
    line.trouble = line.open_trouble = BusMissing("the adapter was unplugged")
    rig.run(10)
    assert rig.news() == [("first", 20.0, None), ("fault", None, "missing")]
    assert not line.is_open
    line.trouble = line.open_trouble = None
    line.coming = [said for said in line.coming if said[0] > 15]
    rig.run(30)
    assert rig.news()[-1] == ("recovery", 20.0, None)


def test_several_sensors_listen_on_one_line(rig: Any) -> None:
    talking(rig, until_s=3)
    rig.add("a", Lines, kind=BusKind.SERIAL_STREAM)
    rig.add("b", Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(3.5)
    assert rig.news("a") == rig.news("b") == [("first", 20.0, None)]


class RogueTalker(Lines):
    def __init__(self, deed: str) -> None:
        super().__init__()
        self.deed = deed

    def feed(self, data: bytes) -> Iterator[Any]:
        if self.deed == "raises":
            raise SystemExit(1)
        while self.deed == "never ends":
            yield {"temperature": 20.0}
        yield {"unknown": {"mood": 1.0}, "text": "warm", "true": {"temperature": True}, "none": None}[self.deed]

    def reset(self) -> None:
        raise ValueError("no")


@pytest.mark.parametrize("deed", ["raises", "never ends", "unknown", "text", "true", "none"])
def test_a_rogue_talker_costs_only_itself(rig: Any, deed: str) -> None:
    talking(rig, until_s=60)
    rig.add("rogue", lambda *_: RogueTalker(deed), kind=BusKind.SERIAL_STREAM)
    rig.add("good", Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(60)
    assert rig.news("rogue")[-1][2] == "driver_error"
    assert rig.news("good") == [("first", 20.0, None)]
    assert len(rig.log.facts("driver_failed")) == 1


def test_a_talker_that_yields_an_error_of_its_own_is_a_driver_error(rig: Any) -> None:
    class Yielding(Lines):
        def feed(self, data: bytes) -> Iterator[Any]:
            yield KeyError("temperature")

    talking(rig, until_s=2)
    rig.add(driver=Yielding, kind=BusKind.SERIAL_STREAM)
    rig.run(2)
    assert rig.news() == [("fault", None, "driver_error")]


def test_a_talker_that_cannot_forget_is_made_anew(rig: Any) -> None:
    class Stubborn(Lines):
        def reset(self) -> None:
            raise ValueError("no")

    line = talking(rig, until_s=100)
    rig.add(driver=Stubborn, kind=BusKind.SERIAL_STREAM)
    rig.run(3.5)
    line.trouble = BusMissing("unplugged")
    rig.run(3.9)
    line.trouble = None
    line.coming = [said for said in line.coming if said[0] > 3.5]
    rig.run(20)
    assert rig.news()[-1] == ("recovery", 20.0, None)


def test_a_line_serves_requests_or_a_stream(rig: Any) -> None:
    rig.on_a_line()
    rig.add("a", Lines, kind=BusKind.SERIAL_STREAM)
    rig.add("b", kind=BusKind.SERIAL_REQUEST)
    with pytest.raises(ValueError, match="a, which talks by itself"):
        rig.turn()
