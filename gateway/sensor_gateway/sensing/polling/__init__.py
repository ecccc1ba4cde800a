"""What a poller is made of: when a sensor is read, what its values are worth, and what is told of it."""
