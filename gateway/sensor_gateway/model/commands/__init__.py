"""What may be asked of a gateway, and why it is not carried out."""
