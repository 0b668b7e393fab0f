"""`python -m benchmarks.drift_worker WHAT FOLDER`: one measurement in a process of its own, told as one line of JSON.

Runs in the environment of ``make peers``, which has pyarrow, Evidently and NannyML; ours needs pyarrow alone there.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 1_000_000
FEATURES = 20
_MANY = 10


def make_data(folder: Path) -> None:
    """Two tables of twenty features of five shapes; half of the features are shifted in the second."""
    import pyarrow as pa
    from pyarrow import parquet

    draw = np.random.default_rng(7)
    for name, shift in (("reference", 0.0), ("current", 0.15)):
        columns = {f"f{place:02d}": _feature(draw, place, shift) for place in range(FEATURES)}
        parquet.write_table(pa.table(columns), folder / f"{name}.parquet", compression="zstd")
    with parquet.ParquetWriter(folder / "many.parquet", pa.table(columns).schema, compression="zstd") as file:
        for _ in range(_MANY):
            file.write_table(pa.table(columns))


def _feature(draw: np.random.Generator, place: int, shift: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    moved = shift if place % 2 else 0.0
    match place % 5:
        case 0:
            return draw.normal(moved, size=ROWS)
        case 1:
            return draw.lognormal(moved, size=ROWS)
        case 2:
            return draw.exponential(1 + moved, size=ROWS)
        case 3:
            return draw.gamma(2 + moved, size=ROWS)
        case _:
            return np.round(draw.normal(10 * moved, 10, size=ROWS))


def evidently(folder: Path) -> Callable[[], None]:
    """PSI and KS of every column, by its report."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    frames = [pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "current")]
    names = list(frames[0].columns)

    def run() -> None:
        definition = DataDefinition(numerical_columns=names)
        reference, current = (Dataset.from_pandas(frame, data_definition=definition) for frame in frames)
        metrics = [ValueDrift(column=name, method=method) for name in names for method in ("psi", "ks")]
        Report(metrics).run(current, reference)

    return run


def nannyml(folder: Path) -> Callable[[], None]:
    """KS and Jensen-Shannon of every column."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    import nannyml
    import pandas as pd

    frames = [pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "current")]

    def run() -> None:
        calculator = nannyml.UnivariateDriftCalculator(
            column_names=list(frames[0].columns), continuous_methods=["kolmogorov_smirnov", "jensen_shannon"]
        )
        calculator.fit(frames[0])
        calculator.calculate(frames[1])

    return run


def cold(folder: Path) -> Callable[[], None]:
    """Profile the reference and compare the current table with it, reading both."""
    _import_what_loads_late()
    from mlops_tui.operations.drift import analyze

    return lambda: _done(analyze(str(folder / "reference.parquet"), str(folder / "current.parquet")))


def warm(folder: Path, current: str = "current") -> Callable[[], None]:
    """Compare the current table, which is read, with a saved profile."""
    _import_what_loads_late()
    from mlops_tui.analysis.profile_documents import dump_profile
    from mlops_tui.datasets.sources import open_dataset
    from mlops_tui.operations.drift import analyze
    from mlops_tui.operations.profiles import make_profile

    profile = folder / "profile.json"
    if not profile.exists():
        with closing(open_dataset(str(folder / "reference.parquet"))) as dataset:
            profile.write_bytes(dump_profile(make_profile(dataset).profile))
    return lambda: _done(analyze(str(profile), str(folder / f"{current}.parquet")))


def many(folder: Path) -> Callable[[], None]:
    """The same with ten times the rows."""
    return warm(folder, "many")


def fit_many(folder: Path) -> Callable[[], None]:
    """A profile of ten times the rows."""
    from mlops_tui.operations.drift import profile_file

    return lambda: _done(profile_file(str(folder / "many.parquet")))


def fit(folder: Path) -> Callable[[], None]:
    """A profile of the rows."""
    from mlops_tui.operations.drift import profile_file

    return lambda: _done(profile_file(str(folder / "current.parquet")))


def _import_what_loads_late() -> None:
    """The peers import all they need before the clock starts, so ours does too."""
    import pyarrow.parquet
    import scipy.special

    _done((pyarrow.parquet, scipy.special))


def _done(result: object) -> None:
    assert result is not None


WHAT = {
    "evidently": evidently,
    "nannyml": nannyml,
    "cold": cold,
    "warm": warm,
    "many": many,
    "fit": fit,
    "fit_many": fit_many,
}


def main(what: str, folder: Path) -> None:
    """Measure one thing."""
    warnings.simplefilter("ignore")
    if what == "data":
        make_data(folder)
        return
    work = WHAT[what](folder)
    start, spent = time.perf_counter(), time.process_time()
    work()
    seconds, processor = time.perf_counter() - start, time.process_time() - spent
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "processor": processor, "memory": memory}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
