from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.values.units import DURATION, SIZE, parse_duration, parse_frequency, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("2s", 2),
        ("1.5 s", 1.5),
        ("5min", 300),
        ("1h", 3600),
        ("30d", 2_592_000),
        ("0s", 0),
        ("9ms", 0.009),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [("64MB", 64_000_000), ("100kB", 100_000), ("4MiB", 4_194_304), ("1 KiB", 1024), ("2GB", 2 * 10**9)],
)
def test_sizes_tell_powers_of_1000_from_powers_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_frequencies() -> None:
    assert parse_frequency("100kHz") == 100_000
    assert parse_frequency("0.4MHz") == 400_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10", "10 has no unit; expected a duration like 10s or 10ms (units: ms, s, min, h, d)"),
        ("1m", "'m' is no unit of a duration; expected one of ms, s, min, h, d; did you mean 1min"),
        ("5 minutes", "'minutes' is no unit of a duration; expected one of ms, s, min, h, d; did you mean 5min"),
        ("5S", "'S' is no unit of a duration; expected one of ms, s, min, h, d; did you mean 5s"),
        ("-5s", "'-5s' is no duration; expected a number with a unit, like 500ms, 10s, 5min, 1h or 30d"),
        ("", "'' is no duration; expected a number with a unit, like 500ms, 10s, 5min, 1h or 30d"),
    ],
)
def test_a_wrong_duration_says_how_to_write_it(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_duration(text)
    assert str(caught.value) == said


@given(st.floats(min_value=0, max_value=1e10, allow_nan=False))
def test_a_written_duration_reads_back_as_itself(seconds: float) -> None:
    seconds = float(f"{seconds:.15f}")
    assert parse_duration(DURATION.write(seconds)) == seconds


@given(st.integers(min_value=0, max_value=10**15))
def test_a_written_size_reads_back_as_itself(size: int) -> None:
    assert parse_size(SIZE.write(size)) == size


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= 0
