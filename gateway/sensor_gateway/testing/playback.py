"""Buses that play back exact transactions in a test.

A playback fails on the first byte that is not as recorded, and at its end on steps that were left over. It knows
no chip: for one that thinks, see ``sensor_gateway.simulation``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

from sensor_gateway.model.errors import MeasurementError, NoAnswer
from sensor_gateway.model.operations import Exchange, KernelDevice, Operation, Read, ReadFile, Wait, Write
from sensor_gateway.sensing.bus import DeviceFiles, I2cBus, SerialLine


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transaction on I2C: what is written to an address, and what comes back: bytes, or the error it ends with."""

    address: int
    written: bytes
    answer: bytes | MeasurementError = b""

    def __str__(self) -> str:
        return f"{_shown(self.written)} written to {self.address:02x}"


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One request on a serial line, and all that comes back for it (b"": silence)."""

    request: bytes
    answer: bytes

    def __str__(self) -> str:
        return _shown(self.request)


@dataclass(frozen=True, slots=True)
class FileContent:
    """One file of a device of the kernel, and what is in it: text, or the error that reading it ends with."""

    name: str
    content: bytes | MeasurementError = b""

    def __str__(self) -> str:
        return self.name


Step = TypeVar("Step", bound=Transfer | Dialogue | FileContent)
Result = TypeVar("Result")


class _Script(Generic[Step]):
    """Steps that must come in this order, and the first thing that went wrong."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(steps)
        self._done = 0
        self._failure: AssertionError | None = None

    def take(self, got: Step) -> Step:
        """The recorded step; AssertionError, now and at the end, when it is another one."""
        if self._done == len(self._steps):
            raise self.failed(f"unexpected after the last step: {got}")
        step = self._steps[self._done]
        self._done += 1
        if str(step) != str(got):
            raise self.failed(f"expected {step}, got {got}")
        return step

    def failed(self, sentence: str) -> AssertionError:
        self._failure = AssertionError(f"step {self._done} of {len(self._steps)}: {sentence}")
        return self._failure

    def finish(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._done < len(self._steps):
            raise self.failed(f"{len(self._steps) - self._done} left over, the next one: {self._steps[self._done]}")


class Playback:
    """An I2cBus that expects exactly these transfers, in this order.

    As a context manager it checks at the end that nothing is left over; otherwise call ``finish``. ``open`` and
    ``close`` change nothing: an engine closes a bus at every fault.
    """

    def __init__(self, transfers: Sequence[Transfer], *, name: str = "playback") -> None:
        """Be ready to play."""
        self.name = name
        self._script = _Script(transfers)

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """The recorded answer, or the recorded error; AssertionError for another transfer than the recorded one."""
        answer = self._script.take(Transfer(address, data)).answer
        if isinstance(answer, MeasurementError):
            raise answer
        if len(answer) != count:
            raise self._script.failed(f"{count} bytes are read, the recording has {_shown(answer)}")
        return answer

    def finish(self) -> None:
        """AssertionError if a transfer was wrong or any was left over."""
        self._script.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()


class LinePlayback:
    """A SerialLine that expects exactly these requests, in this order. Use it as Playback."""

    def __init__(self, dialogues: Sequence[Dialogue], *, name: str = "playback") -> None:
        """Be ready to play."""
        self.name = name
        self._script = _Script(dialogues)
        self._coming = b""

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def write(self, data: bytes, timeout_s: float) -> None:
        """Take a request; AssertionError for another one than the recorded one."""
        del timeout_s
        self._coming = self._script.take(Dialogue(data, b"")).answer

    def read(self, timeout_s: float) -> bytes:
        """The recorded answer, once; then silence."""
        del timeout_s
        coming, self._coming = self._coming, b""
        return coming

    def discard(self) -> int:
        """Drop what was not read yet."""
        return len(self.read(0))

    def wake(self) -> None:
        """Nothing to do: nobody waits."""

    def finish(self) -> None:
        """AssertionError if a request was wrong or any was left over."""
        self._script.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()


class FilePlayback:
    """DeviceFiles in which exactly these files are read, in this order. Use it as Playback."""

    def __init__(self, contents: Sequence[FileContent], *, name: str = "playback") -> None:
        """Be ready to play."""
        self.name = name
        self._script = _Script(contents)

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def read_file(self, device: KernelDevice, name: str) -> bytes:
        """The recorded content, or the recorded error; AssertionError for another file than the recorded one."""
        del device
        content = self._script.take(FileContent(name)).content
        if isinstance(content, MeasurementError):
            raise content
        return content

    def finish(self) -> None:
        """AssertionError if another file was read or any was left over."""
        self._script.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()


@dataclass(frozen=True, slots=True, kw_only=True)
class Played(Generic[Result]):
    """What a driver's generator returned, and how long it asked to wait, in order."""

    result: Result
    waits_s: tuple[float, ...]


def play(steps: Generator[Operation, bytes, Result], bus: I2cBus, *, address: int) -> Played[Result]:
    """Run a generator of an I2C driver (identify, setup, measure) to its end, at once: waits are noted, not waited.

    Errors of the bus are thrown into the generator, as the gateway does. What it raises comes out.
    """

    def answer(operation: Operation) -> bytes:
        assert not isinstance(operation, (Wait, Exchange, ReadFile)), f"an I2C driver does not yield {operation}"
        written = b"" if isinstance(operation, Read) else operation.data
        count = 0 if isinstance(operation, Write) else operation.count
        return bus.transfer(address, written, count)

    return _played(steps, answer)


def play_line(steps: Generator[Operation, bytes, Result], line: SerialLine) -> Played[Result]:
    """Run a generator of a request/response driver to its end, at once. NoAnswer where the line falls silent."""

    def answer(operation: Operation) -> bytes:
        assert isinstance(operation, Exchange), f"a request/response driver does not yield {operation}"
        line.write(operation.request, operation.timeout_s)
        received = b""
        while True:
            dropped, frame = operation.frame(received)
            received = received[dropped:]
            if frame is not None:
                return frame
            if dropped:
                continue
            more = line.read(operation.timeout_s)
            if not more:
                raise NoAnswer(f"no answer to {_shown(operation.request)} within {operation.timeout_s} s")
            received += more

    return _played(steps, answer)


def play_files(steps: Generator[Operation, bytes, Result], files: DeviceFiles) -> Played[Result]:
    """Run a generator of a driver of the kernel's devices to its end, at once."""

    def answer(operation: Operation) -> bytes:
        assert isinstance(operation, ReadFile), f"a driver of the kernel's devices does not yield {operation}"
        return files.read_file(operation.device, operation.name)

    return _played(steps, answer)


def _played(steps: Generator[Operation, bytes, Result], answer: Callable[[Operation], bytes]) -> Played[Result]:
    waits: list[float] = []
    try:
        operation = next(steps)
        while True:
            if isinstance(operation, Wait):
                waits.append(operation.seconds)
                operation = steps.send(b"")
                continue
            try:
                received = answer(operation)
            except MeasurementError as error:
                operation = steps.throw(error)
            else:
                operation = steps.send(received)
    except StopIteration as end:
        result: Result = end.value
        return Played(result=result, waits_s=tuple(waits))


def _shown(data: bytes) -> str:
    return data.hex(" ") or "nothing"
