"""What comes in from the broker: subscribing to it, and giving it to whom it is for."""
