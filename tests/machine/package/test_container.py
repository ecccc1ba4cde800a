"""packaging/Containerfile: an image that runs as nobody special, on a root that cannot be written.

Built by buildah from a base that is on this machine already. It runs in systemd-nspawn, whose ``--read-only`` and user
are those that a container engine would set: engines need more of a kernel than a test machine may have.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from booting.images import tree
from booting.packaged import ROOT, Packages

CONFIGURATION = """\
mqtt: {url: mqtt://localhost}
clock: {hold: 0s}
outbox: {keep_free: 0B}
buses: {bench: {type: simulated, kind: i2c}}
sensors: {bench: {driver: bh1750, bus: bench, interval: 1s}}
"""

Build = Callable[..., str]


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """The program, with images of its own."""
    if shutil.which("buildah") is None:
        pytest.skip("buildah is missing: sudo apt-get install buildah")
    place = tmp_path_factory.mktemp("images")
    own = ["--root", str(place / "root"), "--runroot", str(place / "run"), "--storage-driver", "vfs"]

    def call(command: str, *arguments: object) -> str:
        line = ["buildah", *own, command, *map(str, arguments)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    yield call
    call("umount", "--all")
    call("rm", "--all")
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def image(buildah: Build, packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> str:
    base = buildah("from", "scratch")
    buildah("copy", "--quiet", base, tree("trixie"), "/")
    buildah("commit", "--quiet", base, "localhost/base")
    context = tmp_path_factory.mktemp("context")
    (context / "dist").mkdir()
    shutil.copy(packages.old, context / "dist")
    file = ROOT / "packaging" / "Containerfile"
    choices = ["--isolation=chroot", "--pull-never", "--format=docker", "--build-arg=BASE=localhost/base"]
    buildah("bud", "--quiet", *choices, "--tag", "localhost/sensor-gateway", "--file", file, context)
    return "localhost/sensor-gateway"


@pytest.fixture(scope="module")
def config(buildah: Build, image: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    return found


def test_it_is_nobody_special_has_a_health_check_and_keeps_its_state_in_a_volume(config: dict[str, Any]) -> None:
    assert config["User"] == "990:990", "a number: who must not be root can be told by it"
    assert config["Healthcheck"]["Test"][0] == "CMD-SHELL"
    assert list(config["Volumes"]) == ["/var/lib/sensor-gateway"]
    assert config["StopSignal"] == "SIGTERM"


def test_it_runs_on_a_root_that_cannot_be_written_and_its_health_check_answers(
    buildah: Build, image: str, config: dict[str, Any], tmp_path: Path
) -> None:
    root = buildah("mount", buildah("from", "--pull-never", image))
    state, file = tmp_path / "state", tmp_path / "gateway.yaml"
    state.mkdir()
    shutil.chown(state, 990, 990)
    file.write_text(CONFIGURATION)
    environment = [f"--setenv={entry}" for entry in config["Env"]]
    command = [
        "systemd-nspawn", "--quiet", f"--directory={root}", "--read-only", "--user=sensor-gateway", "--as-pid2",
        "--register=no", "--keep-unit", "--private-network", "--console=pipe", "--resolv-conf=off", "--timezone=off",
        f"--bind={state}:/var/lib/sensor-gateway", f"--bind-ro={file}:/etc/sensor-gateway/gateway.yaml",
        *environment, *config["Entrypoint"], *config["Cmd"],
    ]  # fmt: skip
    log = tmp_path / "log"
    with log.open("wb") as out:
        container = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        gateway = wait_for(lambda: find_gateway(container.pid), log)
        wait_for((state / "outbox").exists, log)
        (check,) = config["Healthcheck"]["Test"][1:]
        answer = inside(gateway, *environment, "/bin/sh", "-c", check)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        refused = inside(gateway, "touch", "/usr/bin/written")
        assert refused.returncode != 0
        assert "Read-only" in refused.stderr
    finally:
        container.terminate()
        container.wait(30)


def wait_for(look: Callable[[], Any], log: Path) -> Any:
    deadline_s = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < deadline_s, log.read_text(errors="replace")
        time.sleep(0.1)
    return found


def find_gateway(parent: int) -> int:
    """The gateway among the descendants of a process; 0 while there is none."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if b"/usr/bin/sensor-gateway" in command and command[0].endswith(b"python3"):
            return int(child)
        if found := find_gateway(int(child)):
            return found
    return 0


def inside(pid: int, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in the container of ``pid``, as its user. What stands before the command sets its environment."""
    variables = [word.removeprefix("--setenv=") for word in words if word.startswith("--setenv=")]
    command = [word for word in words if not word.startswith("--setenv=")]
    enter = ["nsenter", "--target", str(pid), "--all", "--setuid=990", "--setgid=990", "env", "-i", "LC_ALL=C.UTF-8"]
    default = "PATH=/usr/local/bin:/usr/bin:/bin"
    return subprocess.run([*enter, default, *variables, *command], capture_output=True, text=True, check=False)
