"""Which times can be: a device whose clock is years off must not bend a study, or stop it."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

APART = pd.Timedelta(days=366)  # with nothing in between: the later part is not of this export
DAY = pd.Timedelta(days=1)


class Clocks(BaseModel):
    """The days between which a time can be; the entry `clocks:` in study.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    earliest: datetime.date = datetime.date(2000, 1, 1)
    latest: datetime.date | None = None  # found in the data, if not given

    def reason(self, high: pd.Timestamp) -> str:
        """What is said of a time that cannot be."""
        return f"not between {self.earliest} and {self.latest or high.date()}"


def end_of(times: pd.Series) -> pd.Timestamp:
    """When an export ends: its newest time, but for times that lie more than a year after all others.

    >>> end_of(pd.to_datetime(pd.Series(["2026-01-05", "2026-02-01", "2099-01-01"]), utc=True)).date()
    datetime.date(2026, 2, 1)
    """
    return _end(_as_days(times))


def _as_days(times: pd.Series) -> pd.DataFrame:
    """Every time as a day of its own: first, last, count."""
    known = times.dropna().sort_values(kind="stable", ignore_index=True)
    return pd.DataFrame({"first": known, "last": known, "count": 1})


def _end(days: pd.DataFrame) -> pd.Timestamp:
    """From the middle time on, so that early ones do not count, the last before a gap of more than a year."""
    if days.empty:
        return pd.NaT
    middle = int((days["count"].cumsum() > days["count"].sum() // 2).idxmax())
    later = (days["first"] - days["last"].shift()).iloc[middle + 1:] > APART
    return days["last"][later.idxmax() - 1] if later.any() else days["last"].iloc[-1]


def outside(times: pd.Series, clocks: Clocks, received: pd.Series | None = None) -> tuple[pd.Series, str]:
    """Which times cannot be, and the reason in words.

    The latest that can be is the end of `clocks.latest`, or a day after the newest time in `received`, or the end of the times.

    >>> times = pd.to_datetime(pd.Series(["1970-01-01", "2026-01-05", "2026-01-06"]), utc=True)
    >>> is_out, reason = outside(times, Clocks())
    >>> is_out.tolist(), reason
    ([True, False, False], 'not between 2000-01-01 and 2026-01-06')
    """
    low = _on_the_clock(clocks.earliest, times)
    high = latest_of_days(_as_days(times), clocks, None if received is None else _as_days(received))
    if pd.isna(high):
        return pd.Series(False, index=times.index), ""
    high = high if getattr(times.dtype, "tz", None) is not None else high.tz_localize(None)
    return (times < low) | (times > high), clocks.reason(high)


def latest_of_days(days: pd.DataFrame, clocks: Clocks, received: pd.DataFrame | None = None) -> pd.Timestamp:
    """The latest time that can be, from days in order (first | last | count); NaT where there is no time at all."""
    if clocks.latest is not None:
        return pd.Timestamp(clocks.latest, tz="UTC") + DAY
    days = days[days["last"] >= _on_the_clock(clocks.earliest, days["last"])].reset_index(drop=True)
    return _end(days) if received is None or received.empty else _end(received) + DAY


def _on_the_clock(day: datetime.date, times: pd.Series) -> pd.Timestamp:
    return pd.Timestamp(day, tz=getattr(times.dtype, "tz", None))
