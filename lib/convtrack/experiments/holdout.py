"""Holdouts: what advertisements brought that would not have come without them, and credit calibrated by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import ConvtrackError, nearest
from ..gaps import Gap, passes_gaps
from ..sessions import need_columns
from ..texts import fmt, in_words
from .effects import Check, Effect, lift_in_words, sample_ratio, sum_effects
from .planning import detectable_lift


@passes_gaps
def holdout_lift(assignments: pd.DataFrame, conversions: pd.DataFrame, experiment: str, planned: Mapping[str, float],
                 treated: str, control: str, confidence: float = 0.95) -> Effect | Gap:
    """What the advertisements of a holdout brought in the arm that got them: converted visitors, conversions, value.

    Parameters
    ----------
    assignments, conversions : DataFrame
        Tables `assignments` and `conversions` (of one goal). Only conversions after the visitor's assigned_time count.
    experiment : str
        Which of the table's experiments.
    planned : mapping from arm to float
        The arms and the shares that were planned for them, for the sample-ratio check.
    treated, control : str
        The arm with the advertisements and the one without.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Effect or Gap
        A row an outcome as in `sum_effects`; "value" only where every conversion that counts has one, of one currency. Checks
        "sample ratio", and "value" where there is no such row. A gap where it is not known when visitors were assigned, or
        nobody converted afterwards.

    Raises
    ------
    ConvtrackError
        If there is no such experiment or arm, or a visitor is in two arms.

    Examples
    --------
    >>> day = pd.to_datetime(["2026-01-05", "2026-01-04", "2026-01-08"], utc=True)
    >>> assignments = pd.DataFrame({"experiment": "test", "visitor_id": list("abcdefghstuvwxyz"),
    ...                             "arm": ["ads"] * 8 + ["none"] * 8, "assigned_time": day[0]})
    >>> conversions = pd.DataFrame({"visitor_id": ["a", "a", "b"], "conversion_time": day[[2, 2, 1]], "value": 10.0})
    >>> effect = holdout_lift(assignments, conversions, "test", {"ads": 1, "none": 1}, treated="ads", control="none")
    >>> effect.table[["outcome", "treated", "control", "incremental"]].values.tolist()
    [['converted visitors', 0.125, 0.0, 1.0], ['conversions', 0.25, 0.0, 2.0], ['value', 2.5, 0.0, 20.0]]
    """
    people = _assigned(assignments, experiment, [treated, control])
    if isinstance(people, Gap):
        return people
    ratio = sample_ratio(people["arm"].value_counts().to_dict(), planned)
    people = people[people["arm"].isin([treated, control])]
    won = _after_assignment(people, conversions)
    if won.empty:
        return Gap(f"Nobody in {experiment} converted after being assigned.", "Wait for conversions, or take another goal.")
    no_value = _no_value(won)
    table = _effects_by_arm(people, won, treated, control, no_value is None, confidence)
    return Effect(table, _holdout_in_words(table, ratio, confidence), (ratio, *([no_value] if no_value else [])))


@dataclass(frozen=True)
class Calibration:
    """Credit beside what a holdout found: `table` has a row for each outcome, model and channel, `sentence` says it.

    Columns: outcome (conversions or value), model (if the credit has models), channel, credited, calibrated, low, high, factor,
    factor_low, factor_high (calibrated / credited; NaN if nothing was credited), basis: "experiment" or "not calibrated".
    Credit that no experiment calibrated is as it was, and has neither interval nor factor.
    """

    table: pd.DataFrame
    sentence: str


@passes_gaps
def calibrate(credit: pd.DataFrame, channel: str, holdout: Effect) -> Calibration | Gap:
    """A channel's credit scaled to what its holdout found, with the interval; the other channels as they were, and said so.

    Parameters
    ----------
    credit : DataFrame
        Credit of one or several models, as `compare(...).table`: channel, conversions, and model and value if there. It
        must be of the conversions that the holdout counts in its treated arm: those of its visitors, after they were assigned.
    channel : str
        The channel that the control arm did not get.
    holdout : Effect
        As `holdout_lift` returns it.

    Returns
    -------
    Calibration or Gap
        What is calibrated does not add up to the conversions any more: the rest came without this channel.

    Raises
    ------
    ConvtrackError
        If the channel has no credit, or `holdout` has no row for conversions.

    Examples
    --------
    >>> effect = Effect(pd.DataFrame({"outcome": ["conversions"], "incremental": 30.0, "incremental_low": 6.0,
    ...                               "incremental_high": 54.0}), "")
    >>> credit = pd.DataFrame({"channel": ["Email", "Retargeting"], "conversions": [80.0, 120.0]})
    >>> calibrated = calibrate(credit, "Retargeting", effect)
    >>> calibrated.table[["channel", "calibrated", "factor", "basis"]].values.tolist()
    [['Email', 80.0, nan, 'not calibrated'], ['Retargeting', 30.0, 0.25, 'experiment']]
    >>> print(calibrated.sentence.split("%).")[0])
    Retargeting brought 30 conversions (6 to 54) by the experiment. Credited: 120, of which that is 25% (5% to 45
    """
    need_columns(credit, ["channel", "conversions"], "credit")
    if channel not in set(credit["channel"]):
        raise ConvtrackError(f"The credit has no channel '{channel}'.{nearest(channel, credit['channel'])}")
    found = holdout.table.set_index("outcome")
    if "conversions" not in found.index:
        raise ConvtrackError("The holdout has no row 'conversions'. Give what holdout_lift returns.")
    both = [outcome for outcome in ("conversions", "value") if outcome in found.index and outcome in credit]
    table = pd.concat([_calibrated(credit, channel, outcome, found.loc[outcome]) for outcome in both], ignore_index=True)
    return Calibration(table, _calibration_in_words(table[table["outcome"] == "conversions"], channel))


def _assigned(assignments: pd.DataFrame, experiment: str, arms: list[str]) -> pd.DataFrame | Gap:
    """The experiment's visitors, each once: visitor_id, arm, assigned_time."""
    need_columns(assignments, ["experiment", "visitor_id", "arm"], "assignments")
    rows = assignments[assignments["experiment"] == experiment]
    if rows.empty:
        hint = nearest(experiment, assignments["experiment"])
        raise ConvtrackError(f"The table 'assignments' has no experiment '{experiment}'.{hint}")
    for arm in arms:
        if arm not in set(rows["arm"]):
            raise ConvtrackError(f"{experiment} has no arm '{arm}'.{nearest(arm, rows['arm'])}")
    if "assigned_time" not in rows or rows["assigned_time"].isna().any():
        return Gap(f"When visitors of {experiment} were assigned is not known of all, so nor is which conversions came later.",
                   "Add `assigned_time` to the assignments.")
    people = rows.sort_values("assigned_time", kind="stable").drop_duplicates(["visitor_id", "arm"])
    twice = people.loc[people["visitor_id"].duplicated(), "visitor_id"]
    if len(twice):
        raise ConvtrackError(f"{experiment}: {len(twice)} visitors are in two arms, such as '{twice.iloc[0]}'. Find out why, "
                             f"and leave them out of the assignments.")
    return people


def _after_assignment(people: pd.DataFrame, conversions: pd.DataFrame) -> pd.DataFrame:
    need_columns(conversions, ["visitor_id", "conversion_time"], "conversions")
    won = conversions.merge(people[["visitor_id", "arm", "assigned_time"]], on="visitor_id")
    return won[won["conversion_time"] > won["assigned_time"]]


def _no_value(won: pd.DataFrame) -> Check | None:
    """The check that says why there is no row for value; None if there is one."""
    if "value" not in won or won["value"].isna().any() or (won["value"] < 0).any():
        why = "not every conversion has a value of 0 or more"
    elif not won["value"].any():
        why = "all conversions have the value 0"
    elif "currency" in won and won["currency"].nunique() > 1:
        why = "the values are in several currencies"
    else:
        return None
    return Check("value", "cannot tell", f"Value cannot be told: {why}.")


def _effects_by_arm(people: pd.DataFrame, won: pd.DataFrame, treated: str, control: str, with_value: bool,
                    confidence: float) -> pd.DataFrame:
    each = won.groupby(["arm", "visitor_id"])
    brought = pd.DataFrame({"converted visitors": each.size().clip(upper=1), "conversions": each.size()})
    if with_value:
        brought["value"] = each["value"].sum()
    totals, squares = (part.groupby("arm").sum().reindex([treated, control], fill_value=0.0) for part in (brought, brought**2))
    visitors = people["arm"].value_counts()
    arms = [side for arm in (treated, control) for side in (totals.loc[arm], squares.loc[arm], visitors[arm])]
    table = sum_effects(*arms, confidence)
    table.insert(0, "outcome", list(brought))
    return table


def _holdout_in_words(table: pd.DataFrame, ratio: Check, confidence: float) -> str:
    rate, count = table.iloc[0], table.set_index("outcome").loc["conversions"]
    found, low, high = (fmt(count[name], decimals=0) for name in ("incremental", "incremental_low", "incremental_high"))
    parts = [f"Visitors who converted: {lift_in_words(rate, confidence, 'share')}",
             f"Conversions that the treatment brought: {found} ({low} to {high})."]
    if count["low"] <= 0 <= count["high"]:
        parts.append(_what_it_could_find(rate))
    return " ".join([*parts, *([ratio.sentence] if ratio.status != "passed" else [])])


def _what_it_could_find(rate: pd.Series) -> str:
    """Which lift a holdout of this size does find; so that nobody takes an interval with zero for an effect of zero."""
    both = int(rate["visitors"] + rate["control_visitors"])
    plan = detectable_lift(rate["control"], both, rate["visitors"] / both) if rate["control"] else Gap("")
    return ("It is too small to say more." if isinstance(plan, Gap) else
            f"A holdout of this size finds a lift of {fmt(plan.lift, 'share', 1)} or more {plan.power:.0%} of the time.")


def _calibrated(credit: pd.DataFrame, channel: str, outcome: str, found: pd.Series) -> pd.DataFrame:
    keys = [name for name in ("model", "channel") if name in credit]
    here, credited = credit["channel"] == channel, credit[outcome].astype(float)
    bounds = {"calibrated": found["incremental"], "low": found["incremental_low"], "high": found["incremental_high"]}
    scaled = pd.DataFrame(bounds, index=credit.index).where(here)
    factors = scaled.div(credited.where(credited != 0), axis=0).set_axis(["factor", "factor_low", "factor_high"], axis=1)
    scaled["calibrated"] = scaled["calibrated"].fillna(credited)
    table = pd.concat([credit[keys], credited.rename("credited"), scaled, factors], axis=1)
    table.insert(0, "outcome", outcome)
    return table.assign(basis=np.where(here, "experiment", "not calibrated"))


def _calibration_in_words(table: pd.DataFrame, channel: str) -> str:
    rows, others = table[table["channel"] == channel], table.loc[table["channel"] != channel, "channel"].nunique()
    low, high = fmt(rows.iloc[0]["low"], decimals=0), fmt(rows.iloc[0]["high"], decimals=0)
    credited = "; ".join(_credited_in_words(row) for _, row in rows.iterrows())
    return (f"{channel} brought {fmt(rows.iloc[0]['calibrated'], decimals=0)} conversions ({low} to {high}) by the experiment. "
            f"Credited: {credited}. No experiment has calibrated the other channels ({others}): they stand as credited.")


def _credited_in_words(row: pd.Series) -> str:
    by = f" by {in_words(row['model'])}" if "model" in row else ""
    if np.isnan(row["factor"]):
        return f"none{by}"
    factor, low, high = (fmt(row[name], "share", 0) for name in ("factor", "factor_low", "factor_high"))
    return f"{fmt(row['credited'], decimals=0)}{by}, of which that is {factor} ({low} to {high})"
