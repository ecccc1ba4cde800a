"""The whole gateway as a process that is killed over and over, a broker that fails, and a judge of what arrived."""
