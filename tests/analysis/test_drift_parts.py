"""Parts that parallel jobs counted give what one job would have given, to the last bit, or say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_tui.analysis.drift_parts import Part, PartError, Share, ShareKind, dump_part, load_part, merge_parts
from mlops_tui.analysis.drift_windows import fold_rows, observe_counts, together
from mlops_tui.analysis.observed import Observed, judged
from mlops_tui.domain.drift_reports import DriftReport, ReportedTraffic, ReportError, dump_report, load_report
from mlops_tui.domain.drift_windows import Stretch
from mlops_tui.domain.inferences import Subject
from mlops_tui.domain.profiles import FeatureProfile
from mlops_tui.domain.windows import WindowKey, WindowRow
from tests.analysis.drift_samples import counted, counted_texts, profiled, profiled_texts

START = datetime(2026, 3, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=5)
DRAW = np.random.default_rng(4)
NAMES = ("amount", "age", "country", "hours")
COUNTRIES = ["de", "fr", "it"]
FEATURES: list[FeatureProfile] = [
    profiled_texts(DRAW.choice(COUNTRIES, 2_000).tolist(), name)
    if name == "country"
    else profiled(DRAW.normal(size=2_000), name, 40)
    for name in NAMES
]
TRAFFIC = ReportedTraffic(Subject("", "7", "fraud", "1.0.0", "stable", "production"), Stretch(START, 6 * WIDTH))


@lru_cache
def rows(seed: int) -> tuple[WindowRow, ...]:
    """Six windows of four features, some of them empty, one feature moved."""
    draw = np.random.default_rng(seed)
    made = []
    for place in range(6):
        size = int(draw.integers(0, 400))
        for feature in FEATURES:
            key = WindowKey(
                START + place * WIDTH, WIDTH, "7", "fraud", "1.0.0", "stable", "production", feature.name, "p" * 64
            )
            if feature.name == "country":
                values = counted_texts(feature, draw.choice([*COUNTRIES, "br"], size).tolist())
            else:
                values = counted(feature, draw.normal(feature.name == "age", 1, size))
            made.append(WindowRow(key, values))
    return tuple(made)


def observed(features: list[FeatureProfile], chosen: Sequence[WindowRow]) -> Observed:
    columns = together(fold_rows(chosen, WIDTH).values())
    return Observed("p.json", "p" * 64, tuple(observe_counts(features, columns)), traffic=TRAFFIC)


def part(share: Share, seed: int) -> Part:
    """What the job of a share counts."""
    features: list[FeatureProfile] = FEATURES
    chosen: Sequence[WindowRow] = rows(seed)
    if share.kind is ShareKind.FEATURES:
        features = [feature for place, feature in enumerate(FEATURES) if share.takes(place)]
    else:
        chosen = [row for row in chosen if share.takes((row.key.window_start - START) // WIDTH)]
    return Part(share, observed(features, chosen))


@settings(max_examples=20)
@given(st.sampled_from(list(ShareKind)), st.integers(1, 7), st.integers(0, 20), st.randoms(use_true_random=False))
def test_parts_put_together_are_the_whole(kind: ShareKind, total: int, seed: int, order: object) -> None:
    files = [dump_part(part(Share(index, total, kind), seed)) for index in range(1, total + 1)]
    order.shuffle(files)  # type: ignore[attr-defined]  # a Random
    merged = merge_parts([load_part(file, "a part") for file in files])
    assert dump_report(judged(merged)) == dump_report(judged(observed(FEATURES, rows(seed))))


def test_a_part_that_came_twice_counts_once() -> None:
    parts = [part(Share(index, 2, ShareKind.WINDOWS), 1) for index in (1, 2, 2)]
    assert judged(merge_parts(parts)) == judged(observed(FEATURES, rows(1)))


@pytest.mark.parametrize(
    ("shares", "seeds", "message"),
    [
        ([], [], "nothing to put together"),
        ([(1, 3, "features"), (3, 3, "features")], [1, 1], "of 3 parts 2 are missing"),
        ([(1, 2, "features"), (2, 2, "windows")], [1, 1], "answer different questions"),
        ([(1, 2, "windows"), (2, 2, "windows"), (2, 2, "windows")], [1, 1, 2], "two different parts 2"),
    ],
)
def test_parts_that_do_not_make_a_whole_are_refused(
    shares: list[tuple[int, int, str]], seeds: list[int], message: str
) -> None:
    parts = [
        part(Share(index, total, ShareKind(kind)), seed)
        for (index, total, kind), seed in zip(shares, seeds, strict=True)
    ]
    with pytest.raises(PartError, match=message):
        merge_parts(parts)


@settings(max_examples=25)
@given(st.data())
def test_a_part_that_was_cut_or_changed_is_refused(data: st.DataObject) -> None:
    whole = dump_part(part(Share(1, 2, ShareKind.FEATURES), 3))
    # The last character only ends the line.
    place = data.draw(st.integers(0, len(whole) - 2))
    broken = data.draw(st.sampled_from([whole[:place], whole[:place] + b"#" + whole[place + 1 :]]))
    if broken == whole:
        return
    with pytest.raises(PartError):
        load_part(broken, "a part")


def test_no_job_has_a_share_beyond_the_last() -> None:
    with pytest.raises(ValueError, match="one of its total"):
        Share(4, 3, ShareKind.FEATURES)


def test_a_report_is_read_back_as_it_was_written() -> None:
    report = judged(observed(FEATURES, rows(1)))
    assert load_report(dump_report(report), "a report") == report
    of_files = DriftReport(report.results, ("one remark",))
    assert load_report(dump_report(of_files), "a report") == of_files
    for broken in (dump_report(report)[:-30], b"{}", b'{"schema": "mlops-tui/drift-report/9"}'):
        with pytest.raises(ReportError):
            load_report(broken, "a report")
