from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor_gateway.sensing.sysfs.door import KernelFiles


class FakeSysfs:
    """A tree like /sys: devices in devices/, and links to them where the kernel lists them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "devices").mkdir(parents=True)

    def hwmon(self, number: int, place: str, name: str, **files: str) -> Path:
        folder = self._device(f"{place}/hwmon/hwmon{number}", "class/hwmon", name, files)
        (folder / "device").symlink_to(self.root / "devices" / place)
        return folder

    def iio(self, number: int, place: str, name: str, *, node: str = "", **files: str) -> Path:
        folder = self._device(f"{place}/iio:device{number}", "bus/iio/devices", name, files)
        if node:
            target = self.root / "firmware/devicetree/base" / node
            target.mkdir(parents=True)
            (folder / "of_node").symlink_to(target)
        return folder

    def master(self, number: int = 1) -> None:
        folder = self.root / f"devices/w1_bus_master{number}"
        folder.mkdir()
        self._list(folder, "bus/w1/devices")

    def w1(self, slave: str, text: str, master: int = 1) -> Path:
        if not (self.root / f"devices/w1_bus_master{master}").exists():
            self.master(master)
        return self._device(f"w1_bus_master{master}/{slave}", "bus/w1/devices", slave, {"w1_slave": text})

    def unplug(self, folder: Path) -> None:
        for link in self.root.glob("*/*/**/*"):
            if link.is_symlink() and link.resolve() == folder.resolve():
                link.unlink()
        shutil.rmtree(folder)

    def _device(self, place: str, lists: str, name: str, files: dict[str, str]) -> Path:
        folder = self.root / "devices" / place
        folder.mkdir(parents=True)
        for file, text in {"name": f"{name}\n", **files}.items():
            (folder / file).write_text(text)
        self._list(folder, lists)
        return folder

    def _list(self, folder: Path, lists: str) -> None:
        (self.root / lists).mkdir(parents=True, exist_ok=True)
        (self.root / lists / folder.name).symlink_to(folder)


@pytest.fixture
def tree(tmp_path: Path) -> FakeSysfs:
    return FakeSysfs(tmp_path / "sys")


@pytest.fixture
def door(tree: FakeSysfs) -> Iterator[KernelFiles]:
    door = KernelFiles("linux", sysfs=tree.root)
    door.open()
    yield door
    door.close()
