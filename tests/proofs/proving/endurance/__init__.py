"""How a gateway is after a long time, and after many faults: as large as it was."""
