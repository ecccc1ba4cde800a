"""The fault matrix: every driver on the model of its chip, through the real engine, and each fault at each transfer."""
