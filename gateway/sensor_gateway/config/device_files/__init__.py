"""Device files: what is the same for every device of one make, in a file of its own that sensors name."""
