"""``mlops-tui sandbox``: a GitLab of one's own, to try things on."""

from __future__ import annotations

import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from mlops_tui.cli.errors import tell
from mlops_tui.cli.options import GlobalOptions, noun, takes_global_options
from mlops_tui.domain.errors import UsageError

app = noun("sandbox", "An embedded server that answers as GitLab does.")

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _World(StrEnum):
    DEMO = "demo"
    EMPTY = "empty"
    LARGE = "large"


class _Tier(StrEnum):
    CE = "ce"
    FREE = "free"
    PREMIUM = "premium"
    ULTIMATE = "ultimate"


class _Release(StrEnum):
    OLDER = "18.9"
    NEWER = "19"


@app.command()
@takes_global_options
def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any free port.")] = 0,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Keep the state here; without it nothing is kept.")
    ] = None,
    world: Annotated[_World, typer.Option("--world", help="What a fresh sandbox holds.")] = _World.DEMO,
    tier: Annotated[_Tier, typer.Option("--tier", help="The licence to behave as.")] = _Tier.PREMIUM,
    gitlab: Annotated[_Release, typer.Option("--gitlab", help="The release to behave as.")] = _Release.NEWER,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same world.")] = 1,
    speed: Annotated[float, typer.Option("--speed", min=0.01, max=1000, help="How fast pipelines run.")] = 1.0,
    root_path: Annotated[str, typer.Option("--root-path", help="Serve below this path, such as /gitlab.")] = "",
    end_on_stdin_eof: Annotated[
        bool, typer.Option("--end-on-stdin-eof", help="End when standard input does, for a parent process.")
    ] = False,
    *,
    options: GlobalOptions,  # noqa: ARG001 - every command takes the same options
) -> None:
    """Serve until SIGTERM; one line of JSON on standard output tells the address and the tokens."""
    from mlops_tui.cli.sandbox_traces import DEMO_WIDTH, SandboxTraces
    from mlops_tui.sandbox.server import serve as serve_sandbox
    from mlops_tui.sandbox.settings import Release, Settings, Tier, World

    if host not in _LOOPBACK:
        tell(f"The sandbox listens on {host}: whoever reaches it and has a token may change it.")
    settings = Settings(
        host=host,
        port=port,
        data=data,
        world=World(world.value),
        tier=Tier(tier.value),
        gitlab=Release(gitlab.value),
        seed=seed,
        speed=speed,
        root_path=root_path.rstrip("/"),
    )
    signal.signal(signal.SIGTERM, _end)
    try:
        traces = SandboxTraces(DEMO_WIDTH if world is _World.DEMO else None)
        serve_sandbox(settings, traces=traces, end_on_stdin_eof=end_on_stdin_eof)
    except OSError as error:
        raise UsageError(
            f"The sandbox cannot listen on {host}:{port}",
            why=error.strerror or str(error),
            remedy="Choose another --port or --data",
        ) from None


@app.command()
@takes_global_options
def switch(
    switches: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Such as canary_errors=0.6; none shows all.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Set all of them back first.")] = False,
    *,
    options: GlobalOptions,
) -> None:
    """Make the inference service of a demo go wrong, or right again: faults in the canary, drift, the rate."""
    from mlops_tui.cli.output import Listing, print_listing
    from mlops_tui.cli.sandbox_switches import COLUMNS, address, parse_switches, switched
    from mlops_tui.domain.clock import SystemClock

    sandbox = address(options.url)
    items = switched(sandbox, parse_switches(switches or ()), reset=reset)
    print_listing(Listing("sandbox-switches", COLUMNS, items, SystemClock().now(), sandbox), options.format)


def _end(_number: int, _frame: object) -> NoReturn:
    """End by an exception, so that what is open is closed: the server hands the signal on once it has stopped."""
    raise SystemExit(0)
