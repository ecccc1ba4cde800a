"""What a bad wire does to bytes. Pure, and the same each time."""

from __future__ import annotations


def damaged(answer: bytes) -> bytes:
    """One bit of the middle byte turned over."""
    middle = len(answer) // 2
    return answer[:middle] + bytes(byte ^ 0x80 for byte in answer[middle : middle + 1]) + answer[middle + 1 :]


def shortened(answer: bytes) -> bytes:
    """The first half."""
    return answer[: len(answer) // 2]
