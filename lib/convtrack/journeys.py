"""From touches and conversions to journeys, and from journeys to paths.

A journey is what led to one conversion: the visitor's touches within the lookback window before it, in order. Touches that
led to none make the visitor's unconverted journey. Each conversion looks back on its own, so a touch shortly before two
purchases is on both journeys, as in GA4 and Google Ads; a touch too old for any window is on none, and is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from .engine import HOUR, KIND, Kinds, coded, converted_journeys, find_kinds, unconverted_journeys, unpack
from .errors import ConvtrackError, nearest
from .gaps import Gap, mixed_currencies, passes_gaps
from .goals import find_conversions
from .schema import INTERACTIONS, OFF_SITE_EVENTS, OFF_SITE_INTERACTIONS
from .sessions import SESSION_KEY, in_order, moment_order, need_columns, with_direct
from .settings import Lookback, Study

WON_COLUMNS = ["conversion_id", "visitor_id", "conversion_time", "value"]
TOUCH_COLUMNS = ["visitor_id", "touch_time", "channel", "campaign", "interaction"]
AT_ONCE = 2_000_000  # touches on journeys that one query collects: about 150 MiB
NO_CHANNEL = Gap("The events say nothing about channels.",
                 "Map a column to `channel`, or to `utm_source` and `utm_medium`, in study.yaml.")


@passes_gaps
def find_touches(events: pd.DataFrame, interactions: Sequence[str] = ("click", "visit"),
                 keep: Sequence[str] = ()) -> pd.DataFrame | Gap:
    """The touchpoints among the events: when a visitor met a channel, and how.

    Parameters
    ----------
    events : DataFrame
        Table `events`. Without a column `interaction` a touch is the first row of a session and each row whose channel
        differs from the one before it in the session; all are called "visit". A visit that names no channel is a touch of
        "Direct", by `with_direct`. An ad_impression is then a view, and so on, as in `schema.OFF_SITE_INTERACTIONS`.
    interactions : sequence of str
        Which interactions make a touch: of view, click, visit, open, delivery.
    keep : sequence of str
        Other columns of the events to keep, as in device.

    Returns
    -------
    DataFrame or Gap
        Columns visitor_id, touch_time, channel, campaign, interaction, in order of time; a gap without channels.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": ["v", "v"], "channel": ["Email", None], "interaction": ["click", None],
    ...                        "event_time": pd.to_datetime(["2026-01-05 10:00", "2026-01-05 10:01"], utc=True)})
    >>> find_touches(events)["channel"].tolist()
    ['Email']
    """
    need_columns(events, ["visitor_id", "event_time"], "events")
    if not interactions:
        raise ConvtrackError(f"Without interactions there are no touches. Write some of: {', '.join(INTERACTIONS)}")
    for name in interactions:
        if name not in INTERACTIONS:
            raise ConvtrackError(f"'{name}' is no kind of touch.{nearest(name, INTERACTIONS)} "
                                 f"Write some of: {', '.join(INTERACTIONS)}")
    if "channel" not in events or events["channel"].isna().all():
        return _no_channel(events)
    if "interaction" in events and events["interaction"].notna().any():
        rows = events[events["interaction"].isin(interactions) & events["channel"].notna()]
    else:
        visits = _changes_of_channel(with_direct(events) if "event_name" in events else events)
        rows = pd.concat([visits if {"click", "visit"} & {*interactions} else visits.head(0), _off_site(events, interactions)])
    visitor = pd.factorize(rows["visitor_id"], sort=True)[0]
    rows = rows.iloc[np.lexsort([moment_order(rows), visitor, rows["event_time"].astype("int64")])]
    rows = rows.rename(columns={"event_time": "touch_time"}).reindex(columns=list(dict.fromkeys([*TOUCH_COLUMNS, *keep])))
    return rows.reset_index(drop=True)


@passes_gaps
def build_journeys(touches: pd.DataFrame, conversions: pd.DataFrame, lookback_days: float = 30,
                   by: str = "channel", lookbacks: Sequence[Lookback] = ()) -> pd.DataFrame:
    """One row for each conversion and, for each visitor with touches after the last one, one unconverted journey.

    Parameters
    ----------
    touches : DataFrame
        As `find_touches` returns it.
    conversions : DataFrame
        As `find_conversions` returns it: of one goal, usually.
    lookback_days : float
        How many days before the conversion a touch still counts, the limit included. The unconverted journey looks
        back from the visitor's last touch.
    by : str
        The column of `touches` that the path is made of: channel, campaign, or any other with names.
    lookbacks : sequence of Lookback
        Other windows for some channels (names of the column `by`) or interactions; of several that cover a touch the last.

    Returns
    -------
    DataFrame
        journey_id, visitor_id, converted, end_time, value, path (list of str, first touch first; empty for a
        conversion without a touch), hours (float array: from each touch to end_time), and where the touches have it
        interactions (list of str). Touches of the same moment are in the order of their rows.

    Raises
    ------
    ConvtrackError
        If a window is not a number of days above 0, the touches have no such column, or the values are in several currencies.

    Examples
    --------
    >>> touches = pd.DataFrame({"visitor_id": ["v", "v", "w"], "channel": ["Email", "Direct", "SMS"],
    ...     "touch_time": pd.to_datetime(["2026-01-05", "2026-01-06", "2026-01-07"], utc=True)})
    >>> conversions = pd.DataFrame({"conversion_id": ["p1"], "visitor_id": ["v"], "value": [20.0],
    ...     "conversion_time": pd.to_datetime(["2026-01-06 12:00"], utc=True)})
    >>> build_journeys(touches, conversions)[["journey_id", "converted", "path", "hours"]].values.tolist()
    [['conversion p1', True, ['Email', 'Direct'], array([36., 12.])], ['rest of w', False, ['SMS'], array([0.])]]
    """
    need_columns(touches, ["visitor_id", "touch_time", by], "touches")
    need_columns(conversions, WON_COLUMNS, "conversions")
    mixed = mixed_currencies(conversions[conversions["value"].notna()], "values of the conversions")
    if mixed is not None:
        raise ConvtrackError(mixed.sentence)
    seen = touches[touches[by].notna()]
    named = pd.DataFrame({"visitor_id": seen["visitor_id"], "touch_time": seen["touch_time"], "channel": seen[by],
                          "interaction": seen.get("interaction")}).astype({"channel": "str", "interaction": "str"})
    named = _in_utc(named).assign(rank=_rank(named))
    times = named["touch_time"].agg(["min", "max"]).astype("int64") if len(named) else (0, 0)
    kinds = find_kinds(named[KIND], lookback_days, lookbacks, *map(int, times))
    steps, won = coded(_in_memory(named), kinds), conversions[WON_COLUMNS]
    found = [_read(converted_journeys(steps, _in_memory(part)), "conversion_id", "conversion ", kinds)
             for part in _in_parts(won, named)]
    found.append(_read(unconverted_journeys(steps, _in_memory(won), kinds), "visitor_id", "rest of ", kinds))
    journeys = pd.concat(found).sort_values("journey_id", ignore_index=True, kind="stable")
    return journeys if "interaction" in touches else journeys.drop(columns="interactions")


def _rank(touches: pd.DataFrame) -> pd.Series | int:
    """The place of each touch among those of its visitor and moment, in the order of the rows."""
    moment = ["visitor_id", "touch_time"]
    tied = touches[touches.duplicated(moment, keep=False)]
    return tied.groupby(moment).cumcount().reindex(touches.index, fill_value=0) if len(tied) else 0


def _in_parts(won: pd.DataFrame, touches: pd.DataFrame) -> list[pd.DataFrame]:
    """The conversions in parts whose journeys have not too many touches together, even if one visitor has them all."""
    each = touches["visitor_id"].value_counts().reindex(won["visitor_id"]).fillna(0).to_numpy(float)
    return [part for _, part in won.groupby(each.cumsum() // AT_ONCE)] or [won]


def _in_memory(frame: pd.DataFrame) -> ir.Table:
    return ibis.memtable(pa.Table.from_pandas(_in_utc(frame), preserve_index=False))


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its times in UTC and microseconds, whatever zone and unit they come in."""
    times = {c: frame[c].dt.tz_convert("UTC").dt.as_unit("us") for c in frame.columns if c.endswith("_time")}
    return frame.assign(**times)


def _read(expression: ir.Table, key: str, prefix: str, kinds: Kinds) -> pd.DataFrame:
    """The journeys of an expression with the names of their touches, as lists."""
    table = expression.to_pyarrow()
    steps, lengths, ends = unpack(table)
    kind, at = kinds.read(steps)
    bounds = list(pairwise(np.concatenate([[0], np.cumsum(lengths)]).tolist()))
    names, interactions = (kinds.table[column].to_numpy(object) for column in ("channel", "interaction"))
    converted = "conversion_id" in table.column_names
    end_time = pd.Series(ends.astype("datetime64[us]")).dt.tz_localize("UTC")
    hours = (np.repeat(ends, lengths) - at) / HOUR
    return pd.DataFrame({
        "journey_id": [prefix + name for name in table[key].to_pylist()], "visitor_id": table["visitor_id"].to_pandas(),
        "converted": converted, "end_time": end_time, "value": table["value"].to_pandas() if converted else 0.0,
        "path": _cells(names[kind[a:b]].tolist() for a, b in bounds),
        "hours": _cells(hours[a:b] for a, b in bounds),
        "interactions": _cells(interactions[kind[a:b]].tolist() for a, b in bounds)})


def _cells(cells: Iterable[Any]) -> pd.Series:
    """A column with a list or an array in each cell."""
    return pd.Series([*cells], dtype="object")


def _no_channel(events: pd.DataFrame) -> Gap:
    named = [name for name in ("channel", "utm_source", "utm_medium", "referrer", "page_url", "click_id") if name in events]
    filled = [name for name in named if events[name].notna().any()]
    if not named[1:]:
        return NO_CHANNEL
    said = f"{', '.join(filled)} hold nothing but the site itself" if filled else f"{', '.join(named)} are empty in every row"
    return Gap(f"No row names a channel: of its columns, {said}.",
               "Export the events with their tags or referrers, or map a column to `channel` in study.yaml.")


def _changes_of_channel(events: pd.DataFrame) -> pd.DataFrame:
    on_site = ~events["event_name"].isin(OFF_SITE_EVENTS) if "event_name" in events else True
    named = events[events["channel"].notna() & on_site]
    named = named.iloc[in_order(named)]
    session = _session_of(named)
    same = (session == session.shift()) & (named["channel"] == named["channel"].shift())
    return named[~same].assign(interaction="visit")


def _off_site(events: pd.DataFrame, interactions: Sequence[str]) -> pd.DataFrame:
    """The touches of these kinds in ad slots, inboxes and on phones, known by the names of the events."""
    if "event_name" not in events:
        return events.head(0)
    kind = events["event_name"].map(OFF_SITE_INTERACTIONS)
    return events.assign(interaction=kind)[kind.isin(interactions) & events["channel"].notna()]


def _session_of(events: pd.DataFrame) -> pd.Series:
    if "session_id" in events and events["session_id"].notna().all():
        return events.groupby(SESSION_KEY, sort=False).ngroup()
    gap = events["event_time"].diff() > pd.Timedelta(minutes=30)
    return (gap | (events["visitor_id"] != events["visitor_id"].shift())).cumsum()


def journeys_of(study: Study, by: str = "channel", interactions: Sequence[str] | None = None,
                lookback_days: float | None = None) -> pd.DataFrame | Gap:
    """The journeys to a study's main goal, by its own windows unless another is given, and with its milestone, if it names one.

    Parameters
    ----------
    study : Study
        As `open_study` returns it.
    by : str
        The column of the events that the path is made of: channel, campaign, device.
    interactions : sequence of str
        Which interactions make a touch; left out: the study's `touches`.
    lookback_days : float
        How long every touch counts, as for platforms, which have windows of their own; left out: the study's `lookback_days`,
        and its `lookbacks`.

    Raises
    ------
    ConvtrackError
        If the events have no such column, no interaction is named, or the window is not a number above 0.
    """
    if by not in study.events:
        raise ConvtrackError(f"The events have no column '{by}'.{nearest(by, study.events.columns)}")
    touches = find_touches(study.events, study.touches if interactions is None else interactions, keep=[by])
    won = find_conversions(study.events, study.goal)
    windows = (study.lookback_days, by, study.lookbacks) if lookback_days is None else (lookback_days, by)
    journeys = build_journeys(touches, won, *windows)
    milestone = study.settings.milestone
    return journeys if milestone is None else mark_milestones(journeys, study.conversions_of(milestone))


@passes_gaps
def mark_milestones(journeys: pd.DataFrame, milestones: pd.DataFrame) -> pd.DataFrame:
    """The journeys with a column `milestones`: for each touch, whether it was the last before a milestone of the visitor.

    Parameters
    ----------
    journeys : DataFrame
        As `build_journeys` returns it.
    milestones : DataFrame
        The events on the way, as `find_conversions` returns them for another goal: visitor_id, conversion_time. Those after
        a journey's end, or before its first touch, are not on it.

    Examples
    --------
    >>> touches = pd.DataFrame({"visitor_id": ["v", "v"], "channel": ["Email", "Direct"],
    ...     "touch_time": pd.to_datetime(["2026-01-05", "2026-01-08"], utc=True)})
    >>> leads = pd.DataFrame({"visitor_id": ["v"], "conversion_time": pd.to_datetime(["2026-01-06"], utc=True)})
    >>> sales = pd.DataFrame({"conversion_id": ["p"], "visitor_id": ["v"], "value": [20.0],
    ...     "conversion_time": pd.to_datetime(["2026-01-09"], utc=True)})
    >>> mark_milestones(build_journeys(touches, sales), leads)["milestones"].tolist()
    [[True, False]]
    """
    need_columns(journeys, ["visitor_id", "end_time", "hours"], "journeys")
    need_columns(milestones, ["visitor_id", "conversion_time"], "milestones")
    times = milestones.groupby("visitor_id")["conversion_time"].agg(list)
    reached = journeys["visitor_id"].map(times)
    rows = zip(journeys["end_time"], journeys["hours"], reached, strict=True)
    marks = [_reached_by(hours, [(end - time) / pd.Timedelta(hours=1) for time in at] if isinstance(at, list) else [])
             for end, hours, at in rows]
    return journeys.assign(milestones=pd.Series(marks, index=journeys.index, dtype="object"))


def _reached_by(hours: list[float], milestones: list[float]) -> list[bool]:
    """For each touch, whether it is the last before one of the milestones; both in hours before the journey's end."""
    before = [sum(touch >= milestone for touch in hours) - 1 for milestone in milestones if milestone >= 0]
    return [place in before for place in range(len(hours))]


@passes_gaps
def count_paths(journeys: pd.DataFrame) -> pd.DataFrame:
    """The distinct paths, each with its conversions, their value, and the journeys that took it without converting.

    Parameters
    ----------
    journeys : DataFrame
        As `build_journeys` returns it.

    Returns
    -------
    DataFrame
        path, total_conversions, total_conversion_value (missing where the value of no conversion is known), total_null; and
        where the value of only some conversions of a path is known, total_valued: how many `total_conversion_value` covers.

    Examples
    --------
    >>> journeys = pd.DataFrame({"path": [["Email"], ["Email"]], "converted": [True, False], "value": [20.0, 0.0]})
    >>> count_paths(journeys).values.tolist()
    [[['Email'], 1, 20.0, 1]]
    """
    need_columns(journeys, ["path", "converted"], "journeys")
    won = journeys["converted"].astype(bool)
    value = journeys["value"] if "value" in journeys else pd.Series(np.nan, index=journeys.index)
    keyed = pd.DataFrame({"path": journeys["path"].map(tuple), "total_conversions": won.astype("int64"),
                          "total_conversion_value": value.where(won, 0.0), "total_null": (~won).astype("int64"),
                          "total_valued": (won & value.notna()).astype("int64")})
    counted = keyed.groupby("path", sort=True).sum().reset_index()
    unvalued = counted["total_valued"] < counted["total_conversions"]
    partly = unvalued & (counted["total_valued"] > 0)
    counted["total_conversion_value"] = counted["total_conversion_value"].mask(unvalued & ~partly)
    if not partly.any():
        counted = counted.drop(columns="total_valued")
    counted["path"] = counted["path"].map(list)
    order = counted["total_conversions"].sort_values(ascending=False, kind="stable").index
    return counted.loc[order].reset_index(drop=True)


@passes_gaps
def account_for_touches(touches: pd.DataFrame, conversions: pd.DataFrame, lookback_days: float = 30,
                        lookbacks: Sequence[Lookback] = ()) -> pd.DataFrame:
    """Where the touches went: before a conversion, on an unconverted journey, or outside every window; they add up.

    >>> touches = pd.DataFrame({"visitor_id": ["v"], "touch_time": pd.to_datetime(["2026-01-05"], utc=True)})
    >>> conversions = pd.DataFrame({"visitor_id": ["v"], "conversion_time": pd.to_datetime(["2026-01-06"], utc=True)})
    >>> account_for_touches(touches, conversions)["touches"].to_dict()
    {'before a conversion': 1, 'without a conversion': 0, 'outside every window': 0}
    """
    need_columns(touches, ["visitor_id", "touch_time"], "touches")
    need_columns(conversions, ["visitor_id", "conversion_time"], "conversions")
    won = _in_utc(conversions[["visitor_id", "conversion_time"]]).sort_values("conversion_time", kind="stable")
    timed = _in_utc(touches).assign(window=_windows(touches, lookback_days, lookbacks))
    each = pd.merge_asof(timed.sort_values("touch_time", kind="stable"), won.assign(next_time=won["conversion_time"]), by="visitor_id",
                         left_on="touch_time", right_on="conversion_time", direction="forward")
    before = (each["next_time"] - each["touch_time"]) <= each["window"]
    last_touch = each["touch_time"].where(each["next_time"].isna()).groupby(each["visitor_id"]).transform("max")
    rest = each["next_time"].isna() & ((last_touch - each["touch_time"]) <= each["window"])
    counts = [int(before.sum()), int(rest.sum()), int((~before & ~rest).sum())]
    names = ["before a conversion", "without a conversion", "outside every window"]
    return pd.DataFrame({"touches": counts}, index=pd.Index(names, name="where"))


def _windows(touches: pd.DataFrame, lookback_days: float, lookbacks: Sequence[Lookback]) -> pd.Series:
    """How long each touch counts."""
    pairs = touches.reindex(columns=["channel", "interaction"]).astype("str").fillna("")
    kinds = find_kinds(pairs, lookback_days, lookbacks).table
    found = pairs.merge(kinds, how="left", on=["channel", "interaction"])["window"]
    return pd.to_timedelta(found, unit="us").set_axis(touches.index)
