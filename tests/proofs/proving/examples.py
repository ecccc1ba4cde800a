"""How many examples hypothesis tries of a law: few in ``./dev test``, many in ``./dev prove laws``."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100
"""What hypothesis tries by itself."""


def examples(count: int) -> int:
    """As many as ``count`` is to the usual hundred, in the profile of this run."""
    return max(1, count * settings.default.max_examples // USUAL)
