"""The smallest first file system that finds the disk: busybox and ten modules, instead of Debian's 36 MB."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODULES: Final = (
    "crc32c_generic", "virtio_ring", "virtio", "virtio_blk", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
    "virtio_pci", "jbd2", "mbcache", "crc16", "ext4",
)  # fmt: skip
"""In the order in which they are loaded. Without crc32c_generic ext4 does not mount."""

_INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /dev /proc /sys /mnt
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
for module in {modules}; do /bin/busybox insmod /modules/$module.ko; done
for try in $(/bin/busybox seq 500); do
    [ -b /dev/vda ] && break
    /bin/busybox usleep 10000
done
/bin/busybox mount -t ext4 /dev/vda /mnt
/bin/busybox mount --move /dev /mnt/dev
/bin/busybox umount /proc /sys
exec /bin/busybox switch_root /mnt /sbin/init
"""


def initramfs(root: Path) -> bytes:
    """A cpio archive with what it needs of the tree ``root``, which has one kernel and busybox-static."""
    (kernel,) = (root / "lib/modules").iterdir()
    found = {path.stem: path for path in (kernel / "kernel").rglob("*.ko")}
    entries = [("bin", 0o40755, b""), ("modules", 0o40755, b"")]
    entries += [("bin/busybox", 0o100755, (root / "bin/busybox").read_bytes())]
    present = [name for name in MODULES if name in found]  # the others are part of the kernel
    entries += [(f"modules/{name}.ko", 0o100644, found[name].read_bytes()) for name in present]
    entries += [("init", 0o100755, _INIT.format(modules=" ".join(present)).encode())]
    return b"".join(_entry(number, *entry) for number, entry in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1))


def _entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    """One file in the newc format (linux/Documentation/driver-api/early-userspace/buffer-format.rst)."""
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _filled(head) + _filled(data)


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
