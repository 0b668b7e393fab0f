"""mlops-tui: the machine-learning lifecycle on GitLab, from one terminal."""

__version__ = "0.1.0"
