"""One value that says how the gateway is, for every surface that shows it."""
