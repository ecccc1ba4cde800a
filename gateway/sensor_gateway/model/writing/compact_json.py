"""JSON as all our messages and small files have it: UTF-8 unescaped, and no space that says nothing."""

from __future__ import annotations

import json


def compact_json(value: object) -> bytes:
    """``value`` (of JSON's own types), keys in their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
