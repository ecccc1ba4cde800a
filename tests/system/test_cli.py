"""The program from outside: exit codes, what it says, and that no user ever sees a traceback."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
BAD = sorted((ROOT / "tests" / "unit" / "config" / "bad").glob("*.yaml"))
PROGRAM = [sys.executable, "-m", "sensor_gateway"]

ATTIC = """\
mqtt:
  url: mqtt://homeassistant.local
sensors:
  attic:
    driver: bme280
    bus: i2c1
"""

Ended = subprocess.CompletedProcess[str]


def cli(*words: object, environ: dict[str, str] | None = None, timeout: float = 30) -> Ended:
    command = [*PROGRAM, *map(str, words)]
    environ = {**os.environ, **(environ or {})}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environ, check=False)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def shell(line: str) -> Ended:
    """A line of bash in which ``sg`` is the program."""
    script = f'set -o pipefail\nsg() {{ {" ".join(PROGRAM)} "$@"; }}\n{line}'
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in ended.stderr, ended.stderr
    assert "Exception ignored" not in ended.stderr, ended.stderr
    return ended


@pytest.fixture
def attic(tmp_path: Path) -> Path:
    file = tmp_path / "my.yaml"
    file.write_text(ATTIC)
    return file


class Running:
    """A command that goes on, with its lines."""

    def __init__(self, *words: object) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._read = {"stdout": b"", "stderr": b""}

    def line(self, stream: str = "stdout", timeout: float = 45) -> str:
        """The next line, also where several came at once; empty at the end."""
        pipe: Any = getattr(self.process, stream)
        deadline_s = time.monotonic() + timeout
        while b"\n" not in self._read[stream]:
            left_s = max(deadline_s - time.monotonic(), 0.0)
            assert select.select([pipe], [], [], left_s)[0], "nothing was printed"
            if not (chunk := os.read(pipe.fileno(), 65536)):
                break
            self._read[stream] += chunk
        line, end, self._read[stream] = self._read[stream].partition(b"\n")
        return (line + end).decode()

    def stop(self, number: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=20)
        err = self._read["stderr"].decode() + err
        assert "Traceback" not in err, err
        return self.process.returncode, err


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    all_of_them: list[Running] = []

    def start(*words: object) -> Running:
        all_of_them.append(Running(*words))
        return all_of_them[-1]

    yield start
    for one in all_of_them:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


# --- configuration


EACH_IN_A_CHILD = """
import os, sys, traceback
from pathlib import Path
from sensor_gateway.cli.main import main

main(["run", "--config", sys.argv[1], "--state-directory", "first"])  # so that all is imported once
for file in sys.argv[1:]:
    place = Path(Path(file).stem)
    child = os.fork()
    if not child:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{place}.{name}", os.O_CREAT | os.O_WRONLY), number)
        code = os.EX_SOFTWARE
        try:
            code = main(["run", "--config", file, "--state-directory", str(place)])
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    Path(f"{place}.code").write_text(str(os.waitstatus_to_exitcode(status)))
"""
"""What `sensor-gateway run` does with each of many files: the interpreter starts once, and forks for each of them."""


@pytest.fixture(scope="module")
def started_with_bad_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds for each bad file FILE its FILE.code, FILE.out and FILE.err, and the directory FILE if one was made."""
    place = tmp_path_factory.mktemp("bad")
    command = [sys.executable, "-c", EACH_IN_A_CHILD, *map(str, BAD)]
    subprocess.run(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=100, check=True)
    return place


def test_a_bad_file_does_not_start_the_daemon(tmp_path: Path) -> None:
    ended = cli("run", "--config", BAD[0], "--state-directory", tmp_path)
    assert (ended.returncode, ended.stdout) == (78, "")
    assert ended.stderr.startswith(f"{BAD[0]}:")
    assert not list(tmp_path.iterdir()), "nothing is begun with a wrong configuration"


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_no_bad_file_starts_the_daemon_and_each_fault_has_its_place(file: Path, started_with_bad_files: Path) -> None:
    code, out, err = ((started_with_bad_files / f"{file.stem}.{end}").read_text() for end in ("code", "out", "err"))
    assert (code, out) == ("78", "")
    places = re.findall(rf"^{re.escape(str(file))}:\d+:\d+ ", err, re.MULTILINE)
    assert len(places) == len(err.splitlines()) > 0, err
    assert not (started_with_bad_files / file.stem).exists(), "nothing is begun with a wrong configuration"


def test_a_driver_that_cannot_be_imported_is_a_fault_of_its_own_sensors_alone(tmp_path: Path) -> None:
    info = tmp_path / "strange_drivers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-drivers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sensor_gateway.drivers]\nstrange = strange_driver:SPEC\n")
    (tmp_path / "strange_driver.py").write_text("raise SystemError('half a release')\n")
    environ = {"PYTHONPATH": str(tmp_path)}
    file = tmp_path / "my.yaml"
    file.write_text(ATTIC)
    assert cli("check-config", file, environ=environ).returncode == 0
    file.write_text(f"{ATTIC}  barn:\n    driver: strange\n    bus: i2c1\n")
    ended = cli("check-config", file, environ=environ)
    assert ended.returncode == 78
    assert ended.stderr.startswith(f"{file}:8:13 sensors.barn.driver: ")
    assert "strange-drivers 1.0" in ended.stderr
    assert "half a release" in ended.stderr
    listed = cli("drivers", environ=environ)
    assert listed.returncode == 1
    assert "bme280" in listed.stdout
    assert "half a release" in listed.stderr
    facts = map(json.loads, cli("drivers", "--json", environ=environ).stdout.splitlines())
    assert [fact["name"] for fact in facts if "error" in fact] == ["strange"]


def test_what_this_machine_lacks_is_told_only_when_asked_for(broker: Any, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(LONELY.format(port=broker.door.port))
    assert cli("check-config", file).returncode == 0
    ended = cli("check-config", "--here", file)
    assert ended.returncode == 1
    assert "here: buses.i2c77: there is no /dev/i2c-77" in ended.stderr
    assert "here: buses.rs485: there is no /dev/no-such-port" in ended.stderr
    assert "here: mqtt.url: nobody listens on the broker's port" in ended.stderr
    file.write_text((ROOT / "config" / "simulated.yaml").read_text())
    broker.start()
    file.write_text(file.read_text().replace("mqtt://localhost", f"mqtt://127.0.0.1:{broker.door.port}"))
    ended = cli("check-config", "--here", "--json", file)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


# --- README's ten minutes, without hardware


def test_a_first_file_is_checked_simulated_and_its_missing_bus_is_told(attic: Path) -> None:
    assert cli("check-config", attic).stdout == f"{attic}: fine, 1 sensor\n"
    simulated = cli("simulate", attic, "--for", "20s", "--expect", "attic.temperature")
    assert (simulated.returncode, simulated.stderr) == (0, "")
    events = [json.loads(line) for line in simulated.stdout.splitlines()]
    assert {event["channel"] for event in events} == {"temperature", "humidity", "pressure"}
    once = cli("read", "attic", "--config", attic)
    if not Path("/dev/i2c-1").exists():
        assert once.returncode == 1
        assert "sudo raspi-config nonint do_i2c 0" in once.stdout


def test_a_simulated_sensor_is_read_with_raw_bytes_waits_values_and_timing() -> None:
    ended = cli("read", "--all", "--config", ROOT / "config" / "simulated.yaml")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.search(r"^attic: bme280 \(BME280\), \d+\.\d ms$", ended.stdout, re.MULTILINE)
    assert re.search(r"^ +\d+\.\d ms  write d0, read 1 -> 60$", ended.stdout, re.MULTILINE)
    (wait_ms,) = re.findall(r"  write fd\n +\d+\.\d ms  wait (\d+\.\d) ms\n", ended.stdout)
    assert float(wait_ms) >= 8.3, "as section 3.2 of its datasheet has it; a busy machine wakes it later"
    assert re.search(r"^  temperature +-?\d+(\.\d{1,3})? °C$", ended.stdout, re.MULTILINE)
    once = json.loads(cli("read", "cellar", "--json", "--config", ROOT / "config" / "simulated.yaml").stdout)
    assert once["values"].keys() == once["units"].keys() == {"temperature", "humidity"}
    assert bytes.fromhex(once["raw"])


def test_a_bus_without_permission_is_77_and_names_the_group() -> None:
    """Root is stopped by no file mode: it becomes somebody else once the program is loaded."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        device, file = directory / "i2c-1", directory / "my.yaml"
        device.touch(mode=0)
        device.chmod(0)
        file.write_text(
            f"buses: {{wire: {{type: i2c, path: {device}}}}}\nsensors: {{a: {{driver: lm75, bus: wire}}}}\n"
        )
        program = (
            "import os, sys\nfrom sensor_gateway.cli.main import main\n"
            f"main(['read', '--all', '--config', '{ROOT}/config/simulated.yaml'])\n"
            "os.geteuid() or (os.setgroups([]), os.setgid(65534), os.setuid(65534))\n"
            f"sys.exit(main(['read', 'a', '--config', '{file}']))\n"
        )
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 77, ended.stderr
    assert "sudo usermod -aG i2c" in ended.stdout


# --- pipes and signals


@pytest.mark.parametrize(
    "line",
    [
        "sg simulate {file} --for 1h | head -1",
        "sg drivers | true",
        "sg config schema | head -1",
        "sg simulate --help | true",
        "sg drivers >&-",
        "sg check-config {file} >&- 2>&-",
    ],
)
def test_a_reader_that_goes_away_is_no_error(line: str, attic: Path) -> None:
    assert shell(line.format(file=attic)).returncode == 0


def test_a_simulation_keeps_its_verdict_when_nobody_reads_to_the_end(attic: Path) -> None:
    scenario = attic.with_name("dead.yaml")
    scenario.write_text("faults: [{sensor: attic, kind: nack}]\n")
    ended = shell(f"sg simulate {attic} --scenario {scenario} --for 1d | head -1")
    assert ended.returncode == 1
    assert "attic.humidity gave no value in 1d: nobody acknowledges" in ended.stderr


def test_a_full_disk_is_74(attic: Path) -> None:
    ended = shell(f"sg simulate {attic} > /dev/full")
    assert (ended.returncode, ended.stderr) == (74, "sensor-gateway: [Errno 28] No space left on device\n")


def test_ctrl_c_ends_a_simulation_even_while_a_driver_runs(attic: Path, running: Callable[..., Running]) -> None:
    endless = running("simulate", attic, "--for", "30000d")
    for _ in range(50):
        assert json.loads(endless.line())
    assert endless.stop(signal.SIGINT)[0] in (-signal.SIGINT, 130)


# --- the daemon


def test_a_second_instance_is_75_and_names_the_first(gateway: Any, wait_until: Callable[..., None]) -> None:
    gateway.start()
    wait_until(lambda: gateway.log.exists() and "gateway_started" in gateway.log.read_text())
    ended = cli("run", "--config", gateway.config, "--state-directory", gateway.directory / "state")
    assert (ended.returncode, ended.stdout) == (75, "")
    assert f"process {gateway.process.pid}" in ended.stderr.splitlines()[-1]
    assert gateway.terminate()[0] == 0


LONELY = """\
gateway: {{id: house}}
mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s}}
clock: {{hold: 0s}}
buses:
  i2c77: {{}}
  rs485: {{type: serial, port: /dev/no-such-port}}
sensors:
  attic: {{driver: bme280, bus: i2c77, interval: 1s}}
  boiler:
    driver: modbus
    bus: rs485
    unit: 9
    registers: {{flow: {{register: 1, type: s16, quantity: temperature}}}}
"""


def test_without_bus_port_and_broker_it_runs_and_says_what_to_do(
    gateway: Any, broker: Any, wait_until: Callable[..., None]
) -> None:
    gateway.config.write_text(LONELY.format(port=broker.door.port))
    gateway.start()
    wait_until(lambda: gateway.log.exists() and "broker_unreachable" in gateway.log.read_text())
    wait_until(lambda: gateway.log.read_text().count("bus_missing") >= 2)
    reasons = {entry["bus"]: entry["reason"] for entry in gateway.entries() if entry["event"] == "bus_missing"}
    assert "dtoverlay=i2c77" in reasons["i2c77"]
    assert "/dev/no-such-port" in reasons["rs485"]
    assert gateway.process.poll() is None
    broker.start()
    wait_until(lambda: b"offline" in broker.retained.get("sensors/v1/house/availability/attic", b""))
    state = json.loads(broker.retained["sensors/v1/house/availability/attic"])
    assert "dtoverlay=i2c77" in state["reason"]
    assert gateway.terminate()[0] == 0
    assert "Traceback" not in gateway.log.read_text()


def test_a_log_that_nobody_reads_stops_nothing(gateway: Any, broker: Any, wait_until: Callable[..., None]) -> None:
    broker.start()
    command = [*PROGRAM, "run", "--config", gateway.config, "--state-directory", gateway.directory / "state"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.close()
        try:
            wait_until(lambda: len(broker.heard) > 50)
        finally:
            process.terminate()
        assert process.wait(10) == 0


# --- tail


def test_what_arrives_is_printed_for_people_and_for_programs(
    gateway: Any, broker: Any, running: Callable[..., Running]
) -> None:
    broker.start()
    gateway.start()
    people, programs = (
        running("tail", "--config", gateway.config),
        running("tail", "--json", "--config", gateway.config),
    )
    while not (said := people.line("stderr")).startswith("listening to "):
        assert said.endswith("(warning)\n")
    assert said.startswith("listening to sensors/v1/house/events at 127.0.0.1:")
    shown = people.line()
    while " s3.temperature" not in shown:
        shown = people.line()
    assert re.fullmatch(r"\S+Z  s3\.temperature +-?\d+\.\d+ °C  (first|change|heartbeat)\n", shown)
    event = json.loads(programs.line())
    assert {"id", "type", "seq", "epoch"} <= event.keys()
    assert people.stop(signal.SIGINT)[0] == 0


def test_an_outage_is_told_and_what_comes_after_it_is_shown(
    gateway: Any, broker: Any, running: Callable[..., Running]
) -> None:
    """It ended with the broker, so that nobody could watch an outage with it."""
    broker.start()
    gateway.start()
    tail = running("tail", "--json", gateway.config)
    before = json.loads(tail.line())
    for _ in range(2):
        broker.kill()
        while not (said := tail.line("stderr")).startswith("---"):
            assert said.startswith("listening") or said.endswith("(warning)\n")
        assert said == "--- the connection to the broker is lost; trying again every second ---\n"
        assert "nobody listens on the broker's port" in tail.line("stderr")
        broker.start()
        assert tail.line("stderr") == "--- connected to the broker again ---\n"
    while json.loads(tail.line())["seq"] < before["seq"] + 50:
        pass
    assert tail.stop(signal.SIGINT)[0] == 0


def test_a_broker_that_is_not_there_is_69(attic: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        attic.write_text(f"mqtt: {{url: 'mqtt://127.0.0.1:{nobody.getsockname()[1]}'}}\n")
        ended = cli("tail", "--config", attic)
    assert ended.returncode == 69
    assert "nobody listens on the broker's port" in ended.stderr


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """A port that gives one answer to whatever comes, and hangs up."""
    servers: list[socket.socket] = []

    def start(answer: bytes, read: int = 4096) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(read)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (0x86, "the broker does not accept our user name or password: see mqtt.username and mqtt.password_file"),
        (
            0x87,
            "the broker does not allow us to connect: see mqtt.username, mqtt.password_file and the broker's access",
        ),
        (0x85, "the broker does not accept the client id with which we listen"),
        (0x88, "the broker refused the connection: Server unavailable"),
    ],
)
def test_a_broker_that_refuses_us_is_69_and_the_keys_are_named(
    attic: Path, answering: Callable[..., int], reason: int, sentence: str
) -> None:
    port = answering(bytes((0x20, 3, 0, reason, 0)))
    attic.write_text(f"mqtt: {{url: 'mqtt://127.0.0.1:{port}'}}\n")
    ended = cli("tail", "--config", attic)
    assert ended.returncode == 69
    assert f"sensor-gateway: 127.0.0.1:{port}: {sentence}" in ended.stderr
    ended = cli("check-config", "--here", "--config", attic)
    assert ended.returncode == 1
    assert f"here: mqtt.url: {sentence}" in ended.stderr


@pytest.mark.parametrize("read", [1, 4096])
def test_tls_to_a_port_without_it_is_told_however_that_hangs_up(
    attic: Path, answering: Callable[..., int], read: int
) -> None:
    """Bytes that were left unread make the kernel send a reset."""
    attic.write_text(f"mqtt: {{url: 'mqtts://127.0.0.1:{answering(b'', read)}'}}\n")
    for command in (("tail",), ("check-config", "--here")):
        assert "what answers hung up on TLS: mqtts:// is for encrypted ports only" in cli(*command, attic).stderr


def test_a_real_broker_that_wants_a_password_names_the_keys(attic: Path, tmp_path: Path) -> None:
    file, port = tmp_path / "mosquitto.conf", free_port()
    file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\n")
    with subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(file)], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_open(port, 10)
            attic.write_text(f"mqtt: {{url: 'mqtt://127.0.0.1:{port}'}}\n")
            told = cli("tail", "--config", attic).stderr
            attic.write_text(f"mqtt: {{url: 'mqtts://127.0.0.1:{port}'}}\n")
            told_of_tls = cli("tail", "--config", attic).stderr
        finally:
            process.terminate()
    assert "see mqtt.username" in told
    assert "mqtts:// is for encrypted ports only" in told_of_tls


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", bytes(range(256)) * 16])
def test_something_else_than_a_broker_is_69(attic: Path, answering: Callable[..., int], answer: bytes) -> None:
    attic.write_text(f"mqtt: {{url: 'mqtt://127.0.0.1:{answering(answer)}'}}\n")
    assert cli("tail", "--config", attic).returncode == 69


# --- demo


def test_the_demonstration_loses_nothing_with_either_broker(running: Callable[..., Running]) -> None:
    """Both at once, since each takes its time."""
    began_s = time.monotonic()
    with_each = {
        "broker: mosquitto": running("demo", "--quiet"),
        "broker: the embedded Python broker": running("demo", "--quiet", "--embedded-broker"),
    }
    for broker, demo in with_each.items():
        out, err = demo.process.communicate(timeout=60)
        assert (demo.process.returncode, err) == (0, ""), out
        assert time.monotonic() - began_s < 60
        assert broker in out
        assert "`replayed` marks what is sent more than 5 s after it was stored" in out
        assert re.search(r"^lost +0$", out, re.MULTILINE)
        assert "  first" not in out
        assert shell(re.findall(r"^Next.*: (.* simulate --help)$", out, re.MULTILINE)[0]).returncode == 0
        assert len(out.splitlines()) < 40


def test_a_demonstration_that_is_ended_leaves_no_broker_behind(running: Callable[..., Running]) -> None:
    demo = running("demo")
    line = demo.line()
    while not line.startswith("broker: "):
        line = demo.line()
    port = int(line.rpartition(":")[2])
    events = 0
    while events < 5:  # every line is of a measurement: that counting begins is nothing to look at
        if re.match(r"\d{4}-", line := demo.line()):
            assert re.match(r"\S+Z  (attic|cellar|fridge|window|boiler)\.", line), line
            events += 1
    assert demo.stop(signal.SIGTERM)[0] == 128 + signal.SIGTERM
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def test_a_demonstration_that_nobody_watches_ends() -> None:
    assert shell("sg demo | head -6").returncode == 0
