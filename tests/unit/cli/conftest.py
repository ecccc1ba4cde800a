"""The command line in this process: arguments in, exit code and output out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sensor_gateway.cli.main import main


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    def run(*words: object) -> Ended:
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ended(code, out, err)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file, by default the first configuration of a newcomer."""

    def write(text: str = ATTIC, name: str = "my.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


ATTIC = """\
mqtt: {url: mqtt://broker.invalid}
sensors:
  attic: {driver: bme280, bus: i2c1}
"""
