"""``fleet``: a line for each gateway below the topic prefix."""
