"""The package of docs/writing-a-driver.md, outside the tree: built, installed beside the gateway, used by its program.

Others stand beside it that are broken in all the ways a package can be. Each costs its own sensors only.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from proving.kills.broker import Broker

pytestmark = pytest.mark.system

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "writing-a-driver.md").read_text("utf-8")
FILES = re.compile(r"^```(?:python|toml|yaml)\n# (?P<path>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SCRIPT = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Ended = subprocess.CompletedProcess[str]


def environment(**more: str) -> dict[str, str]:
    """Of a shell in which the gateway's programs are found first, and pip asks nobody on the net."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**os.environ, "PATH": path, **offline, **more}


class Outside:
    """A directory of installed packages, and a place far from the tree to work in."""

    def __init__(self, place: Path, packages: Path) -> None:
        self.place = place
        self.packages = packages
        self.config = place / "my.yaml"

    def run(self, *command: object) -> Ended:
        ended = subprocess.run(
            list(map(str, command)),
            cwd=self.place,
            env=environment(PYTHONPATH=str(self.packages)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended

    def gateway(self, *words: object) -> Ended:
        return self.run("sensor-gateway", *words)

    def write(self, sensors: str) -> Path:
        self.config.write_text(f"mqtt: {{url: mqtt://localhost}}\nsensors:\n{textwrap.indent(sensors, '  ')}")
        return self.config

    def install(self, name: str, text: str, *, drivers: Mapping[str, str] | None = None) -> None:
        """A package of one module, as an installer leaves it."""
        (self.packages / f"{name}.py").write_text(text)
        points = {name: f"{name}:SPEC"} if drivers is None else drivers
        info = self.packages / f"{name}-2.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 2.0\n")
        lines = "\n".join(f"{driver} = {value}" for driver, value in points.items())
        (info / "entry_points.txt").write_text(f"[sensor_gateway.drivers]\n{lines}\n")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the author of the page's package lives: sources in ``acme``, all files as the page has them."""
    home = tmp_path_factory.mktemp("home")
    for block in FILES.finditer(PAGE):
        file = home / "acme" / block["path"]
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(block["text"], "utf-8")
    (home / "acme" / "acme_sensors" / "__init__.py").touch()
    return home


@pytest.fixture(scope="module")
def walked(home: Path) -> Ended:
    """What the script of the page says: it builds, installs, and tries."""
    (script,) = SCRIPT.findall(PAGE)
    return subprocess.run(
        ["bash", "-euc", script],
        cwd=home / "acme",
        env=environment(HOME=str(home)),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def acme(home: Path, walked: Ended, tmp_path: Path) -> Outside:
    """The installed package alone, far from its sources."""
    assert walked.returncode == 0, walked.stderr
    return Outside(tmp_path, home / "drivers")


@pytest.fixture
def outside(home: Path, acme: Outside, tmp_path: Path) -> Outside:
    """A directory of packages of this test's own, and the page's one in it."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in acme.packages.iterdir():
        (packages / entry.name).symlink_to(entry)
    return Outside(tmp_path, packages)


def test_the_script_of_the_page_builds_installs_and_simulates(home: Path, walked: Ended) -> None:
    assert walked.returncode == 0, walked.stderr
    assert (home / "acme" / "acme_sensors-1.0.0-py3-none-any.whl").exists()
    assert "acme-sensors 1.0.0 (acme_sensors.tc74_resting)" in walked.stdout
    assert "my.yaml: fine, 1 sensor" in walked.stdout
    events = [json.loads(line) for line in walked.stdout.splitlines() if line.startswith("{")]
    assert {event["channel"] for event in events} == {"temperature"}
    assert all(isinstance(event["value"], int | float) for event in events)


def test_the_tests_of_the_page_pass_on_the_installed_package(home: Path, acme: Outside) -> None:
    tests = home / "acme" / "tests" / "test_tc74.py"
    ended = acme.run(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        acme.place,
        tests,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "7 passed" in ended.stdout


def test_a_third_partys_driver_is_listed_and_shown_as_ours_are(acme: Outside) -> None:
    rows = {row["name"]: row for row in map(json.loads, acme.gateway("drivers", "--json").stdout.splitlines())}
    assert rows["tc74"]["origin"] == "acme-sensors 1.0.0 (acme_sensors.tc74_resting)"
    assert rows["tc74"].keys() == rows["mcp9808"].keys()
    shown = acme.gateway("drivers", "tc74")
    assert shown.returncode == 0
    assert "5 µA in place of 200 µA" in shown.stdout


def test_its_options_are_checked_as_ours_are(acme: Outside) -> None:
    file = acme.write("cellar: {driver: tc74, bus: i2c1, rest: true}\n")
    assert acme.gateway("check-config", file).returncode == 0
    file = acme.write("cellar: {driver: tc74, bus: i2c1, address: 0x50, rist: true}\n")
    ended = acme.gateway("check-config", file)
    assert ended.returncode == 78
    assert re.search(rf"^{re.escape(str(file))}:3:\d+ sensors.cellar.address", ended.stderr, re.MULTILINE)
    assert "`rest`" in ended.stderr


RECORDED = """\
mqtt: {url: mqtt://localhost}
buses: {wire: {type: simulated, kind: i2c}}
sensors: {cellar: {driver: tc74, bus: wire, interval: 1s, rest: true}}
"""


def test_its_measurements_are_recorded_replayed_and_made_into_a_vector(acme: Outside) -> None:
    acme.config.write_text(RECORDED)
    recorded = acme.gateway("record", "cellar", "cellar.jsonl", "--for", "20s", "--config", acme.config)
    assert recorded.returncode == 0, recorded.stderr
    assert acme.gateway("replay", "cellar.jsonl").returncode == 0
    printed = acme.gateway("replay", "cellar.jsonl", "--vector")
    assert printed.returncode == 0, printed.stderr
    assert re.search(r"variant='tc74',\n +frames=\(bytes.fromhex\(\"[0-9a-f]{2}\"\),\),", printed.stdout)


SCAN = """
from dataclasses import replace

from acme_sensors import tc74
from sensor_gateway.driver import Heeds, WriteRead
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.scan.candidates import candidates
from sensor_gateway.sensing.scan.identification import Identifier

PLACE = 0x4F
ELSEWHERE = 0x30  # an address that no known chip protects

def looked_at(specs, place):
    written = []

    def transfer(address, data, count):
        written.append(data)
        return b"\\x40" * count

    return Identifier(candidates(specs), transfer, lambda _s: None).identify(place), written

catalogue = DriverCatalogue()
found, written = looked_at({name: catalogue.spec(name) for name in catalogue.names()}, PLACE)
assert found.chip is None
assert "tc74" in [name for kind in found.may_be for name in kind.names], found.may_be

class Grabber(tc74.Tc74):
    def identify(self):
        yield WriteRead(b"\\x01\\x80", 1)
        raise AssertionError("it was sent")

moved = replace(tc74.SPEC.variants["tc74"], addresses=(ELSEWHERE,))
spared = replace(tc74.SPEC, variants={"tc74": moved})
row = replace(moved, has_identity=True)
grabber = replace(tc74.SPEC, name="grabber", variants={"grabber": row}, create=lambda *_: Grabber())
assert looked_at({"tc74": spared, "grabber": grabber}, ELSEWHERE)[1] == []
heedless, silent = replace(spared, heeds=Heeds()), replace(grabber, heeds=Heeds())
assert b"\\x01\\x80" in looked_at({"tc74": heedless, "grabber": silent}, ELSEWHERE)[1], "the negative control"
"""


def test_a_scan_says_that_it_may_be_there_and_sends_nothing_that_it_heeds(acme: Outside) -> None:
    ended = acme.run(sys.executable, "-c", SCAN)
    assert ended.returncode == 0, ended.stderr


CONTRACT = "from dataclasses import replace\nfrom acme_sensors.tc74 import SPEC as TC74\n"
BROKEN = {
    "half_released": ("raise SystemError('half a release')\n", "half a release"),
    "left_early": ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
    "of_tomorrow": (CONTRACT + "SPEC = replace(TC74, contract=2)\n", "version 2 of the driver contract"),
    "reached_inside": ("from sensor_gateway.outbox import Gone\n", "cannot import name 'Gone'"),
    "misses_a_library": ("import no_such_library\n", "No module named 'no_such_library'"),
    "misspelt": ("SPEK = None\n", "has no attribute 'SPEC'"),
    "no_driver": ("SPEC = {'name': 'no_driver'}\n", "no DriverSpec"),
    "another_name": (CONTRACT + "SPEC = TC74\n", "no variant another_name, only tc74"),
}


@pytest.fixture
def among_broken_ones(outside: Outside) -> Outside:
    for name, (text, _) in BROKEN.items():
        outside.install(name, text)
    return outside


def test_each_broken_package_is_a_located_fault_of_its_own_sensors(among_broken_ones: Outside) -> None:
    good = "cellar: {driver: tc74, bus: i2c1}\nattic: {driver: bme280, bus: i2c1}\n"
    file = among_broken_ones.write(good)
    assert among_broken_ones.gateway("check-config", file).returncode == 0
    broken = "".join(f"{name}: {{driver: {name}, bus: i2c1}}\n" for name in BROKEN)
    ended = among_broken_ones.gateway("check-config", among_broken_ones.write(good + broken))
    assert ended.returncode == 78
    lines = ended.stderr.splitlines()
    assert len(lines) == len(BROKEN), ended.stderr
    for number, (line, (name, (_, why))) in enumerate(zip(lines, BROKEN.items(), strict=True), 5):
        assert line.startswith(f"{file}:{number}:"), line
        assert f" sensors.{name}.driver: " in line
        assert f"{name.replace('_', '-')} 2.0" in line
        assert why in line


def test_broken_packages_leave_all_other_drivers_as_they_were(among_broken_ones: Outside) -> None:
    listed = among_broken_ones.gateway("drivers", "--json")
    assert listed.returncode == 1
    facts = [json.loads(line) for line in listed.stdout.splitlines()]
    assert {fact["name"] for fact in facts if "error" in fact} == set(BROKEN)
    assert {"tc74", "bme280"} <= {fact["name"] for fact in facts if "error" not in fact}
    simulated = among_broken_ones.gateway("simulate", among_broken_ones.write("cellar: {driver: tc74, bus: i2c1}\n"))
    assert (simulated.returncode, simulated.stderr) == (0, "")


MIXED = """\
gateway: {{id: house}}
mqtt: {{url: 'mqtt://127.0.0.1:{port}'}}
buses: {{wire: {{type: simulated, kind: i2c}}}}
sensors:
  cellar: {{driver: tc74, bus: wire, interval: 1s}}
  barn: {{driver: left_early, bus: wire, interval: 1s, rest: true}}
  shed: {{driver: no_driver, interval: 5s, label: Shed}}
"""


def test_the_daemon_starts_without_the_sensors_of_broken_packages(
    among_broken_ones: Outside, broker: Broker, wait_until: Callable[..., None]
) -> None:
    """Theirs are offline with the reason, the log says so once, and all other sensors are read and delivered."""
    broker.start()
    among_broken_ones.config.write_text(MIXED.format(port=broker.door.port))
    state = among_broken_ones.place / "state"
    command = ["sensor-gateway", "run", "--config", among_broken_ones.config, "--state-directory", state]
    log = among_broken_ones.place / "log"
    with log.open("w") as stream:
        gateway = subprocess.Popen(
            list(map(str, command)), env=environment(PYTHONPATH=str(among_broken_ones.packages)), stderr=stream
        )
    try:
        wait_until(lambda: len(broker.heard) > 2)
        wait_until(lambda: "sensors/v1/house/availability/shed" in broker.retained)
    finally:
        gateway.terminate()
        assert gateway.wait(20) == 0
    assert {event["sensor"] for event in broker.heard if event["type"] == "value"} == {"cellar"}
    for name, why in (("barn", "SystemExit: 3"), ("shed", "no DriverSpec")):
        told = json.loads(broker.retained[f"sensors/v1/house/availability/{name}"])
        assert (told["state"], told["code"]) == ("offline", "driver_error")
        assert why in told["reason"]
        assert "mend or replace its package" in told["reason"]
    assert json.loads(broker.retained["sensors/v1/house/availability/cellar"])["state"] == "online"
    sensors = json.loads(broker.retained["sensors/v1/house/meta"])["sensors"]
    assert sensors["shed"] == {"label": "Shed", "driver": "no_driver", "interval_s": 5.0, "channels": {}}
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    told = [entry for entry in entries if entry["event"] == "driver_not_usable"]
    assert [entry["sensor"] for entry in told] == ["barn", "shed"]
    assert told[0]["place"].startswith(f"{among_broken_ones.config}:6:")


def test_a_fault_of_the_file_still_stops_it_and_all_is_told(among_broken_ones: Outside) -> None:
    file = among_broken_ones.write("barn: {driver: left_early, bus: i2c1, intervall: 1s}\n")
    ended = among_broken_ones.gateway("run", "--config", file, "--state-directory", among_broken_ones.place / "state")
    assert ended.returncode == 78
    assert "SystemExit: 3" in ended.stderr
    assert "`interval`" in ended.stderr


def test_reading_all_reads_the_others_and_says_what_it_cannot_read(among_broken_ones: Outside) -> None:
    among_broken_ones.config.write_text(MIXED.format(port=1883))
    ended = among_broken_ones.gateway("read", "--all", "--json", "--config", among_broken_ones.config)
    assert ended.returncode == 1
    rows = {row["sensor"]: row for row in map(json.loads, ended.stdout.splitlines())}
    assert rows["cellar"]["values"]["temperature"] is not None
    assert (rows["barn"]["values"], rows["barn"]["code"]) == (None, "driver_error")
    assert "SystemExit: 3" in rows["barn"]["failure"]
    assert among_broken_ones.gateway("read", "cellar", "--config", among_broken_ones.config).returncode == 0
    alone = among_broken_ones.gateway("read", "barn", "--config", among_broken_ones.config)
    assert alone.returncode == 1
    assert "no value (driver_error): driver left_early of left-early 2.0" in alone.stdout


def test_what_asks_no_driver_works_on_beside_a_broken_one(among_broken_ones: Outside) -> None:
    """A scan tells of it and goes on; the outbox and the events of the gateway are there as before."""
    among_broken_ones.config.write_text(MIXED.format(port=1))
    config = ("--config", among_broken_ones.config)
    scanned = among_broken_ones.gateway("scan", "--root", among_broken_ones.place, *config)
    assert scanned.stdout.startswith("wire")
    assert "SystemExit: 3" in scanned.stderr
    assert among_broken_ones.gateway("tail", *config).returncode == 69, "no broker, and not a faulty file"
    assert among_broken_ones.gateway("outbox", "status", among_broken_ones.place / "none", *config).returncode != 78


def test_a_simulation_plays_the_others_and_fails_for_those_that_it_cannot_play(among_broken_ones: Outside) -> None:
    scenario = among_broken_ones.place / "course.yaml"
    scenario.write_text("values: {barn.temperature: 20}\nfaults: [{sensor: shed, kind: nack}]\n")
    among_broken_ones.config.write_text(MIXED.format(port=1883))
    ended = among_broken_ones.gateway("simulate", among_broken_ones.config, "--scenario", scenario)
    assert ended.returncode == 1
    assert {json.loads(line)["sensor"] for line in ended.stdout.splitlines()} == {"cellar"}
    first, second = ended.stderr.splitlines()
    assert first.startswith("barn cannot be simulated: driver left_early of left-early 2.0")
    assert second.startswith("shed cannot be simulated: ")
    named = among_broken_ones.gateway("simulate", among_broken_ones.config, "--expect", "cellar.temperature")
    assert named.returncode == 0
    assert "barn cannot be simulated" in named.stderr
    wanted = among_broken_ones.gateway("simulate", among_broken_ones.config, "--expect", "barn.temperature")
    assert wanted.returncode == 1


BUGGY = (
    CONTRACT
    + """
from acme_sensors.tc74 import Tc74

class Buggy(Tc74):
    def measure(self):
        frame = yield from ()
        return {"temperature": 1 / 0}

SPEC = replace(
    TC74, name="buggy", variants={"buggy": TC74.variants["tc74"]}, vectors=(), create=lambda *_: Buggy()
)
"""
)


def test_a_driver_with_a_bug_costs_its_own_readings_alone(outside: Outside) -> None:
    outside.install("buggy", BUGGY)
    file = outside.write("cellar: {driver: tc74, bus: i2c1}\nbarn: {driver: buggy, bus: i2c1, address: 0x4E}\n")
    ended = outside.gateway("simulate", file, "--for", "2min")
    assert ended.returncode == 1
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    values = {event["sensor"] for event in events if event["value"] is not None}
    assert values == {"cellar"}
    assert "barn.temperature gave no value" in ended.stderr
    assert "cellar" not in ended.stderr


def test_a_name_that_is_ours_stays_ours(outside: Outside) -> None:
    text = CONTRACT + "SPEC = replace(TC74, name='lm75', variants={'lm75': TC74.variants['tc74']})\n"
    outside.install("squatter", text, drivers={"lm75": "squatter:SPEC"})
    (line,) = (line for line in outside.gateway("drivers").stdout.splitlines() if line.startswith("lm75 "))
    assert "(sensor_drivers.lm75)" in line


def test_a_chip_model_that_cannot_be_loaded_is_told_with_its_package(outside: Outside) -> None:
    outside.install(
        "no_chip", CONTRACT + "SPEC = replace(TC74, name='no_chip', variants={'no_chip': TC74.variants['tc74']})\n"
    )
    points = outside.packages / "no_chip-2.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text() + "[sensor_gateway.chip_models]\nno_chip = no_chip:Model\n")
    ended = outside.gateway("simulate", outside.write("barn: {driver: no_chip, bus: i2c1}\n"))
    assert ended.returncode != 0
    assert "the chip model no_chip:Model of driver no_chip cannot be loaded" in ended.stderr
