"""The section `sensors:`: each sensor by the options and channels of its driver."""
