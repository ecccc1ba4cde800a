"""What a driver raises that is no error of ours, as a complaint: what it was, where, on which bytes, and what to do.

Part of the conformance suite. The error itself stays beside the complaint, as its cause.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sensor_gateway.model.errors import MeasurementError, message_of

CHECK_FIRST: Final = (
    "look at what came first (its length, its checksum, a zero that is divided by), and raise BadFrame, OverRange or "
    "another of our errors"
)


@contextmanager
def code_of_driver(where: str, bytes_come: str, advice: str = CHECK_FIRST) -> Iterator[None]:
    """Let errors of ours and complaints pass; AssertionError about any other, which was raised when ``bytes_come``."""
    try:
        yield
    except (MeasurementError, AssertionError, StopIteration):
        raise
    except Exception as error:
        raise AssertionError(f"{where} raises {_told(error)}{bytes_come}: {advice}") from error


def _told(error: Exception) -> str:
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{name} ({message_of(error)}) at {Path(last.filename).name}:{last.lineno}"
