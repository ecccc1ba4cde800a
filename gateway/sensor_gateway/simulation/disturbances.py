"""Which of a scenario's faults strike one bus, and whom, at a moment. Pure but for its counts of transactions."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sensor_gateway.simulation.scenario import FOREVER, FaultKind, LinkFault


class Disturbances:
    """The faults of one bus and its sensors."""

    def __init__(self, faults: Sequence[LinkFault], *, bus: str, sensors: Collection[str]) -> None:
        """Keep those faults that name the bus or one of its sensors."""
        self._faults = tuple(fault for fault in faults if fault.bus == bus or fault.sensor in sensors)
        self._counts = [0] * len(self._faults)

    def __bool__(self) -> bool:
        return bool(self._faults)

    def strike(self, sensors: Collection[str], at_s: float) -> dict[FaultKind, LinkFault]:
        """The faults that hit this transaction with one of ``sensors``; counts it for those that hit every n-th."""
        struck: dict[FaultKind, LinkFault] = {}
        for place, fault in enumerate(self._faults):
            if not fault.is_due(at_s) or not (fault.bus is not None or fault.sensor in sensors):
                continue
            self._counts[place] += 1
            if self._counts[place] % fault.every == 0:
                struck[fault.kind] = fault
        return struck

    def is_bus_unplugged(self, at_s: float) -> bool:
        """Whether the bus as a whole is gone."""
        return any(
            fault.kind is FaultKind.UNPLUG and fault.bus is not None and fault.is_due(at_s) for fault in self._faults
        )

    def is_stuck(self, at_s: float) -> bool:
        """Whether somebody holds the wire: one chip that does so stops all of them."""
        return any(fault.kind is FaultKind.STUCK and fault.is_due(at_s) for fault in self._faults)

    def replugged_s(self, sensor: str, at_s: float) -> float | None:
        """When the sensor last got its power back; None when it never lost it."""
        ends = [
            fault.until_s
            for fault in self._faults
            if fault.kind is FaultKind.UNPLUG and fault.sensor == sensor and fault.until_s <= at_s
        ]
        return max(ends, default=None)

    def next_edge_s(self, at_s: float) -> float:
        """When the next fault begins or ends after ``at_s``."""
        edges = [edge for fault in self._faults for edge in (fault.from_s, fault.until_s) if edge > at_s]
        return min(edges, default=FOREVER)
