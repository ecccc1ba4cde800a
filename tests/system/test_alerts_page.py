"""The line for cron in docs/alerts.md: it prints nothing while all is well, and what is wrong otherwise."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from proving.ear import Ear, small_config
from proving.kills.gateway import GatewayProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text("utf-8")
(LINE,) = re.findall(r"```crontab\n(.*?)\n```", PAGE)


def test_cron_is_told_nothing_while_all_is_well_and_else_what_is_wrong(
    ear: Ear, gateways: Callable[..., GatewayProcess], wait_until: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "fleet.yaml").write_text(f"mqtt: {{url: 'mqtt://127.0.0.1:{ear.port}'}}\n")
    *times, command = LINE.split(" ", 5)
    assert len(times) == 5
    assert "%" not in command, "crontab(5): an end of line"

    def mailed() -> str:
        environ = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
        ended = subprocess.run(
            ["/bin/sh", "-c", command], env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        return ended.stdout + ended.stderr

    gateway = gateways("barn", small_config("barn", ear.port))
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
    assert mailed() == ""
    gateway.kill()
    wait_until(lambda: b"offline" in ear.retained.get("sensors/v1/barn/status", b""))
    assert "barn" in mailed()
    ear.close()
    assert mailed() != ""
