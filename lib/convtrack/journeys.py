"""From touches and conversions to journeys, and from journeys to paths.

A journey is what led to one conversion: the visitor's touches within the lookback window before it, in order. Touches that
led to none make the visitor's unconverted journey. Each conversion looks back on its own, so a touch shortly before two
purchases is on both journeys, as in GA4 and Google Ads; a touch too old for any window is on none, and is counted.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from .errors import ConvtrackError, nearest
from .gaps import Gap, passes_gaps
from .schema import INTERACTIONS, OFF_SITE_EVENTS

TOUCH_COLUMNS = ["visitor_id", "touch_time", "channel", "campaign", "interaction"]
NO_CHANNEL = Gap("The events say nothing about channels.",
                 "Map a column to `channel`, or to `utm_source` and `utm_medium`, in study.yaml.")


@passes_gaps
def find_touches(events: pd.DataFrame, interactions: tuple[str, ...] = ("click", "visit")) -> pd.DataFrame | Gap:
    """The touchpoints among the events: when a visitor met a channel, and how.

    Parameters
    ----------
    events : DataFrame
        Table `events`. Without a column `interaction` every event is on the site, and a touch is the first row of a
        session and each row whose channel differs from the one before it in the session; all are called "visit".
    interactions : tuple of str
        Which interactions make a touch: of view, click, visit, open, delivery.

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
    for name in interactions:
        if name not in INTERACTIONS:
            raise ConvtrackError(f"'{name}' is no kind of touch.{nearest(name, INTERACTIONS)} "
                                 f"Write some of: {', '.join(INTERACTIONS)}")
    if "channel" not in events or events["channel"].isna().all():
        return NO_CHANNEL
    if "interaction" in events and events["interaction"].notna().any():
        rows = events[events["interaction"].isin(interactions) & events["channel"].notna()]
    else:
        rows = _changes_of_channel(events)
    rows = rows.rename(columns={"event_time": "touch_time"}).reindex(columns=TOUCH_COLUMNS)
    return rows.sort_values(["touch_time", "visitor_id", "channel"], kind="stable").reset_index(drop=True)


@passes_gaps
def build_journeys(touches: pd.DataFrame, conversions: pd.DataFrame, lookback_days: float = 30,
                   by: str = "channel") -> pd.DataFrame:
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
        The column of `touches` that the path is made of: channel, campaign.

    Returns
    -------
    DataFrame
        journey_id, visitor_id, converted, end_time, value, path (list of str, first touch first; empty for a
        conversion without a touch), hours (list of float: from each touch to end_time). Touches of the same moment are
        in alphabetical order.

    Examples
    --------
    >>> touches = pd.DataFrame({"visitor_id": ["v", "v", "w"], "channel": ["Email", "Direct", "SMS"],
    ...     "touch_time": pd.to_datetime(["2026-01-05", "2026-01-06", "2026-01-07"], utc=True)})
    >>> conversions = pd.DataFrame({"conversion_id": ["p1"], "visitor_id": ["v"], "value": [20.0],
    ...     "conversion_time": pd.to_datetime(["2026-01-06 12:00"], utc=True)})
    >>> build_journeys(touches, conversions)[["journey_id", "converted", "path", "hours"]].values.tolist()
    [['conversion p1', True, ['Email', 'Direct'], [36.0, 12.0]], ['rest of w', False, ['SMS'], [0.0]]]
    """
    if lookback_days <= 0:
        raise ConvtrackError(f"A lookback window of {lookback_days} days sees nothing. Give a number above 0.")
    if by not in touches:
        raise ConvtrackError(f"The touches have no column '{by}'.{nearest(by, touches.columns)}")
    seen = touches.loc[touches[by].notna(), ["visitor_id", "touch_time", by]].rename(columns={by: "channel"})
    won = conversions[["conversion_id", "visitor_id", "conversion_time", "value"]]
    found = journeys_expression(_in_memory(seen), _in_memory(won), lookback_days).to_pyarrow()
    return _with_lists(found.to_pandas())


def _in_memory(frame: pd.DataFrame) -> ir.Table:
    return ibis.memtable(pa.Table.from_pandas(_in_utc(frame), preserve_index=False))


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its times in UTC and microseconds, whatever zone and unit they come in."""
    times = {c: frame[c].dt.tz_convert("UTC").dt.as_unit("us") for c in frame.columns if c.endswith("_time")}
    return frame.assign(**times)


def journeys_expression(touches: ir.Table, conversions: ir.Table, lookback_days: float) -> ir.Table:
    """The journeys as one Ibis expression, for whichever engine the two tables are in."""
    window = round(lookback_days * 86_400 * 1_000_000)
    return _converted(touches, conversions, window).union(_unconverted(touches, conversions, window)).order_by("journey_id")


def _converted(touches: ir.Table, conversions: ir.Table, window: int) -> ir.Table:
    won = conversions.mutate(end=_microseconds(conversions.conversion_time))
    seen = touches.mutate(at=_microseconds(touches.touch_time))
    inside = (won.visitor_id == seen.visitor_id, seen.at <= won.end, seen.at >= won.end - window)
    steps = won.inner_join(seen, inside).select("conversion_id", "channel", before=won.end - seen.at)
    paths = _collected(steps, "conversion_id")
    joined = won.left_join(paths, won.conversion_id == paths.conversion_id)
    return joined.select(journey_id=ibis.literal("conversion ") + won.conversion_id, visitor_id=won.visitor_id,
                         converted=ibis.literal(True), end_time=won.conversion_time, value=won.value.cast("float64"),
                         path=paths.path, hours=paths.hours)


def _microseconds(time: ir.Value) -> ir.Value:
    """Microseconds since 1970; truncated first, because DuckDB's epoch seconds have a fraction, which would count twice."""
    return time.truncate("s").epoch_seconds() * 1_000_000 + time.microsecond()


def _unconverted(touches: ir.Table, conversions: ir.Table, window: int) -> ir.Table:
    last = conversions.group_by("visitor_id").agg(last_time=conversions.conversion_time.max())
    joined = touches.left_join(last, touches.visitor_id == last.visitor_id)
    rest = joined.filter(last.last_time.isnull() | (touches.touch_time > last.last_time))
    rest = rest.select(visitor_id=touches.visitor_id, channel=touches.channel, touch_time=touches.touch_time,
                       at=_microseconds(touches.touch_time))
    ends = rest.group_by("visitor_id").agg(end=rest["at"].max(), end_time=rest.touch_time.max())
    steps = rest.inner_join(ends, "visitor_id").filter(lambda t: t["at"] >= t["end"] - window)
    steps = steps.select("visitor_id", "channel", before=lambda t: t["end"] - t["at"])
    paths = _collected(steps, "visitor_id")
    joined = ends.inner_join(paths, "visitor_id")
    return joined.select(journey_id=ibis.literal("rest of ") + joined.visitor_id, visitor_id=joined.visitor_id,
                         converted=ibis.literal(False), end_time=joined.end_time, value=ibis.literal(0.0),
                         path=joined.path, hours=joined.hours)


def _collected(steps: ir.Table, key: str) -> ir.Table:
    """Path and hours of each `key`; sorting structs, and not `collect(order_by=)`, is what every engine can do."""
    ordered = steps.mutate(step=ibis.struct({"before": -steps.before, "channel": steps.channel}))
    grouped = ordered.group_by(key).agg(steps=ordered.step.collect())
    return grouped.mutate(steps=grouped.steps.sort()).select(
        key, path=lambda t: t.steps.map(lambda s: s.channel),
        hours=lambda t: t.steps.map(lambda s: -s.before.cast("float64") / 3_600_000_000.0))


def _with_lists(found: pd.DataFrame) -> pd.DataFrame:
    """The journeys with paths and hours as Python lists, and empty lists where a conversion has no touch."""
    path = [[] if p is None else list(p) for p in found["path"]]
    hours = [[] if h is None else [abs(float(x)) for x in h] for h in found["hours"]]
    return found.assign(path=pd.Series(path, dtype="object"), hours=pd.Series(hours, dtype="object"),
                        end_time=found["end_time"].astype("datetime64[us, UTC]"))


def _changes_of_channel(events: pd.DataFrame) -> pd.DataFrame:
    on_site = ~events["event_name"].isin(OFF_SITE_EVENTS) if "event_name" in events else True
    named = events[events["channel"].notna() & on_site].sort_values(["visitor_id", "event_time"], kind="stable")
    session = _session_of(named)
    same = (session == session.shift()) & (named["channel"] == named["channel"].shift())
    return named[~same].assign(interaction="visit")


def _session_of(events: pd.DataFrame) -> pd.Series:
    if "session_id" in events and events["session_id"].notna().all():
        return events["session_id"]
    gap = events["event_time"].diff() > pd.Timedelta(minutes=30)
    return (gap | (events["visitor_id"] != events["visitor_id"].shift())).cumsum()


@passes_gaps
def count_paths(journeys: pd.DataFrame) -> pd.DataFrame:
    """The distinct paths, each with its conversions, their value, and the journeys that took it without converting.

    >>> journeys = pd.DataFrame({"path": [["Email"], ["Email"]], "converted": [True, False], "value": [20.0, 0.0]})
    >>> count_paths(journeys).values.tolist()
    [[['Email'], 1, 20.0, 1]]
    """
    keyed = pd.DataFrame({"path": journeys["path"].map(tuple), "total_conversions": journeys["converted"].astype("int64"),
                          "total_conversion_value": journeys["value"].where(journeys["converted"], 0.0),
                          "total_null": (~journeys["converted"]).astype("int64")})
    counted = keyed.groupby("path", sort=True).sum().reset_index()
    counted["path"] = counted["path"].map(list)
    order = counted["total_conversions"].sort_values(ascending=False, kind="stable").index
    return counted.loc[order].reset_index(drop=True)


@passes_gaps
def account_for_touches(touches: pd.DataFrame, conversions: pd.DataFrame, lookback_days: float = 30) -> pd.DataFrame:
    """Where the touches went: before a conversion, on an unconverted journey, or outside every window; they add up.

    >>> touches = pd.DataFrame({"visitor_id": ["v"], "touch_time": pd.to_datetime(["2026-01-05"], utc=True)})
    >>> conversions = pd.DataFrame({"visitor_id": ["v"], "conversion_time": pd.to_datetime(["2026-01-06"], utc=True)})
    >>> account_for_touches(touches, conversions)["touches"].to_dict()
    {'before a conversion': 1, 'without a conversion': 0, 'outside every window': 0}
    """
    window = pd.Timedelta(days=lookback_days)
    won = _in_utc(conversions[["visitor_id", "conversion_time"]]).sort_values("conversion_time")
    each = pd.merge_asof(_in_utc(touches).sort_values("touch_time"), won.assign(next_time=won["conversion_time"]), by="visitor_id",
                         left_on="touch_time", right_on="conversion_time", direction="forward")
    before = (each["next_time"] - each["touch_time"]) <= window
    last_touch = each["touch_time"].where(each["next_time"].isna()).groupby(each["visitor_id"]).transform("max")
    rest = each["next_time"].isna() & ((last_touch - each["touch_time"]) <= window)
    counts = [int(before.sum()), int(rest.sum()), int((~before & ~rest).sum())]
    names = ["before a conversion", "without a conversion", "outside every window"]
    return pd.DataFrame({"touches": counts}, index=pd.Index(names, name="where"))
