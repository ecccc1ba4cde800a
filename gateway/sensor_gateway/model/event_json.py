"""How events are written: the JSON that is stored, sent and kept (contract, section 3). One form, for good.

An event is encoded once, and the same bytes go to the journal, the stream and the retained state. Only
``time`` and ``clock`` may be rewritten later, once the clock of that boot is known.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Final

from sensor_gateway.model.channel import Source
from sensor_gateway.model.event import ChangeEvent, EpochStart, EventType, Gap
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.model.writing.compact_json import compact_json

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z
_SOURCES_KEPT: Final = 10_000
_TYPE: Final = b'","type":"'
_VALUE: Final = b',"value":'
_VALUE_SIZE: Final = len(_VALUE)
_BOOT: Final = b',"boot":"'
_TIME: Final = b'"time":"'
_TIME_LENGTH: Final = len("2026-11-23T16:00:00.123Z")
_CLOCK: Final = b'clock"'
_UPTIME: Final = b',"uptime_ms":'
_UNSYNCED: Final = f'"clock":"{ClockState.UNSYNCED.value}","boot":"'.encode()
_CORRECTED: Final = f'","clock":"{ClockState.CORRECTED.value}"'.encode()


def rfc3339(wall_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC with milliseconds; years outside 1970 to 9999 are clamped."""
    seconds, milliseconds = divmod(wall_ms, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z"


class EventEncoder:
    """Writes the events of one gateway in one boot. ``boot`` is the first 8 hex digits of the boot id."""

    def __init__(self, gateway: str, boot: str) -> None:
        """Prepare the parts that never change."""
        self._gateway = gateway
        self.boot = boot
        self._quoted_gateway = _text(gateway)
        self._boot_part = f'","boot":{_text(boot)},"uptime_ms":'
        self._sources: dict[int, tuple[Source, str, str]] = {}
        self._epoch = ""
        self._before_seq = ""
        self._between_seqs = ""
        self._second: int | None = None
        self._second_text = ""

    def value(self, event: ChangeEvent, epoch: str, seq: int) -> bytes:
        """Write news of a channel."""
        if epoch != self._epoch:
            self._turn_to(epoch)
        source = event.source
        parts = self._sources.get(id(source)) or self._learn(source)
        stamp = event.stamp
        second, millisecond = divmod(stamp.wall_ms, 1000)
        if second != self._second:
            self._second = second
            self._second_text = _to_the_second(second)
        value = event.value
        code = event.code
        number = str(seq)
        pieces = (
            self._before_seq, number, self._between_seqs, number, parts[1],
            "null" if value is None else repr(value), parts[2], event.quality, "" if code is None else _code(code),
            '","reason":"', event.reason, '","time":"', self._second_text, f".{millisecond:03d}Z",
            '","clock":"', stamp.clock, self._boot_part, str(stamp.uptime_ms), "}",
        )  # fmt: skip
        return "".join(pieces).encode()  # an f-string costs a quarter more: it formats each piece

    def epoch_start(self, start: EpochStart, epoch: str, seq: int) -> bytes:
        """Write the first event of an epoch."""
        return compact_json(
            {
                **self._head(EventType.EPOCH, epoch, seq),
                "previous": None if start.previous is None else str(start.previous),
                "previous_last_seq": start.previous_last_seq,
                **self._tail(start.stamp),
            },
        )

    def clock(self, offset_ms: int, stamp: Stamp, epoch: str, seq: int) -> bytes:
        """Write that this boot's clock became known: wall time is ``uptime_ms + offset_ms``."""
        return compact_json({**self._head(EventType.CLOCK, epoch, seq), "offset_ms": offset_ms, **self._tail(stamp)})

    def gap(self, gap: Gap) -> bytes:
        """Write that events are missing. The same gap gives the same bytes each time."""
        place = f"gap-before-{gap.before_seq}" if gap.from_seq is None else f"gap-{gap.from_seq}-{gap.to_seq}"
        return compact_json(
            {
                "id": f"{self._gateway}:{gap.epoch}:{place}",
                "type": EventType.GAP,
                "gateway": self._gateway,
                "epoch": str(gap.epoch),
                "from_seq": gap.from_seq,
                "to_seq": gap.to_seq,
                "count": gap.count,
                "from_time": None if gap.from_wall_ms is None else rfc3339(gap.from_wall_ms),
                "to_time": None if gap.to_wall_ms is None else rfc3339(gap.to_wall_ms),
                "cause": gap.cause,
            },
        )

    def _head(self, kind: EventType, epoch: str, seq: int) -> dict[str, object]:
        return {
            "id": f"{self._gateway}:{epoch}:{seq}",
            "type": kind,
            "gateway": self._gateway,
            "epoch": epoch,
            "seq": seq,
        }

    def _tail(self, stamp: Stamp) -> dict[str, object]:
        return {
            "time": rfc3339(stamp.wall_ms),
            "clock": stamp.clock,
            "boot": self.boot,
            "uptime_ms": stamp.uptime_ms,
        }

    def _turn_to(self, epoch: str) -> None:
        prefix = _text(f"{self._gateway}:{epoch}:")[:-1]
        self._epoch = epoch
        self._before_seq = f'{{"id":{prefix}'
        self._between_seqs = (
            f'","type":"{EventType.VALUE.value}","gateway":{self._quoted_gateway},"epoch":{_text(epoch)},"seq":'
        )

    def _learn(self, source: Source) -> tuple[Source, str, str]:
        if len(self._sources) >= _SOURCES_KEPT:
            self._sources.clear()
        channel = source.channel
        names = f',"sensor":{_text(source.sensor)},"channel":{_text(channel.name)}'
        before_value = f'{names},"quantity":{_text(channel.quantity.name)},"value":'
        # The source is kept beside its parts, so that no other can take over its id().
        parts = (source, before_value, f',"unit":{_text(channel.quantity.unit)},"quality":"')
        self._sources[id(source)] = parts
        return parts


def is_unsynced(body: bytes) -> bool:
    """Whether an encoded event was stamped by a clock that was not set."""
    return body.rfind(_UNSYNCED) >= 0


def corrected(body: bytes, wall_ms: int) -> bytes:
    """The same event with the time that is known now, and ``clock`` as ``corrected``. For unsynced events only."""
    at = body.rfind(b'"time":"')
    end = body.rfind(_BOOT)
    return b"".join((body[: at + 8], rfc3339(wall_ms).encode(), _CORRECTED, body[end:]))


def relabelled(body: bytes, epoch: str, seq: int) -> bytes | None:
    """The same news under another id; None for anything but an encoded event of type ``value``."""
    try:
        fields = json.loads(body)
        if fields["type"] != EventType.VALUE:
            return None
        fields.update(id=f"{fields['gateway']}:{epoch}:{seq}", epoch=epoch, seq=seq)
    except (ValueError, KeyError, TypeError):
        return None
    return compact_json(fields)


def uptime_of(body: bytes) -> int:
    """The ``uptime_ms`` of an encoded event; 0 for a gap, which has none."""
    at = body.rfind(_UPTIME)
    return int(body[at + len(_UPTIME) : -1]) if at >= 0 else 0


def time_of(body: bytes) -> str:
    """When an encoded event was measured, as it says so itself; empty where it does not."""
    at = body.rfind(_TIME)
    return "" if at < 0 else body[at + len(_TIME) : at + len(_TIME) + _TIME_LENGTH].decode(errors="replace")


def boot_of(body: bytes) -> str:
    """The ``boot`` of an encoded event; empty for a gap, which has none."""
    at = body.rfind(_BOOT)
    return body[at + len(_BOOT) : body.rfind(_UPTIME) - 1].decode() if at >= 0 else ""


def value_of(body: bytes) -> bytes:
    """The digits of an encoded event of type ``value``, as they stand there; ``null`` where it has no value.

    What is quoted before them holds no bare quotation mark, and so no key.
    """
    at = body.find(_VALUE) + _VALUE_SIZE
    return body[at : body.find(b",", at)]


def offset_of(body: bytes) -> int | None:
    """The ``offset_ms`` of an encoded clock event; None for any other."""
    if not body.startswith(_CLOCK, body.find(_TYPE) + len(_TYPE)):
        return None
    return int(json.loads(body)["offset_ms"])


def is_value(body: bytes) -> bool:
    """Whether an encoded event is of type ``value``."""
    at = body.find(_TYPE)
    return body.startswith(b'value"', at + len(_TYPE))


def _to_the_second(second: int) -> str:
    moment = _EPOCH + timedelta(seconds=min(max(second, 0), _LAST_SECOND))
    return moment.isoformat()[:19]


def _code(code: str) -> str:
    return f'","code":"{code}'


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
