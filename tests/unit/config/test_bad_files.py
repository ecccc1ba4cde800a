"""Each file in ``bad/`` has its faults written beside it, word for word: they are what users read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.loading import load_text

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_file_gives_exactly_the_faults_written_beside_it(file: Path, drivers: Catalogue) -> None:
    loaded = load_text(file.read_text("utf-8"), catalogue=drivers, environ={}, file=Path(file.name))
    said = [*map(str, loaded.faults), *(f"{warning} (warning)" for warning in loaded.warnings)]
    assert said == file.with_suffix(".txt").read_text("utf-8").splitlines()
    assert loaded.configuration is None


def test_no_fault_shows_a_password() -> None:
    for file in BAD:
        assert "123456789" not in file.with_suffix(".txt").read_text("utf-8")
        assert "secret@" not in file.with_suffix(".txt").read_text("utf-8")
