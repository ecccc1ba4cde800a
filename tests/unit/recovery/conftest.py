"""Programs as small scripts, and a look that is repeated until one has ended."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import pytest

from sensor_gateway.service.recovery.program import Ended, Program

FOREVER_S = 1e9


@pytest.fixture
def script() -> Callable[[str], list[str]]:
    """The command that runs a text of Python."""
    return lambda text: [sys.executable, "-I", "-S", "-c", text]


@pytest.fixture
def watched() -> Callable[..., Ended]:
    """Looks at a program until it has ended, at one moment of its clock."""

    def watch(program: Program, now_s: float = 0.0) -> Ended:
        pause = threading.Event()
        for _ in range(4000):
            ended = program.look(now_s)
            if ended is not None:
                return ended
            pause.wait(0.005)
        raise AssertionError("it did not end")

    return watch
