"""What turned out to be true, told some seconds after each prediction, as chargebacks tell it after weeks.

It comes in batches: one trace for each, with a span `ground_truth` for every prediction of which the truth is known.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from opentelemetry.trace import Tracer

# How long the truth takes at least, in seconds: between these; it then waits for the next batch.
_SECONDS = (2.0, 5.0)
_BATCH_SECONDS = 4.0


@dataclass(slots=True)
class LateLabels:
    """Tells the truth about predictions; what is not told when the process ends is never told."""

    random: Random
    _due: list[tuple[float, str, bool]] = field(default_factory=list)

    def expect(self, prediction_id: str, *, is_fraud: bool) -> None:
        """Tell it later."""
        due = asyncio.get_running_loop().time() + self.random.uniform(*_SECONDS)
        self._due.append((due, prediction_id, is_fraud))

    async def tell(self, tracer: Tracer) -> None:
        """Wait for the next batch and tell what is due."""
        await asyncio.sleep(_BATCH_SECONDS)
        now = asyncio.get_running_loop().time()
        told = [label for label in self._due if label[0] <= now]
        self._due = [label for label in self._due if label[0] > now]
        if not told:
            return
        with tracer.start_as_current_span("import chargebacks") as batch:
            batch.set_attribute("ml.request.batch_size", len(told))
            for _, prediction_id, is_fraud in told:
                with tracer.start_as_current_span("ground_truth") as span:
                    span.set_attribute("ml.ground_truth.label", int(is_fraud))
                    span.set_attribute("ml.ground_truth.prediction.id", prediction_id)
