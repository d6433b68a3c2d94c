"""Ours and other packages side by side: `.venv-peers/bin/python tests/benchmarks/run.py --date 2026-01-31`.

Writes docs/benchmarks.md, and beside it a JSON with every measurement, from which a run that was interrupted
goes on. Delete the JSON to measure again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGES = ("convtrack", "numpy", "scipy", "pandas", "pyarrow", "duckdb", "ibis-framework", "polars",
            "ChannelAttribution", "marketing-attribution-models")
GIB = 2**30
SHORT, RUNS = 12, 3  # what takes less than so many seconds is run so often
QUICK = 50  # --quick measures so many times fewer journeys, once
Result = dict[str, Any]
Finished = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Row:
    """A row of the page: our task, and the one that it is compared with; at least one target."""

    section: str
    label: str
    journeys: int
    ours: str
    peer: str = ""
    ratio: float | None = None  # targets: at most so many times the peer's CPU seconds,
    cpu: float | None = None  # so many CPU seconds,
    wall: float | None = None  # so many seconds on the clock,
    peak: int | None = None  # and so many MiB
    threads: int = 1
    cap: int = 600  # seconds after which a process is stopped

    @property
    def target(self) -> str:
        """The target in words."""
        parts = [f"{self.ratio:.2g} × its CPU" if self.ratio else "",
                 f"{self.cpu} s CPU" if self.cpu else "",
                 f"{self.wall} s wall" if self.wall else "", f"{self.peak / 1024:g} GiB" if self.peak else ""]
        return " and ".join(f"≤ {part}" for part in parts if part)


def _sized(sizes: tuple[int, ...], *rows: tuple[str, ...], **same: Any) -> list[Row]:
    return [Row(section, label, size, *tasks, **same) for size in sizes for section, label, *tasks in rows]


TABLES, LOGS = (1_000_000, 5_000_000), (100_000, 1_000_000, 10_000_000)
ROWS = [
    *_sized(TABLES, ("paths", "rules", "our_rules", "channelattribution_rules"),
            ("paths", "rules, from Python lists", "our_rules_on_python_lists", "channelattribution_rules"),
            ratio=1),
    *_sized(TABLES, *(("paths", f"Markov, order {k}", f"our_markov_{k}", f"channelattribution_markov_{k}")
                      for k in (1, 2, 3)), ratio=1 / 3),
    *_sized(TABLES, ("shapley", "rate game, 12 channels", "our_shapley", "mam_shapley"), ratio=1 / 5),
    Row("shapley", "rate game, 20 channels", 1_000_000, "our_shapley_20", cpu=5),
    Row("events", "rules and Markov", 5_000_000, "our_events", "mam_events", ratio=1 / 5, peak=2048, threads=2),
    *_sized((5_000_000,), ("events", "rules", "our_events_rules", "mam_events_rules"),
            ("events", "Markov", "our_events_markov", "mam_events_markov"), peak=2048, threads=2),
    Row("bootstrap", "table of paths", 100_000, "our_bootstrap_paths", wall=10),
    Row("bootstrap", "journeys of visitors", 100_000, "our_bootstrap_journeys", wall=10),
    *_sized(LOGS, ("growth", "rules and Markov", "our_growth", "duckdb_sort"), ratio=2, threads=2),
    *(Row("memory", f"memory_limit {limit} GB", 33_400_000, f"our_memory_{limit}", peak=4096, threads=2,
          cap=1800) for limit in (4, 3)),
]


def key(task: str, journeys: int) -> str:
    """The name of a measurement in the JSON."""
    return f"{task} {journeys}"


def start(what: str, tasks: str, row: Row, data: Path, cap: int | None = None) -> Finished:
    """The finished process of a task, which had the row's threads."""
    pools = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    command = [sys.executable, "-m", "benchmarks.tasks", what, tasks, str(data), str(row.journeys)]
    threads = dict.fromkeys(pools, str(row.threads))
    return subprocess.run(command, cwd=ROOT / "tests", env=os.environ | threads, timeout=cap, text=True,
                          capture_output=True)


def measured(task: str, row: Row, data: Path, runs: int) -> Result:
    """The run with the median CPU time; how it ended, where it did not end well."""
    load = round(os.getloadavg()[0], 2)
    found: list[Result] = []
    while len(found) < runs and (not found or found[0]["wall"] < SHORT):
        try:
            done = start("measure", task, row, data, row.cap)
        except subprocess.TimeoutExpired:
            return {"failed": f"stopped after {row.cap} s", "load": load}
        if done.returncode:
            return {"failed": _last_words(done), "load": load}
        found.append(json.loads(done.stdout.splitlines()[-1]))
    found.sort(key=lambda run: run["cpu"])
    return found[(len(found) - 1) // 2] | {"load": load, "runs": [run["cpu"] for run in found]}


def _last_words(done: Finished) -> str:
    if done.returncode == -9:
        return "stopped by the system, out of memory"
    return f"exit code {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1][:120]}"


def measure_all(rows: list[Row], data: Path, kept: Path, about: Result, runs: int) -> dict[str, Result]:
    """The results, written down after each measurement; what is there already is not measured again."""
    old = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    results = old.get("results", {}) if old.get("about", {}).get("versions") == about["versions"] else {}
    for row in rows:
        missing = [task for task in (row.ours, row.peer) if task and key(task, row.journeys) not in results]
        if missing:
            start("make", ",".join(missing), row, data).check_returncode()
        for task in missing:
            result = measured(task, row, data, runs) | {"commit": commit()}
            results[key(task, row.journeys)] = result
            print(f"{key(task, row.journeys)}: {brief(result)}", flush=True)
            text = json.dumps({"about": about, "results": results}, indent=1)
            kept.write_text(f"{text}\n", encoding="utf-8")
    return results


def brief(result: Result) -> str:
    """A result in one cell: CPU seconds, seconds on the clock, memory."""
    if "failed" in result:
        return result["failed"]
    return f"{figure(result['cpu'])} s ({figure(result['wall'])} s), {result['peak'] / 1024:.2f} GiB"


def figure(number: float) -> str:
    """A number with as many digits as mean something.

    >>> figure(0.0213), figure(12.34)
    ('0.021', '12.3')
    """
    return f"{number:.{min(max(1 - math.floor(math.log10(number)), 1), 3)}f}" if number > 0 else "0"


def moved(ours: Result, theirs: Result) -> str:
    """The share of the credit that would have to move from channel to channel to make both the same."""
    ours, theirs = ours.get("figures"), theirs.get("figures")
    if not ours or not theirs or not ours.keys() & theirs.keys():
        return ""
    shares = [{name: x / sum(of.values()) for name, x in of.items()} for of in (ours, theirs)]
    share = sum(abs(shares[0].get(name, 0) - shares[1].get(name, 0)) for name in {*ours, *theirs}) / 2
    return f"{share:.1%}".replace("%", " %") if share > 5e-4 else "same"


def verdict(row: Row, ours: Result, ratio: float | None) -> str:
    """Whether the row's targets are met."""
    if "failed" in ours or (row.ratio and ratio is None):
        return "not met" if "failed" in ours else "nothing to compare with"
    limits = [(row.ratio, ratio), (row.cpu, ours["cpu"]), (row.wall, ours["wall"]), (row.peak, ours["peak"])]
    return "met" if all(reached <= limit for limit, reached in limits if limit) else "**not met**"


def as_cells(row: Row, results: dict[str, Result]) -> dict[str, Any]:
    """A row of the page."""
    ours, theirs = (results.get(key(task, row.journeys), {}) for task in (row.ours, row.peer))
    ratio = ours["cpu"] / theirs["cpu"] if "cpu" in ours and theirs.get("cpu") else None
    loads = [f"{result['load']:.1f}" for result in (ours, theirs) if "load" in result]
    return {"section": row.section, "label": row.label, "journeys": f"{row.journeys:,}", "target": row.target,
            "ours": brief(ours), "theirs": brief(theirs) if theirs else "",
            "ratio": figure(ratio) if ratio else "", "verdict": verdict(row, ours, ratio),
            "moved": moved(ours, theirs), "load": ", ".join(loads)}


def growth(results: dict[str, Result], rows: list[Row]) -> dict[str, Any] | None:
    """CPU seconds per million touches at each size, and the exponents of log-log fits."""
    found = []
    for row in rows:
        ours, scan = (results.get(key(task, row.journeys), {}) for task in (row.ours, row.peer))
        if row.section == "growth" and "cpu" in ours and "cpu" in scan:
            found.append((scan["figures"]["touches"] / 1e6, ours["cpu"], scan["cpu"]))
    if len(found) < 2:
        return None
    points = [{"touches": f"{touches:,.1f}", "ours": figure(ours / touches), "sort": figure(scan / touches)}
              for touches, ours, scan in found]
    return {"points": points, "ours": f"{slope(found, 1):.2f}", "sort": f"{slope(found, 2):.2f}"}


def slope(points: list[tuple[float, ...]], of: int) -> float:
    """The exponent b of seconds = a touches^b, by least squares of logarithms."""
    touches, seconds = ([math.log(point[place]) for point in points] for place in (0, of))
    return statistics.linear_regression(touches, seconds).slope


def commit() -> str:
    """The last commit that changed the library; empty outside a clone."""
    command = ["git", "log", "-1", "--format=%h", "--", "lib"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def machine() -> str:
    """The processor, its cores, and the memory, as Linux knows them."""
    try:
        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        model = None
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return f"{model[1] if model else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB"


def render(rows: list[Row], results: dict[str, Result], about: dict[str, Any]) -> str:
    """The page."""
    pages = Environment(loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True,
                        lstrip_blocks=True, keep_trailing_newline=True)
    there = [row for row in rows if key(row.ours, row.journeys) in results]
    cells = [as_cells(row, results) for row in there]
    commits = sorted({result["commit"] for result in results.values() if result.get("commit")})
    return pages.get_template("page.md.j2").render(
        cells=cells, growth=growth(results, there), commits=commits, **about)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="sections or tasks, as in paths,our_growth")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} times fewer journeys, one run each")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "convtrack-benchmarks")
    parser.add_argument("--date", default="", help="printed on the page")
    return parser.parse_args()


def main() -> int:
    """Measures what is missing, and writes the page."""
    given = arguments()
    rows = [Row(**(vars(row) | {"journeys": row.journeys // QUICK})) for row in ROWS] if given.quick else ROWS
    names = {name for row in rows for name in (row.section, row.ours)}
    wanted = set(given.only.split(",")) if given.only else names
    if unknown := wanted - names:
        print(f"There is nothing called {', '.join(unknown)}. Write some of: {', '.join(sorted(names))}")
        return 2
    about = {"date": given.date, "machine": machine(), "python": platform.python_version(),
             "quick": given.quick, "versions": {name: version(name) for name in PACKAGES}}
    chosen = [row for row in rows if {row.section, row.ours} & wanted]
    kept, runs = given.out.with_suffix(".json"), 1 if given.quick else RUNS
    results = measure_all(chosen, given.data.resolve(), kept, about, runs)
    given.out.write_text(render(rows, results, about), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
