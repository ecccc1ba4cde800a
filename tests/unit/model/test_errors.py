from __future__ import annotations

from sensor_gateway.model.errors import BadFrame, WrongChip


def test_a_bad_frame_says_what_was_expected_and_what_came_as_far_as_it_is_known() -> None:
    assert str(BadFrame("checksum", expected=b"\x92", got=b"")) == "checksum: expected 92, got nothing"
    assert str(BadFrame("all ones", got=b"\xff\xff")) == "all ones: got ff ff"
    assert str(BadFrame("no end")) == "no end"


def test_a_wrong_chip_says_both_identities() -> None:
    assert str(WrongChip("id", expected="60", got=b"\x61")) == "id: expected 60, got 61"
