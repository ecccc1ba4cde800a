"""From a recorded measurement to a vector: which of the bytes that were read are the frames of ``convert``.

Nobody tells, so it is tried: frames as long as those of the driver's other vectors first, then the reads of the
measurement. What ``replay`` turns into the very values that were measured is a vector; anything else is none.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeAlias

from sensor_gateway.model.driver_spec import BusKind, DriverSpec, Values, Vector
from sensor_gateway.model.errors import MeasurementError
from sensor_gateway.testing.tapping import as_source
from sensor_gateway.testing.watching import Measurement

MOST_TRIES: Final = 20_000

Frames: TypeAlias = tuple[bytes, ...]


def vector_of(measurement: Measurement, *, source: str, written: Mapping[str, object]) -> Vector | None:
    """The vector of a good measurement; None where no frames give its values.

    ``written`` are the sensor's options as in a file; those that have their defaults are left out.
    """
    plan, values = measurement.plan, measurement.values
    if not values:
        return None
    options = {name: written[name] for name in _not_default(plan.options) if name in written}
    for frames in islice(_candidates(measurement), MOST_TRIES):
        vector = Vector(
            variant=plan.variant, frames=frames, values=dict(values), source=source, options=options, tolerance=1e-6
        )
        if _gives(plan.spec, vector, values):
            return vector
    return None


def vector_source(vector: Vector) -> Iterator[str]:
    """The vector as lines of Python, for the VECTORS of a driver."""
    yield "Vector("
    yield f"    variant={vector.variant!r},"
    frames = ", ".join(map(as_source, vector.frames))
    yield f"    frames=({frames}{',' if len(vector.frames) == 1 else ''}),"
    yield f"    values={dict(vector.values)!r},"
    yield f"    source={vector.source!r},"
    if vector.options:
        yield f"    options={dict(vector.options)!r},"
    yield "),"


def _gives(spec: DriverSpec, vector: Vector, values: Values) -> bool:
    try:
        got = spec.replay(vector)
    except (MeasurementError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
        return False  # not these frames
    return got.keys() == values.keys() and all(math.isclose(got[name], values[name], abs_tol=1e-9) for name in values)


def _candidates(measurement: Measurement) -> Iterator[Frames]:
    spec, reads = measurement.plan.spec, measurement.reads
    shapes = dict.fromkeys(
        tuple(map(len, vector.frames))
        for vector in sorted(spec.vectors, key=lambda vector: vector.variant != measurement.plan.variant)
    )
    if spec.bus is BusKind.SERIAL_STREAM:
        heard = b"".join(reads)
        yield from ((line,) for line in reversed(heard.splitlines(keepends=True)))
        yield (heard,)
        # A frame without line ends lies somewhere in what came: most likely at the end.
        lengths = dict.fromkeys(shape[0] for shape in shapes if len(shape) == 1)
        yield from ((heard[at : at + length],) for length in lengths for at in range(len(heard) - length, -1, -1))
        return
    for shape in shapes:
        yield from islice(_fitting(reads, shape), 500)
    yield from (tuple(reads[at:]) for at in range(len(reads) - 1, -1, -1))


def _fitting(reads: Sequence[bytes], shape: Sequence[int]) -> Iterator[Frames]:
    """Reads of just these lengths in this order, others between them left out: the newest first."""
    if not shape:
        yield ()
        return
    for place in range(len(reads) - 1, -1, -1):
        if len(reads[place]) == shape[-1]:
            for before in _fitting(reads[:place], shape[:-1]):
                yield (*before, reads[place])


def _not_default(options: object) -> Iterator[str]:
    """The names of the options that were chosen."""
    section: Any = options
    for field in dataclasses.fields(section):
        if field.default is dataclasses.MISSING or getattr(section, field.name) != field.default:
            yield field.name
