"""The tables beside the event log: the shop's own books, costs, what platforms claim, who was held out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from convtrack.schema import column_names
from convtrack.world.draws import DAY, Draws, on_site
from convtrack.world.rows import numbered, text
from convtrack.world.scenario import CLICK, Platform, by_interaction

FIRST_ORDER = 10_001


def bought_at(rows: pd.DataFrame) -> pd.Series:
    """The second of the purchase, by visit that buys; the reloaded thank-you page is no purchase."""
    return rows[rows["name"] == "purchase"].groupby("visit")["time"].min()


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
    times, dirt = bought_at(rows).sort_values(kind="stable"), draws.scenario.dirt
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
    counts = {"impressions": _daily(draws, shown), "clicks": _daily(draws, table[~table["is_test"]])}
    days = pd.DataFrame(counts).fillna(0).astype(int).reset_index()
    names = dict(enumerate(draws.scenario.campaigns))
    bills = [_bill(group, *names[code], draws) for code, group in days.groupby("code")
             if draws.scenario.channels[names[code][0]].cost]
    if not bills:
        return pd.DataFrame(columns=column_names("spend"))
    return pd.concat(bills).sort_values(["date", "code"], ignore_index=True)[column_names("spend")]


def _daily(draws: Draws, points: pd.DataFrame) -> pd.Series:
    """Counts by local date and campaign code."""
    frame = pd.DataFrame({"date": draws.clock.dates(points["time"]), "code": points["campaign"].array})
    return frame[frame["code"] >= 0].value_counts(sort=False)


def _bill(days: pd.DataFrame, name: str, campaign: str, draws: Draws) -> pd.DataFrame:
    """The days of one campaign with lost clicks, searches shown and costs; ad prices move from day to day."""
    channel, rng = draws.scenario.channels[name], draws.rng(f"spend/{name}/{campaign}")
    clicks = days["clicks"] + rng.binomial(days["clicks"], draws.scenario.dirt.extra_clicks)
    if channel.first == "visit":
        shown = clicks + rng.negative_binomial(np.maximum(clicks, 1), channel.click_rate)
    else:
        shown = days["impressions"]
        clicks = np.minimum(clicks, np.maximum(shown, days["clicks"]))
    sway = 0.0 if channel.first == "delivery" else 0.1
    price, cost = np.exp(sway * rng.standard_normal(len(days))), channel.cost
    paid = shown / 1000 * cost.per_thousand + clicks * cost.per_click + shown * cost.per_send
    return days.assign(channel=name, campaign=campaign, impressions=shown, clicks=clicks,
                       cost=(price * paid).round(2), currency=draws.scenario.currency)


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
    bought = table.assign(bought=bought_at(rows))[table["buys"] & table["tracked"] & ~table["is_test"]]
    bought = bought[["visitor", "bought", "worth"]].rename_axis("order").reset_index()
    claims = [_claims(part, bought, draws, points).assign(platform=name) for name, part in platforms]
    if not claims:
        return pd.DataFrame(columns=column_names("platform_reports"))
    booked = pd.concat(claims, ignore_index=True)
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
    points = points.assign(window=window, clicked=points["kind"] == CLICK)[points["own"] & (window > 0)]
    booked = points["origin"] if platform.booked_on == "send" else points.index
    points = points.assign(booked=draws.column["time"][booked])
    return points[["visitor", "time", "campaign", "window", "booked", "clicked"]]


def visitors(events: pd.DataFrame) -> pd.DataFrame:
    """One row a visitor that the log knows, by appearance.

    Returns
    -------
    DataFrame
        visitor_id | user_id (missing if never known) | device | browser | country.
    """
    columns = ["user_id", "device", "browser", "country"]
    return events.groupby("visitor_id", sort=False)[columns].last().reset_index()


def assignments(visitor_ids: pd.Series, draws: Draws, table: pd.DataFrame) -> pd.DataFrame:
    """Who was held out of the experiment's channel, from the first visit on, when it could have begun.

    Returns
    -------
    DataFrame
        experiment | visitor_id | arm (`ads`, `no_ads`) | assigned_time.
    """
    if draws.scenario.holdout is None:
        return pd.DataFrame(columns=column_names("assignments"))
    first = table[table["tracked"] & ~table["is_test"]].drop_duplicates("visitor")
    return pd.DataFrame({
        "experiment": draws.scenario.holdout.experiment,
        "visitor_id": visitor_ids.loc[first["visitor"]].array,
        "arm": text(draws.of_person("held_out", first["visitor"]), ["ads", "no_ads"]),
        "assigned_time": draws.clock.times(first["time"]),
    })
