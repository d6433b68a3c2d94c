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


def end_of(times: pd.Series) -> pd.Timestamp:
    """When an export ends: its newest time, but for times that lie more than a year after all others.

    >>> end_of(pd.to_datetime(pd.Series(["2026-01-05", "2026-02-01", "2099-01-01"]), utc=True)).date()
    datetime.date(2026, 2, 1)
    """
    known = times.dropna().sort_values(ignore_index=True)
    later = known.diff().iloc[len(known) // 2 + 1:] > APART  # from the middle one on, so that early ones do not count
    return known[later.idxmax() - 1] if later.any() else known.max()


def outside(times: pd.Series, clocks: Clocks, received: pd.Series | None = None) -> tuple[pd.Series, str]:
    """Which times cannot be, and the reason in words.

    The latest that can be is the end of `clocks.latest`, or a day after the newest time in `received`, or the end of the times.

    >>> times = pd.to_datetime(pd.Series(["1970-01-01", "2026-01-05", "2026-01-06"]), utc=True)
    >>> is_out, reason = outside(times, Clocks())
    >>> is_out.tolist(), reason
    ([True, False, False], 'not between 2000-01-01 and 2026-01-06')
    """
    low, high = _on_the_clock(clocks.earliest, times), _latest(times, clocks, received)
    reason = f"not between {clocks.earliest} and {high.date()}" if pd.notna(high) else ""
    return (times < low) | (times > high), reason


def _latest(times: pd.Series, clocks: Clocks, received: pd.Series | None) -> pd.Timestamp:
    if clocks.latest is not None:
        return _on_the_clock(clocks.latest, times) + DAY
    if received is not None and received.notna().any():
        return end_of(received) + DAY
    return end_of(times)


def _on_the_clock(day: datetime.date, times: pd.Series) -> pd.Timestamp:
    return pd.Timestamp(day, tz=getattr(times.dtype, "tz", None))
