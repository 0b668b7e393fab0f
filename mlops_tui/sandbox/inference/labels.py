"""What turned out to be true, told some seconds after each prediction, as chargebacks tell it after weeks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from opentelemetry.trace import Tracer

# How long the truth takes, in seconds: between these.
_SECONDS = (3.0, 9.0)


class LateLabels:
    """Tells the truth about predictions, each by a span of its own that names the prediction."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def expect(self, tracer: Tracer, prediction_id: str, *, is_fraud: bool) -> None:
        """Tell it later; what is still to be told when the process ends is never told."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._random.uniform(*_SECONDS), self._tell, tracer, prediction_id, is_fraud)

    @staticmethod
    def _tell(tracer: Tracer, prediction_id: str, is_fraud: bool) -> None:
        span = tracer.start_span("ground_truth")
        span.set_attribute("ml.ground_truth.label", int(is_fraud))
        span.set_attribute("ml.ground_truth.prediction.id", prediction_id)
        span.end()
