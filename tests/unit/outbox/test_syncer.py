"""Syncs happen elsewhere, in order, and their answers come back with what went wrong."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from threading import Event

import pytest

from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncerInPlace, SyncJob, ThreadSyncer, perform


class Slow(Disk):
    """A card that answers only when it is told to."""

    def __init__(self) -> None:
        self.may_answer = Event()
        self.calls: list[tuple[str, int]] = []

    def sync_data(self, descriptor: int) -> None:
        self.may_answer.wait(5)
        self.calls.append(("sync_data", descriptor))

    def sync(self, descriptor: int) -> None:
        self.calls.append(("sync", descriptor))


class Worn(Disk):
    def sync_data(self, descriptor: int) -> None:
        raise OSError(errno.EIO, "worn")


def test_directories_are_synced_before_files() -> None:
    disk = Slow()
    disk.may_answer.set()
    assert perform(disk, SyncJob(name="flush", directories=(3,), files=(4, 5))).error is None
    assert disk.calls == [("sync", 3), ("sync_data", 4), ("sync_data", 5)]


def test_a_failed_sync_is_answered_with_its_error() -> None:
    answer = perform(Worn(), SyncJob(name="flush", files=(4,)))
    assert answer.error is not None
    assert answer.error.errno == errno.EIO


def test_a_slow_card_holds_up_nobody_and_wakes_when_it_answers() -> None:
    disk, woken = Slow(), Event()
    syncer = ThreadSyncer(disk, woken.set)
    jobs = [SyncJob(name=name, files=(number,)) for number, name in enumerate("abc")]
    for job in jobs:
        syncer.submit(job)
    assert syncer.answers() == []
    assert syncer.wait(0) == []
    disk.may_answer.set()
    answers = syncer.wait(5)
    while len(answers) < 3:
        answers += syncer.wait(5)
    assert [answer.job for answer in answers] == jobs
    assert woken.wait(5)
    syncer.stop()


def test_a_real_file_is_synced(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    directory = os.open(tmp_path, os.O_RDONLY)
    syncer = ThreadSyncer(Disk(), lambda: None)
    syncer.submit(SyncJob(name="flush", directories=(directory,), files=(descriptor,)))
    (answer,) = syncer.wait(5)
    assert answer.error is None
    syncer.stop()
    os.close(descriptor)
    os.close(directory)


@pytest.mark.parametrize("timeout_s", [0, 3])
def test_in_place_everything_is_answered_at_once(timeout_s: float) -> None:
    syncer = SyncerInPlace(Worn())
    syncer.submit(SyncJob(name="flush", files=(4,)))
    (answer,) = syncer.wait(timeout_s)
    assert answer.error is not None
    assert syncer.answers() == []
    syncer.stop()
