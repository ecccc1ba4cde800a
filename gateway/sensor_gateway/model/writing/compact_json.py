"""JSON as all our messages and small files have it: UTF-8 unescaped, and no space that says nothing."""

from __future__ import annotations

import json
from collections.abc import Callable


def compact_json(value: object, *, default: Callable[[object], object] | None = None) -> bytes:
    """``value``, keys in their order; what is not of JSON's own types is what ``default`` makes of it."""
    return json.dumps(value, default=default, ensure_ascii=False, separators=(",", ":")).encode()
