"""What a rollout by feature flags gives of an environment's traffic, which no deployment tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mlops_tui.domain.deployments import LiveVersion
from mlops_tui.operations.rollouts.flags import FlagDriver
from mlops_tui.operations.rollouts.sightings import ProjectReading, Sighting


def with_flag_shares(reading: ProjectReading, environment: str, live: Sequence[LiveVersion]) -> tuple[LiveVersion, ...]:
    """What serves in an environment by its deployments, with the shares of the rollouts that are under way there."""
    rows = list(live)
    for sighting in FlagDriver().sightings(reading):
        if sighting.mark.environment == environment and not sighting.progress.phase.is_over:
            own = [row for row in rows if row.model == sighting.mark.model]
            others = [row for row in rows if row.model != sighting.mark.model]
            rows = [*others, *_shared(sighting, own)]
    return tuple(sorted(rows, key=lambda row: row.model))


def _shared(sighting: Sighting, own: Sequence[LiveVersion]) -> list[LiveVersion]:
    if any(row.share == 100.0 and row.version in sighting.versions.values() for row in own):
        # The promotion at its end is through: the new version has everything, by whichever way.
        return list(own)
    arms = list(_arms(sighting))
    rest = round(100.0 - sum(arm.share for arm in arms), 2)
    stays = [replace(row, share=rest) for row in own if row.share == 100.0]
    return [*stays, *arms]


def _arms(sighting: Sighting) -> Iterator[LiveVersion]:
    mark = sighting.mark
    for arm, version in sighting.versions.items():
        share = sighting.weights.get(arm, 0.0)
        if share:
            yield LiveVersion(mark.model, mark.environment, version, share, None, sighting.progress.since)
