"""The command line: one module per noun, and the door to the dashboard.

Importing this package costs nothing: ``--version`` and the dashboard start without typer.
"""
