"""What the owner of a bus measures of itself, and reports as a frozen value."""
