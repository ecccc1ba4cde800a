"""How the machine comes to be: its image, the checkout on it, and the snapshots that tests begin from."""
