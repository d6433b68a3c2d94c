"""What a decision cost, where the outcome of every decision is known."""

from __future__ import annotations

import pandas as pd

from ..errors import ConvtrackError
from ..gaps import passes_gaps
from ..sessions import need_columns


@passes_gaps
def regrets(switches: pd.DataFrame, kept: pd.DataFrame, margin: float) -> pd.DataFrame:
    """What each decision earns where the outcome of all of them is known, and what it loses against the best of them.

    Parameters
    ----------
    switches : DataFrame
        A world a row, one for each subset of some channels: on (the list of those that are on), value, cost.
    kept : DataFrame
        A row a channel, a column a decision: True where the channel stays on. A channel of which it says nothing stays on.
    margin : float
        The share of value that is left after the cost of goods.

    Returns
    -------
    DataFrame
        decision, on (the channels that stay), profit = margin * value - cost, regret = the highest profit of any world - this
        profit. In the order of `kept`; the last row is the best world.

    Raises
    ------
    ConvtrackError
        If the worlds do not have a decision.

    Examples
    --------
    >>> switches = pd.DataFrame({"on": [[], ["A"], ["B"], ["A", "B"]], "value": [50.0, 90.0, 70.0, 100.0],
    ...                          "cost": [0.0, 10.0, 20.0, 30.0]})
    >>> kept = pd.DataFrame({"as things are": [True, True], "keep B": [False, True]}, index=["A", "B"])
    >>> regrets(switches, kept, margin=0.5).values.tolist()
    [['as things are', ['A', 'B'], 20.0, 15.0], ['keep B', ['B'], 15.0, 20.0], ['the best of all', ['A'], 35.0, 0.0]]
    """
    need_columns(switches, ["on", "value", "cost"], "switches")
    earned = margin * switches["value"] - switches["cost"]
    profits = dict(zip(map(frozenset, switches["on"]), earned, strict=True))
    stays = kept.reindex(sorted(frozenset().union(*profits)), fill_value=True).astype(bool)
    chosen = {name: frozenset(stays.index[stays[name]]) for name in stays} | {"the best of all": max(profits, key=profits.get)}
    untried = next((name for name, on in chosen.items() if on not in profits), None)
    if untried is not None:
        raise ConvtrackError(f"No world has the channels of '{untried}' on and the others off. Give every subset a row.")
    rows = [(name, sorted(on), profits[on], max(profits.values()) - profits[on]) for name, on in chosen.items()]
    return pd.DataFrame(rows, columns=["decision", "on", "profit", "regret"])
