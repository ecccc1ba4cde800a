"""A stand-in for a chip without a model: plays the evidence of its driver, frame after frame.

It acknowledges everything it is told. A frame of the length that is asked for goes out whole; a read of another length
(an identity, a status) gets as much of the frame as fits and does not use it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Final

from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.simulation.chips.chip import Mounting

ANSWER_AFTER_S: Final = 0.02


class _Reel:
    """The frames of the vectors that fit a mounting, round and round."""

    def __init__(self, mounting: Mounting) -> None:
        vectors = [vector for vector in mounting.spec.vectors if vector.variant == mounting.variant]
        frames = [frame for vector in vectors or mounting.spec.vectors for frame in vector.frames]
        self._frames = cycle(frames or [b""])
        self.frame = next(self._frames)

    def turn(self) -> bytes:
        """The frame that stands there; the next one takes its place."""
        frame, self.frame = self.frame, next(self._frames)
        return frame


class VectorChip:
    """Plays vectors on an I2C bus."""

    def __init__(self, mounting: Mounting) -> None:
        """Begin with the first vector."""
        self._reel = _Reel(mounting)

    def write(self, data: bytes, now_s: float) -> None:
        """Acknowledge."""

    def read(self, count: int, now_s: float) -> bytes:
        """The next frame, where its length is ``count``."""
        del now_s
        if len(self._reel.frame) == count:
            return self._reel.turn()
        return self._reel.frame[:count].ljust(count, b"\xff")


class VectorSlave:
    """Plays vectors as answers on a serial line."""

    def __init__(self, mountings: Sequence[Mounting]) -> None:
        """Begin with the first vector."""
        self._reel = _Reel(mountings[0])

    def hear(self, data: bytes, now_s: float) -> tuple[float, bytes] | None:
        """The next frame, whatever was asked."""
        del data, now_s
        return ANSWER_AFTER_S, self._reel.turn()


class VectorTalker:
    """Plays vectors as the words of a device that talks by itself, one each interval."""

    def __init__(self, mounting: Mounting) -> None:
        """Begin with the first vector, one interval from the start."""
        self._reel = _Reel(mounting)
        self._interval_s = mounting.interval_s
        self.next_s = mounting.interval_s

    def say(self) -> bytes:
        """The next frame."""
        self.next_s += self._interval_s
        return self._reel.turn()


class VectorFiles:
    """Plays vectors as what is in the files of a device, whichever file is read."""

    def __init__(self, mounting: Mounting) -> None:
        """Begin with the first vector."""
        self._reel = _Reel(mounting)

    def fits(self, device: KernelDevice) -> bool:
        """Be any device."""
        del device
        return True

    def read(self, file: str, now_s: float) -> tuple[float, bytes]:
        """The next frame."""
        del file, now_s
        return 0.0, self._reel.turn()
