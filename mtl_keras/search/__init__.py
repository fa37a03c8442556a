"""What a plan leaves open, tried on the validation rows."""
