"""The options that the commands of ``drift`` share, and how their texts are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlops_tui.cli.time_ranges import RANGE_HELP
from mlops_tui.domain.drift import FeatureKind
from mlops_tui.domain.errors import MlopsError, UsageError

if TYPE_CHECKING:
    from mlops_tui.analysis.drift_parts import Share
    from mlops_tui.analysis.thresholds import Limits
    from mlops_tui.domain.trace_queries import SubjectFilter

Features = Annotated[
    list[str] | None,
    typer.Option(
        "--features",
        metavar="NAME[:KIND],...",
        help="Only these; a KIND is numeric, categorical, prediction or score.",
    ),
]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="The model, as NAME or GROUP/PROJECT:NAME.")]
Version = Annotated[str | None, typer.Option("--version", "--model-version", help="The version of the model.")]
Arm = Annotated[
    str | None, typer.Option("--arm", help="Whose requests: stable, canary, shadow. [the stable arm's first]")
]
Environment = Annotated[
    str | None, typer.Option("--environment", help="Where the requests were. [where most of them were]")
]
Window = Annotated[
    str | None,
    typer.Option("--window", metavar="RANGE", help=f"The requests of that time, in whole windows. {RANGE_HELP}"),
]
Width = Annotated[
    str | None, typer.Option("--width", metavar="DURATION", help="How wide windows are; those of the store if not.")
]
Alpha = Annotated[
    float | None,
    typer.Option("--alpha", metavar="P", help="How often an analysis of unchanged data may say drift. [0.05]"),
]
SmallestEffect = Annotated[
    float | None,
    typer.Option("--smallest-effect", metavar="PSI", help="What is smaller is no drift, however sure. [0.02]"),
]
Every = Annotated[
    str | None,
    typer.Option(
        "--every",
        metavar="DURATION",
        help="How often this runs, to say its false alarms a month. [the window's length]",
    ),
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit report as well.")]
Store = Annotated[
    bool,
    typer.Option(
        "--store", help="Keep the report with the version, and its figures with the version's run; once per window."
    ),
]


class Detector(StrEnum):
    """What looks for changes in a stream."""

    ADWIN = "adwin"
    PAGE_HINKLEY = "page_hinkley"


class ShareOut(StrEnum):
    """What parallel jobs share out among them."""

    FEATURES = "features"
    WINDOWS = "windows"


Multivariate = Annotated[
    bool,
    typer.Option(
        "--multivariate",
        help="Compare all features together as well, by rows: half of --alpha is then for that.",
    ),
]
Changes = Annotated[
    list[Detector] | None,
    typer.Option("--changes", help="Tell at which rows of --input numeric features changed; repeatable."),
]


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose requests are meant; None leaves a part open."""

    model: str | None
    version: str | None
    arm: str | None
    environment: str | None

    @property
    def bare_model(self) -> str:
        """The model without its project."""
        return (self.model or "").rpartition(":")[2]

    def filter(self) -> SubjectFilter:
        """The subjects that are meant."""
        from mlops_tui.domain.trace_queries import SubjectFilter

        return SubjectFilter(None, None, self.bare_model, self.version, self.arm, self.environment)


def parse_features(texts: list[str] | None) -> dict[str, FeatureKind | None] | None:
    """Read ``NAME[:KIND],...``, repeated; a colon that no kind follows belongs to the name.

    Raises:
        UsageError: a name is empty or stands twice.
    """
    if not texts:
        return None
    kinds: dict[str, FeatureKind | None] = {}
    for part in ",".join(texts).split(","):
        name, _, kind = part.strip().rpartition(":")
        known = FeatureKind(kind) if name and kind in set(FeatureKind) else None
        chosen = name if known else part.strip()
        if not chosen or chosen in kinds:
            raise UsageError(
                "--features makes no sense", why=f"{chosen!r} stands twice" if chosen else "a name is empty"
            )
        kinds[chosen] = known
    return kinds


def parse_limits(alpha: float | None, smallest_effect: float | None) -> Limits:
    """What is called drift. Raises UsageError."""
    from mlops_tui.analysis.thresholds import LEVEL, SMALLEST_EFFECT, Limits

    try:
        return Limits(
            LEVEL if alpha is None else alpha, SMALLEST_EFFECT if smallest_effect is None else smallest_effect
        )
    except ValueError as error:
        raise UsageError("The limits make no sense", why=str(error)) from None


def parse_length(text: str | None, option: str) -> timedelta | None:
    """A length of time that is not nothing. Raises UsageError, naming the option."""
    from mlops_tui.domain.durations import parse_duration

    if text is None:
        return None
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{option} makes no sense", why=str(error)) from None
    if not length:
        raise UsageError(f"{option} makes no sense", why="it is no time at all")
    return length


def parse_share(shared: ShareOut) -> Share:
    """The share of this job: GitLab numbers the jobs of ``parallel`` in CI_NODE_INDEX and CI_NODE_TOTAL.

    Raises:
        UsageError: they are no such numbers.
    """
    from mlops_tui.analysis.drift_parts import Share, ShareKind

    index, total = (os.environ.get(name) or "1" for name in ("CI_NODE_INDEX", "CI_NODE_TOTAL"))
    try:
        return Share(int(index), int(total), ShareKind(shared))
    except ValueError:
        raise UsageError(
            f"{index} of {total} is no share", why="CI_NODE_INDEX is a number from 1 to CI_NODE_TOTAL"
        ) from None


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise MlopsError(f"{path} cannot be written", why=error.strerror or str(error)) from None
