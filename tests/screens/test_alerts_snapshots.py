"""How the view of alerts looks in two sizes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.operations.alerting import ERRORS, Traffic, company, empty_data, write_policy
from tests.operations.company import Company
from tests.screens.console import Console, console, until
from tests.screens.test_alerts import QUIET, UNKNOWN
from tests.screens.test_approvals_snapshots import SIZES, Compare

__all__ = ["company", "empty_data"]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_alerts(company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
    write_policy(company, ERRORS, QUIET, UNKNOWN)
    asyncio.run(_traffic(company))

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, Console)
        await until(pilot, lambda: app.rows("alerts-table") and "clears below" in app.texts())

    assert snap_compare(console(company, "alerts"), terminal_size=size, run_before=before)


async def _traffic(company: Company) -> None:
    async with company.session() as session:
        traffic = Traffic(session)
        await traffic.minutes(*(0.01 * (place % 3) for place in range(20)), 0.03, 0.08, 0.2, 0.31)
        await traffic.judge()
        await traffic.close()
