"""The drivers that come with sensor-gateway: one file per chip family or protocol."""
