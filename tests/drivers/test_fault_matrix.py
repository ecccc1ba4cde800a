"""Every installed driver on the model of its chip, in the real poller, and each fault at each transfer.

Whatever happens on the wire, no wrong value is told as a good one, the sensor's health says what is wrong in a code of
the closed list, and it is well again a few polls after the fault is over. What a chip cannot notice is in a table, with
the reason (``proving/faults/blindness.py``). ``--all-faults`` runs all of it; else it is a sample of ``--fault-seed``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from proving.faults.blindness import blindness
from proving.faults.faults import Extent, all_faults, sampled
from proving.faults.subjects import Subject, installed, serial_subjects, subjects_of
from proving.faults.trial import complaints, told, wrong_values
from proving.faults.wire import Fault, Kind, Transfer

from sensor_drivers import aht20, opt3001
from sensor_gateway import driver
from sensor_gateway.driver import BusKind, Measuring, Preparing, Wait

OTHERS = 6
"""Faults in the sample of a subject that differs from one before it in its name, its options or its light only."""

LOSSES = (Kind.BROWN_OUT, Kind.EARLY_BROWN_OUT)
SPECS = installed(BusKind.I2C)
FIRST = {name: next(subjects_of(spec, next(iter(spec.variants)))) for name, spec in SPECS.items()}
MORE = {
    f"{name}: {subject.name}": subject
    for name, spec in SPECS.items()
    for variant in spec.variants
    for subject in subjects_of(spec, variant)
    if subject.name != FIRST[name].name
}
SERIAL = {f"{subject.spec.name}: {subject.name}": subject for subject in serial_subjects()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a subject did that it must not, and which kinds of faults made it tell wrong values."""

    bad: Sequence[str]
    fooled_by: frozenset[Kind]


def undisturbed(subject: Subject) -> tuple[Sequence[Transfer], Mapping[str, float]]:
    """The transfers of two good polls, and the values that are right."""
    story = told(subject, None)
    assert story.is_well, f"{subject.name} is not well by itself: {story.states[-1].reason}"
    return story.transfers, {name: value for name, value in story.last.items() if value is not None}


def judged(subject: Subject, faults: Sequence[Fault], right: Mapping[str, float]) -> Findings:
    """What comes of these faults, one after the other."""
    bad, fooled_by = [], set()
    unnoticeable = blindness(subject)
    for fault in faults:
        story = told(subject, fault)
        found = complaints(subject, right, fault, story)
        wrong = wrong_values(subject, right, story)
        if wrong:
            fooled_by.add(fault.kind)
            if fault.kind not in unnoticeable:
                found += wrong
        bad += [f"{subject.name}, {fault}: {complaint}" for complaint in found]
    return Findings(bad=bad, fooled_by=frozenset(fooled_by))


def chosen(subject: Subject, transfers: Sequence[Transfer], extent: Extent) -> list[Fault]:
    """The faults to run: all, or a sample."""
    faults = list(all_faults(subject, transfers, is_blind=Kind.FLIP in blindness(subject)))
    return faults if extent.is_all else sampled(faults, transfers, Random(f"{extent.seed} {subject.name}"))


def is_as_blind_as_told(subject: Subject, transfers: Sequence[Transfer], right: Mapping[str, float]) -> bool:
    """Whether a chip that is said to have no checksum is fooled by any one bit at all."""
    if Kind.FLIP not in blindness(subject):
        return True
    flips = [fault for fault in all_faults(subject, transfers, is_blind=True) if fault.kind is Kind.FLIP]
    return any(wrong_values(subject, right, told(subject, fault)) for fault in reversed(flips))


@pytest.mark.parametrize("name", FIRST)
def test_no_fault_of_an_i2c_bus_makes_a_driver_tell_a_wrong_value_or_stay_away(name: str, extent: Extent) -> None:
    subject = FIRST[name]
    transfers, right = undisturbed(subject)
    findings = judged(subject, chosen(subject, transfers, extent), right)
    assert not findings.bad
    assert is_as_blind_as_told(subject, transfers, right)


@pytest.mark.parametrize("name", MORE)
def test_no_variant_no_option_and_no_light_makes_a_difference(name: str, extent: Extent) -> None:
    """A loss of power is tried at each transfer where options or light differ, since scales do."""
    subject = settled(MORE[name])
    if subject is None:
        pytest.skip("the light is beyond this range of the chip, as it should be")
    transfers, right = undisturbed(subject)
    faults = chosen(subject, transfers, extent)
    if not extent.is_all:
        random = Random(f"{extent.seed} {name}")
        losses = [fault for fault in faults if fault.kind in LOSSES] if subject.chosen or subject.light else []
        faults = losses + random.sample(faults, min(OTHERS, len(faults)))
    findings = judged(subject, faults, right)
    assert not findings.bad


def settled(subject: Subject) -> Subject | None:
    """The subject, in light that its range can measure."""
    for share in (1.0, 0.1, 0.001):
        weaker = {name: value * share if name in LIT else value for name, value in subject.true.items()}
        dimmed = replace(subject, true=weaker)
        if told(dimmed, None).is_well:
            return dimmed
    return None


LIT = ("illuminance", "clear", "red", "green", "blue")


@pytest.mark.parametrize("name", SERIAL)
def test_no_fault_of_a_serial_line_makes_a_driver_tell_a_wrong_value_or_stay_away(name: str, extent: Extent) -> None:
    subject = SERIAL[name]
    transfers, right = undisturbed(subject)
    findings = judged(subject, chosen(subject, transfers, extent), right)
    assert not findings.bad
    assert is_as_blind_as_told(subject, transfers, right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Where a chip says that it is busy: the request, and the bits of the answer that say so."""

    data: str
    count: int
    byte: int = 0
    mask: int
    value: int


BUSY = {
    "adt7410": Busy(data="02", count=1, mask=0x80, value=0x80),
    "aht20": Busy(data="", count=7, mask=0x80, value=0x80),
    "apds9960": Busy(data="93", count=1, mask=0x01, value=0),
    "bme280": Busy(data="f3", count=1, mask=0x08, value=0x08),
    "bme680": Busy(data="1d", count=17, mask=0x80, value=0),
    "bmp3xx": Busy(data="03", count=1, mask=0x60, value=0),
    "dps310": Busy(data="06", count=4, byte=2, mask=0x30, value=0),
    "ltr390": Busy(data="07", count=1, mask=0x08, value=0),
    "tmp117": Busy(data="01", count=2, mask=0x20, value=0),
}
"""Those of Sensirion's kind refuse their address while they are busy: that is a NACK for ever."""

STUCK_S = 30.0


def stuck(subject: Subject, transfers: Sequence[Transfer]) -> Fault:
    """The chip of ``subject`` is busy from its first measurement on, for long."""
    busy = BUSY[subject.spec.name]
    request = (bytes.fromhex(busy.data), busy.count)
    at = next(place for place, done in enumerate(transfers) if (done.data, len(done.answer)) == request)
    return Fault(kind=Kind.STUCK, at=at, lasting_s=STUCK_S, byte=busy.byte, mask=busy.mask, value=busy.value)


@pytest.mark.parametrize("name", BUSY)
def test_a_chip_that_is_busy_for_ever_is_given_up_in_time_and_taken_again(name: str) -> None:
    subject = FIRST[name]
    transfers, right = undisturbed(subject)
    assert not judged(subject, [stuck(subject, transfers)], right).bad


# Controls: drivers with a fault of their own, which the same judge must catch.


def broken(name: str, create: Any) -> Subject:
    """A subject with another driver."""
    subject = FIRST[name]
    return replace(subject, spec=replace(subject.spec, create=create))


def test_a_driver_without_its_checksum_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def unchecked(frame: bytes, count: int) -> tuple[int, ...]:
        return tuple(int.from_bytes(frame[3 * place : 3 * place + 2], "big") for place in range(count))

    monkeypatch.setattr(driver, "checked_words", unchecked)
    subject = FIRST["sht4x"]
    transfers, right = undisturbed(subject)
    findings = judged(subject, chosen(subject, transfers, Extent(is_all=False, seed=1)), right)
    assert {Kind.FLIP, Kind.ONES, Kind.SHORT} & findings.fooled_by
    assert findings.bad


class SetUpOnce(opt3001.Opt3001):
    """A driver that believes a chip to stay set up."""

    is_set_up = False

    def setup(self) -> Preparing:
        if self.is_set_up:
            yield Wait(0.001)
            return
        self.is_set_up = True
        yield from super().setup()


def test_a_driver_that_sets_up_no_second_time_is_caught() -> None:
    subject = broken("opt3001", lambda _variant, options, _address: SetUpOnce(options))
    transfers, right = undisturbed(subject)
    faults = [Fault(kind=Kind.UNPLUGGED, at=len(transfers) - 1, lasting_s=10.0)]
    assert any("does not recover" in complaint for complaint in judged(subject, faults, right).bad)


class Trusting(opt3001.Opt3001):
    """A driver that looks at the chip's configuration before the value, and not after it."""

    def measure(self) -> Measuring:
        configuration = yield opt3001.READ_CONFIGURATION
        if int.from_bytes(configuration, "big") & opt3001.OURS != self._ours:
            raise opt3001.NotReady("lost")
        return opt3001.convert(configuration, (yield opt3001.READ_RESULT))


def test_a_driver_that_looks_too_early_is_caught() -> None:
    subject = broken("opt3001", lambda _variant, options, _address: Trusting(options))
    transfers, right = undisturbed(subject)
    faults = [Fault(kind=Kind.BROWN_OUT, at=at) for at in range(len(transfers))]
    assert any("illuminance of 0 in place of" in complaint for complaint in judged(subject, faults, right).bad)


def test_a_driver_that_waits_for_ever_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = FIRST["aht20"]
    transfers, right = undisturbed(subject)
    monkeypatch.setattr(aht20, "POLLS", 10**9)
    assert any(
        "transfers in one poll" in complaint for complaint in judged(subject, [stuck(subject, transfers)], right).bad
    )


def test_every_driver_with_a_chip_model_is_in_the_matrix() -> None:
    assert len(FIRST) >= 25
    serial = installed(BusKind.SERIAL_REQUEST, BusKind.SERIAL_STREAM)
    assert {subject.spec.name for subject in SERIAL.values()} == {*serial}, "a row in SERIAL of faults/subjects.py"
