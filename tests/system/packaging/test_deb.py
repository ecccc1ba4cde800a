"""The Debian package: the same bytes from the same commit, nothing compiled, every licence, a valid first file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from build_deb import VENDORED, debian_version
from debian_pages import copyright_page
from debian_tree import Vendored
from packaging.requirements import Requirement
from wheels import NotBuilt, fetch, locked

from sensor_gateway.config.loading import load_text
from sensor_gateway.sensing.catalogue import DriverCatalogue

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(300),  # a build takes 5 s of computing, and pip waits for its index
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is missing: a package is built on Debian"),
]

ROOT = Path(__file__).resolve().parents[3]
LOCK = (ROOT / "requirements-dev.txt").read_text("utf-8")
FIRST = (ROOT / "packaging" / "deb" / "gateway.yaml").read_text("utf-8")
OVERRIDES = (ROOT / "packaging" / "deb" / "lintian-overrides").read_text("utf-8")
DATE = "1700000000"


def build(directory: Path, *, umask: int = 0o022, **environment: str) -> bytes:
    """What a build in surroundings of its own gives."""
    command = [sys.executable, ROOT / "packaging" / "build_deb.py", "--output", directory, "--version", "1.2.3"]
    surroundings = {"SOURCE_DATE_EPOCH": DATE, **environment}
    kept = {key: value for key, value in os.environ.items() if key not in surroundings}
    built = subprocess.run(
        command, env={**kept, **surroundings}, umask=umask, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return (directory / "sensor-gateway_1.2.3_all.deb").read_bytes()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("package")
    build(directory)
    return directory / "sensor-gateway_1.2.3_all.deb"


@pytest.fixture(scope="module")
def members(package: Path) -> dict[str, tarfile.TarInfo]:
    """What is in it, by path."""
    told = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True)
    file = package.with_suffix(".tar")
    file.write_bytes(told.stdout)
    with tarfile.open(file) as archive:
        return {member.name.removeprefix("./"): member for member in archive}


def test_the_same_commit_gives_the_same_bytes_wherever_it_is_built(package: Path, tmp_path: Path) -> None:
    other = build(tmp_path / "elsewhere", umask=0o077, TZ="Asia/Kathmandu", LC_ALL="C", TMPDIR=str(tmp_path))
    assert package.read_bytes() == other


def test_another_date_gives_other_bytes(package: Path, tmp_path: Path) -> None:
    """The control: what is compared above tells packages apart."""
    assert build(tmp_path / "later", SOURCE_DATE_EPOCH="1700000001") != package.read_bytes()


def test_everything_belongs_to_root_and_has_a_plain_mode(members: dict[str, tarfile.TarInfo]) -> None:
    assert len(members) > 400
    odd = {
        name: oct(member.mode)
        for name, member in members.items()
        if (member.uid, member.gid) != (0, 0) or member.mode not in ({0o755} if member.isdir() else {0o644, 0o755})
    }
    assert odd == {"etc/sensor-gateway/credentials": "0o700"}
    assert {name for name, one in members.items() if one.isfile() and one.mode == 0o755} == {
        "usr/bin/sensor-gateway",
        "usr/share/python3/runtime.d/sensor-gateway.rtupdate",
    }
    assert all(member.mtime == int(DATE) for member in members.values())


def test_nothing_in_it_is_compiled_or_of_one_architecture(members: dict[str, tarfile.TarInfo]) -> None:
    assert not [name for name in members if name.endswith((".pyc", ".so", ".pyd", ".dll", ".exe"))]
    assert not [name for name in members if "__pycache__" in name]


def test_what_is_vendored_is_what_is_required_and_nothing_is_missing() -> None:
    """PyYAML alone comes from Debian. A library with requirements of its own would have to bring them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = {re.split(r"[^A-Za-z0-9-]", line)[0].lower() for line in project["dependencies"]}
    assert set(VENDORED) == required - {"pyyaml"}
    wanted = [Requirement(line) for name in VENDORED for line in requires(name) or ()]
    oldest = {"extra": "", "python_version": "3.11"}
    assert [one for one in wanted if one.marker is None or one.marker.evaluate(oldest)] == []


def test_a_wheel_with_another_hash_is_not_taken(tmp_path: Path) -> None:
    pinned = locked(["smbus2"], LOCK)
    assert len(fetch(pinned, tmp_path / "right")) == 1
    wrong = re.sub("sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", pinned)
    with pytest.raises(subprocess.CalledProcessError):
        fetch(wrong, tmp_path / "wrong")
    with pytest.raises(NotBuilt, match="not pinned by hash"):
        locked(["smbus2"], pinned.partition(" ")[0])


def test_every_library_has_its_licence_text_in_the_copyright_page(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    page = (tmp_path / "usr/share/doc/sensor-gateway/copyright").read_text("utf-8")
    for words in (
        "Chris Liechti <cliechti@gmx.net>", "Eclipse Distribution License - v 1.0", "Karl-Petter Lindegaard",
        "Hynek Schlawack", "Redistributions in binary form must reproduce", "Permission is hereby granted",
        "/usr/share/common-licenses/Apache-2.0",
    ):  # fmt: skip
        assert words in page
    tops = {path.name for path in (tmp_path / "usr/lib/sensor-gateway/vendor").iterdir() if path.suffix != ".dist-info"}
    assert tops == set(re.findall(r"vendor/(\w+)/\*", page))


def test_a_library_whose_licence_nobody_has_looked_at_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(NotBuilt, match="not described"):
        copyright_page([Vendored(name="other", version="1", licences={"LICENSE": b"MIT"})], tmp_path)
    with pytest.raises(NotBuilt, match="no licence text"):
        copyright_page([Vendored(name="pyserial", version="4", licences={})], tmp_path)


def test_the_shipped_configuration_is_valid_and_reads_nothing() -> None:
    loaded = load_text(FIRST, catalogue=DriverCatalogue(), environ={})
    assert (loaded.faults, loaded.warnings) == ((), ())
    assert loaded.configuration is not None
    assert loaded.configuration.sensors == {}


def test_everything_that_is_commented_out_in_it_is_valid_too() -> None:
    text = re.sub(r"^(\s*)# ?(?=[ ]*[a-z_0-9]+:(?: |$))", r"\1", FIRST, flags=re.MULTILINE)
    loaded = load_text(text, catalogue=DriverCatalogue(), environ={})
    assert (loaded.faults, loaded.warnings) == ((), ())
    assert loaded.configuration is not None
    assert set(loaded.configuration.sensors) == {"attic", "hall", "bench"}
    assert set(loaded.configuration.buses) == {"i2c1", "rs485", "bench"}
    assert loaded.configuration.mqtt is not None
    assert loaded.configuration.mqtt.username == "greenhouse"


@pytest.mark.parametrize("older", ["0.9.0", "1.0.0.dev3", "1.0.0a1", "1.0.0b2", "1.0.0rc1"])
def test_versions_sort_for_dpkg_as_for_pip(older: str) -> None:
    compared = subprocess.run(
        ["dpkg", "--compare-versions", debian_version(older), "lt", debian_version("1.0.0")], check=False
    )
    assert compared.returncode == 0


def test_lintian_finds_nothing_that_is_not_explained(package: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is missing: sudo apt-get install lintian")
    command = [
        "lintian",
        "--allow-root",
        "--pedantic",
        "--display-info",
        "--fail-on",
        "error,warning,info,pedantic",
        package,
    ]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_each_override_of_lintian_has_its_reason() -> None:
    blocks = [block.splitlines() for block in OVERRIDES.strip().split("\n\n")]
    assert all(
        len(block) == 2 and block[0].startswith("# ") and block[1].startswith("sensor-gateway: ") for block in blocks
    )
