"""When which boot learned the time, and what follows from that for its events."""
