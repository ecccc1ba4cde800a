"""A whole computer in software: its image, the machine, its USB bridge to I2C, and how the gateway is put on it."""
