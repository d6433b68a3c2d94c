"""The tables beside the event log: the shop's own books, costs, what platforms claim, who was held out."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.stats import binom

from convtrack.schema import TABLES
from convtrack.world.draws import DAY, Draws, on_site
from convtrack.world.rows import event_names, local_day, numbered, text
from convtrack.world.scenario import CLICK, Platform, by_interaction

FIRST_ORDER = 10_001
DTYPES = {"time": "datetime64[us, UTC]", "date": "datetime64[us]", "money": "float", "count": "int"}  # others are texts


def bought_at(rows: pd.DataFrame, draws: Draws) -> pd.Series:
    """The second of the purchase, by visit that buys; the reloaded thank-you page is no purchase."""
    return rows[rows["name"] == event_names(draws.scenario).get_loc("purchase")].groupby("visit")["time"].min()


def orders(table: pd.DataFrame, rows: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """The shop's own order book, one row an order, by time; indexed by visit (row of `table`).

    Parameters
    ----------
    table, rows : DataFrame
        The world's `visits` and their `steps`.
    draws : Draws
        The world.

    Returns
    -------
    DataFrame
        transaction_id | order_time | value | currency | status (`paid`, `refunded`, `cancelled`, `test`). It
        has the orders of untracked people too.
    """
    times, dirt = bought_at(rows, draws).sort_values(kind="stable"), draws.scenario.dirt
    luck, bought = draws.rng("after the order").random(len(times)), table.loc[times.index]
    fates = [bought["is_test"], luck < dirt.refunded, luck < dirt.refunded + dirt.cancelled]
    return pd.DataFrame({
        "transaction_id": numbered("T", len(times), 5, first=FIRST_ORDER),
        "order_time": draws.clock.times(times),
        "value": bought["worth"],
        "currency": draws.scenario.currency,
        "status": np.select(fates, ["test", "refunded", "cancelled"], "paid"),
    }, index=times.index)


def spend(draws: Draws, points: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """What was shown, clicked and paid, one row a local day and campaign on which anything was.

    Parameters
    ----------
    draws : Draws
        The world.
    points, table : DataFrame
        Its `touchpoints` and its `visits`.

    Returns
    -------
    DataFrame
        date | channel | campaign | impressions | clicks | cost | currency. Platforms count everybody, tracked
        or not, and clicks that never reach the site.
    """
    shown = points[(points["level"] == 0) & ~on_site(points["kind"])]
    impressions, clicks = _daily(shown, draws), _daily(table[~table["is_test"]], draws)
    bills = [_bill(*names, impressions[code], clicks[code], draws) for code, names in enumerate(draws.scenario.campaigns)
             if draws.scenario.channels[names[0]].cost and (impressions[code] + clicks[code]).any()]
    return pd.concat([without_rows("spend"), *bills]).sort_values("date", kind="stable", ignore_index=True)


def without_rows(table: str) -> pd.DataFrame:
    """The table of that name when there is nothing to write in it, its columns typed as its contract says.

    >>> without_rows("assignments")["arm"].dtype
    <StringDtype(na_value=nan)>
    """
    dtypes = {column.name: DTYPES.get(column.kind, "str") for column in TABLES[table]}
    return pd.DataFrame(columns=[*dtypes]).astype(dtypes)


def _daily(points: pd.DataFrame, draws: Draws) -> np.ndarray:
    """(campaigns, days): how many of the touches are of that campaign, on that local day."""
    shape = len(draws.scenario.campaigns), draws.scenario.days
    cell = points["campaign"] * shape[1] + local_day(points["time"], draws)
    return np.bincount(cell[points["campaign"] >= 0], minlength=math.prod(shape)).reshape(shape)


def _bill(name: str, campaign: str, shown: np.ndarray, clicked: np.ndarray, draws: Draws) -> pd.DataFrame:
    """The days of one campaign with lost clicks, searches shown and costs; ad prices move from day to day."""
    channel, rng = draws.scenario.channels[name], draws.rng(f"spend/{name}/{campaign}")
    days = np.flatnonzero(shown + clicked)
    shown, clicked = shown[days], clicked[days]
    clicks = clicked + _some(clicked, draws.scenario.dirt.extra_clicks, rng)
    if channel.first == "visit":
        shown = clicks + rng.negative_binomial(np.maximum(clicks, 1), channel.click_rate)
    else:
        clicks = np.minimum(clicks, np.maximum(shown, clicked))
    sway = 0.0 if channel.first == "delivery" else 0.1
    price, cost = np.exp(sway * rng.standard_normal(len(days))), channel.cost
    paid = shown / 1000 * cost.per_thousand + clicks * cost.per_click + shown * cost.per_send
    return pd.DataFrame({
        "date": draws.clock.days[days].tz_localize(None).as_unit("us"), "channel": name, "campaign": campaign,
        "impressions": shown, "clicks": clicks, "cost": (price * paid).round(2), "currency": draws.scenario.currency,
    })


def _some(count: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
    """Of each count, how many are drawn; `Generator.binomial` draws other numbers in NumPy 2.5 than in 2.4."""
    drawn, there = np.zeros_like(count), (count > 0) & (chance > 0)
    drawn[there] = binom.ppf(rng.random(there.sum()), count[there], chance)
    return drawn


def platform_reports(
    draws: Draws, points: pd.DataFrame, table: pd.DataFrame, rows: pd.DataFrame
) -> pd.DataFrame:
    """What each ad platform claims, one row a local day and campaign with a claim.

    Parameters
    ----------
    draws : Draws
        The world.
    points, table, rows : DataFrame
        Its `touchpoints`, its `visits` and their `steps`.

    Returns
    -------
    DataFrame
        date | platform | campaign | conversions | value. Each platform sees only its own touches, and claims
        every tracked purchase with one of them in its windows; so the claims add up to more than they should.
    """
    keys, platforms = ["date", "platform", "campaign"], draws.scenario.platforms.items()
    bought = table.assign(bought=bought_at(rows, draws))[table["buys"] & table["tracked"] & ~table["is_test"]]
    bought = bought[["visitor", "bought", "worth"]].rename_axis("order").reset_index()
    claims = [_claims(part, bought, draws, points).assign(platform=name) for name, part in platforms]
    booked = pd.concat(claims, ignore_index=True) if claims else pd.DataFrame()
    if booked.empty:
        return without_rows("platform_reports")
    booked["date"] = draws.clock.dates(booked["booked"])
    booked["campaign"] = text(booked["campaign"], [campaign for _, campaign in draws.scenario.campaigns])
    return booked.groupby(keys)["worth"].agg(conversions="count", value="sum").round(2).reset_index()


def _claims(platform: Platform, bought: pd.DataFrame, draws: Draws, points: pd.DataFrame) -> pd.DataFrame:
    """The touch by which the platform claims each order that it claims."""
    pairs = bought.merge(_in_windows(platform, draws, points), on="visitor")
    wait = pairs["bought"] - pairs["time"]
    pairs = pairs[(wait > 0) & (wait <= pairs["window"] * DAY)]
    rank = ["clicked", "time"] if platform.clicks_first else ["time"]
    return pairs.sort_values(["order", *rank], kind="stable").drop_duplicates("order", keep="last")


def _in_windows(platform: Platform, draws: Draws, points: pd.DataFrame) -> pd.DataFrame:
    """The platform's touches, with the window of each and the second on which a claim by it is booked."""
    days = np.array([by_interaction(platform.windows.get(name, {})) for name in draws.scenario.channels])
    window = days[points["channel"], points["kind"]]
    points = points.assign(window=window)[points["own"] & (window > 0)]
    booked = (points["origin"] if platform.booked_on == "send" else points.index).to_numpy()
    columns = ["visitor", "time", "campaign", "window"]
    return points[columns].assign(booked=draws.column["time"][booked], clicked=points["kind"] == CLICK)


def visitors(events: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """One row a visitor that the log knows, by appearance.

    Parameters
    ----------
    events, seen : DataFrame
        What `rows.log` returns.

    Returns
    -------
    DataFrame
        visitor_id | user_id (missing if never known) | device | browser | country, and engagement where the
        scenario has it.
    """
    table = seen.drop(columns="consent").reset_index(drop=True)
    table.insert(1, "user_id", events.groupby("visitor_id", sort=False)["user_id"].last().array)
    return table


def assignments(seen: pd.DataFrame, draws: Draws, table: pd.DataFrame) -> pd.DataFrame:
    """Who was held out of the experiment's channel, from the first visit on, when it could have begun.

    Parameters
    ----------
    seen : DataFrame
        The visitors of the log, indexed by identity.
    draws : Draws
        The world.
    table : DataFrame
        Its `visits`.

    Returns
    -------
    DataFrame
        experiment | visitor_id | arm (`ads`, `no_ads`) | assigned_time.
    """
    if draws.scenario.holdout is None:
        return without_rows("assignments")
    first = table[table["tracked"] & ~table["is_test"]].drop_duplicates("identity")
    return pd.DataFrame({
        "experiment": text(np.zeros(len(first)), [draws.scenario.holdout.experiment]),
        "visitor_id": seen["visitor_id"].loc[first["identity"]].array,
        "arm": text(draws.of_person("held_out", first["visitor"]), ["ads", "no_ads"]),
        "assigned_time": draws.clock.times(first["time"]),
    })
