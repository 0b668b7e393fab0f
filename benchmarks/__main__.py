"""`python -m benchmarks [NAME ...]`: measure, and write what was found into docs/benchmarks.md.

A benchmark is a module of this package with a function ``measure() -> Section``, named in ``MODULES``. A run
replaces the sections that it measured and leaves the others.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from benchmarks.company import UNSET
from benchmarks.results import Section

MODULES = (
    "startup",
    "commands",
    "idle",
    "live",
    "drift_screen",
    "rollout_screen",
    "runs",
    "requests",
    "intake",
    "load",
    "windows",
    "drift",
)
ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
_INTRODUCTION = """\
# Benchmarks

`make bench` measures this page: each figure beside its peer, in one run, alternating, on one machine. Ratios are
medians of pairs with their range. The machine is small and shared, so single times are noisy; ratios are what to look
at. "promised" is what the program sets itself, and "holds" says whether this run kept it."""


def main(names: list[str]) -> int:
    """Measure the modules named, or all; returns the exit status."""
    unknown = sorted(set(names) - set(MODULES))
    if unknown:
        sys.stderr.write(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(MODULES)}\n")
        return 2
    for name in UNSET:
        os.environ.pop(name, None)
    for name in names or MODULES:
        start = time.perf_counter()
        sys.stderr.write(f"{name} ...\n")
        section: Section = import_module(f"benchmarks.{name}").measure()
        text = f"{section.markdown()}\n\n{_circumstances()}"
        sys.stderr.write(f"{section.markdown()}\n({time.perf_counter() - start:.0f} s)\n\n")
        keep(PAGE, name, text)
    return 0


def keep(page: Path, name: str, text: str) -> None:
    """Put a section into the page, instead of what was measured before."""
    sections = _sections(page.read_text("utf-8")) if page.exists() else {}
    sections[name] = text
    order = [known for known in MODULES if known in sections]
    parts = [f"<!-- {known}: measured by make bench -->\n{sections[known]}\n<!-- end -->" for known in order]
    page.write_text("\n\n".join([_INTRODUCTION, *parts]) + "\n", "utf-8")


def _sections(text: str) -> dict[str, str]:
    found = re.finditer(r"<!-- (\w+): measured by make bench -->\n(.*?)\n<!-- end -->", text, re.DOTALL)
    return {match[1]: match[2] for match in found}


def _circumstances() -> str:
    """When, on what, and of which commit."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, Python {platform.python_version()}, "
        f"Textual {version('textual')}, numpy {version('numpy')}, {cores} cores, load {load:.1f}, "
        f"{' and '.join(UNSET)} unset."
    )


def _commit() -> str:
    git = ("git", "-C", str(ROOT))
    try:
        named = subprocess.run((*git, "rev-parse", "--short=10", "HEAD"), check=True, capture_output=True, text=True)
        changed = subprocess.run((*git, "status", "--porcelain", "mlops_tui"), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return named.stdout.strip() + (" with changes" if changed.stdout.strip() else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
