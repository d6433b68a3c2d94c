"""From events and journeys to flows: who goes on, who leaves and where, how long it takes, by which way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from .errors import ConvtrackError, nearest
from .gaps import Gap, passes_gaps
from .journeys import build_journeys
from .metrics import ratio, with_rates
from .sessions import SESSION_KEY, has_conversion, in_order, need_columns, ordered_visits, page_of

Step = str | Mapping[str, str]
Reach = Callable[[Sequence[pd.DataFrame]], list[int]]


@passes_gaps
def count_funnel(events: pd.DataFrame, steps: Sequence[Step], by: str = "session", closed: bool = True, ordered: bool = True,
                 within_days: float | None = None) -> pd.DataFrame | Gap:
    """One row for each step: how many reached it, and what share went on.

    Parameters
    ----------
    events : DataFrame
        Table `events`; sessions are derived where they have no session_id.
    steps : list of str or mapping
        Event names, each once, or mappings {"label": ..., "event": ...}.
    by : str
        What is counted: "session" (events on the site) or "visitor" (all events).
    closed : bool
        True: a step counts only for those who did all the steps before it. False: whoever does a step is
        counted at it, wherever they came in.
    ordered : bool
        True: a step may not be before the one it follows; at the same moment is in order. False: any order.
    within_days : float, optional
        The longest time from the first to the last of the steps that belong together.

    Returns
    -------
    DataFrame or Gap
        step, count, rate_from_previous (of those at the previous step, the share who then did this one),
        rate_from_start (of those at the first step, the share who did all the steps up to this one), drop_off
        (of those at this step, the share who did not go on: 1 - the next rate_from_previous). The rates speak
        of the same people, so in an open funnel they are not quotients of the counts, and never exceed 1.
        NaN: no denominator, or no step before or after. A gap if a step never occurs.

    Raises
    ------
    ConvtrackError
        If `by` is neither of the two, or there is no step, or one twice.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": list("aaab"), "event_name": ["see", "add", "buy", "see"],
    ...     "event_time": pd.date_range("2026-01-05", periods=4, freq="min", tz="UTC")})
    >>> count_funnel(events, ["see", "add", "buy"])[["step", "count", "rate_from_previous"]].values.tolist()
    [['see', 2, nan], ['add', 1, 0.5], ['buy', 1, 1.0]]
    """
    names = _named(steps)
    units = _units(events, by)
    missing = _no_such_step(units, names, by)
    return _funnel(units, names, closed, _reach(ordered, within_days)) if missing is None else missing


@passes_gaps
def funnel_by(events: pd.DataFrame, steps: Sequence[Step], segment: str, by: str = "session", closed: bool = True,
              ordered: bool = True, within_days: float | None = None) -> pd.DataFrame | Gap:
    """The funnel of each segment, one below the other, with the segment in the first column.

    Parameters
    ----------
    segment : str
        A column of `events`, such as device or channel. A session or visitor is in the segment of the first
        of its events that names one; those of which none does come last, with a missing segment. A session
        without a channel is "Direct", as in `sessionize`.
    events, steps, by, closed, ordered, within_days
        As in `count_funnel`.

    Returns
    -------
    DataFrame or Gap
        The segment, then the columns of `count_funnel`. A gap if no event names a segment, or a step never
        occurs.

    Raises
    ------
    ConvtrackError
        As `count_funnel`.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": list("aab"), "event_name": ["see", "buy", "see"],
    ...     "device": ["mobile", None, "desktop"],
    ...     "event_time": pd.date_range("2026-01-05", periods=3, freq="min", tz="UTC")})
    >>> funnel_by(events, ["see", "buy"], "device")[["device", "step", "count"]].values.tolist()
    [['desktop', 'see', 1], ['desktop', 'buy', 0], ['mobile', 'see', 1], ['mobile', 'buy', 1]]
    """
    names = _named(steps)
    if segment not in events or events[segment].isna().all():
        hint = "" if segment in events else nearest(segment, events.columns)
        return Gap(f"No event has a {segment}, so there is no funnel by {segment}.{hint}",
                   f"Map a column to `{segment}` in study.yaml.")
    units = _units(events, by)
    missing = _no_such_step(units, names, by)
    if missing is not None:
        return missing
    units = units.assign(segment=_segment(units, segment, by))
    tables = {value: _funnel(part, names, closed, _reach(ordered, within_days))
              for value, part in units.groupby("segment", dropna=False)}
    return pd.concat(tables, names=[segment, None]).reset_index(level=0).reset_index(drop=True)


@passes_gaps
def landing_and_exit(events: pd.DataFrame) -> pd.DataFrame | Gap:
    """One row for each page: how often it was seen, how many sessions began and how many ended on it.

    Parameters
    ----------
    events : DataFrame
        Table `events` with page_url on the page_view events.

    Returns
    -------
    DataFrame or Gap
        page (address without query and fragment), views, entries, exits, exit_rate = exits / views (Universal
        Analytics' definition); most entries first. Entries and exits each add up to the sessions with a page
        view. A gap if no page view names its page.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": "a", "event_name": "page_view", "page_url": ["/", "/tea", "/"],
    ...     "event_time": pd.date_range("2026-01-05", periods=3, freq="min", tz="UTC")})
    >>> landing_and_exit(events).values.tolist()
    [['/', 2, 1, 1, 0.5], ['/tea', 1, 0, 0, 0.0]]
    """
    views = _page_views(events)
    if isinstance(views, Gap):
        return views
    ends = {"views": views, "entries": views.drop_duplicates(SESSION_KEY), "exits": _exits(views)}
    table = pd.DataFrame({name: rows["page"].value_counts() for name, rows in ends.items()}).fillna(0).astype("int64")
    table = table.rename_axis("page").reset_index().assign(exit_rate=lambda pages: pages["exits"] / pages["views"])
    return table.sort_values(["entries", "exits", "page"], ascending=[False, False, True], ignore_index=True)


@passes_gaps
def drop_off_pages(events: pd.DataFrame, conversions: pd.DataFrame) -> pd.DataFrame | Gap:
    """The pages on which sessions without a conversion ended: page, exits, share of all such sessions.

    Parameters
    ----------
    events : DataFrame
        Table `events` with page_url on the page_view events.
    conversions : DataFrame
        Table `conversions`, found among events with the same session ids.

    Returns
    -------
    DataFrame or Gap
        page, exits, share; most exits first. A gap without pages, without session ids on the conversions, or
        if every session converted.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": list("aab"), "event_name": "page_view",
    ...     "page_url": ["/", "/basket", "/"],
    ...     "event_time": pd.date_range("2026-01-05", periods=3, freq="min", tz="UTC")})
    >>> drop_off_pages(events, pd.DataFrame({"visitor_id": ["b"], "session_id": ["b-1"]})).values.tolist()
    [['/basket', 1, 1.0]]
    """
    views = _page_views(events)
    converted = has_conversion(views, conversions)
    if isinstance(converted, Gap):
        return converted
    if converted.all():
        return Gap("Every session with a page view converted, so none dropped off.")
    counts = _exits(views[~converted])["page"].value_counts().rename_axis("page").reset_index(name="exits")
    counts = counts.assign(share=counts["exits"] / counts["exits"].sum())
    return counts.sort_values(["exits", "page"], ascending=[False, True], ignore_index=True)


@passes_gaps
def time_to_convert(journeys: pd.DataFrame) -> pd.DataFrame | Gap:
    """One row for each converted journey: days from its first touch to the conversion, and how many touches.

    Parameters
    ----------
    journeys : DataFrame
        Table `journeys`.

    Returns
    -------
    DataFrame or Gap
        journey_id, days (missing where no touch is known), touches. A gap if nothing converted. Who has not
        converted yet is not here, and a touch beyond the lookback window is not known, so the true times are
        longer.

    Examples
    --------
    >>> journeys = pd.DataFrame({"journey_id": ["j", "k"], "converted": [True, True],
    ...                          "path": [["SMS", "Email"], []], "hours": [[36.0, 1.0], []]})
    >>> time_to_convert(journeys).values.tolist()
    [['j', 1.5, 2], ['k', nan, 0]]
    """
    won = _converted(journeys)
    if won.empty:
        return Gap("No journey converted, so there is no time to convert.")
    days = [hours[0] / 24 if len(hours) else np.nan for hours in won["hours"]]
    return pd.DataFrame({"journey_id": won["journey_id"], "days": days, "touches": won["path"].map(len)})


@passes_gaps
def lag_quantiles(times: pd.DataFrame, q: Sequence[float] = (0.5, 0.9, 0.95)) -> pd.DataFrame | Gap:
    """The days within which the given shares of the conversions came: columns quantile, days.

    Parameters
    ----------
    times : DataFrame
        As `time_to_convert` returns it; any table with a column days.
    q : list of float
        Shares between 0 and 1.

    Returns
    -------
    DataFrame or Gap
        quantile, days (of the first conversion by which that share had come). A gap if no time is known.

    Raises
    ------
    ConvtrackError
        If a share is not between 0 and 1.

    Examples
    --------
    >>> lag_quantiles(pd.DataFrame({"days": [0.0, 1.0, 2.0, 3.0, 4.0]}), q=(0.5, 0.9)).values.tolist()
    [[0.5, 2.0], [0.9, 4.0]]
    """
    for share in q:
        if not 0 <= share <= 1:
            raise ConvtrackError(f"{share} is no share of the conversions. Write q=(0.5, 0.9, 0.95).")
    days = times["days"].dropna()
    if days.empty:
        return Gap("No conversion has a known first touch, so there is no time to convert.")
    return pd.DataFrame({"quantile": list(q), "days": np.quantile(days, list(q), method="inverted_cdf")})


@passes_gaps
def immature_from(times: pd.DataFrame, end: pd.Timestamp, q: float = 0.95) -> pd.Timestamp | Gap:
    """The first day whose touches have not had time to convert: from there on, counts will still fill up.

    Parameters
    ----------
    times : DataFrame
        As `time_to_convert` returns it.
    end : Timestamp
        When the data end, in the time zone in which days are meant.
    q : float
        The share of conversions that a day must have had time for.

    Returns
    -------
    Timestamp or Gap
        The midnight that begins the day of `end` - L, where L is the q quantile of the days to convert. A gap
        if no time is known. It concerns counts by day of the touch or click; counts by day of the conversion
        do not fill up.

    Examples
    --------
    >>> end = pd.Timestamp("2026-04-04 18:00", tz="Europe/London")
    >>> immature_from(pd.DataFrame({"days": [2.5, 2.5]}), end)
    Timestamp('2026-04-02 00:00:00+0100', tz='Europe/London')
    """
    lag = lag_quantiles(times, (q,))
    return lag if isinstance(lag, Gap) else (end - pd.Timedelta(days=lag["days"].iloc[0])).normalize()


@passes_gaps
def path_lengths(journeys: pd.DataFrame) -> pd.DataFrame | Gap:
    """How many touches the conversions took: columns length, conversions, share.

    Parameters
    ----------
    journeys : DataFrame
        Table `journeys`.

    Returns
    -------
    DataFrame or Gap
        One row for each length that occurs; 0 is a conversion without a known touch. A gap if nothing
        converted.

    Examples
    --------
    >>> journeys = pd.DataFrame({"converted": [True, True, False], "path": [["A"], ["A", "B"], ["B"]]})
    >>> path_lengths(journeys).values.tolist()
    [[1.0, 1.0, 0.5], [2.0, 1.0, 0.5]]
    """
    won = _converted(journeys)
    if won.empty:
        return Gap("No journey converted, so there are no path lengths.")
    counts = won["path"].map(len).value_counts().sort_index().rename_axis("length").reset_index(name="conversions")
    return counts.assign(share=counts["conversions"] / len(won))


@passes_gaps
def top_paths(paths: pd.DataFrame, n: int = 10) -> pd.DataFrame | Gap:
    """The n paths with the most conversions, with their share of all conversions and how often they convert.

    Parameters
    ----------
    paths : DataFrame
        Table `paths`.
    n : int
        How many rows.

    Returns
    -------
    DataFrame or Gap
        path (list), conversions, share, and, where the table has total_null, conversion_rate = conversions /
        (conversions + total_null). A gap if nothing converted.

    Examples
    --------
    >>> paths = pd.DataFrame({"path": [["A"], ["A", "B"]], "total_conversions": [1, 3], "total_null": [9, 1]})
    >>> top_paths(paths, n=1).values.tolist()
    [[['A', 'B'], 3, 0.75, 0.75]]
    """
    need_columns(paths, ["path", "total_conversions"], "paths")
    table = paths.rename(columns={"total_conversions": "conversions"})
    total = table["conversions"].sum()
    if not total > 0:
        return Gap("No path has a conversion.")
    table = table[table["conversions"] > 0].assign(share=table["conversions"] / total, name=table["path"].map(tuple))
    if "total_null" in table:
        table["conversion_rate"] = table["conversions"] / (table["conversions"] + table["total_null"])
    best = table.sort_values(["conversions", "name"], ascending=[False, True], ignore_index=True).head(n)
    return best.filter(["path", "conversions", "share", "conversion_rate"])


@passes_gaps
def flow_links(journeys: pd.DataFrame, stages: int = 3, top: int = 6, other: str = "Other channels") -> pd.DataFrame | Gap:
    """The table behind a flow figure: journeys counted by their way from first to last touch, and by outcome.

    Parameters
    ----------
    journeys : DataFrame
        Table `journeys`.
    stages : int
        How many touches of a journey are shown, evenly spaced from the first to the last: 2 are the first and
        the last, 3 have the middle one between them. A journey with fewer touches stays with its channel.
    top : int
        How many channels keep their name, those with the most touches; the rest are called `other`.
    other : str
        The name of the rest.

    Returns
    -------
    DataFrame or Gap
        stage_1 ... stage_n, outcome ("converted" or "not converted"), count; most frequent first. The stages
        are missing for journeys without a touch. The counts add up to the journeys. A gap if there are none.

    Raises
    ------
    ConvtrackError
        If `stages` is below 2 or `top` below 1.

    Examples
    --------
    >>> journeys = pd.DataFrame({"converted": [True, False, True],
    ...                          "path": [["A", "B", "B"], ["A"], ["A", "B"]]})
    >>> flow_links(journeys, stages=2).values.tolist()
    [['A', 'B', 'converted', 2], ['A', 'A', 'not converted', 1]]
    """
    if stages < 2 or top < 1:
        raise ConvtrackError("A flow needs a first and a last stage, and a channel. Write stages=3, top=6.")
    if journeys.empty:
        return Gap("There are no journeys, so there is nothing to draw.")
    names = _short_names(journeys["path"], top, other)
    cells = [[names[step] for step in _spaced(path, stages)] or [None] * stages for path in journeys["path"]]
    table = pd.DataFrame(cells, columns=[f"stage_{k}" for k in range(1, stages + 1)], dtype="str")
    table["outcome"] = np.where(journeys["converted"].astype(bool), "converted", "not converted")
    counts = table.groupby(list(table.columns), dropna=False).size().reset_index(name="count")
    most_first = [False] + [True] * (stages + 1)
    return counts.sort_values(["count", *table.columns], ascending=most_first, ignore_index=True)


@passes_gaps
def pick_journey(journeys: pd.DataFrame, touches: int = 4, channels: int = 3) -> pd.DataFrame | Gap:
    """The first converted journey, by its id, with at least so many touches on so many channels: a table of one row.

    >>> journeys = pd.DataFrame({"journey_id": ["j", "k"], "converted": True, "path": [["A"], ["A", "B"]]})
    >>> pick_journey(journeys, touches=2, channels=2)["journey_id"].tolist()
    ['k']
    """
    path = journeys["path"]
    fit = journeys["converted"] & (path.map(len) >= touches) & (path.map(lambda p: len(set(p))) >= channels)
    if not fit.any():
        return Gap(f"No journey that converted has {touches} touches on {channels} channels.")
    return journeys[fit].sort_values("journey_id", kind="stable").head(1)


@passes_gaps
def steps_there(events: pd.DataFrame, steps: Sequence[str]) -> list[str] | Gap:
    """Those of the steps that occur in the events, in the order given; page_view stands in for a missing session_start.

    >>> steps_there(pd.DataFrame({"event_name": ["page_view", "purchase"]}), ["session_start", "view_item", "purchase"])
    ['page_view', 'purchase']
    """
    names = set(events["event_name"])
    wanted = ["page_view" if step == "session_start" and step not in names else step for step in steps]
    found = [step for step in dict.fromkeys(wanted) if step in names]
    if len(found) < 2:
        return Gap(f"Fewer than two of the steps {', '.join(steps)} occur in the events, so there is no funnel.",
                   "Name events of this data as steps.")
    return found


@passes_gaps
def read_journey(journey: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame | Gap:
    """What was recorded of a journey (one row) from its first touch to its end, page views left out.

    >>> times = pd.to_datetime(["2026-01-05", "2026-01-07", "2026-01-08"], utc=True)
    >>> journey = pd.DataFrame({"visitor_id": ["v"], "end_time": times[2:], "hours": [[24.0]]})
    >>> events = pd.DataFrame({"visitor_id": "v", "event_name": ["see", "see", "buy"], "event_time": times})
    >>> read_journey(journey, events).values.tolist()
    [[1.0, 'see'], [0.0, 'buy']]
    """
    if journey.empty:
        return Gap("There is no journey to read.")
    one = journey.iloc[0]
    days = (one["end_time"] - events["event_time"]).dt.total_seconds() / 86_400
    within = days.between(0, max([0, *one["hours"]]) / 24 + 1e-6)  # hours are rounded numbers
    told = within & (events["visitor_id"] == one["visitor_id"]) & (events["event_name"] != "page_view")
    rows = events.assign(days_before=days)[told].sort_values("event_time", kind="stable", ignore_index=True)
    return rows.filter(["days_before", "event_name", "channel", "interaction"])


@passes_gaps
def last_touch_rates(journeys: pd.DataFrame) -> pd.DataFrame | Gap:
    """How often the journeys that end with each channel converted: last_touch, journeys, converted, rate, low, high.

    The interval is Wilson's, see `metrics.with_rates`; the highest rate comes first.

    >>> journeys = pd.DataFrame({"converted": [True, False, False], "path": [["A", "B"], ["A"], []]})
    >>> last_touch_rates(journeys).iloc[:, :4].values.tolist()
    [['B', 1, 1, 1.0], ['A', 1, 0, 0.0]]
    """
    last = journeys["path"].str[-1].rename("last_touch")
    counts = journeys["converted"].astype(bool).groupby(last).agg(journeys="size", converted="sum")
    if counts.empty:
        return Gap("No journey has a touch, so there is no last touch.")
    table = with_rates(counts.reset_index(), "converted", "journeys")
    return table.sort_values(["rate", "last_touch"], ascending=[False, True], ignore_index=True)


@passes_gaps
def follow_story(touches: pd.DataFrame, events: pd.DataFrame, conversions: pd.DataFrame, story: Sequence[str],
                 lookback_days: float = 30) -> pd.DataFrame | Gap:
    """The journeys, and whether each has the steps of a story: has_all in any order, in_order in the order given.

    A step is the name of a channel or an event, or several names with commas between them, of which one is enough.
    The events are set between the touches. A gap if a step occurs nowhere.

    >>> times = pd.to_datetime(["2026-01-05", "2026-01-06", "2026-01-07"], utc=True)
    >>> touches = pd.DataFrame({"visitor_id": "v", "channel": ["Ad", "SMS"], "touch_time": times[[0, 2]]})
    >>> events = pd.DataFrame({"visitor_id": ["v"], "event_name": ["join"], "event_time": times[[1]]})
    >>> won = pd.DataFrame({"conversion_id": ["p"], "visitor_id": ["w"], "value": [1.0], "conversion_time": times[:1]})
    >>> follow_story(touches, events, won, ["Ad", "join, call", "SMS"])[["path", "in_order"]].values.tolist()
    [[[], False], [['Ad', 'join', 'SMS'], True]]
    """
    steps = [{name.strip() for name in step.split(",")} for step in story]
    forms = events.loc[events["event_name"].isin(set.union(*steps)), ["visitor_id", "event_time", "event_name"]]
    every = pd.concat([touches, forms.set_axis(["visitor_id", "touch_time", "channel"], axis=1)], ignore_index=True)
    for step in steps:
        if not every["channel"].isin(step).any():
            return Gap(f"No touch and no event is called {' or '.join(sorted(step))}, so this story cannot be looked for.",
                       "Name channels and events of this data.")
    journeys = build_journeys(every, conversions, lookback_days)
    return journeys.assign(has_all=[all(step & set(path) for step in steps) for path in journeys["path"]],
                           in_order=[_ticked_off(path, steps) for path in journeys["path"]])


def _named(steps: Sequence[Step]) -> dict[str, str]:
    given = [{"event": step} if isinstance(step, str) else step for step in steps]
    names = {step.get("event"): step.get("label", step.get("event")) for step in given}
    if isinstance(steps, str) or not names or None in names or len(names) < len(given):
        raise ConvtrackError(f"A funnel takes a list of different events, not {steps!r}. "
                             f"Write steps=['view_item', 'add_to_cart', 'purchase'].")
    return names


def _units(events: pd.DataFrame, by: str) -> pd.DataFrame:
    """The events in order of time, with the number of the session or visitor that each belongs to."""
    if by not in ("session", "visitor"):
        raise ConvtrackError(f"by='{by}' cannot be counted.{nearest(by, ['session', 'visitor'])} "
                             f"Write by='session' or by='visitor'.")
    need_columns(events, ["visitor_id", "event_time", "event_name"], "events")
    rows = ordered_visits(events) if by == "session" else events.iloc[in_order(events)]
    key = SESSION_KEY if by == "session" else ["visitor_id"]
    return rows.assign(unit=rows.groupby(key, sort=False).ngroup()).sort_values("event_time", kind="stable")


def _no_such_step(units: pd.DataFrame, names: Mapping[str, str], by: str) -> Gap | None:
    seen = units["event_name"].unique()
    where = "happened in a session" if by == "session" else "happened"
    return next((Gap(f"No event '{event}' {where}, so there is no funnel with it.{nearest(event, seen)}",
                     "Leave the step out, or name an event that the data have.") for event in names if event not in seen), None)


def _segment(units: pd.DataFrame, segment: str, by: str) -> pd.Series:
    first = units.groupby("unit")[segment].transform("first")
    return first.fillna("Direct") if segment == "channel" and by == "session" else first


def _funnel(units: pd.DataFrame, names: Mapping[str, str], closed: bool, reach: Reach) -> pd.DataFrame:
    did = [units.loc[units["event_name"] == event, ["unit", "event_time"]] for event in names]
    through = reach(did)
    counts = through if closed else [rows["unit"].nunique() for rows in did]
    went_on = through[1:] if closed else [reach(pair)[1] for pair in pairwise(did)]
    onward = ratio(np.array(went_on, dtype=float), np.array(counts[:-1]))
    return pd.DataFrame({"step": list(names.values()), "count": counts, "rate_from_previous": [np.nan, *onward],
                         "rate_from_start": ratio(np.array(through), counts[0]), "drop_off": [*(1 - onward), np.nan]})


def _reach(ordered: bool, within_days: float | None) -> Reach:
    seconds = np.inf if within_days is None else within_days * 86_400
    if not seconds >= 0:
        raise ConvtrackError(f"within_days={within_days} allows no time. Write days, as within_days=7.")
    return lambda did: (_reach_in_order if ordered else _reach_in_any_order)(did, seconds)


def _reach_in_order(did: Sequence[pd.DataFrame], seconds: float) -> list[int]:
    """How many units did the first 1, 2, ... steps; each event carries the latest start that leads to it."""
    reached = did[0].assign(began=did[0]["event_time"])
    counts = [reached["unit"].nunique()]
    for step in did[1:]:
        later = pd.merge_asof(step, reached, on="event_time", by="unit")
        reached = later[(later["event_time"] - later["began"]).dt.total_seconds() <= seconds]
        counts.append(reached["unit"].nunique())
    return counts


def _reach_in_any_order(did: Sequence[pd.DataFrame], seconds: float) -> list[int]:
    """How many units did the first 1, 2, ... steps: from each event on, how long until all have happened."""
    starts = pd.concat(did).drop_duplicates().sort_values("event_time", kind="stable")
    span, counts = np.zeros(len(starts)), []
    for step in did:
        step = step.assign(done=step["event_time"])
        done = pd.merge_asof(starts, step, on="event_time", by="unit", direction="forward")
        span = np.maximum(span, (done["done"] - done["event_time"]).dt.total_seconds())
        counts.append(done.loc[span <= seconds, "unit"].nunique())
    return counts


def _page_views(events: pd.DataFrame) -> pd.DataFrame | Gap:
    rows = ordered_visits(events)
    views = rows[rows["event_name"] == "page_view"].reindex(columns=[*rows.columns.union(["page_url"])])
    views = views.assign(page=page_of(views["page_url"])).dropna(subset="page")
    if views.empty:
        return Gap("No page view names its page.", "Map the page's address to `page_url` in study.yaml.")
    return views


def _exits(views: pd.DataFrame) -> pd.DataFrame:
    return views.drop_duplicates(SESSION_KEY, keep="last")


def _converted(journeys: pd.DataFrame) -> pd.DataFrame:
    return journeys[journeys["converted"].astype(bool)].reset_index(drop=True)


def _short_names(paths: Iterable[Sequence[str]], top: int, other: str) -> dict[str, str]:
    touches = Counter(channel for path in paths for channel in path)
    ranked = sorted(touches, key=lambda channel: (-touches[channel], channel))
    return {channel: channel if rank < top else other for rank, channel in enumerate(ranked)}


def _spaced(path: Sequence[str], stages: int) -> list[str]:
    return [path[k * (len(path) - 1) // (stages - 1)] for k in range(stages)] if len(path) else []


def _ticked_off(path: Sequence[str], steps: Sequence[set[str]]) -> bool:
    ahead = iter(path)
    return all(any(touch in step for touch in ahead) for step in steps)
