"""The control socket: where programs on this machine ask the running gateway."""
