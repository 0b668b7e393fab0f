"""Proofs at full size that the statistics keep what they promise; `make proof` runs them."""
