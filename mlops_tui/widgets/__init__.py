"""Reusable pieces of screens: table, plot, as-of stamp, dialogs, log view. They hold no business rules."""
