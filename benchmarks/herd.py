"""A hundred thousand gateways that lose their broker at one moment: how they come back, in virtual time.

Each client is no more than its waits: ours come from the rule that the connector uses, paho's are 1, 2, 4 .. 120 s, as
its own client has them by default. The broker takes so many connections per second, once it is back; what is above that
is refused at once, or hears nothing for as long as a client waits for a greeting.

usage: python benchmarks/herd.py [--clients N] [--seed N]
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.wire.retry_rule import RetryRule

Wait: TypeAlias = Callable[[int, random.Random], float]
"""From the failed tries so far to the seconds until the next one."""

GREETING_TIMEOUT_S = 10.0
WATCHED_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Away for ``outage_s``; then takes ``per_s`` connections in each second. ``is_mute``: the others hear nothing."""

    per_s: int
    outage_s: float
    is_mute: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of them within half an hour. ``all_back_s`` is counted from the end of the outage; None: never."""

    tries_per_client: float
    peak_per_s: int
    back: int
    all_back_s: float | None


def ours(first_spread_s: float) -> Wait:
    """The connector's rule, with the longest wait that it has by default."""
    longest_s = BrokerSettings(host="", port=0, client_id="").retry_max_s
    return RetryRule(first_spread_s=first_spread_s, longest_s=longest_s).wait_s


def pahos() -> Wait:
    """What paho's own loop waits: doubled, and not spread (Client.reconnect_delay_set, paho-mqtt 2)."""
    client = Client(CallbackAPIVersion.VERSION2)
    shortest_s, longest_s = client._reconnect_min_delay, client._reconnect_max_delay  # noqa: SLF001 - no public name
    return lambda failures, _chance: float(min(shortest_s * 2 ** min(failures, 20), longest_s))


def come_back(clients: int, wait: Wait, broker: Broker, *, seed: int = 1) -> Outcome:
    """Let all of them lose the broker at 0 s."""
    chance = random.Random(seed)  # noqa: S311 - seeded, not secret
    due = [(wait(0, chance), number, 0) for number in range(clients)]
    heapq.heapify(due)
    taken: Counter[int] = Counter()
    tried: Counter[int] = Counter()
    last_s = 0.0
    while due and due[0][0] < broker.outage_s + WATCHED_S:
        now_s, number, failures = heapq.heappop(due)
        second = int(now_s)
        tried[second] += 1
        is_up = now_s >= broker.outage_s
        if is_up and taken[second] < broker.per_s:
            taken[second] += 1
            last_s = now_s
            continue
        heard_s = now_s + (GREETING_TIMEOUT_S if is_up and broker.is_mute else 0.0)
        heapq.heappush(due, (heard_s + wait(failures + 1, chance), number, failures + 1))
    return Outcome(
        tries_per_client=tried.total() / clients,
        peak_per_s=max((count for second, count in tried.items() if second >= int(broker.outage_s)), default=0),
        back=clients - len(due),
        all_back_s=None if due else last_s - broker.outage_s,
    )


RULES: dict[str, Callable[[], Wait]] = {
    "paho's default": pahos,
    "ours, first_retry_spread 0s": lambda: ours(0.0),
    "ours, first_retry_spread 60s": lambda: ours(60.0),
}

BROKERS = [
    Broker(per_s=per_s, outage_s=outage_s, is_mute=is_mute)
    for is_mute in (False, True)
    for per_s in (1000, 5000)
    for outage_s in (2.0, 300.0)
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    print("| broker | outage | rule | tries per gateway | peak per s | all back after |")
    print("|---|---|---|---|---|---|")
    for broker in BROKERS:
        for name, rule in RULES.items():
            outcome = come_back(chosen.clients, rule(), broker, seed=chosen.seed)
            back_s = outcome.all_back_s
            when = f"never: {outcome.back} in 30 min" if back_s is None else f"{back_s:.0f} s"
            others = "hear nothing" if broker.is_mute else "are refused"
            print(
                f"| {broker.per_s}/s, others {others} | {broker.outage_s:g} s | {name} "
                f"| {outcome.tries_per_client:.1f} | {outcome.peak_per_s} | {when} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
