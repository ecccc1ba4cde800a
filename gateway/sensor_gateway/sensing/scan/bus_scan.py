"""One I2C bus, looked through: who answers where, who that is, and what keeps its hands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import BusRefused, GatewayError, OperatorError, WireError
from sensor_gateway.sensing.bus import I2cBus
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.scan.candidates import Candidate, at_address
from sensor_gateway.sensing.scan.identification import Finding, Identifier, Waiting
from sensor_gateway.sensing.scan.presence import ADDRESSES, Presence, presence

MOST_ANSWERS: Final = 100
"""So many chips fit on no bus: the data line is held low, and every address seems to acknowledge."""

LONGEST_SILENCE_S: Final = 10.0
"""A bus on which asking takes so long and nobody answers is stuck: each address costs a time limit of the adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is known of a bus before anybody on it is asked.

    ``owned`` are the addresses that kernel drivers own, with their names; ``behind`` are those of the bus that this
    one is a channel of, with its name: they answer on both.
    """

    owned: Mapping[int, str] = field(default_factory=dict)
    behind: Mapping[int, str] = field(default_factory=dict)
    expected: Mapping[int, SensorPlan] = field(default_factory=dict)
    """What is configured on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusScan:
    """What was found. ``trouble`` is why nothing, or not everything, could be asked."""

    findings: tuple[Finding, ...] = ()
    trouble: GatewayError | None = None


def scan_bus(bus: I2cBus, kinds: Sequence[Candidate], place: Place, *, clock: Clock, wait: Waiting) -> BusScan:
    """Look the bus through, and leave it closed. Raises nothing of ours: what is wrong is the scan's ``trouble``."""
    found: list[Finding] = []
    try:
        bus.open()
        has_quick_write = bool(getattr(bus, "has_quick_write", False))  # a bus in software has no adapter
        seen = _seen(bus, place, clock, has_quick_write=has_quick_write)
        identifier = Identifier(kinds, bus.transfer, wait)
        for address, state in seen.items():
            if state is Presence.OPEN and not any(kind.variant.has_identity for kind in at_address(kinds, address)):
                continue
            finding = identifier.identify(address, place.expected.get(address))
            if state is Presence.ANSWERS or finding.chip is not None:
                found.append(finding)
    except (WireError, OperatorError) as error:
        return BusScan(findings=tuple(found), trouble=error)
    finally:
        bus.close()
    return BusScan(findings=tuple(found))


def _seen(bus: I2cBus, place: Place, clock: Clock, *, has_quick_write: bool) -> dict[int, Presence]:
    """The addresses that answer, and those where that is open. OperatorError for a bus that can be no working one."""
    seen: dict[int, Presence] = {}
    silent_s = 0.0
    for address in ADDRESSES:
        if address in place.owned or address in place.behind:
            continue
        began_s = clock.monotonic()
        try:
            state = presence(bus, address, has_quick_write=has_quick_write)
        except BusRefused:
            continue  # a kernel driver came meanwhile, or the adapter cannot ask at all
        if state is not Presence.SILENT:
            seen[address] = state
        if state is not Presence.ANSWERS:
            silent_s += clock.monotonic() - began_s
        answers = sum(state is Presence.ANSWERS for state in seen.values())
        if silent_s > LONGEST_SILENCE_S and not answers:
            raise OperatorError(f"{bus.name} is stuck: each address takes a time limit; {_WIRING}")
        if answers >= MOST_ANSWERS:
            raise OperatorError(f"{bus.name} is stuck: every address seems to answer; {_WIRING}")
    return seen


_WIRING: Final = "check that SDA and SCL are not swapped or held low, and that the pull-ups have supply"
