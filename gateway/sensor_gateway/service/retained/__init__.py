"""What the broker keeps of this gateway: what it is told, what is taken back, and what is remembered of both."""
