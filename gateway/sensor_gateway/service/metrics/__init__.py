"""The metrics port: how the gateway is, for Prometheus and whoever reads its format."""
