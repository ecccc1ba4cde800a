"""Slaves that answer late, with garbage or not at all: no answer is ever taken for that to another request."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.model.driver_spec import BusKind, Identity
from sensor_gateway.model.operations import Exchange

TIMEOUT_S = 0.2


class Line:
    """The slaves of a line, each of which answers with the number of the request; for a minute they are unreliable."""

    def __init__(self, now_s: Any, seed: int, share: float) -> None:
        self.asked: dict[int, int] = {}
        self.taken_wrongly = 0
        self._now_s = now_s
        self._random = random.Random(seed)
        self._share = share

    def answer(self, request: bytes) -> tuple[float, bytes] | None:
        unit = request[1]
        self.asked[unit] = self.asked.get(unit, 0) + 1
        good = bytes([unit, self.expected(unit)])
        if self._now_s() > 60 or self._random.random() > self._share:
            return 0.02, good
        late_s = self._random.uniform(TIMEOUT_S, 2 * TIMEOUT_S - 1e-6)
        return self._random.choice([None, (late_s, good), (0.01, b"\x09\x99\x09"), (0.02, b"\x99\x99" + good)])

    def expected(self, unit: int) -> int:
        return 100 + self.asked[unit] % 20

    def driver(self, _variant: str, _options: object, unit: int) -> Any:
        line = self

        def frame(data: bytes) -> tuple[int, bytes | None]:
            if data[0] != unit:
                return 1, None
            return (2, data[:2]) if len(data) > 1 else (0, None)

        class Slave:
            def identify(self) -> Any:
                return Identity(part="slave", channels=("temperature",))
                yield

            def setup(self) -> Any:
                return
                yield

            def measure(self) -> Any:
                answer = yield Exchange(b"?" + bytes([unit]), frame, TIMEOUT_S)
                line.taken_wrongly += answer[1] != line.expected(unit)
                return {"temperature": float(answer[1])}

        return Slave()


@settings(max_examples=examples(50), deadline=None)
@given(
    intervals=st.lists(st.sampled_from([0.2, 0.5, 1.0, 7.0]), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
    share=st.floats(0, 0.6),
)
def test_a_late_answer_is_never_taken_for_a_current_one(
    make_rig: Any, intervals: list[float], seed: int, share: float
) -> None:
    rig = make_rig()
    line = Line(rig.clock.monotonic, seed, share)
    rig.on_a_line().answer = line.answer
    for number, interval_s in enumerate(intervals):
        rig.add(f"s{number}", line.driver, kind=BusKind.SERIAL_REQUEST, address=number + 1, interval_s=interval_s)
    rig.run(150)
    assert line.taken_wrongly == 0
    assert [rig.health(f"s{number}")[-1] for number in range(len(intervals))] == [("online", None)] * len(intervals)
