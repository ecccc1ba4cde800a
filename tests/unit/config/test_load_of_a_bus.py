from __future__ import annotations

from collections.abc import Callable

from sensor_gateway.config.loading import Loaded


def warnings(result: Loaded) -> list[str]:
    assert result.faults == ()
    return [warning.message for warning in result.warnings]


def sensors(count: int, interval: str) -> str:
    lines = (
        f"  s{number}: {{driver: chip, bus: i2c1, address: {0x08 + number:#x}, interval: {interval}}}\n"
        for number in range(count)
    )
    return "sensors:\n" + "".join(lines)


def overload(result: Loaded) -> list[str]:
    return [message for message in warnings(result) if "asked for" in message]


def test_a_bus_that_keeps_up_is_not_worth_a_word(loading: Callable[..., Loaded]) -> None:
    assert overload(loading(sensors(8, "50ms"))) == []


def test_a_bus_that_cannot_keep_up_says_which_intervals_fit(loading: Callable[..., Loaded]) -> None:
    # 40 sensors of 200 bits every 40 ms are 200 000 bit/s
    (message,) = overload(loading(sensors(40, "40ms")))
    assert message.startswith("i2c1 is asked for 200% of what it carries at 100000 bit/s; ")
    assert message.endswith("expected all intervals on it 2.5 times as long (100ms here)")


def test_a_faster_bus_carries_more(loading: Callable[..., Loaded]) -> None:
    assert overload(loading("buses: {i2c1: {frequency: 400kHz}}\n" + sensors(40, "40ms"))) == []


def test_one_greedy_sensor_is_named_with_an_interval_of_its_own(loading: Callable[..., Loaded]) -> None:
    registers = ", ".join(f"r{number}: {{register: {number}}}" for number in range(40))
    text = f"""
buses: {{rs485: {{type: serial, port: /dev/ttyUSB0, baudrate: 1200}}}}
sensors:
  calm: {{driver: meter, bus: rs485, unit: 1, interval: 10s, registers: {{x: {{register: 1}}}}}}
  greedy: {{driver: meter, bus: rs485, unit: 2, interval: 500ms, registers: {{{registers}}}}}
"""
    (message,) = overload(loading(text))
    assert message.endswith("expected an interval of at least 1200ms for it")


def test_a_simulated_bus_has_no_limit(loading: Callable[..., Loaded]) -> None:
    assert overload(loading("buses: {i2c1: {type: simulated, kind: i2c}}\n" + sensors(40, "10ms"))) == []
