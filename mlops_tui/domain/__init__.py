"""Frozen records and rules. Imports nothing of ours and does no input or output."""
