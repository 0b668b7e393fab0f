"""Traffic for the gateway: payments at a steady rate, and the truth about them some seconds later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mlops_tui.sandbox.inference.flags import Caller
from mlops_tui.sandbox.inference.labels import LateLabels
from mlops_tui.sandbox.inference.payments import Payment, PaymentSource
from mlops_tui.sandbox.inference.switches import Switches

if TYPE_CHECKING:
    from random import Random

    from mlops_tui.sandbox.inference.gateway import Gateway

# Payments are drawn so many at a time, which is cheaper.
_BLOCK = 10
_MOST_UNDER_WAY = 100
_IDLE_SECONDS = 0.5
# Gaps between payments, as a share of what the rate says.
_GAPS = (0.5, 1.5)


class Traffic:
    """Sends payments for as long as it runs; the same seed sends the same payments."""

    def __init__(self, gateway: Gateway, seed: int, random: Random) -> None:
        self._gateway = gateway
        self._source = PaymentSource(seed)
        self._random = random
        self._labels = LateLabels(random)
        self._drawn: list[Payment] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until this is cancelled."""
        while True:
            plan = self._gateway.plan
            rate = plan.switches.rate if plan else 0.0
            if plan is None or not rate:
                await asyncio.sleep(_IDLE_SECONDS)
                continue
            if len(self._under_way) < _MOST_UNDER_WAY:
                task = asyncio.create_task(self._send(self._next(plan.switches)))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            await asyncio.sleep(self._random.uniform(*_GAPS) / rate)

    async def tell_the_truth(self) -> None:
        """Say what the payments turned out to be, until this is cancelled."""
        while True:
            tracer = self._gateway.chargebacks
            if tracer is None:
                await asyncio.sleep(_IDLE_SECONDS)
            else:
                await self._labels.tell(tracer)

    def _next(self, switches: Switches) -> Payment:
        if not self._drawn:
            self._drawn = list(self._source.draw(_BLOCK, switches))
        return self._drawn.pop()

    async def _send(self, payment: Payment) -> None:
        answer = await self._gateway.predict(payment.features(), Caller(user_id=payment.card))
        if answer.status == 200:
            self._labels.expect(answer.prediction_id, is_fraud=payment.is_fraud())
