"""What systemd thinks of the files in systemd/, without booting anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNIT = FOLDER / "sensor-gateway.service"
LATER = ("RestartSteps", "RestartMaxDelaySec", "ImportCredential")
"""Keys of systemd 254, which 252 passes over with a line in its log."""


@pytest.fixture(scope="module", autouse=True)
def _systemd() -> None:
    if shutil.which("systemd-analyze") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends", "systemd"]
        subprocess.run(install, check=False, capture_output=True)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze, and it could not be installed")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def complaints(directory: Path, text: str) -> list[str]:
    """What ``verify`` says of a unit, but for later keys; the program itself is not installed here."""
    unit = directory / UNIT.name
    unit.write_text(text.replace("/usr/bin/sensor-gateway", "/bin/true"))
    said = analyze("verify", "--man=no", str(unit)).stderr.splitlines()
    ours = [line for line in said if "sensor-gateway" in line]
    return [line for line in ours if not any(f"Unknown key '{key}'" in line for key in LATER)]


def test_systemd_has_nothing_to_complain_of(tmp_path: Path) -> None:
    assert complaints(tmp_path, UNIT.read_text()) == []


@pytest.mark.parametrize(
    ("sound", "broken"),
    [("WatchdogSec=60\n", "WatchdogSec=60   # a comment\n"), ("ProtectClock=yes", "ProtectClocks=yes")],
)
def test_control_systemd_complains_of_what_is_wrong(tmp_path: Path, sound: str, broken: str) -> None:
    text = UNIT.read_text()
    assert sound in text
    assert complaints(tmp_path, text.replace(sound, broken))


@pytest.mark.parametrize("name", ["sensor-gateway-recover@.path", "sensor-gateway-recover@.service"])
@pytest.mark.parametrize("is_sound", [True, False])
def test_the_units_that_recover_a_bus_are_sound(tmp_path: Path, name: str, *, is_sound: bool) -> None:
    for file in (FOLDER / "recover").glob("sensor-gateway-recover@*"):
        text = file.read_text().replace("ExecStart=/etc/sensor-gateway/recover/%i", "ExecStart=/bin/true")
        if not is_sound:
            text = text.replace("PathChanged=", "PathChange=").replace("Type=oneshot", "Type=oneshot # once")
        (tmp_path / file.name).write_text(text)
    said = analyze("verify", "--man=no", str(tmp_path / name.replace("@", "@wire"))).stderr
    assert ("sensor-gateway-recover" in said) is not is_sound, said


def test_what_is_installed_to_recover_a_bus_is_there_and_nothing_there_is_left_out() -> None:
    page = (FOLDER.parent / "docs" / "operating.md").read_text("utf-8")
    lines = re.findall(r"^sudo install (?:-D )?-m \d+ (.+) \S+$", page, re.MULTILINE)
    assert {name for line in lines for name in line.split()} == {file.name for file in (FOLDER / "recover").iterdir()}


def test_its_exposure_is_at_most_one_and_a_half_of_ten() -> None:
    judged = analyze("security", "--offline=true", "--no-pager", "--threshold=15", str(UNIT))
    assert judged.returncode == 0, judged.stdout[-300:]


def test_control_without_one_line_in_ten_it_is_exposed_more(tmp_path: Path) -> None:
    text = UNIT.read_text()
    for key in ("PrivateUsers", "SystemCallFilter", "CapabilityBoundingSet", "ProtectSystem"):
        text = re.sub(rf"^{key}=.*\n", "", text, flags=re.MULTILINE)
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    assert analyze("security", "--offline=true", "--no-pager", "--threshold=15", str(unit)).returncode != 0


def test_users_and_folders_are_as_the_unit_wants_them(tmp_path: Path) -> None:
    """On an empty system, by the programs that an installation runs."""
    root = tmp_path / "root"
    for folder in ("etc", "usr/lib"):
        (root / folder).mkdir(parents=True)
    for program, file in (("systemd-sysusers", "sysusers"), ("systemd-tmpfiles", "tmpfiles")):
        found = shutil.which(program)
        if found is None or os.geteuid() != 0:
            pytest.skip(f"{program} is not here, or this is not root")
        create = ["--create"] if file == "tmpfiles" else []
        subprocess.run([found, f"--root={root}", *create, str(FOLDER / f"sensor-gateway.{file}")], check=True)
    groups = dict(line.split(":", 1) for line in (root / "etc/group").read_text().splitlines())
    assert "sensor-gateway" in (root / "etc/passwd").read_text()
    assert all(groups[name].endswith(":sensor-gateway") for name in ("i2c", "dialout"))
    modes = {name: oct((root / "etc/sensor-gateway" / name).stat().st_mode & 0o777) for name in ("", "credentials")}
    assert modes == {"": "0o755", "credentials": "0o700"}
