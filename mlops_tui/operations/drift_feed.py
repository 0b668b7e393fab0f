"""What the view of drift looks at: one model, version and arm over the newest windows, and everything read of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from mlops_tui.domain.drift_windows import FeatureDistribution, ModelDrift, Stretch
from mlops_tui.domain.errors import InsufficientDataError
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.quality import ModelQuality
from mlops_tui.domain.snapshots import Snapshot
from mlops_tui.domain.trace_queries import TimeRange
from mlops_tui.operations.model_drift import feature_distribution, model_drift
from mlops_tui.operations.monitored_models import MonitoredModel, MonitoredModels, monitored_models
from mlops_tui.operations.quality import model_quality
from mlops_tui.operations.session import Session

# So many windows are looked at.
WINDOWS = 48
# How many windows of the store one window of the view may be: 4 hours, a day or a week, where those are 5 minutes.
ZOOMS = (1, 6, 42)

# So wide windows are taken to be while no request says how wide they are.
USUAL_WIDTH = timedelta(minutes=5)

_MODELS_LAST = timedelta(minutes=1)
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DriftChoice:
    """What a person chose to look at; what is left open (None) is chosen by what had the most requests."""

    model: MonitoredModel | None = None
    version: str | None = None
    arm: str | None = None
    environment: str | None = None
    zoom: int = ZOOMS[0]

    def of(self, subject: Subject) -> DriftChoice:
        """The same model, this version, arm and environment of it."""
        return replace(self, version=subject.version, arm=subject.arm, environment=subject.environment)

    def wider(self) -> DriftChoice:
        """Wider windows, or after the widest the store's own again."""
        return replace(self, zoom=ZOOMS[(ZOOMS.index(self.zoom) + 1) % len(ZOOMS)])


class DriftFeed:
    """Reads what is chosen.

    Args:
        session: Where to ask.
        wanted: The model to begin with, as ``NAME`` or ``GROUP/PROJECT:NAME``; the busiest where it is empty.
    """

    def __init__(self, session: Session, wanted: str = "") -> None:
        self._session = session
        self._wanted = wanted
        self._models: Snapshot[MonitoredModels] | None = None
        self._reading = asyncio.Lock()
        self.choice = DriftChoice()

    @property
    def models(self) -> tuple[MonitoredModel, ...]:
        """The models that can be chosen, the busiest first."""
        return self._models.data.models if self._models is not None else ()

    async def drift(self) -> Snapshot[ModelDrift]:
        """Drift over the newest windows.

        Raises:
            InsufficientDataError: there is no model at all.
        """
        model, width = await self._aim()
        choice = self.choice
        return await model_drift(
            self._session,
            model.project,
            model.model,
            times=self._times(width),
            version=choice.version,
            arm=choice.arm,
            environment=choice.environment,
            width=width,
        )

    async def quality(self) -> Snapshot[ModelQuality]:
        """Quality over the same windows.

        Raises:
            InsufficientDataError: there is no model at all.
        """
        model, width = await self._aim()
        choice = self.choice
        return await model_quality(
            self._session,
            model.project,
            model.model,
            times=self._times(width),
            version=choice.version,
            arm=choice.arm,
            environment=choice.environment,
            width=width,
        )

    async def distribution(self, subject: Subject, feature: str, window: Stretch) -> Snapshot[FeatureDistribution]:
        """A feature in the reference and in one window.

        Raises:
            InsufficientDataError: one of them is not known.
        """
        model, _ = await self._aim()
        return await feature_distribution(self._session, model.project, subject, feature, window)

    async def _aim(self) -> tuple[MonitoredModel, timedelta | None]:
        """The model that is looked at, and how wide its windows are to be (None: as wide as the store's).

        The first time a model is chosen.
        """
        known = await self._known_models()
        if self.choice.model is None and known.models:
            self.choice = replace(self.choice, model=known.named(self._wanted) or known.models[0])
        if self.choice.model is None:
            raise InsufficientDataError(
                "There is no model to watch",
                why="none of the projects of this context has one in its registry",
                remedy="Register one, or name its project in the context",
            )
        return self.choice.model, None if known.width is None else known.width * self.choice.zoom

    async def _known_models(self) -> MonitoredModels:
        async with self._reading:
            known = self._models
            if known is None or self._session.clock.now() - known.fetched_at > _MODELS_LAST:
                known = self._models = await monitored_models(self._session)
        return known.data

    def _times(self, width: timedelta | None) -> TimeRange:
        """The newest windows, the one that is filling included."""
        seconds = int((width or USUAL_WIDTH * self.choice.zoom).total_seconds())
        end = (int(self._session.clock.now().timestamp()) // seconds + 1) * seconds
        return TimeRange((end - WINDOWS * seconds) * _NANOSECONDS, end * _NANOSECONDS)
