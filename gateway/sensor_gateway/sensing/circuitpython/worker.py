"""Foreign code in a thread of its own, which owns nothing: all it wants of the world it asks of whoever carries it out.

The code may block in its calls, sleep in them and never come back. It sees neither the bus nor the time: a transaction
and a sleep are operations of ours, handed over, and the code stands still until they have been performed. So code that
waits in the middle of a function becomes a generator of operations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from sensor_gateway.model.errors import BusMissing, BusRefused, BusStuck, MeasurementError
from sensor_gateway.model.operations import Operation, Read, Wait, Write, WriteRead
from sensor_gateway.sensing.driver_fault import DriverFault

FIRST_HOLD_S: Final = 0.05
"""How long the bus waits for the foreign code to think, before it serves others meanwhile."""

HOLD_S: Final = 0.02
MOST_ROUNDS: Final = 250
"""Rounds of HOLD_S on the bus and HOLD_S beside it, until code that thinks on is left alone."""

MOST_IN_A_ROW: Final = 16
TICK_S: Final = 0.001
"""What passes before a transaction when that many came without a sleep, and between two looks at the clock."""


MOST_DISMISSALS: Final = 16
"""What code that cleans up may ask for while it ends. What catches more would keep a core busy: it stands still."""

_PROBE: Final = Write(b"")
"""Many adapters cannot send an address alone (a Raspberry Pi 5's): whether the chip is there, the next one tells."""


class Dismissed(BaseException):
    """Raised in the foreign code to end it. No Exception, so that it passes through what catches those."""


class BusTrouble(OSError):
    """A transaction failed: what foreign code expects to be told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an errand came to: ``result``, or the ``error`` that it raised.

    ``trouble`` is the error of its last transaction, if that failed.
    """

    result: object
    error: BaseException | None
    trouble: MeasurementError | None


class ForeignClock:
    """The time as foreign code sees it: the sum of its waits."""

    __slots__ = ("is_fresh", "now_s")

    def __init__(self) -> None:
        """Begin at some time."""
        self.now_s = 1000.0
        self.is_fresh = True


class Worker(threading.Thread):
    """One errand in a thread. ``owner`` is for whom: of its errands one runs at a time."""

    def __init__(self, errand: Callable[[], object], clock: ForeignClock, *, owner: object, name: str) -> None:
        """Nothing runs yet. It never keeps the process from ending."""
        super().__init__(name=name, daemon=True)
        self.owner = owner
        self.trouble: MeasurementError | None = None
        self._errand = errand
        self._clock = clock
        self._asked: SimpleQueue[Operation | Outcome] = SimpleQueue()
        self._answers: SimpleQueue[bytes | MeasurementError | Dismissed] = SimpleQueue()
        self._is_dismissed = False
        self._dismissals = 0
        self._in_a_row = 0

    def run(self) -> None:
        """Do the errand, and hand over what it came to."""
        result: object = None
        error: BaseException | None = None
        try:
            result = self._errand()
        except BaseException as caught:  # noqa: BLE001 - foreign code may raise anything at all
            error = caught
        self._asked.put(Outcome(result=result, error=error, trouble=self.trouble))

    # What the foreign code calls, in this thread.

    def transfer(self, operation: Write | Read | WriteRead) -> bytes:
        """Have a transaction performed. BusTrouble where it failed."""
        self._in_a_row += 1
        if self._in_a_row > MOST_IN_A_ROW:  # it polls the chip without a pause: others are to have their turn
            self._let_pass(TICK_S)
        answer = self._ask(operation)
        if isinstance(answer, MeasurementError):
            self.trouble = answer
            raise BusTrouble(5, str(answer))
        self.trouble = None
        return answer

    def sleep(self, seconds: float) -> None:
        """Have time pass."""
        self._in_a_row = 0
        self._let_pass(seconds)

    def now_s(self) -> float:
        """The time of this code's own clock. A loop that only looks at it lets time pass by that."""
        if not self._clock.is_fresh:
            self._let_pass(TICK_S)
        self._clock.is_fresh = False
        return self._clock.now_s

    def _let_pass(self, seconds: float) -> None:
        self._ask(Wait(seconds))
        self._clock.now_s += seconds

    def _ask(self, operation: Operation) -> bytes | MeasurementError:
        if self._is_dismissed:
            self._dismissals += 1
            if self._dismissals > MOST_DISMISSALS:
                self._answers.get()  # for ever
            raise Dismissed
        self._clock.is_fresh = True
        self._asked.put(operation)
        answer = self._answers.get()
        if isinstance(answer, Dismissed):
            raise answer
        return answer

    # What whoever carries it out calls, in another one.

    def take(self, timeout_s: float) -> Operation | Outcome | None:
        """What it asks for next, or what it came to; None where it still thinks."""
        try:
            return self._asked.get(timeout=timeout_s)
        except Empty:
            return None

    def answer(self, answer: bytes | MeasurementError) -> None:
        """What came of its operation: it goes on."""
        self._answers.put(answer)

    def dismiss(self) -> None:
        """End it at its next call, or now where it stands in one; nothing where it has ended."""
        self._is_dismissed = True
        self._answers.put(Dismissed())


def pause(seconds: float) -> None:
    """Have time pass, from code that a worker runs."""
    thread = threading.current_thread()
    if isinstance(thread, Worker):
        thread.sleep(seconds)


def carried_out(worker: Worker) -> Generator[Operation, bytes, Outcome]:
    """Start a worker, and have performed what it asks for.

    Raises BusMissing, BusStuck and BusRefused itself: they are no answer of a chip. A probe that is refused counts as
    answered. DriverFault where an earlier errand of the owner has not ended, and for code that asks for nothing and
    does not end.
    """
    _check_is_alone(worker)
    worker.start()
    try:
        while True:
            asked = yield from _asked_by(worker)
            if isinstance(asked, Outcome):
                return asked
            try:
                answer = yield asked
            except (BusMissing, BusStuck):
                raise
            except BusRefused:
                if asked != _PROBE:
                    raise
                worker.answer(b"")
            except MeasurementError as error:
                worker.answer(error)
            else:
                worker.answer(answer)
    finally:
        worker.dismiss()


def _asked_by(worker: Worker) -> Generator[Operation, bytes, Operation | Outcome]:
    asked = worker.take(FIRST_HOLD_S)
    for _ in range(MOST_ROUNDS):
        if asked is not None:
            return asked
        yield Wait(HOLD_S)
        asked = worker.take(HOLD_S)
    raise DriverFault(
        f"{worker.name} asked for nothing in {2 * HOLD_S * MOST_ROUNDS:g} s and did not end: it is left alone"
    )


def _check_is_alone(worker: Worker) -> None:
    """The list of threads is the interpreter's own: nothing else has to be kept."""
    for thread in threading.enumerate():
        if isinstance(thread, Worker) and thread.owner is worker.owner:
            thread.join(FIRST_HOLD_S)  # one that was dismissed a moment ago ends at once
            if thread.is_alive():
                raise DriverFault(f"{worker.name} has not come back from an earlier measurement: it is left alone")
