"""Builds the Debian package, one file for every architecture, for bookworm and trixie: ``./dev deb``.

The same commit gives the same bytes. What is vendored is pinned by hash in requirements-dev.txt; PyYAML is not, since
Debian's own has its C part. Dates are those of the commit, or of $SOURCE_DATE_EPOCH.
"""  # noqa: INP001 - a script

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from debian_pages import changelog, control, copyright_page
from debian_tree import Tree, put_examples, put_pages, put_program, put_service, put_vendored
from wheels import NotBuilt, build_own, fetch, locked

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = "sensor-gateway"
VENDORED: Final = ("paho-mqtt", "pyserial", "smbus2", "structlog", "tenacity")
SCRIPTS: Final = ("postinst", "prerm", "postrm")

_VERSION: Final = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)
_DEBIAN_VERSION: Final = re.compile(r"[0-9][A-Za-z0-9.+~]*")


def main() -> int:
    """Build, and print where the package is; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="DIR", help="default: dist/")
    parser.add_argument("--version", help="the package's version, where it is not that of the program")
    arguments = parser.parse_args()
    try:
        version = arguments.version or debian_version(own_version())
        if not _DEBIAN_VERSION.fullmatch(version):
            parser.error(f"{version} is no version of a native package: a digit first, then letters, digits, . + ~")
        print(build(arguments.output, version, epoch()))  # noqa: T201 - a script
    except NotBuilt as error:
        print(f"build_deb: {error}", file=sys.stderr)  # noqa: T201 - a script
        return 1
    except subprocess.CalledProcessError as error:
        print(f"build_deb: {' '.join(map(str, error.cmd))} ended with {error.returncode}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def build(output: Path, version: str, seconds: int) -> Path:
    """The package of this checkout, in ``output``. ``seconds`` since 1970 are the newest date in it."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sensor-gateway-deb-") as name:
        work = Path(name)
        wheels = fetch(locked(VENDORED, (ROOT / "requirements-dev.txt").read_text("utf-8")), work / "wheels")
        own = build_own(ROOT, work / "own")
        tree = Tree(work / "tree")
        put_program(tree, ROOT, own)
        vendored = put_vendored(tree, wheels)
        put_service(tree, ROOT)
        put_examples(tree, ROOT)
        put_pages(tree, ROOT, changelog=changelog(PACKAGE, version, maintainer(), seconds))
        tree.write(f"usr/share/doc/{PACKAGE}/copyright", copyright_page(vendored, ROOT / "packaging" / "licences"))
        tree.write("DEBIAN/control", control(version, maintainer(), tree.installed_kib()))
        tree.write("DEBIAN/conffiles", "".join(f"/{file}\n" for file in tree.files_below("etc")))
        tree.write("DEBIAN/md5sums", tree.md5sums())
        for script in SCRIPTS:
            tree.copy(ROOT / "packaging" / "deb" / script, f"DEBIAN/{script}", mode=0o755)
        tree.finish(seconds)
        target = output / f"{PACKAGE}_{version}_all.deb"
        _pack(tree.root, target, seconds)
    return target


def _pack(tree: Path, target: Path, seconds: int) -> None:
    """One thread and one kind of compression: both change the bytes."""
    command = ["dpkg-deb", "--root-owner-group", "--threads-max=1", "-Zxz", "-z9", "--build", tree, target]
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(seconds), "LC_ALL": "C"}
    try:
        subprocess.run(command, check=True, env=environ, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments
    except FileNotFoundError:
        raise NotBuilt("dpkg-deb is missing: build on Debian, or sudo apt-get install dpkg") from None


def own_version() -> str:
    """The program's version, as its source says."""
    found = _VERSION.search((ROOT / "gateway" / "sensor_gateway" / "__init__.py").read_text("utf-8"))
    if found is None:
        raise NotBuilt("gateway/sensor_gateway/__init__.py names no __version__")
    return found[1]


def debian_version(version: str) -> str:
    """A version of PEP 440 as dpkg sorts it: what comes before a release stands behind a tilde."""
    return re.sub(r"\.?(a|b|rc|dev)(\d+)", r"~\1\2", version)


def maintainer() -> str:
    """Who is named as the maintainer: by Debian's own variables, else the project."""
    name = os.environ.get("DEBFULLNAME", "sensor-gateway maintainers")
    return f"{name} <{os.environ.get('DEBEMAIL', 'maintainers@sensor-gateway.invalid')}>"


def epoch() -> int:
    """Seconds since 1970: $SOURCE_DATE_EPOCH, else the date of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is not None:
        if not given.isdecimal():
            raise NotBuilt(f"SOURCE_DATE_EPOCH is {given!r}; expected whole seconds since 1970")
        return int(given)
    try:
        command = ["git", "-C", ROOT, "log", "-1", "--format=%ct"]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - fixed
    except (OSError, subprocess.CalledProcessError, ValueError):
        raise NotBuilt("this is no git checkout: set SOURCE_DATE_EPOCH to seconds since 1970") from None


if __name__ == "__main__":
    sys.exit(main())
