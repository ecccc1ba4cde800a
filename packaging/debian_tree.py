"""What lies where in the Debian package."""  # noqa: INP001 - a part of a script

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wheels import opened

LIB: Final = "usr/lib/sensor-gateway"
DOC: Final = "usr/share/doc/sensor-gateway"
ETC: Final = "etc/sensor-gateway"
PAGES: Final = ("CHANGELOG.md", "SECURITY.md")

_SERVICE: Final = {
    "sensor-gateway.service": "usr/lib/systemd/system/sensor-gateway.service",
    "sensor-gateway.sysusers": "usr/lib/sysusers.d/sensor-gateway.conf",
    "sensor-gateway.tmpfiles": "usr/lib/tmpfiles.d/sensor-gateway.conf",
    "60-sensor-gateway.rules": "usr/lib/udev/rules.d/60-sensor-gateway.rules",
}
"""The files of systemd/, and where they go."""


_COMPLETIONS: Final = {
    "sensor-gateway.bash": "usr/share/bash-completion/completions/sensor-gateway",
    "_sensor-gateway": "usr/share/zsh/vendor-completions/_sensor-gateway",
    "sensor-gateway.fish": "usr/share/fish/vendor_completions.d/sensor-gateway.fish",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendored:
    """A distribution that is packed with ours: its name, version, and the texts of its licences by file name."""

    name: str
    version: str
    licences: dict[str, bytes]


class Tree:
    """The files of a package, below one directory. Modes do not depend on who builds."""

    def __init__(self, root: Path) -> None:
        """Begin with nothing."""
        self.root = root
        self._closed: set[Path] = set()
        root.mkdir()

    def write(self, place: str, content: str | bytes, *, mode: int = 0o644) -> None:
        """One file."""
        file = self.root / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)

    def copy(self, source: Path, place: str, *, mode: int = 0o644) -> None:
        """One file of the checkout."""
        self.write(place, source.read_bytes(), mode=mode)

    def unpack(self, wheel: Path, place: str) -> dict[str, bytes]:
        """The modules of a wheel; the licence files that were in it, by name."""
        modules, licences = opened(wheel)
        for name, content in modules.items():
            self.write(f"{place}/{name}", content)
        return licences

    def directory(self, place: str, *, is_closed: bool = False) -> Path:
        """A directory, which may stay empty. A closed one is for root alone."""
        directory = self.root / place
        directory.mkdir(parents=True, exist_ok=True)
        if is_closed:
            self._closed.add(directory)
        return directory

    def files_below(self, place: str) -> list[str]:
        """The names of all files there, sorted, as dpkg writes them."""
        below = sorted((self.root / place).rglob("*"))
        return [str(file.relative_to(self.root)) for file in below if file.is_file()]

    def installed_kib(self) -> int:
        """What dpkg calls Installed-Size: each file in whole KiB, and one for each directory."""
        sizes = (-(-entry.stat().st_size // 1024) if entry.is_file() else 1 for entry in self.root.rglob("*"))
        return sum(sizes)

    def md5sums(self) -> str:
        """A line for each file that is no conffile, as ``dpkg --verify`` reads them."""
        names = [name for name in self.files_below(".") if not name.startswith(("DEBIAN/", "etc/"))]
        return "".join(f"{_md5(self.root / name)}  {name}\n" for name in names)

    def finish(self, seconds: int) -> None:
        """Give everything one date and its mode, whatever those of the builder are."""
        for entry in (self.root, *self.root.rglob("*")):
            if entry.is_dir():
                entry.chmod(0o700 if entry in self._closed else 0o755)
            os.utime(entry, (seconds, seconds))


def put_program(tree: Tree, checkout: Path, wheel: Path) -> None:
    """The gateway, its drivers, and the command."""
    tree.unpack(wheel, f"{LIB}/app")
    deb = checkout / "packaging" / "deb"
    tree.copy(deb / "sensor-gateway", "usr/bin/sensor-gateway", mode=0o755)
    tree.copy(deb / "rtupdate", "usr/share/python3/runtime.d/sensor-gateway.rtupdate", mode=0o755)
    tree.copy(checkout / "config" / "schema.json", "usr/share/sensor-gateway/schema.json")
    tree.copy(deb / "gateway.yaml", f"{ETC}/gateway.yaml")
    for name in ("conf.d", "devices"):
        tree.directory(f"{ETC}/{name}")
    tree.directory(f"{ETC}/credentials", is_closed=True)


def put_vendored(tree: Tree, wheels: Sequence[Path]) -> list[Vendored]:
    """The libraries, and what is known of their licences."""
    found = []
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        licences = tree.unpack(wheel, f"{LIB}/vendor")
        found.append(Vendored(name=name.replace("_", "-"), version=version, licences=licences))
    return found


def put_service(tree: Tree, checkout: Path) -> None:
    """The unit, the user, and the names of devices."""
    for source, place in _SERVICE.items():
        tree.copy(checkout / "systemd" / source, place)


def put_examples(tree: Tree, checkout: Path) -> None:
    """The configurations of the repository, for brokers too, and what asks root to recover a bus."""
    config = checkout / "config"
    for file in (*sorted(config.glob("*.yaml")), *sorted((config / "mosquitto").iterdir())):
        tree.copy(file, f"{DOC}/examples/{file.relative_to(config)}")
    for file in sorted((checkout / "systemd" / "recover").iterdir()):
        tree.copy(file, f"{DOC}/examples/recover/{file.name}")


def put_pages(tree: Tree, checkout: Path, *, changelog: str) -> None:
    """The manual page, the pages of docs/ that an operator needs, and both changelogs."""
    paper = checkout / "packaging" / "paper"
    tree.write("usr/share/man/man8/sensor-gateway.8.gz", _compressed((paper / "sensor-gateway.8").read_bytes()))
    for name, place in _COMPLETIONS.items():
        tree.copy(paper / name, place)
    tree.copy(checkout / "packaging" / "deb" / "lintian-overrides", "usr/share/lintian/overrides/sensor-gateway")
    for page in (*(checkout / name for name in PAGES), *sorted((checkout / "docs").glob("*.md"))):
        tree.copy(page, f"{DOC}/{page.name}")
    tree.write(f"{DOC}/changelog.gz", _compressed(changelog.encode()))


def _compressed(content: bytes) -> bytes:
    """As ``gzip -9n``: without a date."""
    return gzip.compress(content, 9, mtime=0)


def _md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()  # dpkg's own check, not ours
