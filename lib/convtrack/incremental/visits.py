"""The log as arrays: touches by visitor and time, the visits among them, and which visit each conversion happened in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import ConvtrackError
from ..pairs import Ints, Pairs, earlier_pairs, in_order
from ..schema import INTERACTIONS

Floats = NDArray[np.float64]
ON_SITE = [INTERACTIONS.index(kind) for kind in ("click", "visit")]
DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, eq=False)
class VisitLog:
    """Touches by visitor and time, as `read_visits` makes them.

    Attributes
    ----------
    channels : list of str
        The name of each channel's code.
    visitor, time, channel, kind : (touches,) int arrays
        Number of the visitor (a row of `covariates`), microseconds, code of the channel, place of the interaction in
        `schema.INTERACTIONS`.
    covariates : (visitors, columns) float array
        What is known of each visitor, in standard units.
    bought : (visits,) bool array
        Whether a conversion happened in the visit, which lasts until the visitor's next one.
    placed, unplaced : int
        Conversions in a visit, and those of visitors without one before it, which no model here can see.
    mean_value : float
        Value of a conversion.
    """

    channels: list[str]
    visitor: Ints
    time: Ints
    channel: Ints
    kind: Ints
    covariates: Floats
    bought: NDArray[np.bool_]
    placed: int
    unplaced: int
    mean_value: float

    @cached_property
    def visits(self) -> Ints:
        """Positions of the touches on the site."""
        return np.flatnonzero(np.isin(self.kind, ON_SITE))

    def until(self, visits: Ints, which: NDArray[np.bool_]) -> tuple[Pairs, Floats]:
        """(place in `visits`, position of one of these touches until then) of the same visitor, and the days between them."""
        pairs = earlier_pairs(self.visitor, visits, np.flatnonzero(which))
        days = (self.time[pairs.later] - self.time[pairs.earlier]) / DAY
        number = np.empty(len(self.visitor), np.int64)
        number[visits] = np.arange(len(visits))
        return Pairs(number[pairs.later], pairs.earlier), days

    def among(self, players: Sequence[str]) -> Ints:
        """The place of each touch's channel among the players; -1 where it is none of them."""
        return np.array([players.index(name) if name in players else -1 for name in self.channels])[self.channel]


def read_visits(touches: pd.DataFrame, conversions: pd.DataFrame, visitors: pd.DataFrame) -> VisitLog:
    """The log as arrays, whatever the order of the rows.

    Of the touches of one moment those off the site come before clicks and visits, each kind by the names of the channels.

    Parameters
    ----------
    touches : DataFrame
        visitor_id | touch_time | channel | interaction, every kind of touch.
    conversions : DataFrame
        visitor_id | conversion_time | value.
    visitors : DataFrame
        visitor_id and what is known of each from before the first touch: numbers, true or false, or text with few values.

    Raises
    ------
    ConvtrackError
        If there is no visit, or no conversion in one, the interaction of a touch is missing, or a time is among what is known.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-03-01", "2026-03-02"], utc=True)
    >>> touches = pd.DataFrame({"visitor_id": "a", "touch_time": at, "channel": ["Display", "Direct"],
    ...                         "interaction": ["view", "visit"]})
    >>> sold = pd.DataFrame({"visitor_id": ["a"], "conversion_time": at[1:], "value": [30.0]})
    >>> log = read_visits(touches, sold, pd.DataFrame({"visitor_id": ["a"]}))
    >>> log.bought.tolist(), log.placed, log.mean_value
    ([True], 1, 30.0)
    """
    ids, kinds = visitors["visitor_id"], places(touches["interaction"], INTERACTIONS)
    visitor, seconds = places(touches["visitor_id"], ids), _microseconds(touches["touch_time"])
    if (visitor < 0).any() or (kinds < 0).any():
        raise ConvtrackError("Every touch needs an `interaction` and a visitor who is in `visitors`. "
                             "Map `interaction` in study.yaml.")
    names = sorted(touches["channel"].unique())
    channels = places(touches["channel"], names)
    order = in_order(kinds, channels, np.isin(kinds, ON_SITE), seconds, visitor)
    visitor, seconds, channels, kinds = visitor[order], seconds[order], channels[order], kinds[order]
    visits = np.flatnonzero(np.isin(kinds, ON_SITE))
    bought = np.zeros(len(visits), bool)
    at = _visit_of(visitor[visits], seconds[visits], places(conversions["visitor_id"], ids),
                   _microseconds(conversions["conversion_time"]))
    bought[at[at >= 0]] = True
    if not bought.any():
        raise ConvtrackError("No conversion happened in a visit. Count clicks and visits among the `touches` of study.yaml.")
    return VisitLog(names, visitor, seconds, channels, kinds,
                    _covariates(visitors), bought, int((at >= 0).sum()), int((at < 0).sum()),
                    float(conversions["value"].mean()))


def places(labels: pd.Series, among: Sequence[str] | pd.Series) -> Ints:
    """The place of each label among those, or -1: what pandas' get_indexer finds, several times faster.

    >>> places(pd.Series(["b", None, "a"]), ["a", "b"]).tolist()
    [1, -1, 0]
    """
    text = pa.large_string()
    found = pc.index_in(pa.array(labels, text, from_pandas=True), value_set=pa.array(among, text), skip_nulls=True)
    return found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def _microseconds(times: pd.Series) -> Ints:
    return pd.DatetimeIndex(times).as_unit("us").asi8


def _visit_of(visitor: Ints, seconds: Ints, buyer: Ints, bought: Ints) -> Ints:
    """The number of the last visit of each buyer until the purchase, or -1; visits are by visitor and time."""
    first = min(seconds.min(), bought.min(initial=seconds.min()))
    span = max(seconds.max(), bought.max(initial=seconds.max())) - first + 1
    at = np.searchsorted(visitor * span + (seconds - first), buyer * span + (bought - first), side="right") - 1
    return np.where((at >= 0) & (visitor[np.maximum(at, 0)] == buyer), at, -1)


def _covariates(visitors: pd.DataFrame) -> Floats:
    """Everything but the ids in standard units; text becomes one column a value but the most frequent."""
    known = visitors.drop(columns=["visitor_id", "user_id"], errors="ignore").dropna(axis=1, how="all")
    for name in known.select_dtypes(["datetime", "datetimetz", "timedelta"]):
        raise ConvtrackError(f"Column {name} of the visitors holds times. Give numbers, as in days before the first touch, "
                             f"or leave it out.")
    flags = list(known.select_dtypes(["bool", "boolean"]))
    known = known.astype(dict.fromkeys(flags, "Float64")).astype(dict.fromkeys(flags, "float64"))
    usual = [f"{name}_{known[name].mode()[0]}" for name in known.select_dtypes(exclude="number")]
    numbers = pd.get_dummies(known, dtype=float).drop(columns=usual) if len(known.columns) else known.astype(float)
    varied = numbers.loc[:, numbers.std() > 0].fillna(numbers.mean())
    return ((varied - varied.mean()) / varied.std()).to_numpy(float)
