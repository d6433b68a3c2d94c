"""Shapley attribution on the subset game, exact for any number of channels.

Source: Shapley (1953); for this game Zhao, Mahboobi, Bagheri (2018), arXiv 1804.05327.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from .paths import Paths
from .rules import LinearUnique


@dataclass(frozen=True)
class Shapley:
    """Each channel's fair share, in Shapley's sense, of the conversions that a set of channels has among itself.

    Rule: v(S) = conversions on paths whose channels all lie in S; credit = the channel's Shapley value. Each path is a
    game of its own in which only the full set of its k channels wins, and the value of that is 1/k each: the sum over
    paths is exact, and equals `linear_unique`.
    Repeats: do not matter. Paths without conversion: not used. Two touches: 1/2, 1/2, or 1 if they are one channel.
    Direct: a channel like any other.
    Used by: mta, shapley-attribution ("simplified"). Other products play other games under the same name.
    """

    name: str = "shapley"

    def credit(self, paths: Paths) -> pd.DataFrame:
        """Credit by channel: channel, conversions, value."""
        return LinearUnique().credit(paths)
