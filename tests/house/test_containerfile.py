"""What the recipe of the container says of health is what the command tells."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from sensor_gateway.cli.main import parser

CONTAINERFILE = Path(__file__).resolve().parents[2] / "packaging" / "Containerfile"


def health_check() -> str:
    found = re.search(r"^HEALTHCHECK .* CMD (.+)$", CONTAINERFILE.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(("told", "says"), [(0, 0), (1, 0), (2, 1), (69, 1), (70, 1)])
def test_a_container_is_unhealthy_where_its_gateway_is_bad_or_does_not_answer(
    tmp_path: Path, told: int, says: int
) -> None:
    """0 is healthy and 1 is not, and 2 is reserved (Dockerfile reference, HEALTHCHECK).

    What is degraded, for want of a broker or of a sensor, is not mended by another container.
    """
    program = tmp_path / "sensor-gateway"
    program.write_text(f"#!/bin/sh\nexit {told}\n")
    program.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert subprocess.run(["/bin/sh", "-c", health_check()], env=environ, check=False).returncode == says


def test_the_health_check_is_a_command_that_there_is() -> None:
    words = health_check().partition(" ||")[0].split()
    assert words[0] == "sensor-gateway"
    assert parser().parse_args(words[1:]).check
