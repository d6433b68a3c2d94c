"""The benchmarks draw the journeys that they say, and render a page. No time is tested."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from benchmarks import generate

RUN = Path(__file__).parent / "benchmarks" / "run.py"


def test_journeys_have_three_touches_at_most_twenty_and_three_in_a_hundred_convert() -> None:
    """A geometric length has the mean 3; cut at 20 it is 2.999. Four standard errors of 100,000 journeys."""
    lengths, codes, won = generate.draw(100_000, np.random.default_rng(1))
    assert lengths.mean() == pytest.approx(3 * (1 - (2 / 3) ** 20), abs=4 * 6**0.5 / 100_000**0.5)
    assert (lengths.min(), lengths.max(), codes.min(), codes.max()) == (1, 20, 0, 11)
    assert won.mean() == pytest.approx(0.03, abs=4 * (0.03 * 0.97 / 100_000) ** 0.5)


def test_a_table_of_paths_has_every_journey_and_a_path_once() -> None:
    table = generate.path_table(5_000).to_pandas()
    assert table["total_conversions"].sum() + table["total_null"].sum() == 5_000
    assert not table["path"].map(tuple).duplicated().any()


def test_a_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        generate.write_events(tmp_path / name, 2_000, seed)
    written = {name: (tmp_path / name / "touches.parquet").read_bytes() for name in ("one", "again", "other")}
    assert written["one"] == written["again"] != written["other"]


def test_the_conversion_is_a_minute_after_the_visitors_last_touch(tmp_path: Path) -> None:
    generate.write_events(tmp_path, 2_000)
    touches = pq.read_table(tmp_path / "touches.parquet").to_pandas()
    won = pq.read_table(tmp_path / "conversions.parquet").to_pandas()
    last = touches.groupby("visitor_id")["touch_time"].max()[won["visitor_id"]].to_numpy()
    assert set(won["conversion_time"].to_numpy() - last) == {np.timedelta64(1, "m")}


@pytest.mark.skipif(find_spec("mam") is None, reason="needs the packages that we compare with")
def test_a_quick_run_renders_a_page_and_goes_on_from_it(tmp_path: Path) -> None:
    command = [sys.executable, RUN, "--quick", "--only", "our_events_rules", "--date", "2026-01-31",
               "--out", tmp_path / "page.md", "--data", tmp_path / "data"]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2))
    measured = [line.split(":")[0] for line in first.stdout.splitlines()]
    assert measured == ["our_events_rules 100000", "mam_events_rules 100000"]
    assert second.stdout == ""
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "on 2026-01-31" in page and "| rules | 100,000 |" in page and "| same |" in page
