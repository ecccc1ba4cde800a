"""What can happen to a gateway's sequence: each action gives False where it changes nothing, or cannot happen."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from proving.sequence_disk import Trouble
from proving.sequence_judge import expect
from proving.sequence_world import Host, World
from sensor_gateway.outbox.files.hot import HOT_HEADER_SIZE
from sensor_gateway.outbox.identity import IDENTITY
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import Durability

Action: TypeAlias = Callable[[World], bool]


def start(world: World, durability: Durability = Durability.SPILL, *, has_hot: bool = True) -> bool:
    home = world.home
    if home.box is not None:
        return False
    must_go_on, must_know = world.must_go_on, world.must_know
    world.must_go_on, world.must_know, world.is_touched = False, None, False
    if not world.start(home, durability, has_hot=has_hot):
        return True
    recovered = home.box._opened.recovered if home.box else None
    if recovered and durability is Durability.SPILL and has_hot and not world.troubles:
        if must_go_on:
            expect(not recovered.is_new_epoch, "the journal proved everything, and its epoch did not go on")
        if must_know:
            known = recovered.previous, recovered.previous_last_seq
            expect(known == must_know, f"{must_know} ended in order, and the next epoch knows {known}")
    return True


def append(world: World) -> bool:
    if world.home.box is None:
        return False
    if world.home.journal.exists():
        world.older_hot = world.home.journal.read_bytes()
    world.append(world.home)
    return True


def read_some(world: World) -> bool:
    return world.home.box is not None and world.read(world.home, 4, acknowledged=2) > 0


def drain(world: World) -> bool:
    if world.home.box is None or not world.home.box.pending:
        return False
    world.drain(world.home)
    return True


def wait(world: World) -> bool:
    """Long enough for events to go to flash."""
    if world.home.box is None:
        return False
    for _ in range(3):
        if world.home.box is not None:
            world.tend(world.home, 6.0)
    return True


def kill(world: World) -> bool:
    box = world.home.box
    if box is None:
        return False
    world.must_go_on = _is_proven(world, box)
    world.kill(world.home)
    return True


def stop(world: World) -> bool:
    box = world.home.box
    if box is None:
        return False
    world.must_go_on = _is_proven(world, box)
    world.close(world.home, to_flash=False)
    return True


def shut_down(world: World, *, stays_up: bool = False) -> bool:
    """The machine is shut down in order. ``stays_up``: somebody stopped that, and everything is there still."""
    box = world.home.box
    if box is None:
        return False
    is_sound = not world.troubles and box._opened.settings.durability is Durability.SPILL
    is_sound = is_sound and not box.alarms and not world.is_touched
    end = box.epoch, box._intake.next_seq - 1
    world.died = False
    world.close(world.home, to_flash=True)
    if not stays_up:
        world.boot(world.home, keeps_hot=False)
    world.must_know = end if is_sound and not world.died else None
    return True


def cut_power(world: World) -> bool:
    world.boot(world.home, keeps_hot=False)
    return True


def reboot_that_keeps_hot(world: World, *, has_boot_id: bool = True) -> bool:
    """Hot was on a medium that outlives the machine, and not all of it was synced."""
    world.boot(world.home, keeps_hot=True)
    if world.older_hot and world.home.journal.exists():
        world.home.journal.write_bytes(world.older_hot)
    if not has_boot_id:
        world.home.boot_id = ""
    return True


def hide_boot_id(world: World) -> bool:
    if not world.home.boot_id:
        return False
    world.kill(world.home)
    world.home.boot_id = ""
    return True


def show_boot_id(world: World) -> bool:
    if world.home.boot_id:
        return False
    world.kill(world.home)
    world.home.boot_id = world.home.true_boot
    return True


def trouble(world: World, place: str, what: Trouble) -> bool:
    return world.troubles.get(world.root / place) is not what and _set(world, place, what)


def mend(world: World) -> bool:
    if not world.troubles:
        return False
    world.troubles.clear()
    return True


def mend_one(world: World, place: str) -> bool:
    return world.troubles.pop(world.root / place, None) is not None and bool(world.troubles)


def _is_proven(world: World, box: Outbox) -> bool:
    return box._tiers.is_hot and world.home.boot_id != "" and not world.is_touched


def _set(world: World, place: str, what: Trouble) -> bool:
    world.troubles[world.root / place] = what
    return True


def empty_hot(world: World) -> bool:
    return _overwrite(world.home.journal, lambda data: b"")


def tear_hot(world: World) -> bool:
    return _overwrite(world.home.journal, lambda data: data[:-5])


def flip_in_hot(world: World) -> bool:
    return _overwrite(world.home.journal, lambda data: _flipped(data, world.chance.randrange(len(data))))


def delete_hot(world: World) -> bool:
    if not world.home.journal.exists():
        return False
    world.home.journal.unlink()
    return True


def delete_hot_directory(world: World) -> bool:
    return _remove(world.home.hot)


def delete_state(world: World) -> bool:
    return _remove(world.home.state)


def delete_file(world: World, name: str) -> bool:
    found = [path for path in world.home.flash.glob(name) if path.is_file()]
    for path in found:
        path.unlink()
    return bool(found)


def empty_file(world: World, name: str) -> bool:
    found = [path for path in world.home.flash.glob(name) if path.is_file() and path.stat().st_size]
    for path in found:
        path.write_bytes(b"")
    return bool(found)


def keep_copy(world: World) -> bool:
    """Somebody copies the card, to put it back some day."""
    if not world.home.state.exists():
        return False
    copy_directory(world.home.state, world.root / "copy")
    return True


def put_copy_back(world: World) -> bool:
    if not (world.root / "copy").exists():
        return False
    world.kill(world.home)
    copy_directory(world.root / "copy", world.home.state)
    return True


def change_hardware(world: World, *, keeps_hot: bool) -> bool:
    home = world.home
    world.kill(home)
    home.hardware = "serial-2" if home.hardware == "serial-1" else "serial-1"
    if not keeps_hot:
        world.boot(home, keeps_hot=False)
    return True


def twin(world: World, *, copies_memory: bool) -> bool:
    """The card is copied, perhaps with the memory and the boot too, into other hardware; both go on from there."""
    name = "copied machine" if copies_memory else "copied card"
    home, other = world.home, world.others.get(name)
    if other is None:
        if not home.state.exists():
            return False
        place = world.root / name.replace(" ", "-")
        other = world.host(place / "state", place / "hot", f"serial-of-{name}")
        copy_directory(home.state, other.state)
        if copies_memory:
            other.boot_id = other.true_boot = home.true_boot
            if home.hot.exists():
                copy_directory(home.hot, other.hot)
        world.others[name] = other
    goes_on(world, other)
    return True


def neighbour(world: World) -> bool:
    """Another state directory, and the same hot directory."""
    if "neighbour" not in world.others:
        other = world.host(world.root / "beside", world.home.hot, "serial-1")
        other.boot_id = other.true_boot = world.home.true_boot
        world.others["neighbour"] = other
    other = world.others["neighbour"]
    other.boot_id = other.true_boot = world.home.true_boot
    goes_on(world, other)
    return True


def second(world: World) -> bool:
    """The same directories, once more."""
    home = world.home
    if "second" not in world.others:
        world.others["second"] = world.host(home.state, home.hot, home.hardware)
    other = world.others["second"]
    other.boot_id, other.true_boot, other.hardware = home.boot_id, home.true_boot, home.hardware
    goes_on(world, other)
    return True


def others_die(world: World) -> bool:
    are_running = any(other.box is not None for other in world.others.values())
    for other in world.others.values():
        world.kill(other)
    return are_running


def goes_on(world: World, other: Host) -> None:
    if other.box is None and not world.start(other):
        return
    if other.box is not None:
        world.append(other)
        world.read(other, 50, acknowledged=1)


def downgrade(world: World) -> bool:
    """A newer version has been here, and this one follows it."""
    mark = world.home.flash / IDENTITY
    if not mark.exists() or mark.read_bytes().startswith(b"sensor-gateway-outbox 2"):
        return False
    world.kill(world.home)
    mark.rename(mark.with_name("identity-before"))
    text = b"sensor-gateway-outbox 2\nall else may differ\n"
    mark.write_bytes(text + f"crc32 {zlib.crc32(text):08x}\n".encode())
    _give_version(world.home.journal, b"\x01", b"\x02")
    return True


def upgrade(world: World) -> bool:
    """The newer version comes back, and finds its own files as it left them."""
    kept = world.home.flash / "identity-before"
    if not kept.exists():
        return False
    world.kill(world.home)
    kept.replace(world.home.flash / IDENTITY)
    _give_version(world.home.journal, b"\x02", b"\x01")
    return True


def _give_version(journal: Path, before: bytes, now: bytes) -> None:
    data = journal.read_bytes() if journal.exists() else b""
    if data.startswith(b"SGH" + before):
        start, fields = b"SGH" + now, data[8:HOT_HEADER_SIZE]
        crc = zlib.crc32(fields, zlib.crc32(start)).to_bytes(4, "little")
        journal.write_bytes(start + crc + fields + data[HOT_HEADER_SIZE:])


def copy_directory(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 16,)) + data[place + 1 :]


def _overwrite(path: Path, change: Callable[[bytes], bytes]) -> bool:
    data = path.read_bytes() if path.exists() else b""
    if data:
        path.write_bytes(change(data))
    return bool(data)


def _remove(directory: Path) -> bool:
    is_there = directory.exists()
    shutil.rmtree(directory, ignore_errors=True)
    return is_there


ACTIONS: dict[str, Action] = {
    "start": start,
    "start in memory only": partial(start, durability=Durability.MEMORY),
    "start without hot directory": partial(start, has_hot=False),
    "append": append,
    "read some": read_some,
    "drain": drain,
    "wait": wait,
    "kill": kill,
    "stop": stop,
    "shut down": shut_down,
    "shut down, stay up": partial(shut_down, stays_up=True),
    "cut power": cut_power,
    "reboot that keeps hot": reboot_that_keeps_hot,
    "reboot that keeps hot, boot id unknown": partial(reboot_that_keeps_hot, has_boot_id=False),
    "hide boot id": hide_boot_id,
    "show boot id": show_boot_id,
    "hot full": partial(trouble, place="hot", what=Trouble.FULL),
    "hot read-only": partial(trouble, place="hot", what=Trouble.READ_ONLY),
    "hot dead": partial(trouble, place="hot", what=Trouble.DEAD),
    "flash full": partial(trouble, place="state", what=Trouble.FULL),
    "flash read-only": partial(trouble, place="state", what=Trouble.READ_ONLY),
    "flash dead": partial(trouble, place="state", what=Trouble.DEAD),
    "hot mended": partial(mend_one, place="hot"),
    "flash mended": partial(mend_one, place="state"),
    "all mended": mend,
    "hot emptied": empty_hot,
    "hot torn": tear_hot,
    "hot flipped": flip_in_hot,
    "hot deleted": delete_hot,
    "hot directory deleted": delete_hot_directory,
    "state directory deleted": delete_state,
    **{f"{name} deleted": partial(delete_file, name=name) for name in ("identity", "epoch", "cursor-mqtt", "*.seg")},
    **{f"{name} emptied": partial(empty_file, name=name) for name in ("identity", "epoch", "cursor-mqtt", "*.seg")},
    "card copied": keep_copy,
    "old copy put back": put_copy_back,
    "other hardware, same memory": partial(change_hardware, keeps_hot=True),
    "card into other hardware": partial(change_hardware, keeps_hot=False),
    "cloned card goes on": partial(twin, copies_memory=False),
    "cloned machine goes on": partial(twin, copies_memory=True),
    "neighbour with the same hot": neighbour,
    "second instance": second,
    "others die": others_die,
    "downgrade": downgrade,
    "upgrade": upgrade,
}


STARTS = frozenset({"start", "start in memory only", "start without hot directory"})
_USUAL = frozenset({"append", "read some", "drain", "wait", "kill", "stop", "shut down", "shut down, stay up"})


def perform(world: World, name: str) -> bool:
    """Do it; False where it was none."""
    if name not in STARTS:
        world.must_go_on, world.must_know = False, None
        world.is_touched |= name not in _USUAL
    return ACTIONS[name](world)
