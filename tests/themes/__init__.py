"""Tests of the palettes and signs."""
