"""Settings files and tokens for tests."""

from __future__ import annotations

from pathlib import Path

TOKEN = "glpat-" + "a" * 20
WORK = """\
default_context = "work"

[contexts.work]
url = "https://gitlab.example.com"
projects = ["acme/fraud"]
"""


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file with a mode of its own, and its folders with theirs."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path
