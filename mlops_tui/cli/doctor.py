"""``mlops-tui doctor``: is everything there that the dashboard and the commands need."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import typer

from mlops_tui import __version__
from mlops_tui.cli.options import GlobalOptions, takes_global_options
from mlops_tui.cli.output import Listing, print_listing
from mlops_tui.cli.tables import Column
from mlops_tui.cli.targets import Settings, Target
from mlops_tui.config.paths import Paths, settings_file
from mlops_tui.domain.clock import SystemClock
from mlops_tui.domain.errors import ExitCode, MlopsError
from mlops_tui.domain.identity import TokenDetails
from mlops_tui.widgets.terminal import require_terminal

_EXPIRES_SOON = 14
_COLUMNS = (Column("check", "check"), Column("verdict", "verdict"), Column("found", "found"))


class Verdict(StrEnum):
    """How a check ended; INFO is neither good nor bad."""

    OK = "ok"
    INFO = "info"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    check: str
    verdict: Verdict
    found: str


@takes_global_options
def command(*, options: GlobalOptions) -> None:
    """Look at the terminal, the settings, the token and the way to GitLab; the exit status tells what is wrong."""
    checks = [Check("version", Verdict.INFO, f"{__version__} on Python {platform.python_version()}"), _terminal()]
    checks += [_colours(), _settings()]
    status = ExitCode.DONE
    try:
        target = Settings.load().target(options.choice, options.token_file)
        checks += _target(target)
        asyncio.run(_ask_instance(target, checks))
    except MlopsError as error:
        checks.append(Check("context", Verdict.WRONG, str(error)))
        status = error.exit_code
    items = [{"check": item.check, "verdict": item.verdict, "found": item.found} for item in checks]
    print_listing(Listing("doctor", _COLUMNS, items, SystemClock().now(), "this machine"), options.format)
    if status is not ExitCode.DONE:
        raise typer.Exit(status)


def _terminal() -> Check:
    try:
        require_terminal(os.environ, sys.stdin, sys.stdout)
    except MlopsError as error:
        return Check("terminal", Verdict.INFO, str(error))
    size = shutil.get_terminal_size()
    return Check(
        "terminal", Verdict.OK, f"{os.environ.get('TERM')}, {size.columns}x{size.lines}, {sys.stdout.encoding}"
    )


def _colours() -> Check:
    if "NO_COLOR" in os.environ:
        return Check("colours", Verdict.INFO, "none, since NO_COLOR is set")
    depth = os.environ.get("COLORTERM", "")
    return Check("colours", Verdict.INFO, "16 million" if depth in {"truecolor", "24bit"} else "what TERM tells")


def _settings() -> Check:
    path = settings_file(os.environ, Paths.of_user())
    return Check("settings", Verdict.INFO, str(path) if path.exists() else f"none ({path})")


def _target(target: Target) -> list[Check]:
    context, credential = target.context, target.credential
    places = ", ".join((*context.projects, *context.groups)) or "no project"
    mode = "read-only" if context.is_read_only else "changes allowed"
    return [
        Check("context", Verdict.OK, f"{context.name}: {context.url}, {context.kind.value}, {mode}, {places}"),
        Check("token", Verdict.OK, f"{credential.kind.words} from {credential.source}"),
    ]


def _rights(token: TokenDetails, today: date) -> Check:
    """What the token opens, and until when."""
    days = token.days_left(today)
    ends = "it never expires" if days is None else f"it expires on {token.expires_on}, in {days} days"
    verdict = Verdict.OK if days is None or days > _EXPIRES_SOON else Verdict.INFO
    scopes = ", ".join(sorted(token.scopes)) or "no scope"
    if not token.may_read:
        return Check("scopes", Verdict.WRONG, f"{scopes}: nothing can be read; make a token with read_api, or with api")
    if not token.may_write:
        return Check("scopes", Verdict.INFO, f"{scopes}: nothing can be changed, and runs cannot be searched; {ends}")
    return Check("scopes", verdict, f"{scopes}; {ends}")


async def _ask_instance(target: Target, checks: list[Check]) -> None:
    """Add what the instance says of itself, of us and of each project; raises what keeps us from it."""
    from mlops_tui.gitlab.identity import read_identity
    from mlops_tui.operations.session import open_session

    async with open_session(target.context, target.credential, SystemClock()) as session:
        identity = await read_identity(session.transport)
        release = identity.instance
        checks.append(Check("instance", Verdict.OK, f"GitLab {release.version if release else '(version not told)'}"))
        checks.append(Check("user", Verdict.OK, identity.user.username))
        if identity.token is not None:
            checks.append(_rights(identity.token, SystemClock().now().date()))
        projects = await session.projects()
        checks += [Check(project.ref.path, Verdict.OK, project.role.title) for project in projects]
