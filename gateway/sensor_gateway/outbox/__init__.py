"""Store and forward: the only room in which an event may be lost, by policy, counted and announced."""
