"""``outbox``: what waits for the broker, seen and treated from outside."""
