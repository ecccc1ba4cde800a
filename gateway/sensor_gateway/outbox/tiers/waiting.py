"""The two moments at which the medium is waited for: starting without a hot journal, and stopping."""

from __future__ import annotations

from typing import Final

from sensor_gateway.outbox.tiers.tiers import TierParts, Tiers

_TRIES: Final = 3
_SLICE_S: Final = 1.0


def put_on_flash(tiers: Tiers, parts: TierParts, within_s: float, now_s: float) -> bool:
    """Write all that is in memory, and wait until it is safe; False where that fails or takes too long."""
    tries, left_s = _TRIES, within_s
    while parts.can_spill and parts.tail.first is not None:
        if parts.retry.is_failing:
            tries -= 1
            parts.retry.hurry()
        tiers.relieve(now_s)
        if not tries or left_s <= 0 or not tiers.is_waiting:
            break
        answers = parts.cold.syncer.wait(min(left_s, _SLICE_S))
        left_s -= 0.0 if answers else _SLICE_S
        tiers.take(answers, now_s)
    return parts.tail.first is None


def put_cursor_on_flash(tiers: Tiers, parts: TierParts, within_s: float, now_s: float) -> bool:
    """Have the cursor safe as it is now; False where that fails or takes too long."""
    cold, left_s = parts.cold, within_s
    try:
        while left_s > 0:
            safe = cold.cursor.safe
            if safe and (safe.epoch, safe.seq) == (cold.marks.epoch, cold.marks.seq):
                return True
            parts.clearance.sync_cursor()
            left_s -= _SLICE_S
            tiers.take(cold.syncer.wait(min(within_s, _SLICE_S)), now_s)
    except OSError:
        return False
    return False
