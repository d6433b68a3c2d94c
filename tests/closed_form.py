"""A world whose truth can be written down: visits and ads at constant rates, people who are all alike.

Ads are seen as a Poisson process of rate a a day; each adds b to the log-hazard of a purchase and fades by half in h days. At time t
the log-hazard has added up to a shot noise X(t), and by Campbell's theorem E exp(m X(t)) = exp(a * integral over ages u from 0 to t of
(exp(m b 2**(-u/h)) - 1) du). A visit converts with 1 - exp(-base exp(X)), whose mean is the alternating series of its powers. Visits come
as a Poisson process of rate v a day, less those within two hours of another (a share exp(-v / 12) is left) and those in the last
seventy minutes; purchases are what is left of v times the integral of that mean over time.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from scipy.integrate import quad

from convtrack.world import Scenario, load_scenario

ALIKE = {name: {"purchase_factor": 1.0} for name in load_scenario("larkspur").devices}
GAP, LAST = 2 / 24, 70 / 1440  # days: visits nearer to another count as one, and none begins so late
TERMS = 4  # the base is small, and the next power would change nothing that can be seen


def plain_world(base: float, visits: float, ads: float, effect: float, half_life: float, days: int) -> Scenario:
    """Direct visits and banners alone, `visits` and `ads` a day and person, at every hour and day alike."""
    scenario = load_scenario("independent")
    others = dict.fromkeys(scenario.channels.keys() - {"Direct", "Display"})
    return scenario.changed({
        "days": days, "devices": ALIKE, "purchase": {"base": base, "intent": 0.0}, "time_zone": "UTC",
        "days_in_market": {"median": 1e9, "sigma": 0.0, "least": 1.0, "most": 1e12}, "least_hours_between_visits": 24 * GAP,
        "rhythm": {"hours": [1] * 24, "weekdays": [1] * 7, "growth": 0.0},
        "channels": {**others, "Direct": {"rate": 30 * visits},
                     "Display": {"rate": 30 * ads, "clicks": 0.0, "effect": {"view": effect}, "half_life": half_life}}})


def purchases(base: float, visits: float, ads: float, effect: float, half_life: float, days: float) -> float:
    """Expected purchases of one person."""
    def growth(power: int, age: float) -> float:
        return ads * quad(lambda u: np.expm1(power * effect * 2 ** (-u / half_life)), 0, age)[0]

    def chance(time: float) -> float:
        return -sum((-base) ** power / factorial(power) * np.exp(growth(power, time)) for power in range(1, TERMS + 1))

    return visits * np.exp(-visits * GAP) * quad(chance, 0, days - LAST, limit=200)[0]
