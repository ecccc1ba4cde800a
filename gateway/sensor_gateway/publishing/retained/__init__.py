"""What is said on retained topics, ahead of the stream: in which order, what is due again, and what is left out."""
