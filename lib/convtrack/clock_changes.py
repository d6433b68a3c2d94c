"""Local times around a change of clocks: the hour that comes twice, and the one that does not come."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

TOLD = "in an hour that the clocks repeat, the earlier or the later one by the order of the rows"
TAKEN = "in an hour that the clocks repeat, taken for the earlier one (if it is the later: repeated_hour: later, under its table)"
SKIPPED = "in an hour that the clocks skip, read by the clock that was not yet changed"


def utc_of_local(times: pd.Series, zone: ZoneInfo, repeated_hour: str | None = None,
                owners: pd.Series | None = None) -> tuple[pd.Series, Counter[str]]:
    """Local times in UTC, and how many of them a change of clocks makes doubtful, by what was done.

    Where an hour comes twice, and the rows are in order but for one step back within it, that step is the change. The order is the
    table's, or if it has none, that of each owner's rows; it may be the newest first. Otherwise the earlier hour is meant, as in
    Python (PEP 495). `repeated_hour`, "earlier" or "later", settles it for all.

    >>> night = pd.to_datetime(pd.Series(["2025-10-26 01:50", "2025-10-26 02:40", "2025-10-26 02:10", "2025-10-26 03:00"]))
    >>> found, doubts = utc_of_local(night, ZoneInfo("Europe/Berlin"))
    >>> found.dt.strftime("%H:%M").tolist(), doubts[TOLD], doubts[TAKEN]
    (['23:50', '00:40', '01:10', '02:00'], 2, 0)
    """
    earlier = np.ones(len(times), dtype=bool)
    zoned = _at(times, zone, earlier)
    doubtful = times.notna() & _at(times, zone, "NaT").isna()
    if not doubtful.any():
        return zoned, Counter()
    skipped = times.notna() & times.dt.tz_localize(zone, ambiguous=earlier, nonexistent="NaT").isna()
    twice = doubtful & ~skipped
    later, told = _by_order(times, twice, zone, owners) if repeated_hour is None else (twice & (repeated_hour == "later"), twice)
    zoned = _at(times, zone, ~later.to_numpy()).where(~skipped, _by_old_clock(times[skipped], zone))
    doubts = {TOLD: twice & told, TAKEN: twice & ~told} if repeated_hour is None else {}
    return zoned, +Counter({what: int(rows.sum()) for what, rows in (doubts | {SKIPPED: skipped}).items()})


def _at(times: pd.Series, zone: ZoneInfo, ambiguous: np.ndarray | str) -> pd.Series:
    return times.dt.tz_localize(zone, ambiguous=ambiguous, nonexistent="NaT").dt.tz_convert("UTC")


def _by_old_clock(times: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Times that do not exist in UTC, by the offset that held just before."""
    before = times.dt.tz_localize(zone, nonexistent="shift_backward")
    offset = before.dt.tz_localize(None) - before.dt.tz_convert("UTC").dt.tz_localize(None)
    return (times - offset).dt.tz_localize("UTC")


def _by_order(times: pd.Series, twice: pd.Series, zone: ZoneInfo, owners: pd.Series | None) -> tuple[pd.Series, pd.Series]:
    """Which of the times that come twice are later ones, and of which the order of the rows tells it."""
    every = pd.Series(0, index=times.index)
    for owner in [every] if owners is None else [owners] if _is_grouped(owners) else [every, owners]:
        ways = [way for sign in (1, -1) if (way := _in_order(times, twice, zone, owner, sign)) is not None]
        if len(ways) == 1 or (ways and ways[0][0].equals(ways[1][0])):
            return ways[0]
    return twice & False, twice & False


def _is_grouped(owners: pd.Series) -> bool:
    """Whether all rows of an owner stand together, so that a step back may be no more than another owner's beginning."""
    return (owners != owners.shift()).sum() == owners.nunique(dropna=False) < len(owners)


def _in_order(times: pd.Series, twice: pd.Series, zone: ZoneInfo, owner: pd.Series, sign: int) -> tuple[pd.Series, pd.Series] | None:
    """The same for rows of which the oldest (1) or the newest (-1) of each owner comes first; None if they do not."""
    nights = [owner[twice], _at(times[twice], zone, np.ones(twice.sum(), dtype=bool)).dt.normalize()]  # UTC's: the hour may end a local day
    changes = (_steps(times[twice], nights, sign) < 0).groupby(nights).cumsum()
    told = changes.groupby(nights).transform("max") == 1
    later, told = ((rows & told).reindex(times.index, fill_value=False) for rows in (changes == (sign > 0), told))
    found = _at(times, zone, ~later.to_numpy()).dropna()
    return None if (_steps(found, owner[found.index], sign) < 0).any() else (later, told)


def _steps(times: pd.Series, by: pd.Series | list[pd.Series], sign: int) -> pd.Series:
    return times.groupby(by).diff() / pd.Timedelta(sign)
