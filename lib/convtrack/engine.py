"""From touches and conversions to journeys, inside whichever engine holds them: DuckDB, Spark, a warehouse.

One Ibis expression does the work. A touch travels as one number, its time and what kind of touch it was, so that an engine
only has to collect and sort whole numbers; names come back at the end, on tables that are small.
"""

from __future__ import annotations

import filecmp
import functools
import math
import operator
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from .cleaning import COLUMNS, broken, cleaned, off_clock
from .errors import ConvtrackError, nearest
from .folders import neighbour
from .goals import find_conversions
from .paths import Paths
from .schema import INTERACTIONS
from .settings import Lookback, Study, StudyFile
from .sources import TableSource, check_alike

LARGEST = 2**62  # that a step may become, as a 64-bit number with room to spare
MOST_TOUCHES = 16_000_000  # that one query collects: about 1 GiB
DAY = 86_400_000_000  # microseconds
HOUR = 3_600_000_000
INSTANTS = ("pyspark", "databricks")  # engines whose times are moments, although Ibis shows them without a zone
RUNNING = r"^(\D*)(\d{1,18})$"
PASSWORD = r"(?<=:)[^:@/\s]+(?=@)"
KIND = ["rank", "channel", "interaction"]
TAGS = ("utm_source", "utm_medium", "referrer", "click_id")
NEEDED = ("event_id", "event_name", "event_time", "visitor_id", "channel", "interaction")
CLOCKS = {"duckdb": "epoch_us", "pyspark": "unix_micros", "databricks": "unix_micros", "bigquery": "unix_micros"}


@dataclass(frozen=True)
class Kinds:
    """The different kinds of touch: channel, interaction, and how many microseconds back such a touch counts.

    A kind is known by its row. Rows are in order of `rank`, the place of a touch among those of the same visitor and moment,
    and where that is not known in alphabetical order. So a step, (time - start) * count + kind, sorts as the touches happened.
    """

    table: pd.DataFrame  # rank, channel, interaction ("" where none is known), window
    start: int = 0  # of the touches, in microseconds since 1970

    @property
    def count(self) -> int:
        """How many there are, at least 1."""
        return max(len(self.table), 1)

    @property
    def windows(self) -> dict[int, list[int]]:
        """For each window, the kinds that have it."""
        return {int(window): rows.index.tolist() for window, rows in self.table.groupby("window")}

    def as_table(self) -> ir.Table:
        """The kinds as a table that an engine can join."""
        return ibis.memtable(pa.Table.from_pandas(self.table.reset_index(names="kind"), preserve_index=False))

    def read(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The kind of each step, and its time in microseconds since 1970."""
        return steps % self.count, steps // self.count + self.start


def find_kinds(pairs: pd.DataFrame, lookback_days: float, lookbacks: Sequence[Lookback] = (), start: int = 0, end: int = 0) -> Kinds:
    """The kinds among the pairs of channel and interaction, with their windows; of several lookbacks the last one counts.

    `start` and `end` are the first and the last moment of the touches, in microseconds since 1970. The pairs may have a `rank`.

    Raises
    ------
    ConvtrackError
        If there are so many kinds over so long a time that a step would not be a 64-bit number.

    Examples
    --------
    >>> pairs = pd.DataFrame({"channel": ["Email", "Display"], "interaction": ["click", "view"]})
    >>> found = find_kinds(pairs, 30, [Lookback(days=1, interaction="view")])
    >>> (found.table["window"] // DAY).tolist()
    [1, 30]
    """
    if not 0 < lookback_days < math.inf:
        raise ConvtrackError(f"A lookback window of {lookback_days} days sees nothing. Give a number of days above 0.")
    known = pairs.assign(rank=pairs["rank"] if "rank" in pairs else 0).fillna({"interaction": ""})[KIND].drop_duplicates()
    table = known.sort_values(["rank", "channel", "interaction"], ignore_index=True)
    if (end - start + 1) * max(len(table), 1) > LARGEST:
        raise ConvtrackError(f"The touches are of {len(table):,} kinds over {(end - start) / DAY / 365:,.0f} years, which is more than "
                             f"fits. Group the channels or campaigns, or leave out times that cannot be (clocks: in study.yaml).")
    days = pd.Series(float(lookback_days), index=table.index)
    for lookback in lookbacks:
        days = days.mask(lookback.covers(table), lookback.days)
    return Kinds(table.assign(window=(days * DAY).round().astype("int64")), start)


def coded(touches: ir.Table, kinds: Kinds) -> ir.Table:
    """The touches as visitor_id, at (microseconds), step (time and kind in one number), window."""
    rank = touches.rank if "rank" in touches.columns else ibis.literal(0, "int64")
    known = touches.mutate(interaction=touches.interaction.fill_null(""), rank=rank)
    joined = known.inner_join(kinds.as_table(), KIND)
    timed = joined.select("visitor_id", "kind", "window", at=microseconds(joined.touch_time, _engine(touches)))
    return timed.select("visitor_id", "at", "window", step=(timed["at"] - kinds.start) * kinds.count + timed.kind)


def microseconds(time: ir.Value, engine: str) -> ir.Value:
    """Microseconds since 1970, by the engine's own function where it has one."""
    clock = CLOCKS.get(engine)
    if clock is None:
        return time.truncate("s").epoch_seconds() * 1_000_000 + time.microsecond()
    return ibis.udf.scalar.builtin(_clock, name=clock, signature=((time.type(),), "int64"))(time)


def _clock(time):  # the name and types are given above, and the engine has the body
    ...


def _engine(table: ir.Table) -> str:
    """The name of the engine that holds a table; a table in memory goes to the default one."""
    return ibis.get_backend(table).name


def converted_journeys(touches: ir.Table, conversions: ir.Table) -> ir.Table:
    """One row a conversion: conversion_id, visitor_id, end, value, steps in order (null where no touch is in its window).

    `touches` as `coded` gives them; conversions with conversion_id, visitor_id, conversion_time, value.
    """
    won = conversions.select("conversion_id", "visitor_id", value=conversions.value.cast("float64"),
                             end=microseconds(conversions.conversion_time, _engine(touches)))
    inside = (won.visitor_id == touches.visitor_id, touches["at"] <= won.end, touches["at"] >= won.end - touches.window)
    found = won.inner_join(touches, inside).select("conversion_id", "step")
    steps = found.group_by("conversion_id").agg(steps=found.step.collect())
    joined = won.left_join(steps, "conversion_id").order_by("conversion_id")
    return joined.select("conversion_id", "visitor_id", "end", "value", steps=joined.steps.sort())


def unconverted_journeys(touches: ir.Table, conversions: ir.Table, kinds: Kinds) -> ir.Table:
    """One row a visitor with touches after the last conversion: visitor_id, end (of the last touch), steps in order."""
    times = conversions.mutate(end=microseconds(conversions.conversion_time, _engine(touches)))
    last = times.group_by("visitor_id").agg(last=times.end.max())
    joined = touches.left_join(last, "visitor_id")
    rest = joined.filter(joined["last"].isnull() | (joined["at"] > joined["last"]))
    grouped = rest.group_by("visitor_id").agg(end=rest["at"].max(), steps=rest.step.collect())
    kept = grouped.mutate(steps=grouped.steps.filter(lambda step: _counts(step, grouped.end, kinds)))
    return kept.mutate(steps=kept.steps.sort())


def _counts(step: ir.Value, end: ir.Value, kinds: Kinds) -> ir.Value:
    """Whether a step is in its window before the end; a step less its kind is its time since the start, times the count."""
    (most, _), *others = sorted(kinds.windows.items(), key=lambda window: -len(window[1])) or [(0, [])]
    since = end - kinds.start
    if not others:
        return step >= (since - most) * kinds.count
    kind = step % kinds.count
    window = kind.cases(*((k, w) for w, rows in others for k in rows), else_=most)
    return step - kind >= (since - window) * kinds.count


def find_paths(touches: ir.Table, conversions: ir.Table, lookback_days: float = 30,
               lookbacks: Sequence[Lookback] = ()) -> Paths:
    """The paths to every conversion, and the different paths that led to none with how often they were taken.

    The journeys without a conversion, most of the data, are counted in the engine; what comes back is small, and always in the
    same order, whatever the engine's threads do.

    Parameters
    ----------
    touches : ibis Table
        visitor_id, touch_time, channel, interaction; in any engine that Ibis speaks to.
    conversions : ibis Table
        conversion_id, visitor_id, conversion_time, value; in the same engine, or in memory.
    lookback_days : float
        How many days before the conversion a touch still counts, the limit included.
    lookbacks : sequence of Lookback
        Other windows for some channels or interactions.

    Touches of the same moment are in the order of a column `rank` if the touches have one, and else in alphabetical order.

    Returns
    -------
    Paths
        With hours and interactions, and without owners: the journeys that were counted have no visitor left.

    Examples
    --------
    >>> touches = ibis.memtable(pa.table({"visitor_id": ["v", "w"], "channel": ["Email", "SMS"],
    ...     "interaction": ["click", "click"], "touch_time": pd.to_datetime(["2026-01-05", "2026-01-07"], utc=True)}))
    >>> conversions = ibis.memtable(pa.table({"conversion_id": ["p"], "visitor_id": ["v"], "value": [20.0],
    ...     "conversion_time": pd.to_datetime(["2026-01-06"], utc=True)}))
    >>> found = find_paths(touches, conversions)
    >>> found.channels, found.conversions.tolist(), found.nulls.tolist(), found.hours.tolist()
    (['Email', 'SMS'], [1.0, 0.0], [0.0, 1.0], [24.0, 0.0])
    """
    at = microseconds(touches.touch_time, _engine(touches))
    by = [column for column in KIND if column in touches.columns]
    pairs = touches.group_by(by).agg(touches=touches.count(), first=at.min(), last=at.max()).to_pyarrow().to_pandas()
    kinds = find_kinds(pairs[by], lookback_days, lookbacks, *_span(pairs["first"], pairs["last"]))
    steps = coded(touches, kinds)
    won = converted_journeys(steps, conversions).to_pyarrow()
    lost = [_counted(part, conversions, kinds) for part in _in_parts(steps, int(pairs["touches"].sum()))]
    return _as_paths(won, _together(lost), kinds)


def _span(first: pd.Series, last: pd.Series) -> tuple[int, int]:
    return (int(first.min()), int(last.max())) if len(first) else (0, 0)


def _in_parts(touches: ir.Table, total: int) -> list[ir.Table]:
    """The touches, on one machine in parts by visitor, because DuckDB keeps the lists that it collects in memory."""
    count = 1 + total // MOST_TOUCHES if _engine(touches) == "duckdb" else 1
    if count == 1:
        return [touches]
    return [touches.filter((touches.visitor_id.hash() % count).abs() == part) for part in range(count)]


def _counted(touches: ir.Table, conversions: ir.Table, kinds: Kinds) -> pa.Table:
    """The different paths that led to no conversion, and how many journeys took each: path, total."""
    rest = unconverted_journeys(touches, conversions, kinds)
    small = "int16" if kinds.count <= 2**15 else "int32"
    kept = rest.select(path=rest.steps.map(lambda step: (step % kinds.count).cast(small)))
    return kept.group_by("path").agg(total=kept.count()).order_by("path").to_pyarrow()


def _together(counts: Sequence[pa.Table]) -> pa.Table:
    if len(counts) == 1:
        return counts[0]
    every = ibis.memtable(pa.concat_tables(counts))
    return every.group_by("path").agg(total=every.total.sum()).order_by("path").to_pyarrow()


def _as_paths(won: pa.Table, lost: pa.Table, kinds: Kinds) -> Paths:
    steps, lengths, ends = unpack(won)
    paths, others = _flat(lost["path"])
    of_step, at = kinds.read(steps)
    kind = np.concatenate([of_step, paths]).astype(np.int64)
    channels = sorted(kinds.table["channel"].unique())
    of_kind = kinds.table["channel"].map({name: i for i, name in enumerate(channels)}).to_numpy(np.int32)
    nulls = lost["total"].to_numpy().astype(float)
    value = won["value"].to_numpy()
    none = np.zeros(len(nulls))
    hours = (np.repeat(ends, lengths) - at) / HOUR
    return Paths(channels, of_kind[kind], np.concatenate([[0], np.cumsum(np.concatenate([lengths, others]))]),
                 conversions=np.concatenate([np.ones(len(value)), none]), value=np.concatenate([np.nan_to_num(value), none]),
                 nulls=np.concatenate([np.zeros(len(value)), nulls]), valued=bool((~np.isnan(value)).any()),
                 unvalued=float(np.isnan(value).sum()),
                 hours=np.concatenate([hours, np.zeros(len(paths))]), interactions=interaction_codes(kinds)[kind])


def interaction_codes(kinds: Kinds) -> np.ndarray:
    """For each kind, the place of its interaction in `schema.INTERACTIONS`; -1 where none is known."""
    return np.array([INTERACTIONS.index(i) if i in INTERACTIONS else -1 for i in kinds.table["interaction"]], dtype=np.int64)


def unpack(journeys: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All steps of the journeys one after the other, how many each journey has, and when each ends (microseconds)."""
    return *_flat(journeys["steps"]), journeys["end"].to_numpy()


def _flat(lists: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    together = lists.combine_chunks()
    lengths = together.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return together.flatten().to_numpy(zero_copy_only=False), lengths


class StudyPaths(NamedTuple):
    """The paths of a study, how many rows of its events were read and used, and why the others were set aside."""

    paths: Paths
    read: int
    used: int
    set_aside: pd.DataFrame  # reason, rows


def study_paths(study: Study) -> StudyPaths:
    """The paths of a study whose events are in the engine that `connection:` in study.yaml names.

    The rows keep the contract that rows of a file keep, by the same rules (`cleaning`), and those that do not are set aside and
    counted, or stop the study. What an engine cannot do as a file does it, is refused by name.

    Raises
    ------
    ConvtrackError
        If the engine or a column is not there or has another type, or the study asks for what needs files.
    """
    settings, source = study.settings, study.settings.tables["events"]
    _check_possible(settings)
    asked = study.goals[study.main_goal].where
    events = _mapped(_open_table(connect(settings.connection or "duckdb://"), source, study.path.parent), source, asked)
    rows = _kept(cleaned(events, source, settings.placeholders))
    rows = rows.mutate(reason=rows.unread + off_clock(rows, settings.clocks)).drop("unread")
    readable = rows.filter(rows.reason == "").drop("reason")
    checked = readable.mutate(reason=broken(readable))
    used = checked.filter(checked.reason == "").drop("reason")
    set_aside = _counted_reasons([rows.filter(rows.reason != ""), checked.filter(checked.reason != "")])
    _check_bad_rows(set_aside, source, settings)
    used = _in_one_currency(used, source, settings)
    _check_channels(used, study)
    won = _conversions(used, study)
    conversions = ibis.memtable(pa.Table.from_pandas(won, preserve_index=False))
    touches = _ranked(used.filter(used.interaction.isin(study.touches), used.channel.notnull()))
    paths = find_paths(touches.rename(touch_time="event_time"), conversions, study.lookback_days, study.lookbacks)
    return StudyPaths(paths, *(table.count().to_pyarrow().as_py() for table in (events, used)), set_aside)


def _kept(rows: ir.Table) -> ir.Table:
    """The rows, in Spark kept while they are asked of several times; it would clean them each time anew, and every cell often."""
    return rows.cache() if _engine(rows) in INSTANTS else rows


def _check_possible(settings: StudyFile) -> None:
    goal = settings.goals[settings.main_goal]
    if goal.refunds == "subtract" or goal.value == "refunded":
        raise ConvtrackError(f"study.yaml: goals: {settings.main_goal}: refunds are read from files only. Leave out connection:, or count "
                             f"conversions as they were: refunds: ignore, and another value than refunded.")
    if settings.identity != "visitor_id":
        raise ConvtrackError("study.yaml: identity: user_id joins devices in files only. Leave out connection:, or give the events "
                             "a visitor_id there that is one for all devices of a person.")


def _counted_reasons(parts: Sequence[ir.Table]) -> pd.DataFrame:
    counts = [part.group_by("reason").agg(rows=part.count()).to_pyarrow().to_pandas() for part in parts]
    table = pd.concat(counts).assign(reason=lambda found: found["reason"].str.removesuffix("; "))
    return table.sort_values(["rows", "reason"], ascending=[False, True], ignore_index=True)


def _check_bad_rows(set_aside: pd.DataFrame, source: TableSource, settings: StudyFile) -> None:
    if len(set_aside) and settings.bad_rows == "stop":
        raise ConvtrackError(f"{source.label}: {set_aside['rows'].sum():,} rows have a fault, most of them: {set_aside['reason'][0]}. "
                             f"Correct them, or set them aside, counted: write bad_rows: quarantine in study.yaml")


def _in_one_currency(events: ir.Table, source: TableSource, settings: StudyFile) -> ir.Table:
    """The events with their value in the study's currency."""
    if "currency" not in events.columns or "value" not in events.columns:
        return events
    foreign = events.value.notnull() & (events.currency != settings.currency)
    codes = events.filter(foreign).select("currency").distinct().order_by("currency").to_pyarrow()["currency"].to_pylist()
    for code in (code for code in codes if code not in settings.exchange_rates):
        raise ConvtrackError(f"{source.label}, column currency: {code}, but the study reports in {settings.currency}. Write the rate "
                             f"in study.yaml: exchange_rates: {{{code}: 0.00}}")
    rates = [(code, settings.exchange_rates[code]) for code in codes]
    return events.mutate(value=events.value * events.currency.cases(*rates, else_=1.0)) if rates else events


def _check_channels(events: ir.Table, study: Study) -> None:
    """Nothing, if every channel is there: in an engine none is made from tags."""
    tags = [events[name].notnull() for name in TAGS if name in events.columns]
    if tags:
        tagged = events.filter(events.channel.isnull(), functools.reduce(operator.or_, tags))
        count = tagged.count().to_pyarrow().as_py()
        if count:
            raise ConvtrackError(f"{count:,} events have tags or a referrer and no channel, which is made of them in files only. Fill the "
                                 f"column channel in the engine, or leave out connection: in study.yaml.")
    seen = events.select("channel").distinct().to_pyarrow()["channel"].to_pylist()
    study.check_channels(sorted(channel for channel in seen if channel is not None))


def _conversions(events: ir.Table, study: Study) -> pd.DataFrame:
    """The conversions of the main goal, as those of a file are found."""
    goal = study.goals[study.main_goal]
    fired = events.filter(events.event_name == goal.event).order_by("event_time", "event_id").to_pyarrow().to_pandas()
    known = fired.assign(event_time=pd.to_datetime(fired["event_time"], utc=True).dt.as_unit("us"))
    return find_conversions(known, study.goal)[["conversion_id", "visitor_id", "conversion_time", "value"]]


def _ranked(touches: ir.Table) -> ir.Table:
    """The touches with their rank in a moment, by the running numbers in their ids, as `sessions.moment_order` reads them."""
    ids = touches.event_id
    number = ids.re_extract(RUNNING, 2)
    fits = touches.agg(all=ids.re_search(RUNNING).all(), prefixes=ids.re_extract(RUNNING, 1).nunique()).to_pyarrow().to_pylist()[0]
    if not fits["all"] or fits["prefixes"] != 1:
        return touches
    moment = ibis.window(group_by=["visitor_id", "event_time"], order_by=number.cast("int64"))
    return touches.mutate(rank=ibis.row_number().over(moment))


def connect(address: str) -> Any:
    """The engine at an address, as in duckdb://, pyspark:// or bigquery://project/dataset.

    Raises
    ------
    ConvtrackError
        If there is no such engine, or its driver is not installed.
    """
    try:
        return ibis.connect(address)
    except Exception as error:  # whatever the engine's own driver raises
        line = f"connection: {address} cannot be opened: {(str(error).splitlines() or [''])[0]}"
        raise ConvtrackError(f"{re.sub(PASSWORD, r'***', line)}. Correct it in study.yaml, or install its driver, as in "
                             f"pip install 'ibis-framework[pyspark]'.") from None


def _open_table(con: Any, source: TableSource, folder: Path) -> ir.Table:
    paths = [str((folder / file).resolve()) for file in source.files]
    suffixes = {Path(file).suffix.lower() for file in source.files}
    if suffixes == {".parquet"}:
        parts = [_read_parquet(con, path) for path in paths]
        _check_different(paths)
        check_alike([Path(path) for path in paths], [part.columns for part in parts])
        alike = _of_one_type([Path(path).name for path in paths], parts)
        return functools.reduce(lambda one, other: one.union(other.select(*one.columns)), alike)
    if len(paths) > 1:
        raise ConvtrackError(f"{source.label}: an engine takes several files as one table where all are Parquet. Make them one table.")
    suffix = suffixes.pop()
    if suffix in (".csv", ".tsv", ".txt"):
        raise ConvtrackError(f"{source.label} is text, of which an engine would guess the types, and 007 would become 7. Store it as "
                             f"Parquet or a table, or leave out connection: in study.yaml.")
    database, _, name = source.files[0].rpartition(".")
    return con.table(name, database=database or None)


def _read_parquet(con: Any, path: str) -> ir.Table:
    if not Path(path).exists():
        raise ConvtrackError(f"There is no file {path}.{neighbour(Path(path))} Correct `file:` in study.yaml.")
    try:
        return con.read_parquet(path)
    except Exception as error:  # each engine has its own
        first = str(error).strip().splitlines()[0]
        raise ConvtrackError(f"{Path(path).name} cannot be read as Parquet: {first}. Export it again.") from None


def _check_different(paths: Sequence[str]) -> None:
    """Nothing, if no file is there twice, under one name or two."""
    for one, other in ((one, other) for place, one in enumerate(paths) for other in paths[:place]):
        if one == other or (Path(one).is_file() and Path(other).is_file() and filecmp.cmp(one, other, shallow=False)):
            raise ConvtrackError(f"{Path(one).name} holds the same rows as {Path(other).name}. Name one of them in `file:`.")


def _of_one_type(names: Sequence[str], parts: Sequence[ir.Table]) -> list[ir.Table]:
    """The parts, each empty column with the type that it has in another.

    Raises
    ------
    ConvtrackError
        If a column has two types; an engine would turn one into the other.
    """
    kinds: dict[str, tuple[Any, str]] = {}
    for name, part in zip(names, parts, strict=True):
        for column, kind in part.schema().items():
            known, first = kinds.get(column, (kind, name))
            if not _is_empty(kind) and not _is_empty(known) and kind != known:
                raise ConvtrackError(f"column {column} is {known} in {first}, and {kind} in {name}. Store both alike, or "
                                     f"leave out connection: in study.yaml.")
            kinds[column] = (kind, name) if _is_empty(known) else (known, first)
    return [part.mutate(**{column: part[column].cast(kinds[column][0]) for column, kind in part.schema().items()
                           if _is_empty(kind) and not _is_empty(kinds[column][0])}) for part in parts]


def _is_empty(kind: Any) -> bool:
    """Whether it is the type of a column without any cell, as files and engines write it."""
    return kind.is_null() or (kind.is_unknown() and "NULL" in str(kind))


def _or_nothing(cells: ir.Value, name: str) -> ir.Value:
    """The column; one that is empty throughout, or of a type that Ibis does not know, as nanoseconds of DuckDB, with the contract's."""
    kind = cells.type()
    typed = {"money": "float64", "flag": "boolean", "time": "timestamp('UTC')"}.get(COLUMNS[name].kind, "string")
    if kind.is_unknown():
        return cells.cast(typed)
    return ibis.null(typed) if kind.is_null() else cells


def _mapped(events: ir.Table, source: TableSource, asked: Iterable[str]) -> ir.Table:
    """The columns of the contract that the table has and that paths need, under our names; those that a goal asks for too."""
    theirs = {ours: theirs for ours, theirs in source.columns.items()}
    for ours in (ours for ours, name in theirs.items() if not isinstance(name, str)):
        raise ConvtrackError(f"study.yaml, columns: {ours}: columns are put together in files only. Do it in the engine.")
    for name in NEEDED:
        wanted = theirs.get(name, name)
        if wanted not in events.columns:
            raise ConvtrackError(f"{source.label} has no column '{wanted}'.{nearest(wanted, events.columns)} Map it under "
                                 f"tables: events: columns: {{{name}: ...}} in study.yaml.")
    used = [name for name, column in COLUMNS.items() if column.kind != "text" or name in (*NEEDED, *TAGS, "currency", *asked)]
    ours = [name for name in used if theirs.get(name, name) in events.columns]
    events = events.select(**{name: _or_nothing(events[theirs.get(name, name)], name) for name in ours})
    if getattr(events.event_time.type(), "timezone", "none") is None and _engine(events) not in INSTANTS:
        raise ConvtrackError(f"{source.label}, column event_time: the engine's times have no zone. Store them with one (UTC).")
    return events
