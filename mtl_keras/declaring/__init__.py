"""What can be written down and read back: declarations, and names for classes."""
