"""What damaged pieces cost: the gaps that a daemon would announce, matched with what explains them. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sensor_gateway.model.event import Gap
from sensor_gateway.model.position import Position, Seq
from sensor_gateway.outbox.inspection.damage import THEN_ANNOUNCED, WITHOUT_GAP, Damage, Lost, Wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A damaged piece, with the last position before it and the first behind it, where there are such.

    ``is_cut``: its file ends there and went on once, so what it says of itself is the least that it can cost.
    """

    damage: Damage
    after: Position | None
    before: Position | None = None
    is_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a valid record lies, by its first position."""

    first: Position
    file: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Through ``gone`` nothing waits; ``end`` is the newest position that was given out, None where nobody knows."""

    gone: Position
    end: Position | None


def charged(pieces: Iterable[Piece], gaps: Iterable[Gap], places: Sequence[Place], known: Known) -> list[Damage]:
    """Every piece with what it costs, then the holes that none of them explains.

    A gap is charged to the first piece it fits. A piece between neighbours that adjoin costs nothing; where a neighbour
    is missing, what it says of itself is the most that it can cost.
    """
    left = [gap for gap in gaps if gap.from_seq is not None and gap.to_seq is not None]
    found: list[Damage] = []
    for piece in pieces:
        own = [gap for gap in left if _fits(gap, piece)]
        left = [gap for gap in left if gap not in own]
        found.append(_charge(piece, own, known))
    return [*found, *_holes(left, places)]


def _fits(gap: Gap, piece: Piece) -> bool:
    first, last = _ends(gap)
    return (piece.after is None or first > piece.after) and (piece.before is None or last < piece.before)


def _charge(piece: Piece, gaps: Sequence[Gap], known: Known) -> Damage:
    if gaps:
        lost = tuple(_lost(gap) for gap in gaps)
        return replace(piece.damage, events=sum(one.count for one in lost), lost=lost)
    after, before, gone = piece.after, piece.before, known.gone
    is_bounded = after is not None and before is not None and after.epoch == before.epoch
    is_delivered = before is not None and before <= Position(epoch=gone.epoch, seq=Seq(gone.seq + 1))
    is_last = piece.is_cut and before is None and known.end is not None  # the end is known, and nothing is missing
    if is_bounded or is_delivered or is_last:
        then = piece.damage.then
        return replace(piece.damage, events=0, then=WITHOUT_GAP.get(then, then))
    return replace(piece.damage, is_least=True, events=piece.damage.events or 0) if piece.is_cut else piece.damage


def _holes(gaps: Iterable[Gap], places: Sequence[Place]) -> Iterator[Damage]:
    ordered = sorted(places, key=_first)
    for gap in gaps:
        index = bisect_right(ordered, _ends(gap)[0], key=_first)
        place = ordered[index] if index < len(ordered) else None
        yield Damage(
            file=place.file if place else "",
            offset=place.offset if place else 0,
            length=0,
            wrong=Wrong.HOLE,
            events=gap.count,
            lost=(_lost(gap),),
            then=THEN_ANNOUNCED,
        )


def _lost(gap: Gap) -> Lost:
    return Lost(epoch=gap.epoch, first=gap.from_seq or 0, last=gap.to_seq or 0)


def _ends(gap: Gap) -> tuple[Position, Position]:
    return (
        Position(epoch=gap.epoch, seq=Seq(gap.from_seq or 0)),
        Position(epoch=gap.epoch, seq=Seq(gap.to_seq or 0)),
    )


def _first(place: Place) -> Position:
    return place.first
