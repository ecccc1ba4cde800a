"""From the outbox to the broker: what is sent, in which order, and what counts as delivered."""
