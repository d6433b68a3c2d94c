"""The hypotheses of the study, written down in data/study/hypotheses.md before its first full run, and their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from scipy.stats import t as student

from .results import Results

OBSERVABLE = ("independent", "targeted_seen", "synergy", "saturation", "long_lag", "high_baseline")
VIEWED = ("Display", "Paid Video", "Paid Social")
SEEN = ("markov+views", "shapley+views")


class Finding(NamedTuple):
    """How far the results are on the claimed side of the line (above 0), with a 95 % interval, and where that was read."""

    where: str
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Hypothesis:
    """A claim, and the findings that all have to be above 0 for it to hold."""

    id: str
    claim: str
    findings: Callable[[Results], Iterable[Finding]]


def judge(results: Results) -> pd.DataFrame:
    """id | claim | verdict | where | estimate | low | high, a row a hypothesis; the numbers are of the least favourable finding.

    `held`: every interval lies above 0. `failed`: at least one lies below it. `undecided` otherwise, and where a world or a
    model that the claim speaks of is not in the results.
    """
    return pd.DataFrame([_row(one, list(one.findings(results))) for one in HYPOTHESES])


def _row(one: Hypothesis, findings: Sequence[Finding]) -> dict[str, object]:
    worst = min(findings, key=lambda finding: finding.high if finding.high < 0 else finding.low, default=None)
    if worst is None or any(np.isnan(finding.low) for finding in findings):
        return {"id": one.id, "claim": one.claim, "verdict": "undecided", "where": "", "estimate": None, "low": None, "high": None}
    verdict = "failed" if worst.high < 0 else "held" if worst.low > 0 else "undecided"
    return {"id": one.id, "claim": one.claim, "verdict": verdict, **worst._asdict()}


def _mean(where: str, values: pd.Series) -> Finding:
    """The mean over seeds with its t-interval; not a number where there are fewer than two."""
    known = values.dropna()
    half = known.std() / np.sqrt(len(known)) * student.ppf(0.975, len(known) - 1) if len(known) > 1 else np.nan
    return Finding(where, float(known.mean()), float(known.mean() - half), float(known.mean() + half))


def _nearer(results: Results, worlds: Iterable[str], models: Iterable[str], than: str, score: str = "share_mae",
            times: float = 1.0) -> list[Finding]:
    """By how much each model's score is below that of another (times a factor), seed by seed."""
    return [_mean(f"{world}: {model}", times * results.by_seed(world, than, score) - results.by_seed(world, model, score))
            for world in worlds for model in models]


def _over_share(results: Results, world: str, model: str, channels: Sequence[str], sign: float) -> Finding:
    """By how much the model's share of these channels is above the true one (or below, with a sign of -1)."""
    mine, true = (results.shares(world, name).reindex(columns=list(channels)).sum(axis=1) for name in (model, "truth"))
    return _mean(f"{world}: {' and '.join(channels)}", sign * (mine - true))


def _overclaims(results: Results) -> list[Finding]:
    worlds = [world for world in results.main_size if world != "placebo"]
    return [_mean(world, results.by_seed(world, "last_touch", "overclaim") - 1) for world in worlds]


def _three_times(results: Results) -> list[Finding]:
    """By how many worlds more than half of them last click overstates at least threefold; certain but for each world's interval."""
    worlds = [_mean(world, results.by_seed(world, "last_touch", "overclaim") - 3) for world in results.main_size if world != "placebo"]
    ends = [sum(getattr(one, end) > 0 for one in worlds) - len(worlds) / 2 for end in ("estimate", "low", "high")]
    return [Finding("worlds beyond one half", *ends)]


def _covers(results: Results) -> list[Finding]:
    """By how much the holdouts' coverage, with its exact interval, stays inside 92 to 98 %."""
    row = results.coverage().set_index("scenario").loc["all"]
    low, high = binomtest(int(row["covered"]), int(row["intervals"])).proportion_ci(0.95)
    distance = [min(share - 0.92, 0.98 - share) for share in (row["share"], low, high)]
    return [Finding("all worlds", distance[0], min(distance), max(distance))]


def _holdout_wide(results: Results) -> list[Finding]:
    return [_mean(world, results.by_seed(world, "holdout", "share_mae") - results.by_seed(world, "incremental", "share_mae"))
            for world in OBSERVABLE]


def _cured(results: Results, model: str) -> Finding:
    """By how much the error at a million visitors is below half of the error at 100,000."""
    large = results.by_seed("independent", model, "share_mae", 1_000_000)
    small = results.by_seed("independent", model, "share_mae")
    return _mean(model, (small.mean() / 2 - large).dropna())


def _never_cured(results: Results) -> list[Finding]:
    """By how much the error of last click at a million visitors is above three quarters of its error at 100,000."""
    return [_mean(f"{world}: {model}", (results.by_seed(world, model, "share_mae", 1_000_000)
                                        - 0.75 * results.by_seed(world, model, "share_mae").mean()).dropna())
            for world in ("independent", "targeted") for model in ("last_touch", *SEEN)]


def _lost_by_tracking(results: Results) -> list[Finding]:
    """How much more a model loses by the tracking loss than last click does."""
    worse = {model: results.by_seed("tracking_loss", model, "share_mae") - results.by_seed("independent", model, "share_mae")
             for model in ("last_touch", *SEEN)}
    return [_mean(model, worse[model] - worse["last_touch"]) for model in SEEN]


HYPOTHESES = (
    Hypothesis("H1", "Last click gives branded search too large a share where it takes clicks that would have come anyway.",
               lambda r: [_over_share(r, "brand_tax", "last_touch", ["Paid Search Brand"], 1)]),
    Hypothesis("H2", "Last click gives retargeting too large a share where it follows intent.",
               lambda r: [_over_share(r, "targeted", "last_touch", ["Retargeting"], 1)]),
    Hypothesis("H3", "Last click gives ads that are seen and not clicked too small a share, even where nothing is confounded.",
               lambda r: [_over_share(r, world, "last_touch", VIEWED, -1) for world in ("independent", "upstream")]),
    Hypothesis("H4", "Where channels act independently, Markov and Shapley with views come nearer to the truth than last click.",
               lambda r: _nearer(r, ["independent"], SEEN, "last_touch")),
    Hypothesis("H5", "Where ads follow intent that nobody sees, the error of Markov and Shapley is more than three times the noise floor.",
               lambda r: [_mean(f"targeted: {model}", r.by_seed("targeted", model, "share_mae")
                                - 3 * r.by_seed("targeted", "oracle", "share_mae")) for model in SEEN]),
    Hypothesis("H6", "A randomised holdout covers the truth in 95 % of cases, give or take 3, over all worlds and channels.", _covers),
    Hypothesis("H7", "At 100,000 visitors the holdout's shares are further from the truth than the incremental model's wherever all "
                     "confounding is seen: it is unbiased, and wide.", _holdout_wide),
    Hypothesis("H8", "Last click credits the paid channels with more than they cause, in every world.", _overclaims),
    Hypothesis("H9", "Last click overstates what the paid channels cause by a factor of three or more in at least half of the worlds.",
               _three_times),
    Hypothesis("H10", "Where all confounding is seen, the incremental model's share error is within 1.25 times the noise floor.",
               lambda r: _nearer(r, OBSERVABLE, ["incremental"], "oracle", times=1.25)),
    Hypothesis("H11", "Where all confounding is seen, the incremental model's mean share error at 100,000 visitors is below 0.016.",
               lambda r: [_mean(world, 0.016 - r.by_seed(world, "incremental", "share_mae")) for world in OBSERVABLE]),
    Hypothesis("H12", "Seeing the intent makes the incremental model's over-claim smaller.",
               lambda r: [_mean("targeted", r.by_seed("targeted", "incremental", "overclaim")
                                - r.by_seed("targeted_seen", "incremental", "overclaim"))]),
    Hypothesis("H13", "More data cures the incremental model where ads are independent: its error at a million visitors is below half "
                      "of that at 100,000.", lambda r: [_cured(r, "incremental")]),
    Hypothesis("H14", "More data does not cure last click, Markov or Shapley: at a million visitors at least three quarters of the error "
                      "at 100,000 are left.", _never_cured),
    Hypothesis("H15", "When tracking loses people, Markov and Shapley with views lose more than last click does.", _lost_by_tracking),
    Hypothesis("H16", "Where all confounding is seen, deciding by the incremental model loses less money than deciding by last click.",
               lambda r: _nearer(r, OBSERVABLE, ["incremental"], "last_touch", "regret")),
    Hypothesis("H17", "Where no channel does anything, every model that shares out all conversions still credits the paid channels "
                      "with at least a third of them.",
               lambda r: [_mean(f"placebo: {model}", r.by_seed("placebo", model, "claimed") - 1 / 3)
                          for model in ("first_touch", "last_touch", "linear", "markov", "shapley", *SEEN)]),
    Hypothesis("H18", "Where ads bring visits by other doors, the incremental model is no nearer to the truth than twice the noise floor of "
                      "the independent world: it sees only what an ad does at visits that happen.",
               lambda r: [_mean("upstream", r.by_seed("upstream", "incremental", "share_mae")
                                - 2 * r.by_seed("independent", "oracle", "share_mae").mean())]),
)
