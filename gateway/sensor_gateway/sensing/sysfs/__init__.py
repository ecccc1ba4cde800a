"""What the kernel itself measures: the devices in /sys, and the door to their files."""
