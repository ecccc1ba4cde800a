"""Real systemd in containers: Debian trees, machines that boot from them, and this project installed on one."""
