"""What a gateway remembers of its lives, since the system's log may not outlive a reboot."""
