"""What a driver may ask of its bus. Drivers yield these; the engine performs them and sends back the bytes read.

I2C drivers yield Write, Read, WriteRead and Wait; request/response drivers yield Exchange and Wait; drivers of what the
kernel measures yield ReadFile and Wait.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sensor_gateway.model.errors import BadFrame, NoAnswer, WrongChip


@dataclass(frozen=True, slots=True)
class Write:
    """Write ``data`` to the sensor's address. The engine sends back b""."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """Read ``count`` bytes from the sensor's address. The engine sends back exactly that many."""

    count: int


@dataclass(frozen=True, slots=True)
class WriteRead:
    """Write ``data``, then read ``count`` bytes after a repeated start, as one kernel transaction."""

    data: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Let ``seconds`` pass at least; the bus serves others meanwhile. The engine sends back b""."""

    seconds: float


Framing: TypeAlias = Callable[[bytes], tuple[int, bytes | None]]
"""Pure: given what has come in, how many bytes to drop from the front, and the frame if there is one.

``(0, None)`` means wait for more. ``(n, None)`` drops n bytes of garbage and looks again; the frame, when
there is one, is made of (or lies within) the bytes dropped.
"""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Send ``request`` on a serial line and take the first frame that ``frame`` accepts, all within ``timeout_s``.

    The engine sends back the frame. Frames that are not an answer to this request must be dropped by
    ``frame``. After a timeout the line is kept quiet until a late answer can no longer be taken for a current one.
    """

    request: bytes
    frame: Framing
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelDevice:
    """Which device of the kernel is meant, by what stays the same when others come and go: never by its number.

    ``name`` is what its file ``name`` holds (before an ``@``), and may have ``*`` and ``?`` in it; ``path`` is a part
    of its place in /sys/devices or in the device tree, like ``i2c-1/1-0076`` or ``bme280@76``. What is empty fits any.
    """

    kind: Literal["hwmon", "iio", "w1"]
    name: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Read the file ``name`` of a device in /sys. The engine sends back its content, up to 4096 bytes.

    The kernel measures meanwhile, and may take its time. FileMissing where the device has no such file.
    """

    device: KernelDevice
    name: str


Operation: TypeAlias = Write | Read | WriteRead | Wait | Exchange | ReadFile


def wire_bits(*operations: Read | Write | WriteRead) -> int:
    """What these cost on an I2C bus, in clock periods: 9 for each byte, addresses too, 1 for each start and stop."""
    bits = 0
    for operation in operations:
        written = 1 + len(operation.data) if isinstance(operation, Write | WriteRead) else 0
        read = 1 + operation.count if isinstance(operation, Read | WriteRead) else 0
        bits += 9 * (written + read) + bool(written) + bool(read) + 1
    return bits


def read_twice(read: Read | WriteRead) -> Generator[Operation, bytes, bytes]:
    """What a chip without a checksum tells once for all, like its calibration. BadFrame where two reads differ.

    One bit that falls over in it would make every later value wrong.
    """
    first = yield read
    second = yield read
    if first != second:
        raise BadFrame("two reads of what never changes differ", expected=first, got=second)
    return first


def identified(read: Read | WriteRead, expected: bytes, *, what: str) -> Generator[Operation, bytes, None]:
    """See that a register which tells one part from all others holds what it should. WrongChip, with ``what`` it is."""
    answer = yield read
    if answer != expected:
        raise WrongChip(what, expected=expected, got=answer)


def read_together(
    first: Read | WriteRead, second: Read | WriteRead, *, tries: int
) -> Generator[Operation, bytes, tuple[bytes, bytes]]:
    """Two answers of one measurement, from a chip that hands them out singly and may measure in between.

    ``first`` is read again after ``second``, until it is what it was before. NoAnswer after so many tries.
    """
    before = yield first
    for _ in range(tries):
        beside = yield second
        after = yield first
        if after == before:
            return before, beside
        before = after
    raise NoAnswer(f"a new measurement came between the reads of its two parts, {tries} times")


def asked(command: Write, pause: Wait, read: Read) -> Generator[Operation, bytes, bytes]:
    """A command, the time that the chip takes for it, and its answer."""
    yield command
    yield pause
    return (yield read)


def until(
    read: Operation, is_ready: Callable[[bytes], bool], *, pause: Wait, tries: int, otherwise: str
) -> Generator[Operation, bytes, bytes]:
    """Read until the answer is ready, with a pause after each that is not; the answer.

    NoAnswer after so many tries, with ``otherwise`` as its beginning. ``is_ready`` may raise what the answer deserves.
    """
    for _ in range(tries):
        answer = yield read
        if is_ready(answer):
            return answer
        yield pause
    raise NoAnswer(f"{otherwise}, {tries * pause.seconds * 1000:.0f} ms after the time for that")
