"""What the demonstration needs beside the gateway: a broker that goes away, and a subscriber that keeps count."""
