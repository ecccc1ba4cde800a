"""Who answers at an address: the candidates are asked one after the other, each by its own driver's ``identify``.

Every write goes through the guard: what any other candidate may heed is not sent, and then the one that wanted it
stands as "may be". A driver's ``setup`` and ``measure`` are never reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from sensor_gateway.model.driver_spec import Identity
from sensor_gateway.model.errors import BusMissing, BusStuck, MeasurementError, WireError
from sensor_gateway.sensing.driver_fault import facts_of
from sensor_gateway.sensing.engine import DriverRun, Transfer
from sensor_gateway.sensing.plan import SensorPlan, plan_alone
from sensor_gateway.sensing.scan.candidates import Candidate, at_address, bystanders_at
from sensor_gateway.sensing.scan.guard import Protected, disturbed_by

Waiting: TypeAlias = Callable[[float], object]

LONGEST_S: Final = 5.0
"""No identification takes longer than this, waits included."""


class Verdict(StrEnum):
    """What came of asking one candidate."""

    IDENTIFIED = "identified"
    DENIED = "denied"
    SILENT = "silent"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One candidate, and what came of asking it: an identity where it is the one, else the reason in a sentence."""

    candidate: Candidate
    verdict: Verdict
    reason: str = ""
    identity: Identity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One address that answers. ``chip`` is who it is; ``may_be`` who it may be, where that could not be told."""

    address: int
    chip: Asked | None
    may_be: tuple[Candidate, ...]
    asked: tuple[Asked, ...]
    others: tuple[str, ...]
    """Common chips at this address that there is no driver for."""


class _Withheld(WireError):
    """A write that the guard let not pass."""


class _Enough(WireError):
    """The identity is known, or the opening: nothing more goes to the chip."""


class Identifier:
    """Asks the chips of one bus who they are. ``kinds`` are all candidates that there are, at whichever address."""

    def __init__(self, kinds: Sequence[Candidate], transfer: Transfer, wait: Waiting) -> None:
        """``wait`` lets seconds pass."""
        self._kinds = kinds
        self._transfer = transfer
        self._wait = wait

    def identify(self, address: int, expected: SensorPlan | None = None) -> Finding:
        """Find out. ``expected`` is the sensor that is configured there: its driver is asked first, with its options.

        BusMissing and BusStuck pass.
        """
        kinds = at_address(self._kinds, address)
        plans = {kind.name: _plan(kind, address) for kind in kinds}
        order = list(kinds)
        if expected is not None:
            order.sort(key=lambda kind: expected.variant not in kind.names)
            plans.update({kind.name: expected for kind in kinds if expected.variant in kind.names})
        asked: list[Asked] = []
        for kind in order:
            known = _known(asked)
            if known is not None and (_is_certain(known, expected) or kind.spec is not known.candidate.spec):
                continue
            plan = plans[kind.name]
            others = [other for other in kinds if other.spec is not kind.spec]
            asked.append(self._ask(kind, plan, _protected(others, plans, address)))
        chip = _known(asked)
        excluded = [entry.candidate for entry in asked if entry.verdict in (Verdict.DENIED, Verdict.SILENT)]
        return Finding(
            address=address,
            chip=chip,
            may_be=() if chip else tuple(kind for kind in order if kind not in excluded),
            asked=tuple(asked),
            others=() if chip else tuple(bystander.what for bystander in bystanders_at(address)),
        )

    def _ask(self, kind: Candidate, plan: SensorPlan | None, protected: Sequence[Protected]) -> Asked:
        if plan is None or not kind.variant.has_identity:
            reason = "it has nothing to be told by" if plan else "its options have no defaults"
            return Asked(candidate=kind, verdict=Verdict.NOT_ASKED, reason=reason)
        guarded = _Guarded(self._transfer, protected)
        run = DriverRun(plan, transfer=guarded.transfer)
        guarded.run = run
        try:
            failure = _run_to_identity(run, self._wait)
        except _Withheld as error:
            return Asked(candidate=kind, verdict=Verdict.NOT_ASKED, reason=str(error))
        if guarded.withheld:
            return Asked(candidate=kind, verdict=Verdict.NOT_ASKED, reason=guarded.withheld)
        if run.identity is not None:
            return Asked(candidate=kind, verdict=Verdict.IDENTIFIED, identity=run.identity)
        is_silent = isinstance(failure, WireError)
        reason = facts_of(failure)[1] if failure is not None else "it did not end"
        return Asked(candidate=kind, verdict=Verdict.SILENT if is_silent else Verdict.DENIED, reason=reason)


class _Guarded:
    """The bus as an identification sees it."""

    def __init__(self, transfer: Transfer, protected: Sequence[Protected]) -> None:
        self.run: DriverRun | None = None
        self.withheld = ""
        self._transfer = transfer
        self._protected = protected

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        if self.run is not None and self.run.identity is not None:
            raise _Enough("the identity is known")
        disturbed = disturbed_by(data, self._protected)
        if disturbed:
            self.withheld = f"asking it (write {data.hex(' ')}) would disturb a {disturbed}"
            raise _Withheld(self.withheld)
        return self._transfer(address, data, count)


def opening_of(plan: SensorPlan) -> bytes | None:
    """What a driver's identification writes first; None where it begins with a read, or with nothing."""
    writes: list[bytes] = []

    def note(_address: int, data: bytes, _count: int) -> bytes:
        writes.append(data)
        raise _Enough("the opening is known")

    run = DriverRun(plan, transfer=note)
    try:
        while run.identity is None and not writes and run.resume() is not None:
            pass
    except MeasurementError:
        pass
    run.abort()
    # Once there is an identity, what was written is the set-up's.
    return writes[0] if writes and run.identity is None and writes[0] else None


def _run_to_identity(run: DriverRun, wait: Waiting) -> MeasurementError | None:
    """Run until the identity is there; the error that ended it, if one did."""
    left_s = LONGEST_S
    try:
        while run.identity is None and left_s > 0:
            pause_s = run.resume()
            if pause_s is None:
                break
            if run.identity is None:
                wait(pause_s)
                left_s -= pause_s
    except (BusMissing, BusStuck, _Withheld):
        raise
    except MeasurementError as error:
        return error
    finally:
        run.abort()
    return None


def _plan(kind: Candidate, address: int) -> SensorPlan | None:
    """The driver with the defaults of its options; None where it has none, or its channels come from them."""
    try:
        return plan_alone("scan", kind.spec, kind.name, kind.spec.options(), address)
    except (TypeError, ValueError):
        return None


def _protected(others: Sequence[Candidate], plans: dict[str, SensorPlan | None], address: int) -> tuple[Protected, ...]:
    chips = []
    for other in others:
        plan = plans[other.name]
        opening = opening_of(plan) if plan is not None and other.variant.has_identity else None
        chips.append(Protected(name=other.variant.part or other.name, heeds=other.spec.heeds, opening=opening))
    chips.extend(Protected(name=bystander.what, heeds=bystander.heeds) for bystander in bystanders_at(address))
    return tuple(chips)


def _known(asked: Sequence[Asked]) -> Asked | None:
    """Who it is: of those that found themselves, one without a remark first."""
    found = [entry for entry in asked if entry.identity is not None]
    return min(found, key=lambda entry: bool(entry.identity and entry.identity.note), default=None)


def _is_certain(known: Asked, expected: SensorPlan | None) -> bool:
    """A driver that remarks on its part may not be the one to write, unless it is the one that is configured."""
    is_expected = expected is not None and expected.variant in known.candidate.names
    return is_expected or not (known.identity and known.identity.note)
