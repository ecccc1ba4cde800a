"""Commands that ask the gateway that runs on this machine."""
