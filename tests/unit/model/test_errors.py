from __future__ import annotations

import pytest

from sensor_gateway.model.errors import LONGEST_MESSAGE, BadFrame, WrongChip, message_of


def test_a_bad_frame_says_what_was_expected_and_what_came_as_far_as_it_is_known() -> None:
    assert str(BadFrame("checksum", expected=b"\x92", got=b"")) == "checksum: expected 92, got nothing"
    assert str(BadFrame("all ones", got=b"\xff\xff")) == "all ones: got ff ff"
    assert str(BadFrame("no end")) == "no end"


def test_a_wrong_chip_says_both_identities() -> None:
    assert str(WrongChip("id", expected="60", got=b"\x61")) == "id: expected 60, got 61"


class Unspeakable(Exception):
    """An error of a stranger whose own text cannot be had."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def __str__(self) -> str:
        if isinstance(self._inner, BaseException):
            raise self._inner
        return self._inner  # type: ignore[return-value] # as strangers do


@pytest.mark.parametrize("inner", [RuntimeError(), SystemExit(3), RecursionError(), 7, None])
def test_what_a_strangers_error_says_is_always_text(inner: object) -> None:
    assert message_of(Unspeakable(inner)) == "an error whose message cannot be read"


def test_what_a_strangers_error_says_is_cut() -> None:
    assert message_of(ValueError("x" * 1000)) == "x" * LONGEST_MESSAGE
    assert message_of(ValueError("short")) == "short"
