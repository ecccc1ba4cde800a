"""Tries out what a device file offers as evidence: its bytes through the driver, as they would come off the wire."""

from __future__ import annotations

from collections.abc import Generator
from math import isclose
from typing import Any

from sensor_gateway.config.device_files.sections import Evidence
from sensor_gateway.config.settings import SensorSection
from sensor_gateway.driver import BusKind, DriverSpec, Exchange, Values
from sensor_gateway.model.errors import MeasurementError
from sensor_gateway.model.operations import Operation


def disagreements(evidence: tuple[Evidence, ...], spec: DriverSpec, sensor: SensorSection) -> tuple[str, ...]:
    """A sentence for each piece of evidence whose bytes mean something else than it says; none where all agree.

    Evidence is for serial drivers: the frames are the answers of the sensor's unit to one measurement, or what it says.
    """
    found = []
    for number, piece in enumerate(evidence, 1):
        try:
            got = _values(piece, spec.create(sensor.driver, sensor.options, sensor.number), spec)
        except MeasurementError as error:
            found.append(f"vector {number}: {error}")
            continue
        if got.keys() != piece.values.keys() or not all(
            isclose(got[name], value, rel_tol=1e-6, abs_tol=1e-6) for name, value in piece.values.items()
        ):
            found.append(f"vector {number}: expected {dict(piece.values)}, got {dict(got)}")
    return tuple(found)


def _values(piece: Evidence, driver: Any, spec: DriverSpec) -> Values:  # noqa: ANN401 - of either kind
    if spec.bus is BusKind.SERIAL_STREAM:
        values: dict[str, float] = {}
        driver.feed(b"\n")  # a line is believed once its beginning was heard
        for said in piece.said:
            for item in driver.feed(said):
                if isinstance(item, Exception):
                    raise item
                values.update(item)
        return values
    answers = list(piece.said)
    steps: Generator[Operation, bytes, Values] = driver.measure()
    try:
        step = next(steps)
        while True:
            step = steps.send(_answer(step, answers))
    except StopIteration as end:
        result: Values = end.value
        return result


def _answer(step: Operation, answers: list[bytes]) -> bytes:
    if not isinstance(step, Exchange):
        return b""
    said = answers.pop(0) if answers else b""
    count, frame = step.frame(said)
    if frame is None or count != len(said):
        raise MeasurementError(f"{said.hex(' ') or 'nothing'} is no answer to {step.request.hex(' ')}")
    return frame
