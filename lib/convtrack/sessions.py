"""From events to sessions: which events are one visit, where it came from, and whether it converted.

A session ends after a time without events; midnight does not cut it, and neither does a new campaign (GA4's
rule; Universal Analytics and Matomo cut at both, so they count more sessions on the same events).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from .errors import ConvtrackError, nearest
from .gaps import Gap, passes_gaps
from .schema import OFF_SITE_EVENTS

OFF_SITE = ("view", "open", "delivery")  # interactions that happen in an ad slot, an inbox or on a phone
OFFLINE_EVENTS = ("phone_call", "contract_signed")
SESSION_KEY = ["visitor_id", "session_id"]  # both: GA4 numbers sessions within a visitor only
SESSION_COLUMNS = ["session_id", "visitor_id", "start_time", "end_time", "duration_seconds", "pages",
                   "events", "channel", "campaign", "landing_page", "device", "country"]
# events that a visit may end with, and that are sent without one too: from a till, a server or a customer database
CONVERSION_EVENTS = ("purchase", "refund", "subscribe", "sign_up", "generate_lead", "lead_form", "phone_call", "contract_signed",
                     "newsletter_opt_in", "sms_opt_in", "app_install", "conversion")
PAGE_EVENTS = ("page_view", "session_start")
OPTIONAL = ["session_id", "page_url", "channel", "campaign", "device", "country"]


def need_columns(table: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """Nothing, if the table has the columns; otherwise the error that names the first one missing.

    >>> need_columns(pd.DataFrame({"eventTime": []}), ["event_time"], "events")
    Traceback (most recent call last):
    convtrack.errors.ConvtrackError: The table 'events' has no column 'event_time'. Closest: 'eventTime'.
    """
    for column in columns:
        if column not in table:
            hint = nearest(column, table.columns)
            raise ConvtrackError(f"The table '{name}' has no column '{column}'.{hint}")


@passes_gaps
def sessionize(events: pd.DataFrame, timeout_minutes: float = 30,
               offline: tuple[str, ...] = OFFLINE_EVENTS) -> pd.DataFrame | Gap:
    """One row for each session: who, when, how long, how many pages, and where it came from.

    Parameters
    ----------
    events : DataFrame
        Table `events`. A session_id is kept where there is one and derived where there is none, see
        `assign_sessions`.
    timeout_minutes : float
        Silence longer than this begins a new session; a silence of exactly this long does not.
    offline : tuple of str
        Events that happen away from the site, and so belong to no session unless they carry a session_id.

    Returns
    -------
    DataFrame or Gap
        session_id, visitor_id, start_time, end_time, duration_seconds, pages (page_view events), events,
        channel, campaign, landing_page (the first page, without what follows `?` or `#`), device, country; in
        order of start. Channel and campaign are those of the first row that names a channel; without one a visit is
        "Direct", as in `with_direct`, and a session of conversions alone "Unassigned".
        The duration is last event minus first, so a session of one event lasts 0 seconds
        (Universal Analytics' rule; GA4 reports the time in the foreground instead). A gap if nothing happened
        on the site.

    Raises
    ------
    ConvtrackError
        If the timeout is not above 0, or visitor_id, event_time or event_name is not a column.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": "v", "event_name": "page_view", "channel": ["Email", None, None],
    ...     "event_time": pd.to_datetime(["2026-01-05 10:00Z", "2026-01-05 10:30Z", "2026-01-05 11:01Z"])})
    >>> sessionize(events)[["session_id", "duration_seconds", "pages", "channel"]].values.tolist()
    [['v-1', 1800.0, 2, 'Email'], ['v-2', 0.0, 1, 'Direct']]
    """
    rows = ordered_visits(events, timeout_minutes, offline)
    if rows.empty:
        return Gap("No event happened on the site, so there are no sessions.",
                   "Add page or shop events, each with visitor_id and event_time.")
    sessions = _totals(rows).merge(_origins(rows), on=SESSION_KEY, how="left")
    other = np.where(_in_visits(rows).groupby([rows[key] for key in SESSION_KEY], sort=False).first(), "Direct", "Unassigned")
    sessions["channel"] = sessions["channel"].fillna(pd.Series(other, index=sessions.index, dtype="str"))
    return sessions[SESSION_COLUMNS].sort_values(["start_time", *SESSION_KEY]).reset_index(drop=True)


@passes_gaps
def assign_sessions(events: pd.DataFrame, timeout_minutes: float = 30,
                    offline: tuple[str, ...] = OFFLINE_EVENTS) -> pd.DataFrame:
    """The same events in the same order, with a session_id on every event that happened on the site.

    Parameters
    ----------
    events : DataFrame
        Table `events`; visitor_id, event_time and event_name at least.
    timeout_minutes, offline
        As in `sessionize`.

    Returns
    -------
    DataFrame
        An event without a session_id takes that of its visitor's nearest event in the same unbroken stretch
        of activity, the earlier one first; a stretch that has none is called visitor_id-n, n being its number
        among the visitor's stretches. Events in ads, inboxes and on the phone stay without one.

    Raises
    ------
    ConvtrackError
        As `sessionize`.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": "v", "event_name": ["page_view", "phone_call", "page_view"],
    ...     "event_time": pd.to_datetime(["2026-01-05 10:00Z", "2026-01-05 10:10Z", "2026-01-05 10:31Z"])})
    >>> assign_sessions(events)["session_id"].fillna("").tolist()
    ['v-1', '', 'v-2']
    """
    numbered = events.assign(_row=np.arange(len(events)))
    rows = ordered_visits(numbered, timeout_minutes, offline)
    ids = np.full(len(events), None, dtype=object)
    ids[rows["_row"].to_numpy()] = rows["session_id"].to_numpy(dtype=object)
    return events.assign(session_id=pd.array(ids, dtype="str"))


def join_returns(events: pd.DataFrame, returns: pd.Series, timeout_minutes: float = 30) -> pd.DataFrame:
    """The same events, with a session that begins with a return, and not after a long silence, as a part of the one before it.

    Parameters
    ----------
    events : DataFrame
        Table `events`, with session_id.
    returns : Series of bool
        Which rows only come back from somewhere, as from a payment.
    timeout_minutes : float
        As in `sessionize`.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": "v", "session_id": ["s1", "s2"], "event_name": ["page_view", "purchase"],
    ...     "event_time": pd.to_datetime(["2026-01-05 10:00Z", "2026-01-05 10:04Z"])})
    >>> join_returns(events, pd.Series([False, True]))["session_id"].tolist()
    ['s1', 's1']
    """
    if not returns.any():
        return events
    rows = ordered_visits(events.assign(_returns=returns), timeout_minutes)
    before = rows[[*SESSION_KEY, "event_time"]].shift()
    is_soon = rows["event_time"] - before["event_time"] <= pd.Timedelta(minutes=timeout_minutes)
    joins = rows["_returns"] & is_soon & (rows["visitor_id"] == before["visitor_id"]) & ~rows.duplicated(SESSION_KEY)
    if not joins.any():
        return events
    whole: dict[tuple[str, str], str] = {}
    for visitor, own, earlier in zip(rows["visitor_id"][joins], rows["session_id"][joins], before["session_id"][joins], strict=True):
        whole[visitor, own] = whole.get((visitor, earlier), earlier)
    keys = zip(events["visitor_id"], events["session_id"], strict=True)
    joined = [whole.get(key, key[1]) for key in keys]
    return events.assign(session_id=pd.array(joined, dtype="str"))


@passes_gaps
def with_direct(events: pd.DataFrame, timeout_minutes: float = 30,
                offline: tuple[str, ...] = OFFLINE_EVENTS) -> pd.DataFrame:
    """The same events, with the channel "Direct" where a visit begins of which no row names a channel.

    Parameters
    ----------
    events : DataFrame
        Table `events`. A visit is a session, the export's own or one by silence, in which somebody was seen on the site: in
        a row with a page_url, or one that is no conversion. It begins with its first row. Events with a column
        `interaction` say themselves what a touch is, and those without any channel say nothing: both stay as they are.
    timeout_minutes, offline
        As in `sessionize`.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": ["v", "v", "w"], "event_name": ["page_view", "page_view", "purchase"],
    ...     "channel": ["Email", None, None],
    ...     "event_time": pd.to_datetime(["2026-01-05 10:00Z", "2026-01-07 10:00Z", "2026-01-07 10:00Z"])})
    >>> with_direct(events)["channel"].fillna("").tolist()
    ['Email', 'Direct', '']
    """
    says_itself = "interaction" in events and events["interaction"].notna().any()
    if says_itself or "channel" not in events or events["channel"].isna().all():
        return events
    rows = ordered_visits(events.assign(_row=np.arange(len(events))), timeout_minutes, offline)
    is_named = rows["channel"].notna().groupby([rows[key] for key in SESSION_KEY], sort=False).transform("any")
    begins = rows.loc[~is_named & _in_visits(rows) & ~rows.duplicated(SESSION_KEY), "_row"]
    channel = events["channel"].astype("str").to_numpy(dtype=object, copy=True)
    channel[begins.to_numpy()] = "Direct"
    return events.assign(channel=pd.array(channel, dtype="str"))


def _in_visits(rows: pd.DataFrame) -> pd.Series:
    """Whether each row is in a session in which somebody was seen on the site."""
    full = rows.reindex(columns=["event_name", "page_url", "transaction_id", "value"])
    is_worth = full["transaction_id"].notna() | (full["value"].fillna(0) != 0)
    is_conversion = full["event_name"].isin(CONVERSION_EVENTS) | (is_worth & ~full["event_name"].isin(PAGE_EVENTS))
    is_seen = ~is_conversion | full["page_url"].notna()
    return is_seen.groupby([rows[key] for key in SESSION_KEY], sort=False).transform("any")


@passes_gaps
def has_conversion(sessions: pd.DataFrame, conversions: pd.DataFrame) -> pd.Series | Gap:
    """For each row, whether a conversion happened in its session.

    Parameters
    ----------
    sessions : DataFrame
        Any table with visitor_id and session_id.
    conversions : DataFrame
        Table `conversions`. Those without a session_id happened off the site and are in no session.

    Returns
    -------
    Series of bool, or Gap
        A gap if there are conversions and none has a session_id: then nobody knows in which session they
        happened.

    Examples
    --------
    >>> sessions = pd.DataFrame({"visitor_id": ["v", "w"], "session_id": ["1", "1"]})
    >>> has_conversion(sessions, pd.DataFrame({"visitor_id": ["v"], "session_id": ["1"]})).tolist()
    [True, False]
    """
    need_columns(sessions, SESSION_KEY, "sessions")
    need_columns(conversions, SESSION_KEY, "conversions")
    pairs = conversions[SESSION_KEY].dropna()
    if pairs.empty and len(conversions):
        return Gap("No conversion has a session_id, so nobody knows in which session it happened.",
                   "Find the conversions among assign_sessions(events).")
    found = pd.MultiIndex.from_frame(sessions[SESSION_KEY]).isin(pd.MultiIndex.from_frame(pairs))
    return pd.Series(found, index=sessions.index, name="converted")


def ordered_visits(events: pd.DataFrame, timeout_minutes: float = 30,
                   offline: tuple[str, ...] = OFFLINE_EVENTS) -> pd.DataFrame:
    """The events on the site, each visitor's in order of time, every one with its session_id.

    Events of the same moment are in the order that `moment_order` finds.
    """
    need_columns(events, ["visitor_id", "event_time", "event_name"], "events")
    if not timeout_minutes > 0:
        raise ConvtrackError(f"A session cannot end after {timeout_minutes} minutes. "
                             f"Write timeout_minutes=30.")
    here = events[_is_on_site(events, offline)]
    rows = here.iloc[in_order(here)].reset_index(drop=True)
    rows["session_id"] = _session_ids(rows, timeout_minutes)
    return rows


def page_of(urls: pd.Series) -> pd.Series:
    """The pages: the addresses without query and fragment, as GA4's "landing page".

    >>> page_of(pd.Series(["https://shop.example/teas?utm_source=mail#top"])).tolist()
    ['https://shop.example/teas']
    """
    return urls.astype("str").str.replace(r"(?s)[?#].*", "", regex=True)


def _is_on_site(events: pd.DataFrame, offline: tuple[str, ...]) -> pd.Series:
    here = ~events["event_name"].isin(offline)
    if "session_id" in events:
        here |= events["session_id"].notna()
    if "interaction" in events and events["interaction"].notna().any():
        return here & ~events["interaction"].isin(OFF_SITE)
    return here & ~events["event_name"].isin(OFF_SITE_EVENTS)


def in_order(events: pd.DataFrame) -> np.ndarray:
    """The positions of the events, visitor by visitor, in order of time; at the same moment as `moment_order` has them."""
    return np.lexsort([moment_order(events), events["event_time"].astype("int64"), pd.factorize(events["visitor_id"])[0]])


def moment_order(events: pd.DataFrame) -> np.ndarray:
    """A number for each event: which of the events of one moment came first, as far as the table can tell.

    It is the running number in event_id, where every id has one (99, 100 or e099, e100), else the place of the row.

    >>> moment_order(pd.DataFrame({"event_id": ["e100", "e99"]})).tolist(), moment_order(pd.DataFrame({"event_id": ["b", "a"]})).tolist()
    ([100, 99], [0, 1])
    """
    rows = np.arange(len(events))
    if "event_id" not in events or events["event_id"].isna().any() or events.empty:
        return rows
    ids = events["event_id"].astype("str")
    before = re.match(r"\D*", ids.iloc[0])[0]
    number = ids.str.slice(len(before))
    running = ids.str.startswith(before).all() and number.str.fullmatch(r"\d{1,18}").all()
    return number.astype("int64").to_numpy() if running else rows


def _session_ids(rows: pd.DataFrame, timeout_minutes: float) -> pd.Series:
    visitor = rows["visitor_id"]
    is_first = visitor != visitor.shift()
    stretch = (is_first | (rows["event_time"].diff().dt.total_seconds() > timeout_minutes * 60)).cumsum()
    number = stretch - stretch.where(is_first).ffill() + 1
    derived = visitor + "-" + number.astype("int64").astype("str")
    return _prefer_given(rows["session_id"], derived, stretch) if "session_id" in rows else derived


def _prefer_given(given: pd.Series, derived: pd.Series, stretch: pd.Series) -> pd.Series:
    if given.notna().all():
        return given
    near = given.groupby(stretch).ffill().groupby(stretch).bfill()
    # ids that an earlier run derived may come back as given ones: two sessions must not share a name
    derived = derived.where(~derived.isin(given.dropna().unique()), derived + "-derived")
    return near.fillna(derived)


def _totals(rows: pd.DataFrame) -> pd.DataFrame:
    full = rows.reindex(columns=rows.columns.union(OPTIONAL))
    full = full.assign(page=page_of(full["page_url"]), is_page_view=full["event_name"] == "page_view")
    totals = full.groupby(SESSION_KEY, sort=False, as_index=False).agg(
        start_time=("event_time", "min"), end_time=("event_time", "max"), pages=("is_page_view", "sum"),
        events=("event_name", "size"), landing_page=("page", "first"), device=("device", "first"),
        country=("country", "first"))
    return totals.assign(duration_seconds=(totals["end_time"] - totals["start_time"]).dt.total_seconds())


def _origins(rows: pd.DataFrame) -> pd.DataFrame:
    full = rows.reindex(columns=[*SESSION_KEY, "channel", "campaign"])
    full = full.astype({"channel": "str", "campaign": "str"})
    return full[full["channel"].notna()].drop_duplicates(SESSION_KEY)
