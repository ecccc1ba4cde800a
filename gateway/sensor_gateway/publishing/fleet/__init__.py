"""Many gateways at one broker, seen through their retained topics. Pure."""
