"""Whatever a crash leaves, the outbox starts, loses nothing it promised, makes nothing up, and says what is missing.

A workload is recorded call by call; then its files are built as a kill or a power cut after any call could have left
them, an outbox is opened on them, has to deliver everything, and may crash again while it does.
"""

from __future__ import annotations

import pytest
from proving.crashes.broken import BROKEN, without
from proving.crashes.explorer import CrashFound, explore

_STATES_TO_CATCH = 3_000
_SEEN_SOONEST_IN = {
    "a segment goes before the cursor is safe": "drop_oldest",
    "a torn journal proves its last seq": "spill",
    "records have no checksum": "spill",
}
"""In which variants a broken rule shows soon."""


def test_no_crash_state_breaks_a_promise(chunk_seed: int, chunk: int) -> None:
    figures = explore(chunk_seed, chunk)
    assert figures.states >= chunk
    assert set(figures.kinds) == {"kill", "power", "power, strict"}


@pytest.mark.parametrize("rule", BROKEN)
def test_an_outbox_that_breaks_a_rule_is_caught(rule: str, seed: int) -> None:
    """Within as many states as are explored each time the tests run."""
    with without(rule), pytest.raises(CrashFound, match=r"Broken\("):
        explore(seed, _STATES_TO_CATCH, only=_SEEN_SOONEST_IN.get(rule, ""), shrinks=False)
