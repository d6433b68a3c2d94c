"""Models that split each conversion by a rule: which touches of a path get which share.

A rule looks at one path at a time, so paths that did not convert do not matter to it, and no channel gets credit from a
path that it is not on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from ..errors import ConvtrackError
from ..paths import Floats, Paths, named, stacked
from .model import Credit, Crediting, Draws, Model

DIRECT = ("direct", "(direct)", "(direct) / (none)", "none")


@dataclass(frozen=True)
class Rule(Model):
    """A model that gives each touch a share of its path's outcome; unless its card says otherwise, a path's add up to 1."""

    @abstractmethod
    def shares(self, paths: Paths) -> Floats:
        """The share of each touch."""

    def prepare(self, paths: Paths) -> Crediting:
        """The function from draws to credit."""
        self.check(paths)
        kept = paths.conversions > 0
        conversions, value = paths.conversions[kept, None], paths.value[kept, None]
        won = (part.only(part.conversions > 0) for part in paths.parts())
        shares = stacked(part.by_channel(self.shares(part)) for part in won).T

        def credit(draws: Draws) -> Credit:
            drawn = draws.won[kept]
            return Credit(shares @ (conversions * drawn), shares @ (value * drawn))

        return credit

    def by_touch(self, paths: Paths) -> pd.DataFrame:
        """Credit touch by touch: path (its row), position (from 1), channel, share, conversions, value."""
        self.check(paths)
        shares = self.shares(paths)
        table = pd.DataFrame({"path": paths.rows, "position": paths.positions + 1, "share": shares,
                              "conversions": shares * paths.conversions[paths.rows]})
        table.insert(2, "channel", np.array(paths.channels, dtype=object)[paths.codes])
        return table.assign(value=shares * paths.value[paths.rows] if paths.valued else np.nan)


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
        return paths.is_last.astype(float)


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
        is_direct = named(paths, self.direct)[paths.codes]
        return paths.highest(recency(paths, preferred=~is_direct)).astype(float)


def recency(paths: Paths, preferred: np.ndarray) -> np.ndarray:
    """A rank for each touch: later is higher, and every preferred touch is above every other of its path."""
    order = np.arange(1, len(paths.codes) + 1)
    return order + len(order) * preferred


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
    """Fixed shares to the first and the last touch, and the rest spread over the touches between.

    Rule: `first` and `last` to the ends, 1 - first - last in equal parts to the middle. `position_based` is 40/20/40,
    `j_shaped` 20/20/60, `inverse_j` 60/20/20.
    Repeats: each touch counts. Paths without conversion: not used. One touch: 1. Two touches: there is no middle, and
    products differ. two_touches="in_proportion" (Mixpanel) divides the ends' shares by their sum: 40/20/40 gives 1/2, 1/2 and
    20/20/60 gives 1/4, 3/4. two_touches="split_middle" (Amplitude) halves the middle's share: 20/20/60 gives 0.3, 0.7.
    Direct: a channel like any other.
    Used by: Google Ads and GA4 until 2023, Snowplow, Matomo's attribution plugin (40/20/40); Mixpanel and Amplitude (all).
    """

    name: str = "position_based"
    first: float = 0.4
    last: float = 0.4
    two_touches: Literal["in_proportion", "split_middle"] = "in_proportion"

    def __post_init__(self) -> None:
        if not (0 <= self.first and 0 <= self.last and 0 < self.first + self.last <= 1):
            raise ConvtrackError(f"position_based: first={self.first} and last={self.last} must be shares that add up to "
                                 f"1 at most. Write for example first=0.4, last=0.4")
        if self.two_touches not in ("in_proportion", "split_middle"):
            raise ConvtrackError(f"position_based: two_touches='{self.two_touches}' is neither 'in_proportion' nor "
                                 f"'split_middle'. Write one of them.")

    def shares(self, paths: Paths) -> Floats:
        n = paths.lengths[paths.rows]
        middle = 1 - self.first - self.last
        is_first, is_last = paths.positions == 0, paths.is_last
        shares = is_first * self.first + is_last * self.last + ~(is_first | is_last) * middle / np.maximum(n - 2, 1)
        if self.two_touches == "split_middle":
            return np.where(n == 1, 1.0, shares + (n == 2) * middle / 2)
        return shares / np.where(n <= 2, self.first + self.last, 1.0)


@dataclass(frozen=True)
class WShaped(Rule):
    """Fixed shares to the first touch, the touch that led to a milestone, and the last touch; the rest to the others.

    Rule: 30 % first, 30 % milestone, 30 % last, 10 % in equal parts to the touches that are none of these. A touch with two
    roles gets both shares. What a path does not have (no milestone, no touch between) is shared out in proportion.
    A milestone is an event on the way, such as a lead form; `mark_milestones` finds the last touch before it. Several
    milestones share the 30 %.
    Repeats: each touch counts. Paths without conversion: not used. Two touches: by their roles; 1/2, 1/2 without a milestone.
    Direct: a channel like any other. Needs journeys with milestones.
    Used by: Adobe Marketo Measure (Bizible), HubSpot, Dreamdata.
    """

    name: str = "w_shaped"
    needs: ClassVar[tuple[str, ...]] = ("milestones",)

    def shares(self, paths: Paths) -> Floats:
        is_first, reached, is_last = (role.astype(float) for role in (paths.positions == 0, paths.milestones, paths.is_last))
        between = (is_first + reached + is_last == 0).astype(float)
        weight = 0.3 * is_first + 0.3 * is_last
        for role, share in ((reached, 0.3), (between, 0.1)):
            weight += share * role / np.maximum(paths.sums(role), 1)
        return weight / paths.sums(weight)


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
    needs: ClassVar[tuple[str, ...]] = ("hours",)

    def __post_init__(self) -> None:
        if not self.half_life_days > 0:
            raise ConvtrackError(f"time_decay: half_life_days={self.half_life_days} must be above 0. Write for example 7")

    def shares(self, paths: Paths) -> Floats:
        nearest = np.full(len(paths.lengths), np.inf)
        np.minimum.at(nearest, paths.rows, paths.hours)  # measured from the last touch, so that old paths do not underflow
        weight = 0.5 ** ((paths.hours - nearest[paths.rows]) / (24 * self.half_life_days))
        return weight / paths.sums(weight)


def _closer_counts_more(position: np.ndarray, length: np.ndarray) -> Floats:
    return (position + 1.0) / length


@dataclass(frozen=True)
class CustomWeights(Rule):
    """Shares in proportion to weights of your own.

    Rule: `weight(position, length)` gives the weight of each touch from its place (0 is the first) and the number of touches
    on its path, both as arrays; a path's weights are divided by their sum. The default weights touch 1, 2, 3 ... in
    proportion to 1, 2, 3 ..., which some packages call time decay although no clock is in it.
    Repeats: each touch counts. Paths without conversion: not used. Two touches: by the weights; 1/3, 2/3 by default.
    Direct: a channel like any other.
    Used by: Mixpanel, Adobe Analytics and Snowplow as "custom".
    """

    name: str = "custom"
    weight: Callable[[np.ndarray, np.ndarray], Floats] = field(default=_closer_counts_more)

    def shares(self, paths: Paths) -> Floats:
        weight = np.asarray(self.weight(paths.positions, paths.lengths[paths.rows]), dtype=float)
        fits = weight.shape == paths.codes.shape and (np.isfinite(weight) & (weight >= 0)).all()
        if not fits or not (total := paths.sums(weight)).all():
            raise ConvtrackError(f"{self.name}: the weights of a path must be numbers of 0 or more, one for each touch, and not "
                                 f"all 0. Correct the function `weight`.")
        return weight / total


@dataclass(frozen=True)
class Participation(Rule):
    """A whole conversion to every channel that is on the path. Does not add up: read a channel's figure by itself.

    Rule: 1 for each different channel of the path; divided over its touches where it is there more than once.
    Repeats: do not matter, a channel takes part once. Paths without conversion: not used. Two touches: 1, 1.
    Direct: a channel like any other.
    Adds up to more than the conversions wherever a path has two channels.
    Used by: Mixpanel, Amplitude, Adobe Analytics.
    """

    name: str = "participation"
    adds_up: ClassVar[bool] = False

    def shares(self, paths: Paths) -> Floats:
        pair = paths.rows.astype(np.int64) * len(paths.channels) + paths.codes
        place, pairs = pd.factorize(pair)
        return 1.0 / np.bincount(place, minlength=len(pairs))[place]


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
        parts = Participation().shares(paths)
        return parts / np.rint(paths.sums(parts))
