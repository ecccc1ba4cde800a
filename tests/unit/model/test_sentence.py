from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.writing.sentence import shortened


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("it is well", "it is well"),
        ("it goes on until the file is good", "it goes on until the…"),
        ("it goes on as it was, until then", "it goes on as it was…"),
        ("/srv/gateways/attic/gateway.yaml", "/srv/gateways/attic/g…"),
    ],
)
def test_what_is_too_long_ends_behind_a_word_and_says_so(sentence: str, said: str) -> None:
    assert shortened(sentence, 22) == said


@given(st.text(), st.integers(2, 50))
def test_it_is_never_longer_and_begins_as_the_sentence_does(sentence: str, most: int) -> None:
    found = shortened(sentence, most)
    assert len(found) <= most
    assert found == sentence or (found[-1] == "…" and sentence.startswith(found[:-1]))
