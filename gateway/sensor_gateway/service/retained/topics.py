"""Which retained topics this gateway has published, kept in the state directory from one life to the next.

One small text file, written only when it changes: a line with the version, a line of JSON, and a checksum. What is
damaged counts as nothing, and so does what another machine wrote: a copied card must not clear the topics of
the gateway that it was copied from.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.writing.compact_json import compact_json
from sensor_gateway.outbox.files.disk import Disk, read_file, write_atomically
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.publishing.retained.settlement import Record

RETAINED_TOPICS: Final = "retained-topics"
MOST_BYTES: Final = 8_000_000
_FIRST_LINE: Final = b"sensor-gateway-retained-topics 1\n"
_NAME: Final = _FIRST_LINE.partition(b" ")[0]


class RetainedTopics:
    """The file, and ``record``: what it is to hold. Nothing that is wrong with it keeps a gateway from running.

    The main thread reads and writes it, and may wait for the medium; the publisher only says what to ``remember``.
    """

    def __init__(self, state_directory: Path, machine: Machine, log: Log, *, disk: Disk | None = None) -> None:
        """Nothing is touched yet."""
        self._file = state_directory / RETAINED_TOPICS
        self._hardware_id = machine.hardware_id
        self._log = log
        self._disk = disk or Disk()
        self._is_writable = True
        self._kept = b""
        self.record: Record = {}
        self._handled: Record = self.record

    def read(self) -> Record:
        """What was published, in its order; empty where nothing is known."""
        self.record = self._read()
        return self.record

    def remember(self, record: Record) -> None:
        """From any thread: this is what is published from now on. It is kept at the next ``turn``."""
        self.record = record

    def turn(self) -> None:
        """Keep what was to be remembered."""
        if (record := self.record) is not self._handled:
            self.keep(record)

    def _read(self) -> Record:
        try:
            self._kept = read_file(self._disk, self._file, MOST_BYTES + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._log.warning("retained_topics_not_read", file=str(self._file), reason=str(error))
            return {}
        first = self._kept.partition(b"\n")[0]
        if first.startswith(_NAME + b" ") and first + b"\n" != _FIRST_LINE:
            self._is_writable = False  # a newer version's, which knows better
            self._log.warning("retained_topics_not_read", file=str(self._file), reason="a newer version wrote it")
            return {}
        record = parse(self._kept, self._hardware_id)
        if record is None:
            self._log.warning("retained_topics_not_read", file=str(self._file), reason="it is damaged")
        return record or {}

    def keep(self, record: Record) -> None:
        """Keep what is published from now on, unless that is what is kept already."""
        self.record = self._handled = record
        text = text_of(record, self._hardware_id)
        if text == self._kept or not self._is_writable:
            return
        if len(text) > MOST_BYTES:
            self._log.warning("retained_topics_not_kept", file=str(self._file), reason="they are too many")
            return
        try:
            self._disk.make_directory(self._file.parent)
            write_atomically(self._disk, self._file, text)
        except OSError as error:
            self._log.warning("retained_topics_not_kept", file=str(self._file), reason=str(error))
        else:
            self._kept = text


def text_of(record: Record, hardware_id: str) -> bytes:
    """A record as it is kept."""
    fields = {"hardware": hardware_id, "topics": {topic: dict(entities) for topic, entities in record.items()}}
    text = _FIRST_LINE + compact_json(fields) + b"\n"
    return text + f"crc32 {zlib.crc32(text):08x}\n".encode()


def parse(data: bytes, hardware_id: str) -> Record | None:
    """What ``text_of`` wrote; empty where another machine did, None where anything was changed."""
    text, mark, crc = data.rpartition(b"crc32 ")
    if not mark or not text.startswith(_FIRST_LINE) or crc != f"{zlib.crc32(text):08x}\n".encode():
        return None
    try:
        fields = json.loads(text[len(_FIRST_LINE) :])
        topics = {str(topic): _entities(entities) for topic, entities in fields["topics"].items()}
        hardware = fields["hardware"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return topics if hardware == hardware_id else {}


def _entities(entities: dict[str, str]) -> dict[str, str]:
    return {str(unique_id): str(platform) for unique_id, platform in entities.items()}
