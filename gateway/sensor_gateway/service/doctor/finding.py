"""What the doctor says of one thing: how it is, one sentence, and one remedy that can be pasted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Grade(StrEnum):
    """How a thing is. UNSEEN: it could not be looked at, which says nothing about how it is."""

    OK = "ok"
    UNSEEN = "unseen"
    ADVICE = "advice"
    WRONG = "wrong"


_CODES: Final = {Grade.OK: 0, Grade.UNSEEN: 0, Grade.ADVICE: 1, Grade.WRONG: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``subject`` is what it is about (``broker``, ``buses.i2c1``); ``remedy`` is empty where nothing is to be done."""

    grade: Grade
    subject: str
    sentence: str
    remedy: str = ""


def ok(subject: str, sentence: str, remedy: str = "") -> Finding:
    """All is well; ``remedy`` then tells how it could be had differently."""
    return Finding(grade=Grade.OK, subject=subject, sentence=sentence, remedy=remedy)


def unseen(subject: str, sentence: str, remedy: str) -> Finding:
    """It was not looked at; ``remedy`` tells how to."""
    return Finding(grade=Grade.UNSEEN, subject=subject, sentence=sentence, remedy=remedy)


def advice(subject: str, sentence: str, remedy: str) -> Finding:
    """It works, and could be better or soon will not."""
    return Finding(grade=Grade.ADVICE, subject=subject, sentence=sentence, remedy=remedy)


def wrong(subject: str, sentence: str, remedy: str) -> Finding:
    """It does not work."""
    return Finding(grade=Grade.WRONG, subject=subject, sentence=sentence, remedy=remedy)


def exit_code(findings: Sequence[Finding]) -> int:
    """0 where nothing is to be done, 1 where there is advice, 2 where something is wrong."""
    return max((_CODES[finding.grade] for finding in findings), default=0)
