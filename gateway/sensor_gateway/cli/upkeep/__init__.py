"""Commands that set the gateway up on a machine."""
