"""Names and filters of topics (MQTT 5.0, sections 4.7 and 1.5.4). Pure."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 65_535


def matches(topic_filter: str, topic: str) -> bool:
    """Whether ``topic`` is one of those that the (valid) ``topic_filter`` selects."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False  # section 4.7.2
    for index, level in enumerate(wanted):
        if level == "#":
            return True  # its parent too, section 4.7.1.2
        if index >= len(given) or level not in {"+", given[index]}:
            return False
    return len(wanted) == len(given)


def is_topic_name(topic: str) -> bool:
    """Whether a message may be published to ``topic``: no wildcard, no NUL, and UTF-8 of 1 to 65,535 bytes."""
    if not topic or any(mark in topic for mark in "+#\0"):
        return False
    try:
        return len(topic.encode()) <= _LONGEST
    except UnicodeEncodeError:
        return False  # half of a surrogate pair
