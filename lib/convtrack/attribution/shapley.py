"""Shapley attribution: several games go by this name, and each is a model of its own here, exact.

Sources: Shapley (1953), A value for n-person games; Harsanyi (1963) for the dividends; Zhao, Mahboobi, Bagheri (2018), arXiv
1804.05327, for the subset game and the ordered value.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from ..coalitions import dividends, over_supersets, shapley_value, sums_of_dividends
from ..paths import Floats, Paths
from .model import Credit, Crediting, Draws, Model
from .rules import LinearUnique

MOST_CHANNELS = 24  # a game on n channels is an array of 2^n numbers


@dataclass(frozen=True)
class Shapley(LinearUnique):
    """Each channel's fair share, in Shapley's sense, of the conversions that a set of channels has among itself.

    Rule: v(S) = conversions on paths whose channels all lie in S; credit = the channel's Shapley value. Each path is a
    game of its own in which only the full set of its k channels wins, and the value of that is 1/k each: the sum over
    paths is exact, for any number of channels, and equals `linear_unique`.
    Repeats: do not matter. Paths without conversion: not used. Two touches: 1/2, 1/2, or 1 if they are one channel.
    Direct: a channel like any other.
    Used by: mta, shapley-attribution ("simplified"). Other products play other games under the same name.
    """

    name: str = "shapley"


@dataclass(frozen=True)
class ShapleyOrdered(LinearUnique):
    """The subset game's value, told apart by the place on the path at which a channel earned it.

    Rule: a channel's share 1/k of a path is divided over the places at which it stands there. Its sum over places is
    `shapley`: order does not change a channel's total, it says whether the total is earned early or late (`by_position`).
    Repeats: divide the channel's share. Paths without conversion: not used. Two touches: 1/2 at place 1, 1/2 at place 2.
    Direct: a channel like any other.
    Used by: Zhao et al. 2018 (ordered Shapley value), shapley-attribution.
    """

    name: str = "shapley_ordered"

    def by_position(self, paths: Paths) -> pd.DataFrame:
        """Conversions by channel (rows) and place on the path (columns, from 1)."""
        credited = self.by_touch(paths.only(paths.conversions > 0))
        return credited.pivot_table(index="channel", columns="position", values="conversions", aggfunc="sum", fill_value=0.0)


@dataclass(frozen=True)
class Game(Model):
    """A game in which the worth of a set of channels comes from the paths that have exactly this set."""

    def prepare(self, paths: Paths) -> Crediting:
        """The function from draws to credit."""
        self.check(paths)
        touched = paths.lengths > 0
        some = paths.only(touched)
        exact = (some.presence @ (1 << np.arange(len(some.channels)))).astype(np.int64)  # each path's set, a bit a channel

        def totals(amounts: Floats) -> Floats:
            return np.bincount(exact, amounts, minlength=1 << len(some.channels))

        def credit(draws: Draws) -> Credit:
            found = []
            for won, lost in zip(draws.won[touched].T, draws.lost[touched].T, strict=True):
                conversions, journeys = totals(some.conversions * won), totals(some.conversions * won + some.nulls * lost)
                found.append([self.worth(outcome, conversions, journeys)
                              for outcome in (conversions, totals(some.value * won))])
            return Credit(*np.moveaxis(np.array(found), 0, -1))

        return credit

    @abstractmethod
    def worth(self, outcome: Floats, conversions: Floats, journeys: Floats) -> Floats:
        """Each channel's credit, from totals over the paths with exactly each set of channels."""

    def obstacle(self, paths: Paths) -> str | None:
        """Why the game cannot be played on these paths, and what to do; None where it can."""
        if len(paths.channels) <= MOST_CHANNELS:
            return None
        return (f"{self.name} plays a game on every set of channels: {len(paths.channels)} channels have "
                f"2^{len(paths.channels)} sets, and {MOST_CHANNELS} is the most. Group the channels, or use shapley.")


@dataclass(frozen=True)
class ShapleyRate(Game):
    """Shapley values of conversion rates, path by path: what a channel adds to the rate of the channels it stands with.

    Rule: v(S) = conversion rate of the journeys with exactly the channels S, 0 where none converted. Every journey plays the
    game of its own channels, and its Shapley values are added up over the journeys of all sets that converted.
    Repeats: do not matter. Paths without conversion: used, as journeys of their set. Two touches: A, B get what the rates of
    {A}, {B} and {A, B} say. Direct: a channel like any other.
    Credit can be negative, where a set converts less with the channel than without; it is reported so. At most 24 channels.
    Value plays a game of its own, on the mean value of a journey; MAM divides value as it divides conversions.
    Used by: marketing-attribution-models (MAM).
    """

    name: str = "shapley_rate"

    def worth(self, outcome: Floats, conversions: Floats, journeys: Floats) -> Floats:
        rate = np.divide(outcome, journeys, out=np.zeros(len(outcome)), where=conversions > 0)
        playing = np.where(conversions > 0, journeys, 0.0)
        return sums_of_dividends(dividends(rate) * over_supersets(playing))


@dataclass(frozen=True)
class ShapleyExact(Game):
    """Shapley values of the game in which a set is worth the conversions on paths with exactly its channels.

    Rule: v(S) = conversions on paths with exactly the channels S; credit = the channel's Shapley value in the game of all
    channels. Does not add up to the conversions but to v(all channels), which is 0 if no path has every channel.
    Repeats: do not matter. Paths without conversion: not used. Two touches: by all data, not by the path.
    Direct: a channel like any other. Credit can be negative; it is reported so. At most 24 channels.
    Used by: do-attribution.
    """

    name: str = "shapley_exact"
    adds_up: ClassVar[bool] = False

    def worth(self, outcome: Floats, conversions: Floats, journeys: Floats) -> Floats:
        return shapley_value(outcome)
