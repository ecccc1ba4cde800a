from __future__ import annotations

import pytest

from sensor_gateway.model.errors import BusMissing
from sensor_gateway.simulation.scenario_text import read_scenario
from sensor_gateway.simulation.serial_line import SimulatedLine, WiredSlave, WiredTalker
from sensor_gateway.simulation.virtual_clock import VirtualClock


class Parrot:
    """Answers what it hears after 100 ms, if it begins with its letter."""

    def __init__(self, letter: bytes) -> None:
        self.letter = letter

    def hear(self, data: bytes, now_s: float) -> tuple[float, bytes] | None:
        return (0.1, data + b"!") if data.startswith(self.letter) else None


class Ticker:
    """Says its count each second, from the first second on."""

    def __init__(self) -> None:
        self.next_s = 1.0

    def say(self) -> bytes:
        said = b"%03d\n" % round(self.next_s)
        self.next_s += 1.0
        return said


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start_s=9.0)


def parrots(clock: VirtualClock, *faults: dict[str, object]) -> SimulatedLine:
    line = SimulatedLine(
        "rs485",
        slaves=[
            WiredSlave(device=Parrot(b"a"), sensors=("anna",)),
            WiredSlave(device=Parrot(b"b"), sensors=("bert",)),
        ],
        clock=clock,
        faults=read_scenario({"faults": list(faults)}).faults,
    )
    line.open()
    return line


def ticker(clock: VirtualClock, *faults: dict[str, object]) -> SimulatedLine:
    talkers = [WiredTalker(device=Ticker(), sensors=("tick",))]
    line = SimulatedLine("usb", talkers=talkers, clock=clock, faults=read_scenario({"faults": list(faults)}).faults)
    line.open()
    return line


def test_an_answer_comes_when_its_time_has_passed(clock: VirtualClock) -> None:
    line = parrots(clock)
    line.write(b"abc", 1.0)
    assert line.read(0.05) == b""
    assert clock.monotonic() == pytest.approx(9.05)
    assert line.read(1.0) == b"abc!"
    assert clock.monotonic() == pytest.approx(9.1)


def test_nobody_answers_for_a_stranger(clock: VirtualClock) -> None:
    line = parrots(clock)
    line.write(b"xyz", 1.0)
    assert line.read(2.0) == b""
    assert clock.monotonic() == pytest.approx(11.0)


def test_faults_of_one_slave_leave_the_other_alone(clock: VirtualClock) -> None:
    line = parrots(clock, {"sensor": "anna", "kind": "silence"})
    line.write(b"abc", 1.0)
    assert line.read(0.5) == b""
    line.write(b"bcd", 1.0)
    assert line.read(0.5) == b"bcd!"


def test_a_delayed_answer_comes_late_and_a_bad_wire_spoils_it(clock: VirtualClock) -> None:
    line = parrots(clock, {"sensor": "anna", "kind": "delay", "by": "1s"}, {"sensor": "bert", "kind": "crc"})
    line.write(b"abc", 1.0)
    line.write(b"bcd", 1.0)
    assert line.read(0.5) == b"bc\xe4!"
    assert line.read(0.5) == b""
    assert line.read(0.5) == b"abc!"


def test_short_answers_stop_in_the_middle(clock: VirtualClock) -> None:
    line = parrots(clock, {"bus": "rs485", "kind": "short"})
    line.write(b"abc", 1.0)
    assert line.read(1.0) == b"ab"


def test_unread_input_can_be_discarded(clock: VirtualClock) -> None:
    line = parrots(clock)
    line.write(b"abc", 1.0)
    clock.advance(1.0)
    assert line.discard() == 4
    assert line.read(0.1) == b""


def test_a_talker_speaks_at_its_moments(clock: VirtualClock) -> None:
    line = ticker(clock)
    assert line.read(10.0) == b"001\n"
    assert clock.monotonic() == pytest.approx(10.0)
    clock.advance(2.5)
    assert line.read(10.0) == b"002\n003\n"
    assert line.read(10.0) == b"004\n"
    assert clock.monotonic() == pytest.approx(13.0)


def test_input_that_nobody_reads_overflows_like_a_terminal(clock: VirtualClock) -> None:
    line = ticker(clock)
    clock.advance(3600.0)
    kept = line.read(0.0)
    assert len(kept) == 4096
    assert kept.startswith(b"001\n002\n")
    assert line.read(0.0) == b""


def test_what_was_said_to_a_closed_port_is_not_heard(clock: VirtualClock) -> None:
    line = ticker(clock)
    line.close()
    with pytest.raises(BusMissing):
        line.read(1.0)
    clock.advance(2.5)
    line.open()
    assert line.read(10.0) == b"003\n"


def test_silence_and_crc_strike_talkers_too(clock: VirtualClock) -> None:
    line = ticker(
        clock, {"sensor": "tick", "kind": "silence", "from": "1500ms", "until": "3500ms"}, {"bus": "usb", "kind": "crc"}
    )
    assert line.read(10.0) == b"00\xb1\n"
    assert line.read(10.0) == b"00\xb4\n"


def test_a_waiting_read_notices_the_unplugging_when_it_happens(clock: VirtualClock) -> None:
    line = parrots(clock, {"bus": "rs485", "kind": "unplug", "from": "2s", "for": "3s"})
    with pytest.raises(BusMissing):
        line.read(60.0)
    assert clock.monotonic() == pytest.approx(11.0)
    with pytest.raises(BusMissing):
        line.open()
    clock.advance(3.0)
    with pytest.raises(BusMissing):
        line.write(b"abc", 1.0)
    line.open()
    line.write(b"abc", 1.0)
    assert line.read(1.0) == b"abc!"


def test_listening_ends_at_the_limit_of_the_clock(clock: VirtualClock) -> None:
    line = ticker(clock, {"sensor": "tick", "kind": "silence"})
    clock.limit_s = 12.5
    assert line.read(60.0) == b""
    assert clock.monotonic() == pytest.approx(12.5)
    assert line.read(60.0) == b""


def test_an_exchange_is_finished_beyond_the_limit(clock: VirtualClock) -> None:
    line = parrots(clock)
    clock.limit_s = 9.05
    line.write(b"abc", 1.0)
    assert line.read(1.0) == b"abc!"


def test_wake_ends_the_next_read_at_once(clock: VirtualClock) -> None:
    line = ticker(clock)
    line.wake()
    assert line.read(10.0) == b""
    assert clock.monotonic() == 9.0
    assert line.read(10.0) == b"001\n"
