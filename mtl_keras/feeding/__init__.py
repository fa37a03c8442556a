"""Feeds rows to the training loop, many batches per call."""
