"""How a driver conducts itself that is fed: it finds back after garbage, however the bytes come in.

Part of the conformance suite.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sensor_gateway.model.driver_spec import DriverSpec, StreamDriver
from sensor_gateway.model.errors import BadFrame, MeasurementError
from sensor_gateway.testing.conforming.noise import ROUNDS, Noise
from sensor_gateway.testing.conforming.strange_errors import code_of_driver

STREAM_BYTES: Final = 20_000


def check_stream(spec: DriverSpec, variant: str, stream: StreamDriver, noise: Noise) -> None:
    """Feed noise, and the vectors whole and byte by byte: the same measurements, after garbage and a reset too."""
    where = f"{spec.name}, variant {variant}, feed"
    for _ in range(ROUNDS):
        for found in _fed(stream, noise(STREAM_BYTES // ROUNDS), where):
            assert isinstance(found, (Mapping, BadFrame)), f"{where} gives {found!r}"
    for vector in spec.vectors:
        if vector.variant != variant or vector.options:
            continue
        data = b"".join(vector.frames)
        stream.reset()
        whole = [found for found in _fed(stream, data, where) if isinstance(found, Mapping)]
        stream.reset()
        dribbled = [
            found for byte in data for found in _fed(stream, bytes((byte,)), where) if isinstance(found, Mapping)
        ]
        assert whole == dribbled, f"{where}: {data!r} means {whole} at once, and {dribbled} byte by byte"


def _fed(stream: StreamDriver, data: bytes, where: str) -> list[object]:
    try:
        with code_of_driver(where, f" on {data[:40]!r}"):
            return list(stream.feed(data))
    except MeasurementError as error:
        raise AssertionError(
            f"{where} raises {error!r} on {data[:40]!r}: give it instead, and go on reading"
        ) from error
