"""The lines for mosquitto that docs/brokers.md advises, taken from the page: what is tried is what is told."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[4] / "docs" / "brokers.md"


def advised_lines() -> list[str]:
    """One line of a configuration each, in their order."""
    (block,) = re.findall(r"```conf\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return block.splitlines()
