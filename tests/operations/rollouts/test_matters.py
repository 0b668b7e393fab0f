"""Rollouts in the overview: what waits for a person comes before what merely goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlops_tui.domain.attention import MatterKind
from mlops_tui.domain.judgements import Verdict
from mlops_tui.domain.rollout_states import Phase, Progress, RolloutState
from mlops_tui.domain.rollouts import Lease, Rollout
from mlops_tui.operations.rollouts.matters import matter_of, rollout_matters
from tests.operations.company import Company
from tests.operations.rolling import start
from tests.screens.rollout_records import BLIND, BREACH, NOW, ROLLED_BACK, SECOND, SOAKING, UNDECIDED

HELD = replace(SOAKING, state=RolloutState.HELD, progress=Progress(Phase.HELD, 2, SECOND))
ALONE = replace(SOAKING, state=RolloutState.READY, lease=None)
EXPIRED = replace(ALONE, lease=Lease(1, "mona on console-7", NOW))
HEALTHY = replace(ALONE, judgement=replace(UNDECIDED, verdict=Verdict.HEALTHY))


@pytest.mark.parametrize(
    ("record", "kind", "words"),
    [
        (SOAKING, MatterKind.ROLLOUT_RUNNING, "step 2 of 3 (25 %), CONTINUE"),
        (BREACH, MatterKind.ROLLOUT_WRONG, "BREACH: errors of canary is 0.118 worse"),
        (ROLLED_BACK, MatterKind.ROLLOUT_WRONG, "was rolled back on step 2 of 3"),
        (HELD, MatterKind.ROLLOUT_WAITING, "is held on step 2 of 3"),
        (BLIND, MatterKind.ROLLOUT_WAITING, "nothing is measured"),
        (ALONE, MatterKind.ROLLOUT_WAITING, "has its time, CONTINUE, and nobody watches it"),
        (EXPIRED, MatterKind.ROLLOUT_WAITING, "nobody watches it"),
        (HEALTHY, MatterKind.ROLLOUT_WAITING, "step 2 of 3 (25 %) is complete, and nobody watches it"),
    ],
    ids=["soaking", "breach", "rolled back", "held", "blind", "alone", "expired", "healthy"],
)
def test_what_is_said_of_it(record: Rollout, kind: MatterKind, words: str) -> None:
    matter = matter_of(record, NOW)
    assert matter.kind is kind
    assert words in matter.detail
    assert (matter.rollout_id, matter.is_production) == (record.id, True)


async def test_the_rollouts_of_the_company(company: Company) -> None:
    async with company.session() as session:
        record = await start(company, session)
        (matter,) = (await rollout_matters(session)).data
        assert (matter.rollout_id, matter.title) == (record.id, "fraud 2.1.0 → production")
