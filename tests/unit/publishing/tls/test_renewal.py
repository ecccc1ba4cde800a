"""When a connection is renewed for new files, on a clock of the test's."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from proving.certificates import Authority
from proving.logs import Journal

from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.settings import TlsSettings
from sensor_gateway.publishing.tls.certificate import validity_of
from sensor_gateway.publishing.tls.renewal import LOOK_EVERY_S, FileStamps, Renewal, objection_to, stamps_of

DAY_MS = 86_400_000
SETTINGS = TlsSettings(ca_file=Path("ca.pem"))


@dataclass
class Files:
    """What the files look like, what speaks against them, and a clock."""

    journal: Journal
    stamps: FileStamps = ((1,),)
    objection: str = ""
    now_s: float = 0.0
    wall_ms: int = 1_795_449_600_000
    clock: ClockState = ClockState.SYNCED
    spread_s: float = 0.0
    tls: TlsSettings = SETTINGS
    looks: int = 0
    renewal: Renewal = field(init=False)

    def begin(self) -> Files:
        self.renewal = Renewal(
            self.tls,
            spread_s=self.spread_s,
            log=self.journal,
            look=self._look,
            judge=lambda _tls: self.objection,
            chance=random.Random(3),
        )
        self.renewal.begin(self.stamps, self.now_s)
        return self

    def _look(self, _tls: TlsSettings) -> FileStamps:
        self.looks += 1
        return self.stamps

    def turn(self, seconds: float = LOOK_EVERY_S) -> bool:
        self.now_s += seconds
        stamp = Stamp(uptime_ms=round(self.now_s * 1000), wall_ms=self.wall_ms, clock=self.clock)
        return self.renewal.is_due(self.now_s, stamp)

    def first_due_s(self, most: int = 200) -> float:
        began_s = self.now_s
        for _ in range(most):
            if self.turn(1.0):
                return self.now_s - began_s
        raise AssertionError("never due")


@pytest.fixture
def files(journal: Journal) -> Files:
    return Files(journal).begin()


def test_files_that_stay_as_they_are_renew_nothing(files: Files) -> None:
    assert not any(files.turn() for _ in range(1000))
    assert files.journal.lines == []


def test_a_turn_costs_a_look_at_most_every_five_seconds(files: Files) -> None:
    for _ in range(10_000):
        files.turn(0.01)
    assert files.looks <= 100 / LOOK_EVERY_S + 1


def test_new_files_renew_the_connection_once_they_have_settled(files: Files) -> None:
    files.turn()
    files.stamps = ((2,),)
    assert not files.turn()
    assert files.turn()
    files.renewal.begin(files.stamps, files.now_s)
    assert not any(files.turn() for _ in range(10))


def test_files_that_are_still_being_written_renew_nothing(files: Files) -> None:
    for number in range(2, 50):
        files.stamps = ((number,),)
        assert not files.turn()


def test_files_that_cannot_be_used_keep_the_connection_and_are_told_once(files: Files) -> None:
    files.stamps, files.objection = ((2,),), "the certificate and the key do not belong together"
    assert not any(files.turn() for _ in range(100))
    assert files.journal.names() == ["certificates_not_usable"]
    (facts,) = files.journal.facts("certificates_not_usable")
    assert facts["why"] == files.objection
    assert "former files" in str(facts["mind"])


def test_the_other_half_of_a_pair_mends_it(files: Files) -> None:
    files.stamps, files.objection = ((2,),), "half written"
    assert not any(files.turn() for _ in range(5))
    files.stamps, files.objection = ((3,),), ""
    assert not files.turn()
    assert files.turn()


def test_a_fleet_comes_at_random_moments_within_its_spread(journal: Journal) -> None:
    files = Files(journal, spread_s=100.0).begin()
    waits = []
    for number in range(2, 60):
        files.stamps = ((number,),)
        waits.append(files.first_due_s())
        files.renewal.begin(files.stamps, files.now_s)
    assert max(waits) > 80
    assert min(waits) < 40
    assert len({round(wait) for wait in waits}) > 20


def test_what_is_written_anew_while_the_moment_is_awaited_settles_first(journal: Journal) -> None:
    files = Files(journal, spread_s=50.0).begin()
    files.stamps = ((2,),)
    files.turn()
    files.turn()
    files.stamps, files.objection = ((3,),), "half written"
    assert not any(files.turn(1.0) for _ in range(300))
    assert journal.names() == ["certificates_not_usable"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def aging(authority: Authority, journal: Journal) -> Callable[[int, float], Files]:
    def make(days: int, left_days: float) -> Files:
        """A certificate of so many days, of which so many are left."""
        file = authority.sign("aging", days=days).certificate
        until_ms = validity_of(file.read_bytes()).until_ms
        tls = TlsSettings(certificate_file=file)
        return Files(journal, tls=tls, wall_ms=until_ms - round(left_days * DAY_MS)).begin()

    return make


@pytest.mark.parametrize(
    ("days", "left_days", "is_told"),
    [
        (90, 16, False),
        (90, 14, True),
        (3650, 31, False),
        (3650, 29, True),
        (1, 0.2, False),
        (1, 0.1, True),
        (1, -1, True),
    ],
)
def test_a_certificate_near_its_end_is_told_once(
    aging: Callable[[int, float], Files], days: int, left_days: float, *, is_told: bool
) -> None:
    files = aging(days, left_days)
    for _ in range(50):
        files.turn()
    assert files.journal.names() == ["certificate_expires_soon"] * is_told


def test_a_certificate_near_its_end_is_not_told_again_on_the_next_connection(
    aging: Callable[[int, float], Files],
) -> None:
    files = aging(90, 3)
    for _ in range(3):
        files.turn()
        files.renewal.begin(files.stamps, files.now_s)
    assert files.journal.names() == ["certificate_expires_soon"]


def test_without_the_time_nothing_is_said_of_a_certificates_end(aging: Callable[[int, float], Files]) -> None:
    files = aging(90, -1000)
    files.clock = ClockState.UNSYNCED
    files.turn()
    assert files.journal.lines == []


def test_new_files_do_not_wait_longer_than_the_old_certificate_lasts(
    authority: Authority, journal: Journal, aging: Callable[[int, float], Files]
) -> None:
    files = aging(90, 100 / 86_400)
    files.spread_s = 86_400.0
    files.begin()
    files.stamps = ((2,),)
    assert files.first_due_s() <= LOOK_EVERY_S * 2 + 50 + 1


def test_writing_a_file_changes_its_stamp_and_reading_does_not(authority: Authority) -> None:
    pair = authority.sign("stamped")
    tls = TlsSettings(ca_file=authority.file, certificate_file=pair.certificate, key_file=pair.key)
    before = stamps_of(tls)
    assert len(before) == 3
    assert objection_to(tls) == ""
    assert stamps_of(tls) == before
    pair.key.write_bytes(pair.key.read_bytes())
    written = stamps_of(tls)
    assert written != before
    pair.key.unlink()
    assert stamps_of(tls) not in (before, written)
    assert "No such file" in objection_to(tls)
    assert stamps_of(None) == ()
