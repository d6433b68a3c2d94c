"""Models that split each conversion by a rule: which touches of a path get which share.

A rule looks at one path at a time, so paths that did not convert do not matter to it, and no channel gets credit from a
path that it is not on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import ConvtrackError
from .paths import Floats, Paths

DIRECT = ("direct", "(direct)", "(direct) / (none)", "none")


@dataclass(frozen=True)
class Rule(ABC):
    """A model that gives each touch a share of its path's outcome; the shares of a path add up to 1."""

    name: str = ""

    @abstractmethod
    def shares(self, paths: Paths) -> Floats:
        """The share of each touch."""

    def credit(self, paths: Paths) -> pd.DataFrame:
        """Credit by channel: channel, conversions, value."""
        return paths.spread(self.shares(paths))


@dataclass(frozen=True)
class FirstTouch(Rule):
    """All credit to the first touch of the path.

    Rule: share 1 for touch 1, 0 for the others.
    Repeats: only the first touch counts. Paths without conversion: not used. Two touches: 1 / 0.
    Direct: a channel like any other.
    Used by: Mixpanel, Amplitude, Matomo's attribution plugin; Google Ads and GA4 until 2023.
    """

    name: str = "first_touch"

    def shares(self, paths: Paths) -> Floats:
        return (paths.positions == 0).astype(float)


@dataclass(frozen=True)
class LastTouch(Rule):
    """All credit to the last touch of the path; "last click" where touches are clicks.

    Rule: share 1 for touch n of n, 0 for the others.
    Repeats: only the last touch counts. Paths without conversion: not used. Two touches: 0 / 1.
    Direct: a channel like any other, so a visitor who comes back by typing the address gives Direct the credit.
    Used by: Google Ads ("last click"), Meta, Mixpanel's default.
    """

    name: str = "last_touch"

    def shares(self, paths: Paths) -> Floats:
        return (paths.positions == paths.lengths[paths.rows] - 1).astype(float)


@dataclass(frozen=True)
class LastNonDirect(Rule):
    """All credit to the last touch that is not Direct; to Direct, if every touch is.

    Rule: share 1 for the last touch whose channel is not one of `direct` (case ignored), 0 for the others.
    Repeats: only that touch counts. Paths without conversion: not used. Two touches: 0 / 1, or 1 / 0 before Direct.
    Direct: passed over, unless the whole path is direct.
    Used by: Universal Analytics, GA4's "last click", Matomo.
    """

    name: str = "last_non_direct"
    direct: tuple[str, ...] = DIRECT

    def shares(self, paths: Paths) -> Floats:
        is_direct = np.array([channel.casefold() in self.direct for channel in paths.channels], dtype=bool)
        order = np.arange(1, len(paths.codes) + 1)
        rank = np.where(is_direct[paths.codes], 0, order)
        best = np.zeros(len(paths.lengths), dtype=np.int64)
        np.maximum.at(best, paths.rows, rank)
        last = paths.starts[1:]  # touches are numbered from 1 here, so this is the last one's number
        return (order == np.where(best > 0, best, last)[paths.rows]).astype(float)


@dataclass(frozen=True)
class Linear(Rule):
    """Equal credit to every touch of the path.

    Rule: share 1/n for each of n touches.
    Repeats: each touch counts, so a channel that is there twice gets two shares. Paths without conversion: not used.
    Two touches: 1/2, 1/2. Direct: a channel like any other.
    Used by: Mixpanel, Amplitude, Snowplow, Matomo's attribution plugin; Google Ads and GA4 until 2023.
    """

    name: str = "linear"

    def shares(self, paths: Paths) -> Floats:
        return 1.0 / paths.lengths[paths.rows]


@dataclass(frozen=True)
class PositionBased(Rule):
    """Fixed shares to the first and the last touch, and the rest spread over the touches between (40/20/40).

    Rule: `first` and `last` to the ends, 1 - first - last in equal parts to the middle.
    Repeats: each touch counts. Paths without conversion: not used. One touch: 1. Two touches: first and last in
    proportion, so 1/2, 1/2. Direct: a channel like any other.
    Used by: Google Ads and GA4 until 2023, Snowplow, Matomo's attribution plugin, Mixpanel's U-shape.
    """

    name: str = "position_based"
    first: float = 0.4
    last: float = 0.4

    def __post_init__(self) -> None:
        if not (0 <= self.first and 0 <= self.last and 0 < self.first + self.last <= 1):
            raise ConvtrackError(f"position_based: first={self.first} and last={self.last} must be shares that add up to "
                                 f"1 at most. Write for example first=0.4, last=0.4")

    def shares(self, paths: Paths) -> Floats:
        n = paths.lengths[paths.rows]
        middle = (1 - self.first - self.last) / np.maximum(n - 2, 1)
        shares = np.where(paths.positions == 0, self.first, np.where(paths.positions == n - 1, self.last, middle))
        shares = np.where(n == 2, shares / (self.first + self.last), shares)
        return np.where(n == 1, 1.0, shares)


@dataclass(frozen=True)
class TimeDecay(Rule):
    """More credit the closer to the conversion, by the clock: half as much for each `half_life_days` before it.

    Rule: weight 2^(-days before the conversion / half_life_days), divided by the path's sum.
    Repeats: each touch counts. Paths without conversion: not used. Two touches: by their times.
    Direct: a channel like any other. Needs journeys: a table of paths has no times.
    Used by: Google Ads and GA4 until 2023 (half-life 7 days), Mixpanel.
    """

    name: str = "time_decay"
    half_life_days: float = 7.0

    def __post_init__(self) -> None:
        if not self.half_life_days > 0:
            raise ConvtrackError(f"time_decay: half_life_days={self.half_life_days} must be above 0. Write for example 7")

    def shares(self, paths: Paths) -> Floats:
        if paths.hours is None:
            raise ConvtrackError("time_decay needs the time of each touch, and a table of paths has none. "
                                 "Give it journeys, or leave time_decay out of --models")
        nearest = np.full(len(paths.lengths), np.inf)
        np.minimum.at(nearest, paths.rows, paths.hours)  # measured from the last touch, so that old paths do not underflow
        weight = 0.5 ** ((paths.hours - nearest[paths.rows]) / (24 * self.half_life_days))
        return weight / np.bincount(paths.rows, weight, minlength=len(paths.lengths))[paths.rows]


@dataclass(frozen=True)
class LinearUnique(Rule):
    """Equal credit to every channel of the path, however often it is there.

    Rule: share 1/k for each of k different channels.
    Repeats: do not matter. Paths without conversion: not used. Two touches: 1/2, 1/2, or 1 if they are one channel.
    Direct: a channel like any other.
    Used by: several packages, as "Shapley": it equals the Shapley value of the subset game (see `shapley`).
    """

    name: str = "linear_unique"

    def shares(self, paths: Paths) -> Floats:
        pair = paths.rows.astype(np.int64) * len(paths.channels) + paths.codes
        pairs, place, repeats = np.unique(pair, return_inverse=True, return_counts=True)
        different = np.bincount(pairs // max(len(paths.channels), 1), minlength=len(paths.lengths))
        return 1.0 / (different[paths.rows] * repeats[place])
