"""Waiting for the votes that a promotion needs, where the policy asks for them in an issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlops_tui.cli.actions import carry_out
from mlops_tui.cli.errors import tell
from mlops_tui.domain.errors import GateError, RefusedError

if TYPE_CHECKING:
    from mlops_tui.cli.options import GlobalOptions
    from mlops_tui.domain.projects import Project
    from mlops_tui.operations.approval_requests import Grant
    from mlops_tui.operations.session import Session

_INTERVAL = 15.0


async def go_on_when_granted(
    session: Session, project: Project, promotion: tuple[str, str, str], options: GlobalOptions, *, waits: bool
) -> bool:
    """Whether a promotion (model, version, environment) may go on now.

    Asks for it where nobody did; False then means that only the request was made, or would be with ``--dry-run``. With
    ``waits`` it is True as soon as the votes are there. Raises GateError when the request is rejected, and RefusedError
    while votes are missing and nobody wants to wait.
    """
    from mlops_tui.operations.approval_requests import prepare_request, read_grant

    grant = await read_grant(session, project, *promotion)
    if grant is None or grant.is_given:
        return True
    if _needs_request(grant):
        await carry_out(session, await prepare_request(session, project, *promotion), options)
        if options.dry_run or not waits:
            return False
    elif not waits and not grant.is_rejected:
        raise RefusedError("Nothing was sent", why=grant.sentence, remedy="Wait with --wait, or come back later")
    return await _granted(session, project, promotion)


async def _granted(session: Session, project: Project, promotion: tuple[str, str, str]) -> bool:
    from mlops_tui.operations.approval_requests import read_grant

    said = ""
    while True:
        grant = await read_grant(session, project, *promotion)
        if grant is None or grant.is_given:
            return True
        if grant.is_rejected or _needs_request(grant):
            raise GateError("The promotion is not approved", why=grant.sentence)
        if grant.sentence != said:
            tell(grant.sentence)
        said = grant.sentence
        await session.clock.sleep(_INTERVAL)


def _needs_request(grant: Grant) -> bool:
    """Whether there is no open request for what would be promoted now."""
    return grant.request is None or grant.request.issue.request.evidence != grant.evidence
