"""`python -m mlops_tui.sandbox.inference`: the gateway with its two arms and its traffic, until standard input ends."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import TYPE_CHECKING

from mlops_tui.sandbox.inference import telemetry
from mlops_tui.sandbox.inference.serving import THREADS, ProcessServer

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE = 2
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; returns the exit status."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=_LOG_FORMAT)
    if not telemetry.is_installed():
        sys.stderr.write(f"{telemetry.MISSING}\n")
        return _USAGE
    os.environ.update(THREADS)
    from mlops_tui.sandbox.inference.service import Service

    service = Service.of(given.sandbox.rstrip("/"), given.otlp.rstrip("/"), given.seed)
    ProcessServer(service.application(), {}).run_until_told()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlops_tui.sandbox.inference")
    parser.add_argument("--sandbox", required=True, help="the address of the sandbox")
    parser.add_argument("--otlp", required=True, help="the address to which /v1/traces is appended")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
