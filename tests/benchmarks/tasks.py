"""One measurement: `python -m benchmarks.tasks measure TASK DATA JOURNEYS`, from `tests`, prints it as JSON.

A task is a function that reads what it needs and returns the work, which is all that the clock sees. The work
returns figures by channel, so that two packages can be seen to have done the same. It is done once on 1,000
journeys before, so that whatever is imported late, in any package, is outside the clock.
"""

from __future__ import annotations

import itertools
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from benchmarks import generate

Figures = Mapping[str, float]
Work = Callable[[], Figures]
WARM_UP = 1_000
ON_PATHS = ("first_touch", "last_touch", "last_non_direct", "linear", "linear_unique", "position_based",
            "j_shaped", "participation")


# what is measured: written once by `make`, read by the tasks


def make_paths(data: Path, journeys: int, channels: int = 12) -> Path:
    """The file with a table of paths."""
    return _made(data / f"paths_{channels}_{journeys}.parquet",
                 lambda file: pq.write_table(generate.path_table(journeys, channels=channels), file))


def make_events(data: Path, journeys: int) -> Path:
    """The folder with touches and conversions."""
    return _made(data / f"events_{journeys}", lambda folder: generate.write_events(folder, journeys))


def make_sessions(data: Path, journeys: int) -> Path:
    """The same touches as one log, as MAM takes it: the last touch before a conversion is marked."""
    import duckdb

    folder = make_events(data, journeys)
    query = (f"select t.visitor_id, touch_time, channel, conversion_id is not null as converted "
             f"from '{folder}/touches.parquet' t left join '{folder}/conversions.parquet' c "
             f"on t.visitor_id = c.visitor_id and touch_time = conversion_time - interval 1 minute")
    return _made(data / f"sessions_{journeys}.parquet",
                 lambda file: duckdb.sql(query).write_parquet(str(file)))


def make_journeys(data: Path, journeys: int) -> Path:
    """The file with a row a journey: visitor_id, converted, value, path, hours."""
    return _made(data / f"journeys_{journeys}.parquet",
                 lambda file: pq.write_table(generate.journeys_table(journeys), file))


def _made(place: Path, write: Callable[[Path], Any]) -> Path:
    """The file or folder, written if it is not there; half of one is never taken for it."""
    if not place.exists():
        part = place.with_name(f"part_{place.name}")
        write(part)
        part.rename(place)
    return place


def read_lists(file: Path) -> pd.DataFrame:
    """A table whose paths are lists in Arrow's memory, as `convtrack.attribution.read_paths` returns it."""
    return pq.read_table(file).to_pandas(types_mapper=pd.ArrowDtype)


def read_joined(file: Path, separator: str = " > ") -> pd.DataFrame:
    """A table whose paths are texts."""
    table = pq.read_table(file)
    texts = [separator.join(path) for path in table["path"].to_pylist()]
    return table.drop(["path"]).to_pandas().assign(path=texts)


# ours


def _sum_of(credit: pd.DataFrame) -> Figures:
    return dict(zip(credit["channel"], credit["conversions"], strict=True))


def our_models(table: Any, models: tuple[str, ...], show: str) -> Figures:
    """Credit, in conversions and value, by each model; the figures of one of them."""
    from convtrack.attribution import as_paths, get_model

    paths = as_paths(table)
    return {model: _sum_of(get_model(model).credit(paths)) for model in models}[show]


def our_rules(data: Path, journeys: int) -> Work:
    table = read_lists(make_paths(data, journeys))
    return lambda: our_models(table, ON_PATHS, "linear")


def our_rules_on_python_lists(data: Path, journeys: int) -> Work:
    file = pq.read_table(make_paths(data, journeys))
    table = file.to_pandas().assign(path=pd.Series(file["path"].to_pylist(), dtype="object"))
    return lambda: our_models(table, ON_PATHS, "linear")


def our_model(model: str, channels: int = 12) -> Callable[[Path, int], Work]:
    """The task of one model on a table of paths."""
    def task(data: Path, journeys: int) -> Work:
        table = read_lists(make_paths(data, journeys, channels))
        return lambda: our_models(table, (model,), model)

    return task


def engine(memory: str) -> Any:
    """DuckDB behind Ibis, with two threads and so much memory."""
    import ibis

    con = ibis.duckdb.connect()
    for setting in ("threads = 2", f"memory_limit = '{memory}'", "enable_progress_bar = false"):
        con.raw_sql(f"set {setting}")
    return con


def our_events(models: tuple[str, ...], show: str, memory: str = "1500MB") -> Callable[[Path, int], Work]:
    """The task from the two files of events to credit."""
    def task(data: Path, journeys: int) -> Work:
        import ibis
        from convtrack.engine import find_paths

        folder, con = make_events(data, journeys), engine(memory)

        def work() -> Figures:
            touches = con.read_parquet(folder / "touches.parquet").mutate(interaction=ibis.literal("click"))
            won = con.read_parquet(folder / "conversions.parquet")
            return our_models(find_paths(touches, won), models, show)

        return work

    return task


def our_bootstrap(make: Callable[[Path, int], Path]) -> Callable[[Path, int], Work]:
    """The task of 1,000 resamples of the usual models."""
    def task(data: Path, journeys: int) -> Work:
        from convtrack import compare

        table = read_lists(make(data, journeys))

        def work() -> Figures:
            found = compare(table, resamples=1000, rng=np.random.default_rng(1)).table
            return _sum_of(found[found["model"] == "linear"])

        return work

    return task


# theirs


def channelattribution_rules(data: Path, journeys: int) -> Work:
    from ChannelAttribution import heuristic_models

    table = read_joined(make_paths(data, journeys))

    def work() -> Figures:
        credit = heuristic_models(table, "path", "total_conversions", "total_conversion_value", flg_pro=False)
        return credit.set_index("channel_name")["linear_touch_conversions"].to_dict()

    return work


def channelattribution_markov(order: int) -> Callable[[Path, int], Work]:
    """The task of its Markov model with its own settings: of 10 simulations it keeps one."""
    def task(data: Path, journeys: int) -> Work:
        from ChannelAttribution import markov_model

        table = read_joined(make_paths(data, journeys))

        def work() -> Figures:
            credit = markov_model(table, "path", "total_conversions", var_value="total_conversion_value",
                                  var_null="total_null", order=order, seed=1, verbose=False, flg_pro=False)
            return credit.set_index("channel_name").iloc[:, 0].to_dict()

        return work

    return task


def _of_mam(result: Any) -> Figures:
    table = result.to_pandas()
    return dict(zip(table["channels"].astype(str), table["attribution"], strict=True))


def mam_shapley(data: Path, journeys: int) -> Work:
    import polars as pl
    from mam import MAM

    table = read_joined(make_paths(data, journeys))
    rows = pd.concat([table.assign(occurrences=table[total], converted=won)
                      for total, won in (("total_conversions", True), ("total_null", False))])
    frame = pl.from_pandas(rows.loc[rows["occurrences"] > 0, ["path", "occurrences", "converted"]])

    def work() -> Figures:
        paths = MAM(frame, "grouped_journey", "path", "converted", occurrences_colname="occurrences")
        return _of_mam(paths.run_shapley(max_size=12, value_column="conv_rate"))

    return work


def mam_events(runs: tuple[str, ...], show: str) -> Callable[[Path, int], Work]:
    """The task from a log in memory to the results of some of its models; one object for all of them."""
    def task(data: Path, journeys: int) -> Work:
        import polars as pl
        from mam import MAM

        frame = pl.read_parquet(make_sessions(data, journeys))

        def work() -> Figures:
            log = MAM(frame, "session", "channel", "converted", datetime_colname="touch_time",
                      user_id_colname="visitor_id")
            return {run: _of_mam(getattr(log, f"run_{run}")()) for run in runs}[show]

        return work

    return task


def duckdb_sort(data: Path, journeys: int) -> Work:
    """The task of reading the touches and sorting them by visitor and time, and nothing else."""
    folder, con = make_events(data, journeys), engine("4GB")

    def work() -> Figures:
        con.raw_sql(f"create or replace temp table sorted as "
                    f"from '{folder}/touches.parquet' order by visitor_id, touch_time")
        return {"touches": con.raw_sql("select count(*) from sorted").fetchone()[0]}

    return work


RULES = (*ON_PATHS, "time_decay")
THEIR_RULES = ("first_click", "last_click", "linear", "position_based", "time_decay")
MARKOV = {1: "markov", 2: "markov_2", 3: "markov_3"}
TASKS: dict[str, Callable[[Path, int], Work]] = {
    "our_rules": our_rules,
    "our_rules_on_python_lists": our_rules_on_python_lists,
    "channelattribution_rules": channelattribution_rules,
    **{f"our_markov_{order}": our_model(name) for order, name in MARKOV.items()},
    **{f"channelattribution_markov_{order}": channelattribution_markov(order) for order in MARKOV},
    "our_shapley": our_model("shapley_rate"),
    "mam_shapley": mam_shapley,
    "our_shapley_20": our_model("shapley_rate", channels=20),
    "our_events": our_events((*RULES, "markov"), "linear"),
    "mam_events": mam_events((*THEIR_RULES, "markov"), "linear"),
    "our_events_rules": our_events(RULES, "time_decay"),
    "mam_events_rules": mam_events(THEIR_RULES, "time_decay"),
    "our_events_markov": our_events(("markov",), "markov"),
    "mam_events_markov": mam_events(("markov",), "markov"),
    "our_bootstrap_paths": our_bootstrap(make_paths),
    "our_bootstrap_journeys": our_bootstrap(make_journeys),
    "our_growth": our_events((*RULES, "markov"), "linear", "4GB"),
    "duckdb_sort": duckdb_sort,
    "our_memory_4": our_events((*RULES, "markov"), "linear", "4GB"),
    "our_memory_3": our_events((*RULES, "markov"), "linear", "3GB"),
}


def seconds() -> np.ndarray:
    """CPU seconds of this process and its children so far, user and system, and the wall clock."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return np.array([sum(use.ru_utime + use.ru_stime for use in used), time.perf_counter()])


def measure(name: str, data: Path, journeys: int) -> dict[str, Any]:
    """CPU and wall seconds of a task's work, the most memory that its process held (MiB), and its figures."""
    TASKS[name](data, min(WARM_UP, journeys))()
    work = TASKS[name](data, journeys)
    before = seconds()
    figures = work()
    cpu, wall = seconds() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": round(cpu, 3), "wall": round(wall, 3), "peak": round(peak),
            "figures": {channel: float(figure) for channel, figure in sorted(figures.items())}}


def main(what: str, names: str, data: str, journeys: str) -> None:
    """Writes what tasks read (`make`), or prints the measurement of one (`measure`)."""
    folder, size = Path(data), int(journeys)
    folder.mkdir(parents=True, exist_ok=True)
    if what == "measure":
        print(json.dumps(measure(names, folder, size)))
        return
    for name, each in itertools.product(names.split(","), (min(WARM_UP, size), size)):
        TASKS[name](folder, each)


if __name__ == "__main__":
    main(*sys.argv[1:])
