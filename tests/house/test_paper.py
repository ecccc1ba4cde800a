"""The manual page and the shells' completions are made from the command line.

``python tests/house/test_paper.py`` writes them anew.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor_gateway.cli.main import parser
from sensor_gateway.cli.paper.manual import CODES, manual_page
from sensor_gateway.cli.paper.outline import Command, outline_of
from sensor_gateway.cli.paper.shells import SHELLS

ROOT = Path(__file__).resolve().parents[2]
PAPER = ROOT / "packaging" / "paper"
MANUAL = PAPER / "sensor-gateway.8"
COMPLETIONS = {
    "bash": PAPER / "sensor-gateway.bash",
    "zsh": PAPER / "_sensor-gateway",
    "fish": PAPER / "sensor-gateway.fish",
}


def program() -> Command:
    return outline_of(parser())


def made() -> Iterator[tuple[Path, str]]:
    yield MANUAL, manual_page(program())
    for shell, file in COMPLETIONS.items():
        yield file, SHELLS[shell](program())


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (sudo apt-get install {name})")
    return found


def test_the_files_are_those_of_the_command_line() -> None:
    for file, text in made():
        assert file.read_text("utf-8") == text, "python tests/house/test_paper.py writes it anew"


def test_the_manual_page_has_every_command_and_every_option() -> None:
    page = MANUAL.read_text("utf-8").replace("\\-", "-")
    for command in program().walk():
        if command.words[1:]:
            assert f".SS {' '.join(command.words)}\n" in page
        for option in command.options:
            assert all(f"\\fB{name}\\fR" in page for name in option.names if name not in ("-h", "--help", "--version"))


def test_the_help_and_the_manual_page_tell_the_same_exit_codes() -> None:
    told = (parser().epilog or "").partition("exit codes:")[2]
    codes = {number for codes, _ in CODES for number in codes.split(", ")}
    assert set(re.findall(r"\b\d+\b", told)) == codes
    assert {"0", "1", "2", "64", "69", "70", "73", "74", "75", "77", "78"} <= codes


def complaints(page: Path) -> list[str]:
    """What mandoc says from a warning upwards; a page without a date is the same in every build."""
    ended = subprocess.run(
        [tool("mandoc"), "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False
    )
    return [line for line in ended.stdout.splitlines() if "missing date" not in line]


def test_mandoc_has_nothing_to_say_about_the_manual_page() -> None:
    assert complaints(MANUAL) == []


def test_mandoc_speaks_up_where_a_page_is_wrong(tmp_path: Path) -> None:
    """The control."""
    broken = tmp_path / "sensor-gateway.8"
    broken.write_text(MANUAL.read_text("utf-8") + ".NO SUCH MACRO\n.fi\n", "utf-8")
    assert complaints(broken)


def test_groff_has_nothing_to_say_about_the_manual_page() -> None:
    groff = tool("groff")
    if not any(Path("/usr/share/groff").glob("*/tmac/an-old.tmac")) and not any(
        Path("/usr/share/groff").glob("*/tmac/an.tmac")
    ):
        pytest.skip("groff is here without its macros for manual pages")
    ended = subprocess.run(
        [groff, "-man", "-ww", "-z", "-K", "utf8", MANUAL], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_the_shell_itself_can_read_its_completion(shell: str) -> None:
    ended = subprocess.run([tool(shell), "-n", COMPLETIONS[shell]], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def completed(line: str, directory: Path) -> set[str]:
    """What bash offers behind a line."""
    words = line.split(" ")
    script = (
        f"source '{COMPLETIONS['bash']}'\nCOMP_WORDS=({' '.join(repr(word) for word in words)})\n"
        f"COMP_CWORD={len(words) - 1}\n_sensor_gateway\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    )
    ended = subprocess.run([tool("bash"), "-c", script], capture_output=True, text=True, check=False, cwd=directory)
    assert ended.stderr == ""
    return set(ended.stdout.split())


def test_bash_completes_commands_options_values_and_files(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").touch()
    (tmp_path / "state").mkdir()
    assert completed("sensor-gateway outb", tmp_path) == {"outbox"}
    assert completed("sensor-gateway outbox p", tmp_path) == {"peek", "purge"}
    assert completed("sensor-gateway outbox status --ch", tmp_path) == {"--check"}
    assert completed("sensor-gateway completion ", tmp_path) >= {"bash", "zsh", "fish"}
    assert completed("sensor-gateway doctor m", tmp_path) == {"my.yaml"}
    assert completed("sensor-gateway doctor --state-dir ", tmp_path) == {"state"}
    assert completed("sensor-gateway run --config m", tmp_path) == {"my.yaml"}
    assert completed("sensor-gateway run --config my.yaml --st", tmp_path) == {"--state-directory", "--strict"}


def test_fish_completes_commands_and_options(tmp_path: Path) -> None:
    def offered(line: str) -> set[str]:
        script = f"source '{COMPLETIONS['fish']}'; complete -C '{line}'"
        environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
        ended = subprocess.run(
            [tool("fish"), "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path, env=environ
        )
        return {answer.partition("\t")[0] for answer in ended.stdout.splitlines()}

    assert offered("sensor-gateway outb") == {"outbox"}
    assert offered("sensor-gateway outbox p") == {"peek", "purge"}
    assert offered("sensor-gateway outbox status --ch") == {"--check"}
    with_values = {"--config", "--hot-dir", "--state-dir", "--state-directory"}
    flags = {"--help", "--json", "--check"}
    assert {answer.rstrip("=") for answer in offered("sensor-gateway outbox status --")} == with_values | flags
    assert {answer.rstrip("=") for answer in offered("sensor-gateway status --")} == {
        "--state-dir", "--state-directory", *flags,
    }  # fmt: skip


def lines_of_fish(condition: str) -> list[str]:
    """The options and words that fish offers under exactly this condition."""
    begin = f"complete -c sensor-gateway -n '{condition}' "
    return [line for line in COMPLETIONS["fish"].read_text("utf-8").splitlines() if line.startswith(begin)]


def test_fish_tells_a_command_from_one_below_another_that_has_the_same_name() -> None:
    assert lines_of_fish("__fish_seen_subcommand_from status; and not __fish_seen_subcommand_from outbox")
    assert lines_of_fish("__fish_seen_subcommand_from outbox; and __fish_seen_subcommand_from status")
    assert not lines_of_fish("__fish_seen_subcommand_from status")


if __name__ == "__main__":
    PAPER.mkdir(exist_ok=True)
    for file, text in made():
        file.write_text(text, "utf-8")
