"""The memory of retained topics: written when it changes, and worth nothing when it is damaged."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proving.logs import Journal

from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.publishing.retained.settlement import Record
from sensor_gateway.service.retained.topics import MOST_BYTES, RETAINED_TOPICS, RetainedTopics, parse, text_of

MACHINE = Machine(boot_id="", hardware_id="serial-1")
RECORD: Record = {"sensors/v1/g/status": {}, "homeassistant/device/g/sensor_a/config": {"g.a.state.t": "sensor"}}


class CountingDisk(Disk):
    def __init__(self) -> None:
        self.replaced = 0

    def replace(self, source: Path, target: Path) -> None:
        self.replaced += 1
        super().replace(source, target)


class FullDisk(Disk):
    def write_at(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        raise OSError(28, "No space left on device")


def test_what_is_kept_is_read_by_the_next_life(tmp_path: Path) -> None:
    RetainedTopics(tmp_path, MACHINE, Journal()).keep(RECORD)
    read = RetainedTopics(tmp_path, MACHINE, Journal()).read()
    assert read == RECORD
    assert list(read) == list(RECORD)


def test_it_is_written_only_when_it_changes(tmp_path: Path) -> None:
    disk = CountingDisk()
    for _ in range(3):
        topics = RetainedTopics(tmp_path, MACHINE, Journal(), disk=disk)
        topics.read()
        topics.keep(RECORD)
        topics.keep(RECORD)
    assert disk.replaced == 1


def test_what_is_to_be_remembered_is_kept_at_the_next_turn_and_tried_once(tmp_path: Path) -> None:
    """Whoever remembers does not wait for the medium, and a full one is not told of at every turn."""
    disk, log = CountingDisk(), Journal()
    topics = RetainedTopics(tmp_path, MACHINE, Journal(), disk=disk)
    topics.remember(RECORD)
    assert topics.record == RECORD
    assert disk.replaced == 0
    topics.turn()
    topics.turn()
    assert disk.replaced == 1
    assert RetainedTopics(tmp_path, MACHINE, Journal()).read() == RECORD
    full = RetainedTopics(tmp_path, MACHINE, log, disk=FullDisk())
    full.remember({})
    full.turn()
    full.turn()
    assert log.names() == ["retained_topics_not_kept"]


def test_a_copied_card_remembers_nothing_of_the_gateway_that_it_was_copied_from(tmp_path: Path) -> None:
    """It would clear the topics of a gateway that is alive."""
    log = Journal()
    RetainedTopics(tmp_path, MACHINE, log).keep(RECORD)
    assert RetainedTopics(tmp_path, Machine(boot_id="", hardware_id="serial-2"), log).read() == {}


def test_damage_and_a_disk_that_is_full_cost_nothing_but_the_memory(tmp_path: Path) -> None:
    log = Journal()
    RetainedTopics(tmp_path, MACHINE, log, disk=FullDisk()).keep(RECORD)
    (tmp_path / RETAINED_TOPICS).write_bytes(b"sensor-gateway-retained-topics 1\n{}\ncrc32 00000000\n")
    topics = RetainedTopics(tmp_path, MACHINE, log)
    assert topics.read() == {}
    topics.keep(RECORD)
    assert RetainedTopics(tmp_path, MACHINE, log).read() == RECORD
    assert log.names() == ["retained_topics_not_kept", "retained_topics_not_read"]


def test_the_file_of_a_newer_version_is_left_as_it_is(tmp_path: Path) -> None:
    newer = b"sensor-gateway-retained-topics 2\nwhatever\n"
    (tmp_path / RETAINED_TOPICS).write_bytes(newer)
    topics = RetainedTopics(tmp_path, MACHINE, Journal())
    assert topics.read() == {}
    topics.keep(RECORD)
    assert (tmp_path / RETAINED_TOPICS).read_bytes() == newer


def test_it_is_bounded(tmp_path: Path) -> None:
    log = Journal()
    RetainedTopics(tmp_path, MACHINE, log).keep({"x" * MOST_BYTES: {}})
    assert not (tmp_path / RETAINED_TOPICS).exists()
    assert log.lines[-1][1]["reason"] == "they are too many"


@given(flipped=st.integers(0, len(text_of(RECORD, "serial-1")) * 8 - 1))
def test_no_flipped_bit_is_taken_for_a_record(flipped: int) -> None:
    text = bytearray(text_of(RECORD, "serial-1"))
    text[flipped // 8] ^= 1 << flipped % 8
    assert parse(bytes(text), "serial-1") is None


@given(cut=st.integers(0, len(text_of(RECORD, "serial-1")) - 1))
def test_half_a_file_is_no_record(cut: int) -> None:
    assert parse(text_of(RECORD, "serial-1")[:cut], "serial-1") is None


@pytest.mark.parametrize("body", ["[]", "{}", '{"topics":[],"hardware":""}', '{"topics":{"a":1},"hardware":""}', "nul"])
def test_what_has_a_right_checksum_and_a_wrong_shape_is_no_record(body: str) -> None:
    text = b"sensor-gateway-retained-topics 1\n" + body.encode() + b"\n"
    assert parse(text + f"crc32 {zlib.crc32(text):08x}\n".encode(), "") is None
