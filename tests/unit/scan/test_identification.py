"""The law of a scan: to a chip that is not identified it writes nothing that another candidate there would heed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sensor_drivers
from sensor_gateway.model.driver_spec import DriverSpec, Heeds
from sensor_gateway.model.errors import BusMissing, MeasurementError
from sensor_gateway.model.operations import Operation, Read, Wait, Write, WriteRead
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.sensing.scan import identification
from sensor_gateway.sensing.scan.candidates import BYSTANDERS, Candidate, at_address, bystanders_at, candidates
from sensor_gateway.sensing.scan.guard import Protected, disturbed_by, is_heeded
from sensor_gateway.sensing.scan.identification import Finding, Identifier, Verdict, opening_of
from sensor_gateway.simulation.build import simulated_bus
from sensor_gateway.simulation.virtual_clock import VirtualClock

ADDRESS = 0x40
QUIET = Heeds()
ID = WriteRead(b"\xd0", 1)


def identified(lab: SimpleNamespace, chip: object, *specs: DriverSpec, address: int = ADDRESS) -> Finding:
    waits: list[float] = []
    return Identifier(lab.kinds(*specs), chip.transfer, waits.append).identify(address)  # type: ignore[attr-defined]


def test_a_chip_that_gives_its_identity_is_known_and_nothing_more_is_written(lab: SimpleNamespace) -> None:
    chip = lab.Chip({b"\xd0": b"\x60"})
    found = identified(lab, chip, lab.spec("a", ID, heeds=QUIET), lab.spec("b", WriteRead(b"\x0f", 1), heeds=QUIET))
    assert found.chip is not None
    assert found.chip.candidate.name == "a"
    assert found.may_be == ()
    assert chip.written == [b"\xd0"]


def test_the_setup_of_a_driver_is_never_reached(lab: SimpleNamespace) -> None:
    """Its bodies would raise; and a reset of an identified chip is still a write that nobody asked for."""
    bme280 = DriverCatalogue().spec("bme280")
    chip = lab.Chip({b"\xd0": b"\x60"})
    found = Identifier(candidates({"bme280": bme280}), chip.transfer, lambda _s: None).identify(0x76)
    assert found.chip is not None
    assert chip.written == [b"\xd0"]


def test_one_that_others_would_be_disturbed_by_is_not_asked_and_may_be_there(lab: SimpleNamespace) -> None:
    asks = lab.spec("asks", WriteRead(b"\xfe", 2), heeds=QUIET)
    heeds = lab.spec("heeds", has_identity=False, heeds=Heeds(alone=b"\xfe"))
    chip = lab.Chip()
    found = identified(lab, chip, asks, heeds)
    assert chip.written == []
    assert [kind.name for kind in found.may_be] == ["asks", "heeds"]
    assert found.asked[0].verdict is Verdict.NOT_ASKED
    assert found.asked[0].reason == "asking it (write fe) would disturb a HEEDS"


def test_a_driver_that_does_not_say_what_it_heeds_is_disturbed_by_anything(lab: SimpleNamespace) -> None:
    chip = lab.Chip()
    identified(lab, chip, lab.spec("asks", ID, heeds=QUIET), lab.spec("secret", has_identity=False, heeds=None))
    assert chip.written == []


def test_what_a_candidates_own_identification_begins_with_may_be_sent_to_it(lab: SimpleNamespace) -> None:
    chip = lab.Chip({b"\xd0": b"\x58"})
    one = lab.spec("one", ID, heeds=None)
    two = lab.spec("two", ID, heeds=None, right=b"\x58")
    found = identified(lab, chip, one, two)
    assert found.chip is not None
    assert found.chip.candidate.name == "two"


def test_the_second_write_of_an_identification_is_guarded_too(lab: SimpleNamespace) -> None:
    chip = lab.Chip()
    asks = lab.spec("asks", WriteRead(b"\xff", 2), Wait(0.1), WriteRead(b"\xfe", 2), heeds=QUIET)
    identified(lab, chip, asks, lab.spec("heeds", has_identity=False, heeds=Heeds(alone=b"\xfe")))
    assert chip.written == [b"\xff"]


def test_chips_that_deny_are_out_and_their_reason_is_kept(lab: SimpleNamespace) -> None:
    chip = lab.Chip({b"\xd0": b"\x61"})
    found = identified(lab, chip, lab.spec("a", ID, heeds=QUIET), lab.spec("b", has_identity=False, heeds=QUIET))
    assert [kind.name for kind in found.may_be] == ["b"]
    denied = next(entry for entry in found.asked if entry.candidate.name == "a")
    assert (denied.verdict, denied.reason) == (Verdict.DENIED, "id: expected 60, got 61")


def test_a_driver_with_a_remark_gives_way_to_its_sibling_without_one(lab: SimpleNamespace) -> None:
    """A BMP280 is found by `bme280` too, with a note that it is none: then `bmp280` is what to write."""
    catalogue = DriverCatalogue()
    known = candidates({name: catalogue.spec(name) for name in ("bme280", "bmp280")})
    chip = lab.Chip({b"\xd0": b"\x58"})
    found = Identifier(known, chip.transfer, lambda _s: None).identify(0x76)
    assert found.chip is not None
    assert found.chip.candidate.name == "bmp280"
    assert found.chip.identity is not None
    assert found.chip.identity.note == ""


def test_what_is_configured_is_asked_first_and_its_remark_stands(lab: SimpleNamespace) -> None:
    catalogue = DriverCatalogue()
    bosch = catalogue.spec("bme280")
    known = candidates(dict.fromkeys(("bme280", "bmp280"), bosch))
    chip = lab.Chip({b"\xd0": b"\x58"})
    plan = plan_alone("attic", bosch, "bme280", bosch.options(), 0x76)
    found = Identifier(known, chip.transfer, lambda _s: None).identify(0x76, plan)
    assert found.chip is not None
    assert found.chip.identity is not None
    assert "it has no humidity sensor" in found.chip.identity.note


def test_a_bus_that_is_gone_ends_the_scan(lab: SimpleNamespace) -> None:
    def gone(_address: int, _data: bytes, _count: int) -> bytes:
        raise BusMissing("gone")

    with pytest.raises(BusMissing):
        Identifier(lab.kinds(lab.spec("a", ID, heeds=QUIET)), gone, lambda _s: None).identify(ADDRESS)


def test_a_driver_that_raises_anything_at_all_is_no_match_and_stops_nobody(lab: SimpleNamespace) -> None:
    def create(*_: object) -> object:
        raise KeyError("of a stranger")

    broken = DriverSpec(
        name="broken", summary="", bus=lab.spec("x").bus, variants=lab.spec("broken").variants,
        create=create, replay=lambda _v: {}, vectors=(), heeds=QUIET,
    )  # fmt: skip
    found = identified(lab, lab.Chip({b"\xd0": b"\x60"}), broken, lab.spec("a", ID, heeds=QUIET))
    assert found.chip is not None
    assert found.chip.candidate.name == "a"


def test_an_identification_that_waits_for_ever_is_given_up(lab: SimpleNamespace) -> None:
    waits: list[float] = []
    slow = lab.spec("slow", *[Wait(1.0)] * 100, ID, heeds=QUIET)
    found = Identifier(lab.kinds(slow), lab.Chip().transfer, waits.append).identify(ADDRESS)
    assert found.chip is None
    assert sum(waits) <= 6


def test_the_likelier_of_two_comes_first_and_what_can_be_told_before_what_cannot(lab: SimpleNamespace) -> None:
    specs = (lab.spec("zzz"), lab.spec("aaa"), lab.spec("bme280"), lab.spec("bh1750", has_identity=False))
    assert [kind.name for kind in at_address(lab.kinds(*specs), ADDRESS)] == ["bme280", "aaa", "zzz", "bh1750"]


def test_names_of_one_row_are_one_candidate_under_the_name_of_the_driver() -> None:
    catalogue = DriverCatalogue()
    found = candidates({name: catalogue.spec(name) for name in ("sht40", "sht41", "sht4x")})
    assert [kind.names for kind in found] == [("sht4x", "sht40", "sht41")]


def test_a_command_of_one_byte_is_heeded_with_bytes_behind_it_too() -> None:
    chip = Protected(name="chip", heeds=Heeds(alone=b"\xfe", with_data=b"\x01"))
    assert [is_heeded(data, chip) for data in (b"", b"\xfe", b"\xfe\x00", b"\x01", b"\x01\x00", b"\x02\x00")] == [
        False, True, True, False, True, False,
    ]  # fmt: skip
    assert disturbed_by(b"\xfe", [chip]) == "chip"
    assert disturbed_by(b"\x01", [chip]) == ""


def test_the_opening_of_an_identification_is_told_without_a_bus() -> None:
    catalogue = DriverCatalogue()
    for name, opening in (("bme280", b"\xd0"), ("sht4x", b"\x89")):
        spec = catalogue.spec(name)
        address = spec.variants[name].addresses[0]
        assert opening_of(plan_alone("x", spec, name, spec.options(), address)) == opening


# The law, on any drivers and on ours. The judge knows nothing of the guard: it asks each chip whether it acted.

BYTES = st.binary(min_size=1, max_size=3)
OPERATIONS = st.one_of(
    BYTES.map(Write),
    st.builds(WriteRead, BYTES, st.integers(1, 3)),
    st.integers(1, 3).map(Read),
    st.just(Wait(0.01)),
)
FEW = st.binary(max_size=40)


def acts(kind: Candidate, opening: bytes | None, data: bytes) -> bool:
    heeds = kind.spec.heeds
    if data == opening:
        return False
    if heeds is None:
        return True
    return data[0] in heeds.alone or (len(data) > 1 and data[0] in heeds.with_data)


class Judge:
    """Remembers who was being asked when what was written, and finds who else would have acted."""

    def __init__(self, known: Sequence[Candidate], address: int, answers: bytes) -> None:
        self.address = address
        self.answers = answers
        self.written: list[bytes] = []
        self.kinds = at_address(known, address)

    def transfer(self, _address: int, data: bytes, count: int) -> bytes:
        if data:
            self.written.append(data)
        return self.answer(count)

    def answer(self, count: int) -> bytes:
        return (self.answers * 8)[:count].ljust(count, b"\x00")

    def disturbed(self) -> list[str]:
        """Each write must come from a driver that writes it by itself, and no other driver's chip may act on it."""
        kinds = [kind for kind in self.kinds if kind.variant.has_identity]
        own = {kind.name: self.writes_of(kind) for kind in kinds}
        openings = {name: writes[0] if writes else b"" for name, writes in own.items()}
        faults = []
        for data in self.written:
            acting = {kind.spec.name for kind in self.kinds if acts(kind, openings.get(kind.name), data)}
            askers = {kind.spec.name for kind in kinds if data in own[kind.name]}
            if not any(acting <= {asker} for asker in askers):
                faults.append(f"{data.hex()} to {sorted(acting)}")
            faults += [
                f"{data.hex()} to {one.what}"
                for one in BYSTANDERS
                if self.address in one.addresses
                and (data[0] in one.heeds.alone or (len(data) > 1 and data[0] in one.heeds.with_data))
            ]
        return faults

    def writes_of(self, kind: Candidate) -> list[bytes]:
        """What a driver's identification writes to a chip that answers so; b"" first where it begins with a read."""
        driver = kind.spec.create(kind.name, kind.spec.options(), self.address)
        steps = driver.identify()  # type: ignore[union-attr]  # no stream
        writes, answer = [], None
        try:
            while True:
                operation = steps.send(answer)
                if not isinstance(operation, Wait):
                    writes.append(getattr(operation, "data", b""))
                count = getattr(operation, "count", 0)
                answer = self.answer(count) if count else b""
        except (StopIteration, MeasurementError):
            return writes


@given(
    st.lists(
        st.tuples(st.lists(OPERATIONS, max_size=4), st.one_of(st.none(), st.tuples(FEW, FEW)), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    st.binary(min_size=1, max_size=4),
)
def test_no_write_reaches_a_chip_that_would_heed_it_whatever_the_drivers(
    lab: SimpleNamespace, drivers: list[tuple[list[Operation], tuple[bytes, bytes] | None, bool]], answers: bytes
) -> None:
    known = lab.kinds(
        *(
            lab.spec(
                f"d{number}",
                *operations,
                heeds=None if heeds is None else Heeds(alone=heeds[0], with_data=heeds[1]),
                has_identity=has_identity,
            )
            for number, (operations, heeds, has_identity) in enumerate(drivers)
        )
    )
    judge = Judge(known, ADDRESS, answers)
    Identifier(known, judge.transfer, lambda _s: None).identify(ADDRESS)
    assert judge.disturbed() == []


def ours() -> tuple[Candidate, ...]:
    """Every driver in the package, installed as an entry point or not."""
    modules = [import_module(f"sensor_drivers.{found.name}") for found in iter_modules(sensor_drivers.__path__)]
    specs: list[DriverSpec] = [module.SPEC for module in modules if hasattr(module, "SPEC")]
    return candidates({name: spec for spec in specs for name in spec.variants})


@pytest.mark.parametrize("answers", [b"\x00", b"\xff", b"\x60", b"\x54\x49\x10\x50", b"\x0d\x15\x3a"])
def test_none_of_our_drivers_disturbs_a_chip_of_another(answers: bytes) -> None:
    known = ours()
    for address in range(0x08, 0x78):
        judge = Judge(known, address, answers)
        Identifier(known, judge.transfer, lambda _s: None).identify(address)
        assert judge.disturbed() == [], f"at {address:02x}"


@pytest.fixture
def at_40(lab: SimpleNamespace) -> tuple[Candidate, ...]:
    """HTU21D, to which FE is a reset, and HDC1080, whose manufacturer id stands in FE."""
    known: tuple[Candidate, ...] = lab.kinds(
        lab.spec("htu21d", has_identity=False, heeds=Heeds(alone=b"\xe3\xe5\xf3\xf5\xfe", with_data=b"\xe6")),
        lab.spec("hdc1080", WriteRead(b"\xfe", 2), heeds=Heeds(with_data=b"\x02"), right=b"TI"),
    )
    return known


def test_an_htu21d_is_not_reset_by_the_question_for_an_hdc1080(at_40: tuple[Candidate, ...]) -> None:
    judge = Judge(at_40, ADDRESS, b"\xff")
    Identifier(at_40, judge.transfer, lambda _s: None).identify(ADDRESS)
    assert judge.written == []


def test_the_judge_catches_a_scan_without_a_guard(
    at_40: tuple[Candidate, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(identification, "disturbed_by", lambda _written, _chips: "")
    judge = Judge(at_40, ADDRESS, b"\xff")
    Identifier(at_40, judge.transfer, lambda _s: None).identify(ADDRESS)
    assert judge.disturbed() == ["fe to ['htu21d']"]


def test_the_judge_catches_our_own_drivers_without_a_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control on what is installed."""
    monkeypatch.setattr(identification, "disturbed_by", lambda _written, _chips: "")
    known = ours()
    found = []
    for address in range(0x08, 0x78):
        judge = Judge(known, address, b"\xff")
        Identifier(known, judge.transfer, lambda _s: None).identify(address)
        found += judge.disturbed()
    assert any("PCA9685" in fault for fault in found), found


@pytest.mark.parametrize(
    ("address", "what", "written"),
    [
        (0x62, "MCP4725", b"\x3f\x86"),
        (0x70, "PCA9685", b"\x35\x17"),
        (0x76, "HT16K33", b"\xe0"),
        (0x48, "PCF8591", b"\x0f"),
    ],
)
def test_what_moves_an_output_is_a_bystanders_and_never_written(address: int, what: str, written: bytes) -> None:
    protected = [Protected(name=one.what, heeds=one.heeds) for one in bystanders_at(address)]
    assert what in disturbed_by(written, protected)


@pytest.mark.parametrize("variant", ["bme280", "bmp280", "bme680", "bmp390", "dps310"])
@pytest.mark.parametrize("address", [0x76, 0x77])
def test_the_barometers_are_told_beside_a_display(variant: str, address: int) -> None:
    spec = DriverCatalogue().spec(variant)
    clock = VirtualClock()
    plan = plan_alone("attic", spec, variant, spec.options(), address)
    bus = simulated_bus("i2c1", "i2c", [plan], clock=clock)
    bus.open()
    chip = Identifier(ours(), bus.transfer, clock.advance).identify(address).chip
    assert chip is not None
    assert variant in chip.candidate.names


@pytest.mark.parametrize("variant", ["scd4x", "shtc3", "tmp117", "adt7410"])
def test_a_chip_whose_question_would_move_an_output_is_not_asked_and_may_be_there(variant: str) -> None:
    spec = DriverCatalogue().spec(variant)
    address = spec.variants[variant].addresses[0]
    judge = Judge(ours(), address, b"\x00")
    found = Identifier(ours(), judge.transfer, lambda _s: None).identify(address)
    assert found.chip is None
    assert judge.written == []
    assert any(variant in kind.names for kind in found.may_be)
