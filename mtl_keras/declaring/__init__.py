"""Declarations that can be written to a file and read back, and names for classes."""
