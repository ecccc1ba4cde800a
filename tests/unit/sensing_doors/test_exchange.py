from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.errors import BadFrame, NoAnswer
from sensor_gateway.model.operations import Exchange
from sensor_gateway.sensing.exchange import Exchanger
from sensor_gateway.simulation.virtual_clock import VirtualClock

TIMEOUT_S = 0.5


def framing(unit: bytes) -> Any:
    """Frames look like ``<1:hello>``; the digit is the unit."""

    def frame(buffer: bytes) -> tuple[int, bytes | None]:
        start = buffer.find(b"<")
        if start:
            return (len(buffer) if start < 0 else start), None
        end = buffer.find(b">")
        if end < 0:
            return 0, None
        found = buffer[: end + 1]
        return len(found), found if found.startswith(b"<" + unit + b":") else None

    return frame


def question(text: bytes = b"?", unit: bytes = b"1") -> Exchange:
    return Exchange(text, framing(unit), TIMEOUT_S)


def test_the_answer_comes_back(line: Any, clock: VirtualClock) -> None:
    line.answers = lambda _request: [(0.1, b"<1:23.5>")]
    exchanger = Exchanger(line, clock)
    assert exchanger.exchange(question(b"what?"), 1) == b"<1:23.5>"
    assert line.sent == [(100.0, b"what?")]
    assert clock.monotonic() == pytest.approx(100.1)
    assert exchanger.strays == 0


def test_input_from_before_the_request_is_dropped_and_counted(line: Any, clock: VirtualClock) -> None:
    line.say(0.0, b"<1:old>")
    line.answers = lambda _request: [(0.1, b"<1:new>")]
    exchanger = Exchanger(line, clock)
    assert exchanger.exchange(question(), 1) == b"<1:new>"
    assert exchanger.strays == len(b"<1:old>")


def test_garbage_before_the_answer_is_passed_over_and_counted(line: Any, clock: VirtualClock) -> None:
    line.answers = lambda _request: [(0.1, b"\x00\xff~~<1:23.5>")]
    exchanger = Exchanger(line, clock)
    assert exchanger.exchange(question(), 1) == b"<1:23.5>"
    assert exchanger.strays == 4


def test_what_stands_behind_the_answer_is_counted_and_gone(line: Any, clock: VirtualClock) -> None:
    replies = [[(0.1, b"<1:first><1:glued>")], [(0.1, b"<1:second>")]]
    line.answers = lambda _request: replies.pop(0)
    exchanger = Exchanger(line, clock)
    assert exchanger.exchange(question(), 1) == b"<1:first>"
    assert exchanger.exchange(question(), 1) == b"<1:second>"
    assert exchanger.strays == len(b"<1:glued>")


def test_dribbled_bytes_do_not_extend_the_deadline(line: Any, clock: VirtualClock) -> None:
    line.answers = lambda _request: [(0.1 * place, b"<1:23.5>"[place - 1 : place]) for place in range(1, 9)]
    with pytest.raises(NoAnswer, match=r"only .* bytes of an answer"):
        Exchanger(line, clock).exchange(question(), 1)
    assert clock.monotonic() == pytest.approx(100.0 + TIMEOUT_S)


def test_dribbled_bytes_within_the_deadline_are_an_answer(line: Any, clock: VirtualClock) -> None:
    line.answers = lambda _request: [(0.05 * place, b"<1:23.5>"[place - 1 : place]) for place in range(1, 9)]
    assert Exchanger(line, clock).exchange(question(), 1) == b"<1:23.5>"


def test_silence_is_no_answer_at_the_deadline(line: Any, clock: VirtualClock) -> None:
    with pytest.raises(NoAnswer, match=r"no answer came within 0\.5 s"):
        Exchanger(line, clock).exchange(question(), 1)
    assert clock.monotonic() == pytest.approx(100.0 + TIMEOUT_S)


def test_garbage_alone_is_a_bad_frame_that_tells_what_to_check(line: Any, clock: VirtualClock) -> None:
    line.answers = lambda _request: [(0.1, b"\xf8\x00\xf8"), (0.2, b"\x80\xfe")]
    exchanger = Exchanger(line, clock)
    with pytest.raises(BadFrame, match=r"5 bytes came .* baud rate, parity and wiring .*f8 00 f8 80 fe"):
        exchanger.exchange(question(), 1)
    assert exchanger.strays == 5


def test_an_echo_alone_is_told_as_such(line: Any, clock: VirtualClock) -> None:
    line.answers = lambda request: [(0.0, request)]
    exchanger = Exchanger(line, clock)
    with pytest.raises(NoAnswer, match="echo"):
        exchanger.exchange(question(b"??"), 1)
    assert exchanger.strays == 0


def test_a_write_that_blocks_is_the_lines_error(line: Any, clock: VirtualClock) -> None:
    line.blocks = True
    with pytest.raises(NoAnswer, match="takes nothing"):
        Exchanger(line, clock).exchange(question(), 1)


def test_a_framing_that_never_decides_does_not_collect_for_ever(line: Any, clock: VirtualClock) -> None:
    line.answers = lambda _request: [(0.01 * place, b"x" * 4000) for place in range(1, 40)]
    exchanger = Exchanger(line, clock)
    with pytest.raises((NoAnswer, BadFrame)):
        exchanger.exchange(Exchange(b"?", lambda _buffer: (0, None), TIMEOUT_S), 1)
    assert exchanger.strays == 39 * 4000


def late_then_right(request: bytes) -> list[tuple[float, bytes]]:
    return [(0.7, b"<1:late>")] if request == b"first" else [(0.4, b"<1:current>")]


def test_a_late_answer_is_never_taken_for_a_current_one(line: Any, clock: VirtualClock) -> None:
    line.answers = late_then_right
    exchanger = Exchanger(line, clock)
    with pytest.raises(NoAnswer):
        exchanger.exchange(question(b"first"), 1)
    assert exchanger.settled_s(1) == pytest.approx(101.0)
    assert exchanger.exchange(question(b"second"), 1) == b"<1:current>"
    assert line.sent[1][0] == pytest.approx(101.0)
    assert exchanger.strays == len(b"<1:late>")


def test_without_that_memory_the_late_answer_would_be_taken(line: Any, clock: VirtualClock) -> None:
    """The control of the test above: what happens when nobody waits."""
    line.answers = late_then_right
    with pytest.raises(NoAnswer):
        Exchanger(line, clock).exchange(question(b"first"), 1)
    assert Exchanger(line, clock).exchange(question(b"second"), 1) == b"<1:late>"


def test_once_enough_time_has_passed_nobody_waits(line: Any, clock: VirtualClock) -> None:
    exchanger = Exchanger(line, clock)
    with pytest.raises(NoAnswer):
        exchanger.exchange(question(), 1)
    clock.advance(30.0)
    line.answers = lambda _request: [(0.1, b"<1:x>")]
    exchanger.exchange(question(), 1)
    assert line.sent[1][0] == pytest.approx(130.5)
    assert exchanger.settled_s(1) == float("-inf")


def test_another_unit_is_asked_at_once_and_does_not_take_the_late_answer(line: Any, clock: VirtualClock) -> None:
    replies = {b"one": [(0.7, b"<1:late>")], b"two": [(0.4, b"<2:right>")]}
    line.answers = lambda request: replies[request]
    exchanger = Exchanger(line, clock)
    with pytest.raises(NoAnswer):
        exchanger.exchange(question(b"one", b"1"), 1)
    assert exchanger.exchange(question(b"two", b"2"), 2) == b"<2:right>"
    assert line.sent[1][0] == pytest.approx(100.5)


def test_a_silent_unit_is_not_blamed_for_the_late_answer_of_another(line: Any, clock: VirtualClock) -> None:
    replies: dict[bytes, list[tuple[float, bytes]]] = {b"one": [(0.7, b"<1:late>")], b"two": []}
    line.answers = lambda request: replies[request]
    exchanger = Exchanger(line, clock)
    with pytest.raises(NoAnswer):
        exchanger.exchange(question(b"one", b"1"), 1)
    with pytest.raises(NoAnswer, match="no answer"):
        exchanger.exchange(question(b"two", b"2"), 2)


def test_waking_ends_an_exchange_at_once(line: Any, clock: VirtualClock) -> None:
    line.wake()
    with pytest.raises(NoAnswer, match="from outside"):
        Exchanger(line, clock).exchange(question(), 1)
    assert clock.monotonic() == 100.0


def test_waking_ends_the_wait_for_a_late_answer_at_once(line: Any, clock: VirtualClock) -> None:
    exchanger = Exchanger(line, clock)
    with pytest.raises(NoAnswer):
        exchanger.exchange(question(), 1)
    line.wake()
    with pytest.raises(NoAnswer, match="from outside"):
        exchanger.exchange(question(), 1)
    assert clock.monotonic() == pytest.approx(100.5)
    assert len(line.sent) == 1


class DelayedDevice:
    """Answers every request with the request's own number, after delays that a test chooses."""

    name = "delayed"

    def __init__(self, clock: VirtualClock, delays: list[float]) -> None:
        self.clock = clock
        self.delays = delays
        self.coming: list[tuple[float, bytes]] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def wake(self) -> None: ...

    def write(self, data: bytes, timeout_s: float) -> None:
        delay_s = self.delays.pop() if self.delays else 0.1
        self.coming = sorted([*self.coming, (self.clock.monotonic() + delay_s, b"<" + data + b">")])

    def read(self, timeout_s: float) -> bytes:
        if self.coming and self.coming[0][0] <= self.clock.monotonic() + timeout_s:
            moment_s, content = self.coming.pop(0)
            self.clock.advance_to(moment_s)
            return content
        self.clock.advance(timeout_s)
        return b""

    def discard(self) -> int:
        before = len(self.coming)
        self.coming = [item for item in self.coming if item[0] > self.clock.monotonic()]
        return before - len(self.coming)


@given(
    delays=st.lists(st.floats(0.0, 2 * TIMEOUT_S - 0.001), max_size=30),
    units=st.lists(st.integers(1, 3), min_size=1, max_size=30),
)
def test_whatever_the_delays_an_answer_belongs_to_its_own_request(delays: list[float], units: list[int]) -> None:
    """A device may be late by up to a second timeout; who asks whom, and how often, is arbitrary."""
    clock = VirtualClock()
    exchanger = Exchanger(DelayedDevice(clock, delays), clock)
    for number, unit in enumerate(units):
        request = b"%d:%d" % (unit, number)
        try:
            answer = exchanger.exchange(question(request, b"%d" % unit), unit)
        except (NoAnswer, BadFrame):
            continue
        assert answer == b"<" + request + b">"


@given(data=st.data(), garbage=st.binary(max_size=40).filter(lambda noise: b"<" not in noise))
def test_any_chunking_gives_the_same_answer(data: st.DataObject, garbage: bytes) -> None:
    content = garbage + b"<1:23.5>" + b"<1:other>"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=20)))
    pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    clock = VirtualClock()
    device = DelayedDevice(clock, [])
    exchanger = Exchanger(device, clock)
    device.write = lambda _data, _timeout_s: setattr(  # type: ignore[method-assign]  # this device speaks in pieces
        device, "coming", [(clock.monotonic() + 0.001 * place, piece) for place, piece in enumerate(pieces) if piece]
    )
    assert exchanger.exchange(question(), 1) == b"<1:23.5>"
