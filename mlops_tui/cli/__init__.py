"""The command line, one module per noun; it imports Textual only when it opens the dashboard."""
