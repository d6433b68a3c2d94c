"""The same study on DuckDB and on Apache Spark: one line differs, and no path and no credit does.

`python3 course.py scale` runs this, in an environment of its own; Spark needs Java 17.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from convtrack.attribution import get_model
from convtrack.engine import StudyPaths, study_paths
from convtrack.settings import open_study

pytest.importorskip("pyspark", reason="Spark is not here: python3 course.py scale")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Spark needs Java 17, and there is none", allow_module_level=True)

SHOP = Path(__file__).resolve().parents[2] / "data" / "larkspur"
RULES = ["first_touch", "last_touch", "last_non_direct", "linear", "linear_unique", "position_based", "j_shaped",
         "time_decay", "participation"]


def found_in(engine: str, folder: Path, **changes: object) -> StudyPaths:
    """The shop's paths, found in an engine; the study file is the shop's own but for its place, the engine and `changes`."""
    settings = yaml.safe_load((SHOP / "study.yaml").read_text(encoding="utf-8"))
    settings["tables"]["events"]["file"] = str(SHOP / "events.parquet")
    study = folder / f"{engine}.yaml"
    study.write_text(yaml.safe_dump({**settings, **changes, "connection": f"{engine}://"}), encoding="utf-8")
    return study_paths(open_study(study))


@pytest.fixture(scope="module", params=["uniform", "by interaction"])
def both(request, tmp_path_factory) -> tuple[StudyPaths, StudyPaths]:
    changes = {} if request.param == "uniform" else {
        "touches": ["click", "visit", "view"],
        "lookbacks": [{"interaction": "view", "days": 1}, {"channel": "Email", "interaction": "click", "days": 5}]}
    folder = tmp_path_factory.mktemp("studies")
    return tuple(found_in(engine, folder, **changes) for engine in ("duckdb", "pyspark"))


def as_counts(found: StudyPaths) -> dict[tuple, list[float]]:
    """Conversions, value and unconverted journeys of each path, with the hours of the converted ones."""
    paths, counts = found.paths, {}
    for p, (a, b) in enumerate(zip(paths.starts[:-1], paths.starts[1:], strict=True)):
        hours = tuple(np.round(paths.hours[a:b], 6)) if paths.conversions[p] else ()
        key = (tuple(paths.channels[c] for c in paths.codes[a:b]), hours)
        counts[key] = counts.get(key, np.zeros(3)) + [paths.conversions[p], paths.value[p], paths.nulls[p]]
    return counts


def test_spark_finds_the_paths_that_duckdb_finds(both):
    duckdb, spark = both
    assert (duckdb.read, duckdb.used) == (spark.read, spark.used)
    expected, found = as_counts(duckdb), as_counts(spark)
    assert expected.keys() == found.keys() and len(expected) > 1_000
    assert all(np.allclose(expected[path], found[path], rtol=1e-12) for path in expected)


@pytest.mark.parametrize("model", [*RULES, "markov", "markov_2", "shapley_rate"])
def test_credit_on_spark_is_credit_on_duckdb(both, model):
    duckdb, spark = (get_model(model).credit(found.paths) for found in both)
    assert duckdb["channel"].tolist() == spark["channel"].tolist()
    assert np.allclose(duckdb[["conversions", "value"]], spark[["conversions", "value"]], rtol=1e-9, atol=1e-9)
    assert duckdb["conversions"].sum() > 500
