"""A retained topic is left out only after three closes over it alone, and never for good."""

from __future__ import annotations

from sensor_gateway.publishing.retained.suspects import Suspects


def test_a_topic_is_left_out_after_three_closes_over_it_alone() -> None:
    suspects = Suspects()
    assert not suspects.closed("meta", 0.0, is_alone=False)
    assert "meta" in suspects, "it goes alone from now on"
    said = [suspects.closed("meta", now_s, is_alone=True) for now_s in (1.0, 2.0, 3.0)]
    assert said == [False, False, True]
    assert suspects.rests("meta", 302.9)
    assert suspects.wait_s(3.0) == 300.0
    assert not suspects.rests("meta", 303.0)
    assert suspects.wait_s(303.0) is None


def test_closes_over_several_messages_leave_nothing_out() -> None:
    suspects = Suspects()
    for number in range(20):
        assert not suspects.closed("status", float(number), is_alone=False)
    assert not suspects.rests("status", 20.0)


def test_a_later_try_that_ends_in_the_same_way_is_left_out_at_once_and_not_said_again() -> None:
    suspects = Suspects()
    for now_s in (1.0, 2.0, 3.0):
        suspects.closed("meta", now_s, is_alone=True)
    assert not suspects.closed("meta", 400.0, is_alone=True)
    assert suspects.rests("meta", 500.0)


def test_an_answer_clears_everything() -> None:
    suspects = Suspects()
    for now_s in (1.0, 2.0, 3.0):
        suspects.closed("meta", now_s, is_alone=True)
    suspects.cleared("meta")
    assert "meta" not in suspects
    assert not suspects.rests("meta", 4.0)
