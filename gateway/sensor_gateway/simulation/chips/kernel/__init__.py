"""What the kernel shows of chips in /sys, in software: text in files, as its drivers write it."""
