"""What is said where no gateway answers can be pasted as it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("command", ["status", "reload"])
def test_without_a_gateway_the_command_that_starts_one_is_told_as_this_program_was_called(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("sys.argv", ["/opt/gateway/bin/sensor-gateway"])
    ended = cli(command, "--state-directory", tmp_path)
    assert (ended.code, ended.out) == (69, "")
    assert str(tmp_path / "control.sock") in ended.err
    assert "`/opt/gateway/bin/sensor-gateway run FILE`" in ended.err
