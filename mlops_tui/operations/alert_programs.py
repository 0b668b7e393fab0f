"""Telling a program of the user's own of an alert: without a shell, with JSON on its standard input."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from mlops_tui.domain.alert_board import Alert, EscalationStep
from mlops_tui.domain.canonical import JsonValue, plain

PATIENCE = 10.0


async def run_alert_program(command: Sequence[str], step: EscalationStep, alert: Alert) -> str:
    """Run the program and say in a few words what went wrong, "" for nothing; one that hangs is ended."""
    if not command:
        return ""
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
        )
    except (OSError, ValueError) as error:
        return f", but the program {command[0]} cannot be run ({error})"
    text = json.dumps(plain(program_input(step, alert)), ensure_ascii=False).encode()
    try:
        await asyncio.wait_for(process.communicate(text), PATIENCE)
    except TimeoutError:
        process.kill()
        await process.wait()
        return f", but the program {command[0]} took too long"
    return "" if process.returncode == 0 else f", but the program {command[0]} ended with {process.returncode}"


def program_input(step: EscalationStep, alert: Alert) -> dict[str, JsonValue]:
    """What the program is told."""
    status = alert.status
    return {
        "schema": "mlops-tui/alert-event/1",
        "event": {"open": "firing", "remind": "still_firing", "close": "resolved"}[step.value],
        "fingerprint": alert.fingerprint,
        "rule": alert.rule.name,
        "severity": alert.rule.severity.value,
        "project": alert.subject.project,
        "model": alert.subject.model,
        "environment": alert.subject.environment,
        "metric": alert.rule.metric,
        "limit": alert.limit,
        "value": status.value,
        "n": status.n,
        "fired_at": plain(status.fired_at),
        "resolved_at": plain(status.resolved_at),
        "issue": alert.issue.web_url if alert.issue else None,
    }
