"""Palettes: dark, light, high contrast, colour-blind safe and the terminal's own sixteen colours."""
