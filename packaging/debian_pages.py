"""The texts that a Debian package has to carry: control, changelog, copyright."""  # noqa: INP001 - a part of a script

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wheels import NotBuilt

if TYPE_CHECKING:
    from debian_tree import Vendored

_CONTROL: Final = """\
Package: sensor-gateway
Version: {version}
Architecture: all
Maintainer: {maintainer}
Installed-Size: {size}
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: python3 (>= 3.11), python3-yaml, systemd
Recommends: systemd-timesyncd | time-daemon
Suggests: mosquitto, i2c-tools
Section: net
Priority: optional
Description: sensors on I2C and serial lines, as change events on MQTT
 A daemon for a Raspberry Pi or any other Linux machine. It reads temperature,
 light and other sensors over I2C, serial lines, Modbus and the kernel, turns
 readings into change events, and delivers every event to an MQTT broker,
 through outages, crashes and power cuts, without wearing out the SD card.
 .
 The service runs from the first moment on, with no sensors. "sensor-gateway
 scan" finds what is connected and prints the lines for
 /etc/sensor-gateway/gateway.yaml.
"""

_CHANGELOG: Final = """\
{package} ({version}) stable; urgency=medium

  * What changed is told in /usr/share/doc/sensor-gateway/CHANGELOG.md.

 -- {maintainer}  {date}
"""

_COPYRIGHT: Final = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: sensor-gateway
Comment: Python libraries are vendored in /usr/lib/sensor-gateway/vendor, unmodified, as their authors publish them on
 pypi.org. What follows their names is the text of their licences.

Files: *
Copyright: the sensor-gateway contributors
License: Apache-2.0
"""

_APACHE: Final = """\
License: Apache-2.0
 On Debian systems, the text of the licence is in /usr/share/common-licenses/Apache-2.0.
"""

_PARTS: Final = {
    "paho-mqtt": (("paho/*",), "Eclipse Foundation, Inc. and its licensors", "EPL-2.0 or BSD-3-clause"),
    "pyserial": (("serial/*",), "2001-2020 Chris Liechti", "BSD-3-clause"),
    "smbus2": (("smbus2/*",), "2017 Karl-Petter Lindegaard", "Expat"),
    "structlog": (("structlog/*",), "2013 Hynek Schlawack and the structlog contributors", "Expat or Apache-2.0"),
    "tenacity": (("tenacity/*",), "Julien Danjou and the tenacity contributors", "Apache-2.0"),
}
"""What each library brings, who holds the rights, and under which licence, as its own files say."""


def control(version: str, maintainer: str, size_kib: int) -> str:
    """What dpkg and apt know of the package."""
    return _CONTROL.format(version=version, maintainer=maintainer, size=size_kib)


def changelog(package: str, version: str, maintainer: str, seconds: int) -> str:
    """A changelog in Debian's form, of one entry."""
    date = format_datetime(datetime.fromtimestamp(seconds, UTC))
    return _CHANGELOG.format(package=package, version=version, maintainer=maintainer, date=date)


def copyright_page(vendored: Sequence[Vendored], folder: Path) -> str:
    """Who holds which rights, with the licence texts. ``folder`` has those that are in no wheel, by name.

    NotBuilt where a library came that nobody has looked at, or its text is missing.
    """
    parts = [_COPYRIGHT]
    for one in vendored:
        if one.name not in _PARTS:
            raise NotBuilt(f"{one.name} is vendored, and its licence is not described in debian_pages.py")
        files, holder, licence = _PARTS[one.name]
        texts = {name: text.decode() for name, text in sorted(one.licences.items())}
        own = folder / one.name
        if own.exists():
            texts[own.name] = own.read_text("utf-8")
        if not texts:
            raise NotBuilt(f"{one.name} {one.version} carries no licence text: put it into {own}")
        places = " ".join(f"usr/lib/sensor-gateway/vendor/{file}" for file in files)
        parts.append(f"Files: {places}\nCopyright: {holder}\nLicense: {licence}\n{_licence_texts(texts)}")
    return "\n".join([*parts, _APACHE])


def _licence_texts(texts: dict[str, str]) -> str:
    """The texts as a field of Debian's form takes them; Apache's is on every system, and only named."""
    lines = []
    for name, text in texts.items():
        if "apache.org/licenses" in text:
            lines.append(f"({name}: see /usr/share/common-licenses/Apache-2.0)")
        else:
            lines += [f"({name})", *textwrap.dedent(text).strip().splitlines()]
    return "".join(f" {line}".rstrip() + "\n" if line.strip() else " .\n" for line in lines)
