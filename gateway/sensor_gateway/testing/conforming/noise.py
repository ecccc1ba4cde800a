"""Bytes without meaning, the same ones in each run. Part of the conformance suite."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from typing import Final, TypeAlias

Noise: TypeAlias = Callable[[int], bytes]
"""Gives so many bytes without meaning."""

ROUNDS: Final = 100
"""How often noise is given where more would show nothing new."""


def repeatable_noise(seed: str = "noise") -> Noise:
    """Noise that is the same in each run, so that a failure can be looked at again."""
    numbers = itertools.count()
    return lambda count: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(count)
