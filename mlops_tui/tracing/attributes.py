"""Which attributes are kept, and by which name: what may be personal is not stored unless somebody asks for it.

Everything is withheld but the names below, names under the prefixes below, and those that whoever runs the intake adds.
Request bodies, addresses, URLs, user agents, messages of exceptions and prompts are thus never stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum

from mlops_tui.domain.inferences import ENVIRONMENT, FEATURE, FEATURE_NAME, MODEL_NAME, MODEL_VERSION, REQUEST_ID, TRACK
from mlops_tui.domain.traces import Value

ALIASES = {
    "model.name": MODEL_NAME,
    "model_name": MODEL_NAME,
    "gen_ai.request.model": MODEL_NAME,
    "model.version": MODEL_VERSION,
    "model_version": MODEL_VERSION,
    "mlflow.modelId": "ml.model.id",
    "mlflow.runId": "ml.run.id",
    "deployment.environment": ENVIRONMENT,
    "ml.track": TRACK,
    "ml.arm": TRACK,
    "request_id": REQUEST_ID,
}
FEATURE_NAMES = "ml.features.names"
FEATURE_VALUES = "ml.features.values"
PREDICTION_NAMES = "ml.predictions.names"
PREDICTION_VALUES = "ml.predictions.values"
INPUTS = ("ml.inputs", "oip.inputs", "inputs", "mlflow.spanInputs")
OUTPUTS = ("ml.outputs", "oip.outputs", "outputs", "mlflow.spanOutputs")
PACKED = frozenset({FEATURE_NAMES, FEATURE_VALUES, PREDICTION_NAMES, PREDICTION_VALUES, *INPUTS, *OUTPUTS})
SPECIAL = PACKED | ALIASES.keys()

_PREFIXES = (
    "ml.", "service.", "deployment.", "gitlab.", "telemetry.", "feature_flag.", "cicd.", "vcs.", "otel.", "k8s.",
    "container.", "cloud.", "host.", "os.", "faas.", "process.runtime.",
)  # fmt: skip
_NAMES = frozenset(
    {
        "code.function.name", "code.namespace", "db.operation.name", "db.system.name", "error.type", "exception.type",
        "gen_ai.operation.name", "gen_ai.response.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
        "http.method", "http.request.method", "http.response.status_code", "http.route", "http.status_code",
        "messaging.operation.name", "messaging.system", "mlflow.spanType", "network.protocol.name",
        "network.protocol.version", "openinference.span.kind", "process.pid", "rpc.grpc.status_code", "rpc.method",
        "rpc.service", "rpc.system", "server.address", "server.port", "thread.id", "thread.name", "url.scheme",
    }
)  # fmt: skip
_WELL_FORMED = re.compile(r"[A-Za-z0-9_./\-]{1,256}")
_MOST_REMEMBERED = 8_192


class Verdict(IntEnum):
    """What is done with an attribute: not kept, kept, or the whole span refused for it."""

    WITHHOLD = 0
    KEEP = 1
    REFUSE = 2


class AttributeRules:
    """The allow-list: the built-in one, ``extra`` names (``app.region``) and prefixes (``app.*``).

    With ``features`` only those features are kept. ``known`` holds names that were judged to be kept; callers in a
    hurry look there first and call ``judge`` for names it lacks.
    """

    def __init__(self, extra: Iterable[str] = (), features: Iterable[str] | None = None) -> None:
        extra = tuple(extra)
        self._names = _NAMES | SPECIAL | {name for name in extra if not name.endswith("*")}
        self._prefixes = _PREFIXES + tuple(name[:-1] for name in extra if name.endswith("*"))
        self._features = None if features is None else frozenset(features)
        self.known: set[str] = set()

    def judge(self, name: str) -> Verdict:
        """What is done with an attribute of this name."""
        verdict = self._judge(name)
        if verdict is Verdict.KEEP:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known.add(name)
        return verdict

    def keeps_feature(self, name: str) -> bool:
        """Whether values of a feature may be stored."""
        return self._features is None or name in self._features

    def _judge(self, name: str) -> Verdict:
        if name.startswith(FEATURE):
            feature = name[len(FEATURE) :]
            if not FEATURE_NAME.fullmatch(feature):
                return Verdict.REFUSE
            return Verdict.KEEP if self.keeps_feature(feature) else Verdict.WITHHOLD
        if not _WELL_FORMED.fullmatch(name):
            return Verdict.WITHHOLD
        return Verdict.KEEP if name in self._names or name.startswith(self._prefixes) else Verdict.WITHHOLD


class EverythingRead(AttributeRules):
    """The rules for what is read and shown but not stored: any attribute with a name that is safe to draw."""

    def _judge(self, name: str) -> Verdict:
        return Verdict.KEEP if _WELL_FORMED.fullmatch(name) else Verdict.WITHHOLD


def rename_aliases(attributes: dict[str, Value]) -> None:
    """Give what came under another name ours, in place; where both are there ours wins."""
    for alias in ALIASES.keys() & attributes.keys():
        value = attributes.pop(alias)
        attributes.setdefault(ALIASES[alias], value)
