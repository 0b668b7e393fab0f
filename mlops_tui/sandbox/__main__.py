"""`python -m mlops_tui.sandbox serve`: the sandbox without the rest of the program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_tui.sandbox.server import serve
from mlops_tui.sandbox.settings import Release, Settings, Tier, World

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments and serve; return the exit code."""
    given = _parser().parse_args(arguments)
    settings = Settings(
        host=given.host,
        port=given.port,
        data=given.data,
        world=World(given.world),
        tier=Tier(given.tier),
        gitlab=Release(given.gitlab),
        seed=given.seed,
        speed=given.speed,
        root_path=given.root_path.rstrip("/"),
    )
    serve(settings, end_on_stdin_eof=given.end_on_stdin_eof)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlops_tui.sandbox")
    command = parser.add_subparsers(dest="command", required=True).add_parser("serve", help="serve until SIGTERM")
    command.add_argument("--host", default="127.0.0.1")
    command.add_argument("--port", type=int, default=0, help="0 picks a free one")
    command.add_argument("--data", type=Path, help="keep the state in this folder")
    command.add_argument("--world", choices=[*World], default=World.DEMO)
    command.add_argument("--tier", choices=[*Tier], default=Tier.PREMIUM)
    command.add_argument("--gitlab", choices=[*Release], default=Release.V19)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--speed", type=float, default=1.0, help="divide every simulated duration by this")
    command.add_argument("--root-path", default="", help="serve below a relative URL root such as /gitlab")
    command.add_argument("--end-on-stdin-eof", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
