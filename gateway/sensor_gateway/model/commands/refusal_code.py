"""Why a request is refused: a closed list, and part of the answer's contract."""

from __future__ import annotations

from enum import StrEnum


class RefusalCode(StrEnum):
    """Why a request was not carried out. The list is part of the answer's contract."""

    RETAINED = "retained"
    TOO_LARGE = "too_large"
    NOT_ALLOWED = "not_allowed"
    MALFORMED = "malformed"
    RESPONSE_TOPIC = "response_topic"
    EXPIRED = "expired"
    CLOCK = "clock"
    DUPLICATE = "duplicate"
    TOO_FREQUENT = "too_frequent"
