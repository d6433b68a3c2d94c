"""Where the next pound goes: what each channel returns, and the moves of the budget that the data can stand for.

What is said of returns starts from credit, so it is as true as the model that gave the credit: a curve fitted to last-touch
credit says how last-touch credit moved with spend. And spend is rarely set by a coin. Where it follows demand, as in paid
search, where more searches mean more clicks to pay for, credit and cost rise together whether or not the advertisement did
anything. Only spend that was varied on purpose makes a curve causal. What the data cannot say is named, and not guessed.
"""

from __future__ import annotations

from .audience import audience_lift, audience_of, leaks
from .credit import keep_or_stop, value_intervals
from .curves import Curves, Numbers, marginal_returns, response_curves, weekly
from .decisions import regrets
from .moves import UNSURE, Plan, reallocate

__all__ = [
    "UNSURE", "Curves", "Numbers", "Plan", "audience_lift", "audience_of", "keep_or_stop", "leaks", "marginal_returns",
    "reallocate", "regrets", "response_curves", "value_intervals", "weekly",
]
