"""The program's entry: answers the version at once, opens the dashboard, or hands over to the command line."""

from __future__ import annotations

import gc
import os
import sys

from mlops_tui import __version__

# Set by the shell's completion, which passes the words of the line in the environment.
_COMPLETION = "_MLOPS_TUI_COMPLETE"
# Imports make many objects and little garbage: looking for it at Python's own pace is a sixth of a command's time.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def main() -> int:
    """Run the program with the arguments of the process; returns the exit status."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        sys.stdout.write(f"mlops-tui {__version__}\n")
        return 0
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    from mlops_tui.cli.errors import guarded

    if not arguments and _COMPLETION not in os.environ:
        from mlops_tui.cli.dashboard import open_default

        return guarded(open_default)
    from mlops_tui.cli.main import run

    return guarded(lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main())
