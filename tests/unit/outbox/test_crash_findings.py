"""What exploring crash states has found, one test each."""

from __future__ import annotations

from typing import Any


def test_the_outboxs_directory_is_safe_in_its_parent_before_anything_in_it_counts(site: Any) -> None:
    """Else a power cut may take the new name away, with all that was synced under it."""
    site.open()
    calls = site.disk.calls
    made = calls.index(("make_directory", "outbox"))
    identity = calls.index(("replace", "identity"))
    assert ("sync", "state") in calls[made:identity]
