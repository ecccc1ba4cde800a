"""How the gateway and its buses are, as frozen values that every surface shows."""
