"""How long an example takes says nothing on a loaded machine: what is slow is found by --durations."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("house", settings(), deadline=None)
settings.load_profile("house")
