from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from mlops_tui.analysis.detectors import Adwin, PageHinkley
from tests.fixtures.drift.inputs import digest_of
from tests.fixtures.drift.streams import streams

RECORDED = json.loads((Path(__file__).parents[1] / "fixtures" / "drift" / "river.json").read_text("utf-8"))["cases"]
STREAMS = streams()


def detections(detector: Adwin | PageHinkley, values: list[float]) -> list[int]:
    return [place for place, value in enumerate(values) if detector.update(value)]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["name"])
def test_detections_are_those_of_river(case: dict[str, Any]) -> None:
    values = STREAMS[case["name"]]
    assert digest_of((values, [])) == case["digest"]
    assert detections(Adwin(), values) == case["detections"]["adwin"]
    assert detections(PageHinkley(), values) == case["detections"]["page_hinkley"]


@pytest.mark.parametrize("scale", [1.0, 1e9])
def test_the_window_follows_a_change_at_large_scales_too(scale: float) -> None:
    draw = random.Random(3)
    values = [scale * draw.gauss(2 if place >= 1_000 else 0, 1) for place in range(2_000)]
    (found,) = detections(Adwin(), values)
    assert 1_000 <= found < 1_060


def test_the_window_grows_while_nothing_changes() -> None:
    draw = random.Random(4)
    adwin = Adwin()
    assert adwin.mean is None
    assert detections(adwin, [draw.random() for _ in range(5_000)]) == []
    assert adwin.width == 5_000
    assert adwin.mean == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("detector", [Adwin(), PageHinkley()])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_finite_number_is_refused(detector: Adwin | PageHinkley, value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        detector.update(value)
