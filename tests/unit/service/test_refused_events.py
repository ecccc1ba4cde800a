from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.service.refused_events import MOST_BYTES, RefusedEvents

EVENT = Stored(position=Position(epoch=Epoch(ordinal=1, random=2), seq=Seq(3)), body='{"unit":"°C"}'.encode())


class Notebook:
    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, /, **facts: object) -> None:
        self.events.append(event)

    debug = warning = error = info


def test_a_refused_event_is_kept_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "state" / "refused.jsonl"
    refused = RefusedEvents(file, Notebook())
    refused.keep(EVENT, 'the broker said "no"')
    refused.keep(EVENT, "again")
    first, second = map(json.loads, file.read_text("utf-8").splitlines())
    assert first == {"why": 'the broker said "no"', "event": {"unit": "°C"}}
    assert second["why"] == "again"


def test_the_name_of_a_new_file_is_as_safe_as_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
    )
    refused = RefusedEvents(tmp_path / "state" / "refused.jsonl", Notebook())
    refused.keep(EVENT, "no")
    assert synced == ["refused.jsonl", "state"]
    refused.keep(EVENT, "no")
    assert synced == ["refused.jsonl", "state", "refused.jsonl"]


def test_the_file_of_refused_events_is_bounded(tmp_path: Path) -> None:
    file, notebook = tmp_path / "refused.jsonl", Notebook()
    file.write_bytes(b"x" * (MOST_BYTES - 10))
    RefusedEvents(file, notebook).keep(EVENT, "full")
    assert file.stat().st_size == MOST_BYTES - 10
    assert notebook.events == ["refused_event_not_kept"]


@pytest.mark.parametrize("place", ["file/below", "directory"])
def test_a_copy_that_cannot_be_kept_stops_nothing(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    notebook = Notebook()
    RefusedEvents(tmp_path / place, notebook).keep(EVENT, "no room")
    assert notebook.events == ["refused_event_not_kept"]
