"""What this machine has: its I2C buses and what the kernel does with them, and its serial ports. Nothing is opened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sensor_gateway.sensing.i2c import kernel_driver
from sensor_gateway.sensing.lock_holder import known_holder
from sensor_gateway.sensing.serial_port import permission_fault

_CHANNEL: Final = re.compile(r"i2c-(\d+)-mux \(chan_id (\d+)\)")
_DEVICE: Final = re.compile(r"(\d+)-00([0-9a-f]{2})")
_DISPLAY: Final = re.compile(
    # Raspberry Pi: 5 (107d5082..), 4 (fef0..), 3 and older (BSC2); then the graphics of other computers.
    r"107d5082|fef0[49]500|7e805000|hdmi|vc4|gmbus|\bddc\b|dpddc|aux|i915|amdgpu|radeon|nvidia|nouveau",
    re.IGNORECASE,
)
_PORTS: Final = ("ttyUSB*", "ttyACM*", "ttyAMA*", "serial0")


@dataclass(frozen=True, slots=True, kw_only=True)
class I2cNode:
    """One I2C bus of the kernel.

    ``adapter`` is what the kernel calls it; ``parent`` the number of the bus that it is a channel of, empty for
    none; ``owned`` maps addresses to the kernel drivers that own them.
    """

    number: str
    path: Path
    adapter: str
    parent: str
    channel: str
    owned: Mapping[int, str]
    is_display: bool

    @property
    def name(self) -> str:
        """As a configuration names it."""
        return f"i2c{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortNode:
    """One serial port: the name to write, the device behind it, and why it cannot be used ("" for no reason)."""

    path: Path
    device: Path
    trouble: str


class Machine:
    """This machine, or a likeness of it below another ``root``."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Nothing is looked at yet."""
        self.sysfs = root / "sys"
        self._dev = root / "dev"
        self._proc = root / "proc"

    def i2c_nodes(self) -> tuple[I2cNode, ...]:
        """Every I2C bus that has a device node, those that others are channels of first."""
        numbers = [match[1] for path in self._dev.glob("i2c-*") if (match := re.fullmatch(r"i2c-(\d+)", path.name))]
        nodes = {number: self._node(number) for number in sorted(numbers, key=int)}
        return tuple(sorted(nodes.values(), key=lambda node: (_depth(node, nodes), int(node.number))))

    def i2c_path(self, number: str) -> Path:
        """Where the device node of a bus is, or would be."""
        return self._dev / f"i2c-{number}"

    def ports(self) -> tuple[PortNode, ...]:
        """Every serial port, by the name that survives replugging where it has one."""
        by_id = sorted(path for path in (self._dev / "serial" / "by-id").glob("*"))
        others = sorted(path for pattern in _PORTS for path in self._dev.glob(pattern))
        known: dict[Path, Path] = {}
        for path in (*by_id, self._dev / "serial0", *others):
            if path.exists():
                known.setdefault(path.resolve(), path)
        return tuple(
            PortNode(path=path, device=device, trouble=self._port_trouble(path, device))
            for device, path in known.items()
        )

    def _node(self, number: str) -> I2cNode:
        devices = self.sysfs / "bus" / "i2c" / "devices"
        try:
            adapter = (devices / f"i2c-{number}" / "name").read_text("utf-8", "replace").strip()
        except OSError:
            adapter = ""
        channel = _CHANNEL.match(adapter)
        return I2cNode(
            number=number,
            path=self.i2c_path(number),
            adapter=adapter,
            parent=channel[1] if channel else "",
            channel=channel[2] if channel else "",
            owned=dict(self._owned(devices, number)),
            is_display=_DISPLAY.search(adapter) is not None,
        )

    def _owned(self, devices: Path, number: str) -> Iterator[tuple[int, str]]:
        for path in sorted(devices.glob(f"{number}-00*")):
            match = _DEVICE.fullmatch(path.name)
            if match is None:
                continue
            address = int(match[2], 16)
            driver = kernel_driver(number, address, sysfs=self.sysfs)
            if driver:
                yield address, driver

    def _port_trouble(self, path: Path, device: Path) -> str:
        try:
            consoles = (self._proc / "consoles").read_text("ascii", "replace")
        except OSError:
            consoles = ""
        if re.search(rf"^{re.escape(device.name)}\s", consoles, re.MULTILINE):
            return (
                f"{path} is the system's console: free it with `sudo raspi-config nonint do_serial_cons 1`, "
                "then restart the computer"
            )
        forbidden = permission_fault(path)
        if forbidden is not None:
            return str(forbidden)
        holder = known_holder(device, self._proc)
        return f"{path} is used by {holder}" if holder else ""


def _depth(node: I2cNode, nodes: Mapping[str, I2cNode]) -> int:
    depth, parent = 0, node.parent
    while parent in nodes and depth < len(nodes):
        depth, parent = depth + 1, nodes[parent].parent
    return depth
