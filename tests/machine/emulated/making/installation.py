"""What a guest gets, as an archive to be unpacked in it: this checkout's Debian package, and its bench.

The bench is what stands for hardware: the bridge that plays an I2C bus, with the gateway's own chip models behind it,
and what an owner sets up for it, as docs/buses.md tells: a module to load, and a name that stays.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Final

from booting.packaged import build

from emulated.bridge import NODE, UNIT, WORK

PACKAGE: Final = "root/sensor-gateway.deb"
VERSION: Final = "1.0.0"
DATE: Final = 1_767_225_600
"""Of the package: the same content is the same package, whichever commit it is of."""
BLOCK: Final = 1 << 20
_GUEST: Final = Path(__file__).parents[1] / "guest"

_BRIDGE: Final = f"""[Unit]
Description=A USB bridge to I2C, in software
[Service]
ExecStart=/usr/bin/python3 -s /opt/bridge/bridge.py {WORK}/bridge.yaml wire
Environment=PYTHONPATH=/usr/lib/sensor-gateway/app:/usr/lib/sensor-gateway/vendor PYTHONDONTWRITEBYTECODE=1
Nice=-10
[Install]
WantedBy=multi-user.target
"""
_RULE: Final = f"""\
SUBSYSTEM=="i2c-dev", ATTR{{name}}=="CP2112 SMBus Bridge on *", SYMLINK+="{Path(NODE).name}"
"""


def files(directory: Path) -> dict[str, bytes]:
    """By path in the guest. ``directory`` is where the package is built."""
    return {
        PACKAGE: build(directory, VERSION, seconds=DATE).read_bytes(),
        **{f"opt/bridge/{file.name}": file.read_bytes() for file in sorted(_GUEST.glob("*.py"))},
        f"etc/systemd/system/{UNIT.partition('@')[0]}@.service": _BRIDGE.encode(),
        "etc/udev/rules.d/60-i2c-bridge.rules": _RULE.encode(),
        "etc/modules-load.d/i2c.conf": b"i2c-dev\n",
    }


def fingerprint(contents: dict[str, bytes], *more: str) -> str:
    """A name for these files; the same for the same ones."""
    digests = [f"{path} {hashlib.sha256(content).hexdigest()}" for path, content in sorted(contents.items())]
    return hashlib.sha256("\n".join([*digests, *more]).encode()).hexdigest()[:12]


def archive(contents: dict[str, bytes], made: Path) -> Path:
    """A tar file, as long as whole blocks."""
    with tarfile.open(made, "w") as tar:
        for path, content in contents.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content))
    with made.open("ab") as file:
        file.truncate(-(-made.stat().st_size // BLOCK) * BLOCK)
    return made
