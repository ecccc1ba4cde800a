"""The power is cut at random writes of a real ext4 on a logged disk: what was safe is there after each of the cuts.

Writes since the last flush are lost, torn at sectors, or kept, each by chance; memory and the boot are gone. The same
judge has to catch four outboxes that cheat.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from proving.block_log import new_file_system, what_is_missing
from proving.power_cuts import VARIANTS, Recording, cuts_of, record, record_after_cut

from sensor_gateway.outbox.files import record as records
from sensor_gateway.outbox.files import segment as segments

CUTS_PER_RECORDING = 25


@pytest.fixture(scope="module")
def base() -> bytes:
    """An empty file system; where no power can be cut, the reason why."""
    missing = what_is_missing()
    if missing:
        pytest.skip(missing)
    return new_file_system()


def batches(cuts: int) -> Iterator[tuple[int, int]]:
    """A number and a share of the cuts for each recording; every variant has its part of the cuts."""
    for number in range(0, cuts, CUTS_PER_RECORDING):
        yield number // CUTS_PER_RECORDING, min(CUTS_PER_RECORDING, cuts - number)


def judge(recording: Recording, count: int, seed: int) -> None:
    for cut, faults in cuts_of(recording, count, random.Random(seed)):
        assert not faults, f"seed {seed}, cut behind entry {cut} of {len(recording.entries)}: {'; '.join(faults)}"


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_was_safe_is_there_after_a_cut_at_any_write(variant: str, base: bytes, seed: int, cuts: int) -> None:
    for number, count in batches(-(-cuts // (len(VARIANTS) + 1))):
        run = seed * 1000 + number
        recording = record(VARIANTS[variant], base, run)
        assert recording.longest_at_risk_s() <= VARIANTS[variant].longest_at_risk_s
        judge(recording, count, run)


def test_a_second_cut_during_the_recovery_or_behind_it_takes_no_more(base: bytes, seed: int, cuts: int) -> None:
    for number, count in batches(-(-cuts // (len(VARIANTS) + 1))):
        run = seed * 1000 + number
        variant = [*VARIANTS.values()][run % len(VARIANTS)]
        first = record(variant, base, run)
        cut = random.Random(run).randint(first.first_entry, len(first.entries))
        judge(record_after_cut(first, cut, run), count, run)


@pytest.mark.parametrize("flaw", ["no_sync", "no_names", "frees_early"])
def test_an_outbox_that_cheats_is_caught(flaw: str, base: bytes, seed: int) -> None:
    assert is_caught(record(VARIANTS["spill, small segments"], base, run, flaw) for run in range(seed, seed + 6))


def test_a_recovery_that_checks_nothing_is_caught(base: bytes, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def header_at(data: bytes, at: int, *, generation: int) -> Any:
        """Any bytes with the magic are taken for a record, of whatever life of the segment, whole or torn."""
        if not data.startswith(records.MAGIC, at) or len(data) - at < records.HEADER_SIZE:
            return None
        length, written = int.from_bytes(data[at + 12 : at + 16], "little"), data[at + 16 : at + 24]
        whole = data[at + 8 : at + records.HEADER_SIZE + length]
        crc = zlib.crc32(whole, zlib.crc32(records.MAGIC)).to_bytes(4, "little")
        return sound(records.MAGIC + crc + whole, 0, generation=int.from_bytes(written, "little"))

    sound = records.header_at
    monkeypatch.setattr(records, "header_at", header_at)
    monkeypatch.setattr(segments, "header_at", header_at)
    sound_recordings = (record(VARIANTS["always, nothing in memory"], base, run) for run in range(seed, seed + 6))
    assert is_caught(sound_recordings)


def is_caught(recordings: Iterable[Recording]) -> bool:
    """Whether the judge finds any fault within a few recordings."""
    chance = random.Random(1)
    return any(faults for recording in recordings for _, faults in cuts_of(recording, 15, chance))
