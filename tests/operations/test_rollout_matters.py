"""Rollouts in the overview: what waits for a person comes before what merely goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlops_tui.domain.attention import MatterKind
from mlops_tui.domain.rollout_states import Phase, Progress, RolloutState
from mlops_tui.domain.rollouts import Rollout
from mlops_tui.operations.rollout_matters import matter_of, rollout_matters
from tests.operations.company import Company
from tests.operations.rolling import start
from tests.screens.rollout_records import BLIND, BREACH, ROLLED_BACK, SECOND, SOAKING

HELD = replace(SOAKING, state=RolloutState.HELD, progress=Progress(Phase.HELD, 2, SECOND))
ALONE = replace(SOAKING, state=RolloutState.READY, lease=None)


@pytest.mark.parametrize(
    ("record", "kind", "words"),
    [
        (SOAKING, MatterKind.ROLLOUT_RUNNING, "step 2 of 3 (25 %), CONTINUE"),
        (BREACH, MatterKind.ROLLOUT_WRONG, "BREACH: errors of canary is 0.118 worse"),
        (ROLLED_BACK, MatterKind.ROLLOUT_WRONG, "was rolled back on step 2 of 3"),
        (HELD, MatterKind.ROLLOUT_WAITING, "is held on step 2 of 3"),
        (BLIND, MatterKind.ROLLOUT_WAITING, "nothing is measured"),
        (ALONE, MatterKind.ROLLOUT_WAITING, "nobody watches it"),
    ],
    ids=["soaking", "breach", "rolled back", "held", "blind", "alone"],
)
def test_what_is_said_of_it(record: Rollout, kind: MatterKind, words: str) -> None:
    matter = matter_of(record)
    assert matter.kind is kind
    assert words in matter.detail
    assert (matter.rollout_id, matter.is_production) == (record.id, True)


async def test_the_rollouts_of_the_company(company: Company) -> None:
    async with company.session() as session:
        record = await start(company, session)
        (matter,) = (await rollout_matters(session)).data
        assert (matter.rollout_id, matter.title) == (record.id, "fraud 2.1.0 → production")
