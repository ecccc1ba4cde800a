"""Lines that lie behind a TCP port: what a device server passes on, and Modbus TCP."""
