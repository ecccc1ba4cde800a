"""A service of an installation that is not the Debian package: what is written, for whom, and when it is refused."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sensor_gateway.cli.main import main
from sensor_gateway.cli.upkeep import install_service
from sensor_gateway.config.loading import load_text
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.installation.hands import carry_out, look_at, shipped_texts, write
from sensor_gateway.service.installation.plan import (
    CONFIGURATION,
    Folder,
    Installation,
    NotInstallable,
    Person,
    PlannedCommand,
    PlannedFile,
    ServicePlan,
    plan_service,
)
from sensor_gateway.service.installation.unit import groups_alone, quoted

OURS = Person(name="sensor-gateway", uid=None, gids=frozenset())
PI = Person(name="pi", uid=1000, gids=frozenset({1000, 27}))
PROGRAM = "/opt/gateway/bin/sensor-gateway"
UNIT = Path("/etc/systemd/system/sensor-gateway.service")


def folder(path: str, mode: int = 0o755, owner: int = 0, group: int = 0) -> Folder:
    return Folder(path=Path(path), mode=mode, owner=owner, group=group)


def installation(program: str = PROGRAM, person: Person = OURS, *way: Folder) -> Installation:
    return Installation(program=(program,), places=(Path(program).parents[1],), way=way, person=person)


def texts(one: Installation) -> dict[Path, str]:
    return {file.path: file.text for file in plan_service(one, shipped_texts()).files}


def keys(unit: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_the_unit_starts_this_program_and_is_as_shipped_besides() -> None:
    shipped, unit = keys(shipped_texts()["sensor-gateway.service"]), keys(texts(installation())[UNIT])
    assert unit["ExecStart"] == [f"{PROGRAM} run"]
    assert not any("/usr/bin/sensor-gateway" in value for values in unit.values() for value in values)
    without = {key for key in shipped if not key.startswith("Exec")}
    assert {key: unit[key] for key in without} == {key: shipped[key] for key in without}
    assert unit.keys() == shipped.keys()


def test_a_program_in_a_home_is_seen_by_the_service_and_no_home_is_written() -> None:
    unit = keys(texts(installation("/home/pi/.local/bin/sensor-gateway", PI))[UNIT])
    assert unit["ProtectHome"] == ["read-only"]
    assert unit["User"] == ["pi"]
    assert "Group" not in unit, "systemd takes the user's own group"
    assert keys(texts(installation())[UNIT])["ProtectHome"] == ["yes"]


def test_with_a_user_who_is_there_no_user_is_made() -> None:
    place = Path("/etc/sysusers.d/sensor-gateway.conf")
    assert "\nu sensor-gateway" in texts(installation())[place]
    alone = texts(installation(person=PI))[place]
    assert {line[0] for line in alone.splitlines()} <= {"#", "g"}
    assert "g i2c" in alone
    assert groups_alone(alone) == alone


def test_the_first_configuration_is_valid_and_names_no_file_of_the_package() -> None:
    text = texts(installation())[CONFIGURATION]
    assert "/usr/share" not in text
    loaded = load_text(text, catalogue=DriverCatalogue(), environ={})
    assert (loaded.faults, loaded.warnings) == ((), ())


def test_a_program_that_its_user_cannot_reach_is_refused_with_the_directory() -> None:
    home = folder("/home/pi", 0o700, owner=1000, group=1000)
    with pytest.raises(NotInstallable, match=r"/home/pi cannot be entered by user sensor-gateway"):
        texts(installation("/home/pi/.local/bin/sensor-gateway", OURS, folder("/"), home))
    texts(installation("/home/pi/.local/bin/sensor-gateway", PI, folder("/"), home))


@pytest.mark.parametrize(
    ("mode", "owner", "group", "is_open"),
    [
        (0o100, 1000, 0, True), (0o011, 1000, 1000, False), (0o010, 0, 27, True), (0o701, 0, 27, False),
        (0o001, 0, 0, True), (0o770, 0, 0, False),
    ],
)  # fmt: skip
def test_who_may_enter_a_directory_is_told_as_the_kernel_does(
    *, mode: int, owner: int, group: int, is_open: bool
) -> None:
    """path_resolution(7): the owner's bits count for the owner alone, then the group's, then those of others."""
    one = installation(PROGRAM, PI, folder("/opt", mode, owner, group))
    if is_open:
        texts(one)
    else:
        with pytest.raises(NotInstallable, match="/opt cannot be entered by user pi"):
            texts(one)


def test_a_machine_with_the_package_and_a_user_who_is_not_there_are_refused() -> None:
    with pytest.raises(NotInstallable, match="the Debian package has installed the service"):
        texts(replace(installation(), is_packaged=True))
    with pytest.raises(NotInstallable, match="there is no user tim"):
        texts(installation(person=replace(OURS, name="tim")))
    with pytest.raises(NotInstallable, match="temporary files"):
        texts(installation("/tmp/venv/bin/sensor-gateway"))  # noqa: S108 - the case


@pytest.mark.parametrize(
    ("word", "written"),
    [
        (PROGRAM, PROGRAM),
        ("/opt/my gateway/python", '"/opt/my gateway/python"'),
        ("/opt/50%/$HOME", '"/opt/50%%/$$HOME"'),
        ('/opt/"a"\\b', '"/opt/\\"a\\"\\\\b"'),
    ],
)
def test_a_path_is_quoted_as_systemd_reads_it(word: str, written: str) -> None:
    """systemd.service(5), "Command lines": quotes, backslashes, %% for %, $$ for $."""
    assert quoted(word) == written


def test_a_file_of_ours_is_renewed_and_the_operators_is_kept(tmp_path: Path) -> None:
    ours = PlannedFile(path=Path("/etc/unit"), text="one\n")
    assert [write(ours, tmp_path), write(ours, tmp_path)] == ["written", "unchanged"]
    assert write(replace(ours, text="two\n"), tmp_path) == "written"
    assert (tmp_path / "etc/unit").read_text() == "two\n"
    assert (tmp_path / "etc/unit").stat().st_mode & 0o777 == 0o644
    assert write(replace(ours, text="three\n", is_ours=False), tmp_path) == "kept"
    assert (tmp_path / "etc/unit").read_text() == "two\n"


@pytest.mark.parametrize("words", [("no-such-command-here",), ("sh", "-c", "echo full >&2; exit 1"), ("false",)])
def test_a_command_that_fails_ends_it_only_where_it_is_needed(words: tuple[str, ...]) -> None:
    told: list[str] = []
    plan = ServicePlan(files=(), prepare=(PlannedCommand(words=words, is_needed=False),), start=(), restart=())
    carry_out(plan, told.append)
    assert told[0] == f"run       {' '.join(words)}"
    assert "next boot" in told[1]
    with pytest.raises(NotInstallable, match="failed: "):
        carry_out(replace(plan, start=(PlannedCommand(words=words),)), told.append)
    carry_out(replace(plan, prepare=(), start=(PlannedCommand(words=("true",)),)), told.append)


def test_what_is_looked_at_is_this_machine(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "sensor-gateway"
    program.parent.mkdir(mode=0o750)
    program.touch()
    seen = look_at([str(program)], [], "root")
    modes = {row.path: row.mode for row in seen.way}
    assert modes[program.parent.resolve()] == 0o750
    assert Path("/") in modes
    assert seen.person.uid == 0
    assert look_at([str(program)], [], "nobody-of-this-name").person.uid is None


def test_without_root_it_is_refused_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["install-service"]) == os.EX_NOPERM
    assert "sudo" in capsys.readouterr().err


def test_a_dry_run_needs_no_root_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(install_service, "own_command", lambda: ("/usr/games/sensor-gateway",))
    monkeypatch.setattr(install_service, "places", lambda: ())
    before = {file: file.exists() for file in (UNIT, CONFIGURATION)}
    assert main(["install-service", "--dry-run"]) == os.EX_OK
    said = capsys.readouterr().out
    assert "ExecStart=/usr/games/sensor-gateway run" in said
    assert "# run: systemctl enable --now sensor-gateway.service" in said
    assert {file: file.exists() for file in before} == before


def test_the_command_is_this_installations_own(tmp_path: Path) -> None:
    script = tmp_path / "sensor-gateway"
    script.touch()
    (tmp_path / "link").mkdir()
    link = tmp_path / "link" / "sensor-gateway"
    link.symlink_to(script)
    assert install_service.own_command(str(link)) == (str(script.resolve()),)
    assert install_service.own_command("/somewhere/pytest") == (sys.executable, "-m", "sensor_gateway")
