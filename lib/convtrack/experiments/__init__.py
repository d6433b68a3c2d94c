"""What was caused, told by chance: tests of two arms, their planning, looks on the way, holdouts, geo tests, calibration.

A result is a table and a sentence, and the checks that say whether to believe it. What the intervals and levels hold to is
measured in `docs/experiments.md`.
"""

from __future__ import annotations

from .effects import Check, Effect, compare_means, compare_rates, cuped, rate_effects, sample_ratio, sum_effects
from .geo import geo_lift
from .holdout import Calibration, calibrate, holdout_lift
from .looks import error_rate, peeking_error, stopping_bounds
from .planning import Plan, detectable_lift, find_power, visitors_needed

__all__ = [
    "Calibration", "Check", "Effect", "Plan", "calibrate", "compare_means", "compare_rates", "cuped", "detectable_lift",
    "error_rate", "find_power", "geo_lift", "holdout_lift", "peeking_error", "rate_effects", "sample_ratio", "stopping_bounds",
    "sum_effects", "visitors_needed",
]
