"""The bug report: what somebody else needs to see of a gateway, without what nobody else may see."""
