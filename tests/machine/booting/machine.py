"""A machine with a real systemd as its PID 1, in a container of systemd-nspawn.

    with Machine(tmp_path, tree("trixie")) as machine:
        machine.write("etc/sensor-gateway/gateway.yaml", text)  # and machine.read(path)
        machine.boot()
        machine.run("systemctl", "start", "sensor-gateway")     # AssertionError where it fails
        machine.run("false", check=False).returncode
        machine.wait_until(lambda: "mqtt up" in machine.unit()["StatusText"])
        machine.journal("EVENT=gateway_started")                # dicts, as journalctl -o json gives them
        machine.power_off()                                     # or machine.cut(): a power cut
        machine.boot()                                          # the disk is as it was left, /run is empty

Its disk is the tree, which nobody writes to, with the machine's own changes laid over it: ``machine.root`` is both, and
may be written from outside at any time. It has a loopback of its own and no other network. There are no devices in it,
its clock cannot be set, and limits of memory and of devices are not enforced. It needs root.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from booting.own_group import OwnGroup

BOOT_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.1


class Machine:
    """One disk, and one boot after the other on it."""

    def __init__(self, directory: Path, tree: Path) -> None:
        """Lay a disk over ``tree``; ``directory`` is empty and keeps what is written to it."""
        self.root = directory / "root"
        self.console = directory / "console"
        self._container: subprocess.Popen[bytes] | None = None
        self._init: int | None = None
        self._group = OwnGroup(f"sensor-gateway-{os.getpid()}-{id(self):x}")
        places = [self.root, directory / "changes", directory / "work"]
        for place in places:
            place.mkdir()
        layers = f"lowerdir={tree},upperdir={places[1]},workdir={places[2]}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.root)], check=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._group.remove()
        subprocess.run(["umount", "--lazy", str(self.root)], check=True)

    def write(self, path: str, text: str, *, mode: int = 0o644) -> Path:
        """A file of root's on the disk, and the folders above it; the path outside."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def read(self, path: str) -> str:
        """What is in a file of the disk."""
        return (self.root / path.lstrip("/")).read_text()

    def boot(self) -> None:
        """Start the machine, and wait until it has started all that it starts by itself."""
        assert self._container is None, "it runs"
        command = [
            "systemd-nspawn", "--quiet", "--directory", str(self.root), "--boot", "--register=no", "--keep-unit",
            "--private-network", "--console=pipe", "--link-journal=no", "--resolv-conf=off", "--timezone=off",
        ]  # fmt: skip
        with self.console.open("ab") as console:
            self._container = subprocess.Popen(
                self._group.around(command), stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        self.wait_until(self._has_init, BOOT_WITHIN_S)
        self.wait_until(lambda: self._said("systemctl", "is-system-running") in {"running", "degraded"}, BOOT_WITHIN_S)

    def run(
        self, *command: str, check: bool = True, input_text: str = "", timeout_s: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the machine, as its root."""
        done = subprocess.run(
            ["nsenter", "--target", str(self._init), "--all", "--wd=/", "env", "-i", f"PATH={_PATH}", *command],
            capture_output=True, text=True, check=False, input=input_text, timeout=timeout_s,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def unit(self, name: str = "sensor-gateway.service") -> dict[str, str]:
        """What systemd knows of a unit: all properties of ``systemctl show``."""
        lines = self.run("systemctl", "show", name).stdout.splitlines()
        return {key: value for key, _, value in (line.partition("=") for line in lines)}

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """The records of the journal of this boot that match."""
        said = self.run("journalctl", "--boot", "--output=json", "--no-pager", "--all", *matches).stdout
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Look until it is so."""
        deadline_s = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline_s:
                raise AssertionError(f"it did not come to pass in {seconds:.0f} s; console: {self._console_end()}")
            time.sleep(_LOOK_EVERY_S)

    def power_off(self) -> None:
        """Shut down as an operator does, and wait for the end."""
        assert self._container is not None
        self.run("systemctl", "poweroff", check=False)
        self._container.wait(BOOT_WITHIN_S)
        self._container = self._init = None

    def cut(self) -> None:
        """Everything in it ends at once, without notice. What the kernel had taken is on the disk."""
        if self._container is None:
            return
        if self._init is not None and Path(f"/proc/{self._init}").exists():
            os.kill(self._init, signal.SIGKILL)
        else:
            self._container.kill()
        self._container.wait(BOOT_WITHIN_S)
        self._container = self._init = None

    def _has_init(self) -> bool:
        """Whether the container's first process is there, and systemd answers in it."""
        assert self._container is not None
        if self._container.poll() is not None:
            raise AssertionError(f"the machine did not start: {self._console_end()}")
        pid = self._container.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._init = next((int(child) for child in children if _name(child) == "systemd"), None)
        return self._init is not None and Path(f"/proc/{self._init}/root/run/systemd/private").exists()

    def _said(self, *command: str) -> str:
        return self.run(*command, check=False).stdout.strip()

    def _console_end(self) -> str:
        return self.console.read_text(errors="replace")[-2000:] if self.console.exists() else ""


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _name(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""
