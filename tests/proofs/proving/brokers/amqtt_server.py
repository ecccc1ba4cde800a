"""amqtt as a process of its own, so that it can be killed: amqtt_server.py PORT named|anyone [TOPIC THAT IS DENIED]."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from amqtt.broker import Broker


async def serve(port: int, who: str, denies: str) -> None:
    plugins: dict[str, Any] = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": who == "anyone"}}
    if denies:
        kind = denies.rsplit("/", 1)[0]
        allowed = [f"{kind}/{rest}" for rest in ("status", "meta", "availability/#", "state/#", "health")]
        plugins["amqtt.plugins.topic_checking.TopicAccessControlListPlugin"] = {
            "publish_acl": {"anonymous": allowed},
            "acl": {"anonymous": ["#"]},
        }
    broker = Broker(
        {"listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}, "plugins": plugins},
    )
    await broker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[2:]))
