"""Rows to the training loop, many batches to a call."""
