"""How a driver conducts itself: generators that yield operations only and end, streams that find back, our errors only.

Part of the conformance suite: answers are noise, pieces of the driver's own vectors, and errors of the bus. A driver
that knows its chip is given the answers that it takes for one, so that the rest of it is seen too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TypeAlias

from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Identity, PolledDriver
from sensor_gateway.model.errors import BadFrame, MeasurementError, Nack, NoAnswer
from sensor_gateway.model.operations import Exchange, Operation, Read, ReadFile, Wait, Write, WriteRead, wire_bits
from sensor_gateway.sensing.engine import LONGEST_EXCHANGE_S, LONGEST_WAIT_S
from sensor_gateway.testing.conforming.identity_search import accepted_identity
from sensor_gateway.testing.conforming.noise import ROUNDS, Noise
from sensor_gateway.testing.conforming.strange_errors import code_of_driver
from sensor_gateway.testing.conforming.stream import check_stream

Steps: TypeAlias = Generator[Operation, bytes, object]

MOST_OPERATIONS = 1000
LARGEST_EXCHANGE = 300  # a Modbus RTU frame has 256 bytes at most
LARGEST_FILE = 100  # what the kernel says in one is a number or a line or two
LONGEST_STEP_S = 60.0  # of waits in one measurement: a reading is old by then
MOST_TAKEN = ROUNDS // 8  # an id of three bits is the shortest that tells anything
UNDERSTATED = 2  # the first measurement may cost more than those that follow
EMPTY_WIRES = (b"\xff", b"\x00")
OPTIONS_ARE_CHECKED = "let check, or the options themselves, refuse with a sentence what create cannot use"
FRAME_IT = "say how many bytes to drop, and the frame or None, whatever came in"
BOUND_IT = "bound its tries, and raise NoAnswer (still busy) or OverRange (no range suits) after the last one"
KINDS = {
    BusKind.I2C: (Wait, Write, Read, WriteRead),
    BusKind.SERIAL_REQUEST: (Wait, Exchange),
    BusKind.SYSFS: (Wait, ReadFile),
}


def check_conduct(spec: DriverSpec, variant: str, options: object, noise: Noise) -> None:
    """Check one variant of a driver; AssertionError says what it did, and in which step."""
    addresses = spec.variants[variant].addresses
    is_stream = spec.bus is BusKind.SERIAL_STREAM
    with code_of_driver(f"{spec.name}, variant {variant}, create", "", OPTIONS_ARE_CHECKED):
        driver = spec.create(variant, options, 0 if is_stream else addresses[0] if addresses else 1)
    if is_stream:
        assert not hasattr(driver, "measure"), f"{spec.name}: a stream driver has feed and reset, it does not measure"
        check_stream(spec, variant, driver, noise)
    else:
        assert not hasattr(driver, "feed"), f"{spec.name}: only a stream driver is fed"
        _Conduct(spec, variant, options).check(noise)


class _Conduct:
    """One variant of a polled driver under test."""

    def __init__(self, spec: DriverSpec, variant: str, options: object) -> None:
        self._spec = spec
        self._variant = variant
        self._options = options
        row = spec.variants[variant]
        channels = row.channels if spec.channels_of is None else spec.channels_of(options)
        self._channels = {channel.name for channel in channels}
        self._addresses = row.addresses or (1,)
        self._costs: set[int] = set()

    def check(self, noise: Noise) -> None:
        for answers, address in zip(_answers(self._spec, noise), itertools.cycle(self._addresses), strict=False):
            self._check_life(self._made(address), answers)
        if self._spec.bus is BusKind.I2C:
            self._check_identity(noise)
            self._check_behind_identity(noise)
            self._check_cost()
        for step in ("identify", "setup", "measure"):
            for error in (Nack("nobody acknowledges"), NoAnswer("nothing came"), BadFrame("a broken frame")):
                steps: Steps = getattr(self._made(self._addresses[0]), step)()
                outcome = self._outcome(steps, _refusing(error), step)
                assert step != "measure" or isinstance(outcome, MeasurementError), (
                    f"{self._where(step)} hides {error!r} and gives {outcome!r}: let errors of the wire pass"
                )

    def _check_identity(self, noise: Noise) -> None:
        """A driver that says it can tell its chip from others is believed by a scan."""
        if not self._spec.variants[self._variant].has_identity:
            return
        advice = "check an id and raise WrongChip (or BadFrame), or leave out has_identity"
        for byte in EMPTY_WIRES:
            found = self._outcome(self._made(self._addresses[0]).identify(), _filled(byte), "identify")
            assert isinstance(found, MeasurementError), (
                f"{self._where('identify')}, which has_identity, takes a wire that reads {byte.hex()} all the time "
                f"for its chip: {advice}"
            )
        outcomes = [self._outcome(self._made(self._addresses[0]).identify(), noise, "identify") for _ in range(ROUNDS)]
        taken = sum(not isinstance(outcome, MeasurementError) for outcome in outcomes)
        assert taken <= MOST_TAKEN, (
            f"{self._where('identify')}, which has_identity, takes noise for its chip {taken} times of {ROUNDS}: "
            f"{advice}"
        )

    def _check_behind_identity(self, noise: Noise) -> None:
        """Lives in which the chip is the right one, and all else is noise, constant, or dark and bright by turns."""
        pieces = [frame for vector in self._spec.vectors for frame in vector.frames]
        with code_of_driver(self._where("identify"), " on an answer that could be its chip's"):
            known = accepted_identity(lambda: self._made(self._addresses[0]).identify(), pieces)
        if known is None:
            return
        for answers in (*_answers(self._spec, noise), *_changing()):
            self._check_life(self._made(self._addresses[0]), _after(known, answers))

    def _made(self, address: int) -> PolledDriver:
        driver = self._spec.create(self._variant, self._options, address)
        for step in ("identify", "setup", "measure"):
            assert hasattr(driver, step), f"{self._spec.name}: a driver has {step}, a generator function"
        return driver  # type: ignore[return-value]  # just looked at

    def _where(self, step: str) -> str:
        return f"{self._spec.name}, variant {self._variant}, {step}"

    def _check_life(self, driver: PolledDriver, answers: Noise) -> None:
        """Identify, setup and measure on such answers, as far as the driver goes along with them."""
        identity = self._outcome(driver.identify(), answers, "identify")
        if isinstance(identity, MeasurementError):
            return
        assert isinstance(identity, Identity), f"{self._where('identify')} returns an Identity, not {identity!r}"
        assert set(identity.channels) <= self._channels, (
            f"{self._where('identify')}: unknown {identity.channels}, the variant has {sorted(self._channels)}"
        )
        done: list[Operation] = []
        prepared = self._outcome(driver.setup(), answers, "setup", done)
        self._check_heeded(done)
        if isinstance(prepared, MeasurementError):
            return
        assert prepared is None, f"{self._where('setup')} returns nothing, not {prepared!r}"
        measured: list[Operation] = []
        values = self._outcome(driver.measure(), answers, "measure", measured)
        if isinstance(values, MeasurementError):
            return
        on_wire = (operation for operation in measured if isinstance(operation, (Read, Write, WriteRead)))
        self._costs.add(wire_bits(*on_wire))
        assert isinstance(values, Mapping), f"{self._where('measure')} maps channels to values, not {values!r}"
        assert set(values) == set(identity.channels), (
            f"{self._where('measure')} gives just what was identified, {sorted(identity.channels)}, "
            f"not {sorted(values)}: raise an error where one of them cannot be measured"
        )

    def _check_cost(self) -> None:
        """Far fewer bits than a measurement takes let a bus be loaded with more than it can carry."""
        declared = self._spec.variants[self._variant].wire_bits
        assert self._spec.channels_of is not None or min(self._costs, default=0) <= UNDERSTATED * declared, (
            f"{self._where('measure')} takes {min(self._costs)} bits on the wire and more, "
            f"and wire_bits says {declared}: expected wire_bits(...) of its operations"
        )

    def _check_heeded(self, done: Sequence[Operation]) -> None:
        """What sets up the chip acts on it, so ``heeds`` names it. A byte that is written and then read from points."""
        heeds = self._spec.heeds
        if heeds is None:
            return
        moves = [operation for operation in done if not isinstance(operation, Wait)]
        for move, following in itertools.zip_longest(moves, moves[1:]):
            if isinstance(move, Write) and not isinstance(following, Read):
                which, named = ("alone", heeds.alone) if len(move.data) == 1 else ("with_data", heeds.with_data)
                assert move.data[0] in named, (
                    f"{self._where('setup')} writes {move.data.hex(' ')}, and heeds does not say that the chip acts on "
                    f"it: put {move.data[0]:02x} into {which}, so that a scan sends no such write to this chip"
                )

    def _outcome(
        self,
        steps: Steps,
        answers: Callable[[int], bytes | MeasurementError],
        step: str,
        done: list[Operation] | None = None,
    ) -> object:
        """What the generator returned, or the MeasurementError that it raised; ``done`` is what it yielded."""
        where, done = self._where(step), [] if done is None else done
        assert isinstance(steps, Generator), (
            f"{where} is a generator function: it yields its operations (where it has none: yield from ())"
        )
        waited_s = 0.0
        try:
            with code_of_driver(where, ""):
                operation = next(steps)
            while len(done) < MOST_OPERATIONS:
                self._check_operation(operation, where)
                done.append(operation)
                waited_s += operation.seconds if isinstance(operation, Wait) else 0
                assert waited_s <= LONGEST_STEP_S, f"{where} waits {waited_s:.0f} s and more in all: {BOUND_IT}"
                answer = _answered(operation, answers)
                with code_of_driver(where, f" on {_shown(answer)}"):
                    operation = steps.throw(answer) if isinstance(answer, MeasurementError) else steps.send(answer)
        except StopIteration as end:
            return end.value
        except MeasurementError as error:
            return error
        raise AssertionError(f"{where} does not end, {MOST_OPERATIONS} operations: {BOUND_IT}")

    def _check_operation(self, operation: object, where: str) -> None:
        kinds = KINDS[self._spec.bus]
        assert isinstance(operation, kinds), (
            f"{where} yields {operation!r} on a bus of kind {self._spec.bus}, where there are "
            f"{', '.join(kind.__name__ for kind in kinds)}"
        )
        if isinstance(operation, (Write, WriteRead)):
            assert operation.data, f"{where} writes nothing: {operation!r}"
        if isinstance(operation, (Read, WriteRead)):
            assert operation.count > 0, f"{where} reads nothing: {operation!r}"
        if isinstance(operation, Wait):
            assert 0 <= operation.seconds <= LONGEST_WAIT_S, (
                f"{where} waits {operation.seconds} s, not 0 to {LONGEST_WAIT_S:g}"
            )
        if isinstance(operation, Exchange):
            assert operation.request, f"{where} asks nothing: {operation!r}"
            assert 0 < operation.timeout_s <= LONGEST_EXCHANGE_S, f"{where} waits {operation.timeout_s} s for an answer"


def _answered(operation: Operation, answers: Callable[[int], bytes | MeasurementError]) -> bytes | MeasurementError:
    if isinstance(operation, Wait):
        return b""
    if isinstance(operation, Exchange):
        received = answers(LARGEST_EXCHANGE)
        return received if isinstance(received, MeasurementError) else _framed(operation, received)
    if isinstance(operation, ReadFile):
        return answers(LARGEST_FILE)
    answer = answers(0 if isinstance(operation, Write) else operation.count)
    return b"" if isinstance(operation, Write) and isinstance(answer, bytes) else answer


def _shown(answer: bytes | MeasurementError) -> str:
    if isinstance(answer, MeasurementError):
        return f"the error {answer!r}"
    return f"the answer {answer[:40].hex(' ')}" if answer else "no answer, as to a write or a wait"


def _framed(operation: Exchange, received: bytes) -> bytes | MeasurementError:
    """The frame that the driver's own framing finds in what came in; NoAnswer without one."""
    while True:
        with code_of_driver("the framing of an exchange", f" on {received[:40].hex(' ')}", FRAME_IT):
            dropped, frame = operation.frame(received)
        assert 0 <= dropped <= len(received), f"framing drops {dropped} of {len(received)} bytes"
        if frame is not None:
            return frame
        if not dropped:
            return NoAnswer("no frame in what came in")
        received = received[dropped:]


def _answers(spec: DriverSpec, noise: Noise) -> Iterator[Noise]:
    yield from itertools.repeat(noise, ROUNDS)
    for vector in spec.vectors:
        yield _pieces(vector.frames)
    # Among these is each identity of one byte.
    for byte in range(256):
        yield _filled(bytes((byte,)))


def _pieces(frames: Sequence[bytes]) -> Noise:
    """The frame of just the length that is asked for, zeros where there is none; all of them to a line that listens."""
    by_length = {LARGEST_EXCHANGE: b"".join(frames), LARGEST_FILE: frames[0]} | {len(frame): frame for frame in frames}
    return lambda count: by_length.get(count, b"\x00" * count)


def _changing() -> Iterator[Noise]:
    """Full scale and nothing by turns, each so many reads long: what a driver sees whose ranges chase each other."""
    for length in (1, 2, 3, 4, 6):
        turns = itertools.cycle((b"\xff",) * length + (b"\x00",) * length)
        yield _in_turn(turns)


def _in_turn(fills: Iterator[bytes]) -> Noise:
    return lambda count: next(fills) * count


def _after(known: Sequence[bytes], answers: Noise) -> Noise:
    """The known answers to the first reads, and then the others. Writes are answered by nothing."""
    first = iter(known)
    return lambda count: (next(first, None) or answers(count)) if count else b""


def _filled(byte: bytes) -> Noise:
    return lambda count: byte * count


def _refusing(error: MeasurementError) -> Callable[[int], MeasurementError]:
    return lambda _count: error
