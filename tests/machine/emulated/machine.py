"""One machine: QEMU without kvm (which may be there and hang), driven over a serial line and QEMU's monitor.

    boot       from an image, on a disk of its own
    snapshot   memory, devices and disk, kept in the disk's file
    resume     a copy of such a disk, from the snapshot on: a second, where a boot takes twenty

The network leads to this host and beyond: what listens on 127.0.0.1 here is 10.0.2.2 there.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
import socket
import subprocess
import time
import uuid
from pathlib import Path
from typing import Final

from emulated.making.image import Image

HOST: Final = "10.0.2.2"
HARDWARE: Final = (
    "qemu-system-x86_64", "-accel", "tcg,thread=single", "-cpu", "max", "-M", "pc", "-smp", "1", "-m", "384",
    "-nodefaults", "-display", "none", "-no-reboot",
    "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
    "-device", "vmgenid,guid=auto", "-device", "qemu-xhci,id=usb",
)  # fmt: skip
KERNEL_ARGUMENTS: Final = (
    "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 mitigations=off panic=1 net.ifnames=0"
)
COMMAND_S: Final = 180.0
BOOT_S: Final = 600.0
"""Enough on a host that has other things to do."""


def hardware() -> str:
    """A name for the machine as this QEMU plays it: a snapshot fits this one alone."""
    version = subprocess.run([HARDWARE[0], "--version"], check=True, capture_output=True, text=True).stdout
    return hashlib.sha256(repr((HARDWARE, KERNEL_ARGUMENTS, version)).encode()).hexdigest()[:12]


class CommandFailed(AssertionError):
    """A command in the guest that ended with another status than 0."""


class Machine:
    """A QEMU process and the two lines to it. ``disk`` is a qcow2 file that belongs to it."""

    def __init__(self, directory: Path, image: Image, disk: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.disk = disk
        self._image = image
        self._process: subprocess.Popen[bytes] | None = None
        self._agent = Line(directory / "agent")
        self._monitor = Line(directory / "monitor")

    def boot(self) -> None:
        """From power-on; returns when the guest takes commands."""
        self._launch()
        self._agent.until(b"ready\n", BOOT_S)

    def resume(self, snapshot: str) -> None:
        """From the snapshot, as if it had just booted: with a boot id of its own, and a wall clock that is right.

        A device tells the kernel that it is another machine now, so that chance differs too; systemd, which keeps the
        boot id that it has seen, is begun anew.
        """
        self._launch("-loadvm", snapshot)
        self.run(
            f"date -s @{time.time()}; echo {uuid.uuid4()} > /run/boot_id; "
            "mount --bind /run/boot_id /proc/sys/kernel/random/boot_id; systemctl daemon-reexec"
        )

    def run(self, command: str, *, seconds: float = COMMAND_S) -> str:
        """What the command writes, from a shell of root. CommandFailed where its status is not 0."""
        self._agent.send(base64.b64encode(command.encode()) + b"\n")
        status, _, said = self._agent.until(b"\n", seconds).partition(b" ")
        text = base64.b64decode(said).decode()
        if status != b"0":
            raise CommandFailed(f"{command}: status {status.decode()}\n{text}")
        return text

    def put(self, path: str, text: str) -> None:
        """A file in the guest."""
        quoted = shlex.quote(path)
        self.run(
            f"mkdir -p $(dirname {quoted}); echo {base64.b64encode(text.encode()).decode()} | base64 -d > {quoted}"
        )

    def monitor(self, command: str, *, seconds: float = 120.0) -> str:
        """A command to QEMU itself, and its answer."""
        self._monitor.send(command.encode() + b"\n")
        answer = self._monitor.until(b"(qemu) ", seconds).decode()
        return answer.partition("\n")[2].strip()

    def snapshot(self, name: str) -> None:
        """Keep the machine as it is now, in the disk's file."""
        said = self.monitor(f"savevm {name}", seconds=600)
        assert not said, said

    def plug_disk(self, name: str, file: Path) -> str:
        """A raw file as one more disk, while the machine runs; its device node."""
        said = self.monitor(f"drive_add 0 if=none,id={name},file={file},format=raw")
        assert said == "OK", said
        said = self.monitor(f"device_add virtio-blk-pci,drive={name},id=disk-{name},serial={name}")
        assert not said, said
        node = f"/dev/disk/by-id/virtio-{name}"
        self.run(f"until [ -b {node} ]; do sleep 0.1; done")
        return node

    def unplug_disk(self, name: str) -> None:
        """Take a disk of ``plug_disk`` out again."""
        self.monitor(f"device_del disk-{name}")
        self.run(f"while [ -b /dev/disk/by-id/virtio-{name} ]; do sleep 0.1; done")

    def cpu_s(self) -> float:
        """CPU seconds that QEMU has taken since it was launched: what its work costs, however busy this host is."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cut(self) -> None:
        """The power fails now."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._close()

    def stop(self) -> None:
        """End it, if it runs; its disk is whole."""
        if self._process is None:
            return
        try:
            self._monitor.send(b"quit\n")
            self._process.wait(30)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        self._process = None
        self._agent.close()
        self._monitor.close()

    def _launch(self, *arguments: str) -> None:
        console, errors = self.directory / "console", self.directory / "qemu"
        command = [
            *HARDWARE,
            "-kernel", str(self._image.kernel), "-initrd", str(self._image.initrd), "-append", KERNEL_ARGUMENTS,
            "-drive", f"file={self.disk},if=virtio,format=qcow2",
            "-serial", f"file:{console}", *self._agent.options("agent", "-serial", "chardev:agent"),
            *self._monitor.options("monitor", "-mon", "monitor"), *arguments,
        ]  # fmt: skip
        with errors.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        for line in (self._agent, self._monitor):
            line.connect(self._process, errors)
        self._monitor.until(b"(qemu) ", 120)


class Line:
    """A socket to QEMU, which waits for us before it begins, so that nothing is missed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._heard = b""

    def options(self, name: str, *user: str) -> tuple[str, ...]:
        """QEMU's, to have the line for ``user``."""
        self._path.unlink(missing_ok=True)
        return "-chardev", f"socket,id={name},path={self._path},server=on,wait=on", *user

    def connect(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        deadline_s = time.monotonic() + 60
        self._heard = b""
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(str(self._path))
            except OSError:
                self._socket.close()
                assert process.poll() is None, errors.read_text()
                assert time.monotonic() < deadline_s, f"QEMU does not open {self._path}"
                time.sleep(0.02)
            else:
                return

    def send(self, data: bytes) -> None:
        """OSError when the machine has ended."""
        if self._socket is None:
            raise ConnectionError("the machine does not run")
        self._socket.sendall(data)

    def until(self, end: bytes, seconds: float) -> bytes:
        """What comes before ``end``."""
        assert self._socket is not None
        deadline_s = time.monotonic() + seconds
        while end not in self._heard:
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"no answer in {seconds:g} s; so far {self._heard[-300:]!r}"
            self._socket.settimeout(left_s)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                continue
            assert data, f"the machine ended; so far {self._heard[-300:]!r}"
            self._heard += data
        said, _, self._heard = self._heard.partition(end)
        return said

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
