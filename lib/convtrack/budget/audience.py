"""Leaks: where a segment stays behind on its way, and who left and came back."""

from __future__ import annotations

import pandas as pd

from ..errors import ConvtrackError
from ..experiments import Effect, holdout_lift, rate_effects
from ..gaps import Gap, passes_gaps


@passes_gaps
def leaks(funnel: pd.DataFrame, segment: str, closed: float = 0.5) -> pd.DataFrame | Gap:
    """Where a segment stays behind all others on the way from step to step, and what closing a part of the gap would bring.

    Parameters
    ----------
    funnel : DataFrame
        As `funnels.funnel_by` returns it, closed.
    segment : str
        Its first column. Rows without a segment are left out.
    closed : float
        The part of the gap that a repair closes, above 0 and at most 1.

    Returns
    -------
    DataFrame or Gap
        `segment`, step, reached (the step before), rate (of them who went on), others (the rate of all other segments), more =
        closed * (others - rate) * reached * the segment's own rate from this step to the last, low, high; the largest first.
        The intervals are those of `rate_effects`, wide enough to hold together in 95 % of cases for all the steps of all
        segments (Bonferroni), since the worst of them is looked for. A gap if no segment stays behind.

    Raises
    ------
    ConvtrackError
        If `closed` is no part of a gap.

    Examples
    --------
    >>> funnel = pd.DataFrame({"device": ["desktop", "desktop", "mobile", "mobile"], "step": ["checkout", "buy"] * 2,
    ...                        "count": [100, 60, 200, 80]})
    >>> leaks(funnel, "device")[["device", "step", "rate", "others", "more"]].round(3).values.tolist()
    [['mobile', 'buy', 0.4, 0.6, 20.0]]
    """
    if not 0 < closed <= 1:
        raise ConvtrackError(f"closed={closed} is no part of a gap. Write half of it as closed=0.5.")
    cells = _cells(funnel, segment)
    if cells.empty:
        return Gap(f"There are no two segments by {segment} to compare on the way.")
    effects = rate_effects(*(cells[name] for name in ("others_on", "others_reached", "went_on", "reached")),
                           confidence=1 - 0.05 / len(cells))
    onward = closed * cells["reached"].to_numpy() * cells["onward"].to_numpy()
    table = cells[[segment, "step", "reached"]].assign(rate=effects["control"], others=effects["treated"])
    table[["more", "low", "high"]] = effects[["difference", "low", "high"]].mul(onward, axis=0)
    behind = table[table["more"] > 0].sort_values("more", ascending=False, kind="stable", ignore_index=True)
    return Gap(f"No {segment} stays behind the others at any step.") if behind.empty else behind


@passes_gaps
def audience_of(events: pd.DataFrame, conversions: pd.DataFrame, step: str, wait_hours: float = 24,
                follow_days: float = 14) -> pd.DataFrame | Gap:
    """The visitors who did a step and had not converted some time later, and whether they then came back and did.

    Parameters
    ----------
    events, conversions : DataFrame
        Tables `events` and `conversions` (of one goal).
    step : str
        The event, such as "add_to_cart".
    wait_hours : float
        Who converts within this time of the first such event has not left.
    follow_days : float
        Until when after it they may come back. Those whose time is not over when the events end are left out.

    Returns
    -------
    DataFrame or Gap
        visitor_id, left_time (of their first such event), came_back. A gap if nobody left.

    Examples
    --------
    >>> day = pd.to_datetime(["2026-01-05", "2026-01-05", "2026-01-05", "2026-02-05"], utc=True)
    >>> events = pd.DataFrame({"visitor_id": list("abcd"), "event_name": ["cart", "cart", "cart", "see"], "event_time": day})
    >>> hours = pd.to_timedelta([2, 50], unit="h")
    >>> won = pd.DataFrame({"visitor_id": ["a", "b"], "conversion_time": day[:2] + hours})
    >>> audience_of(events, won, "cart")[["visitor_id", "came_back"]].values.tolist()
    [['b', True], ['c', False]]
    """
    did = events[events["event_name"] == step].groupby("visitor_id")["event_time"].min()
    left = did[did <= events["event_time"].max() - pd.Timedelta(days=follow_days)].rename("left_time").reset_index()
    later = left.merge(conversions[["visitor_id", "conversion_time"]])
    later["days"] = (later["conversion_time"] - later["left_time"]) / pd.Timedelta(days=1)
    days = left["visitor_id"].map(later[later["days"] >= 0].groupby("visitor_id")["days"].min())
    gone = left.assign(came_back=days <= follow_days)[~(days <= wait_hours / 24)].reset_index(drop=True)
    return gone if len(gone) else Gap(f"Nobody did {step} and left {follow_days:g} days or more before the events end.",
                                      "Name an event of this data that shows interest.")


@passes_gaps
def audience_lift(audience: pd.DataFrame, conversions: pd.DataFrame, assignments: pd.DataFrame, experiment: str, treated: str,
                  control: str) -> Effect | Gap:
    """What the advertisements of a holdout brought in an audience after it had left; as `experiments.holdout_lift` returns it.

    Parameters
    ----------
    audience : DataFrame
        As `audience_of` returns it.
    conversions, assignments : DataFrame
        Tables `conversions` (of one goal) and `assignments`.
    experiment, treated, control : str
        The experiment, its arm with the advertisements and its arm without.

    Returns
    -------
    Effect or Gap
        The check "sample ratio" holds the arms of the audience against the arms of everybody: if it fails, the
        advertisements changed who is in the audience, and the arms cannot be compared. A gap if there is no such experiment,
        or nobody of the audience is in one of the arms.

    Examples
    --------
    >>> left = pd.DataFrame({"visitor_id": list("abcd"), "left_time": pd.Timestamp("2026-01-05", tz="UTC")})
    >>> won = pd.DataFrame({"visitor_id": ["a"], "conversion_time": pd.to_datetime(["2026-01-06"], utc=True), "value": 30.0})
    >>> arms = pd.DataFrame({"experiment": "test", "visitor_id": list("abcdef"), "arm": ["ads", "none"] * 3})
    >>> audience_lift(left, won, arms, "test", "ads", "none").table.loc[0, ["treated", "control"]].tolist()
    [0.5, 0.0]
    """
    everybody = assignments[assignments["experiment"] == experiment]
    people = everybody.filter(["experiment", "visitor_id", "arm"]).merge(audience[["visitor_id", "left_time"]])
    if not {treated, control} <= set(people["arm"]):
        return Gap(f"Nobody of this audience is in both arms {treated} and {control} of an experiment {experiment}.",
                   "Hold the advertisements back from a random part of your visitors, as in lesson 09.")
    planned = everybody["arm"].value_counts().to_dict()
    people = people.rename(columns={"left_time": "assigned_time"})
    return holdout_lift(people, conversions, experiment, planned, treated, control)


def _cells(funnel: pd.DataFrame, segment: str) -> pd.DataFrame:
    """For each segment and step, how many reached the step before and went on, here and elsewhere, and the rate from it on."""
    steps = list(funnel["step"].unique())
    counts = funnel.dropna(subset=segment).pivot(index=segment, columns="step", values="count")[steps]
    before, others = counts.shift(axis=1), counts.sum() - counts
    parts = {"reached": before, "went_on": counts, "others_reached": others.shift(axis=1), "others_on": others,
             "onward": counts.rdiv(counts[steps[-1]], axis=0)}
    cells = pd.DataFrame({name: part.stack() for name, part in parts.items()}).dropna().reset_index()
    return cells[(cells["reached"] > 0) & (cells["others_reached"] > 0)].reset_index(drop=True)
