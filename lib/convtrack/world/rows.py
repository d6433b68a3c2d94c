"""What a tracker writes down of a world: visits, their pages and goals, ads and messages around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from convtrack.schema import INTERACTIONS, column_names
from convtrack.world.draws import DAY, Draws, lognormal, on_site, pick
from convtrack.world.outcome import Outcome
from convtrack.world.scenario import VISIT, Scenario

BROWSED, LOOKED, FILLED, AT_CHECKOUT, BOUGHT = range(5)  # how far a visit gets
LONGEST = 3600  # seconds from the first to the last page of a visit
TELL_WHO = ("purchase", "subscribe", "newsletter_opt_in", "sms_opt_in")  # events with a name and an address


def text(codes: Any, labels: Any) -> Any:
    """The label of each code, as a string array; missing for -1.

    >>> text([1, -1, 0], ["a", "b"]).tolist()
    ['b', nan, 'a']
    """
    known = pd.array([*labels, ""], dtype="str")
    return known.take(np.asarray(codes, int), allow_fill=True)


def numbered(letter: str, count: int, digits: int, first: int = 1) -> Any:
    """So many ids, as a string array.

    >>> numbered("v", 2, digits=5).tolist()
    ['v00001', 'v00002']
    """
    return pd.array([f"{letter}{number:0{digits}d}" for number in range(first, first + count)], dtype="str")


def _crowd(draws: Draws) -> pd.DataFrame:
    """The people of a world, with two of the staff at the end, who place the test orders."""
    country = next(iter(draws.scenario.countries))
    staff = draws.people[:1].assign(device="desktop", browser="Chrome", country=country)
    return pd.concat([draws.people, staff, staff], ignore_index=True)


def touchpoints(draws: Draws, result: Outcome) -> pd.DataFrame:
    """The touches that came to be, as they came.

    Returns
    -------
    DataFrame
        The columns of `draws.touches`, indexed as there; channel, campaign (-1 if it came another way) and kind
        are those by which it came, chance is that of a purchase. Also: own (whether it came by its own channel),
        buys, tracked (bool).
    """
    present, parts = np.flatnonzero(result.present), draws.scenario.channels.values()
    table, channel = draws.touches.iloc[present], result.channel[present]
    kind = np.where(on_site(table["kind"]), np.array([part.on_site for part in parts])[channel], table["kind"])
    own = table["channel"] == channel
    return table.assign(
        channel=channel, campaign=table["campaign"].where(own, -1), kind=kind, own=own,
        chance=result.probability[present], buys=result.purchased[present],
        tracked=draws.of_person("tracked", table["visitor"]),
    )


def visits(points: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """Every visit to the site, of tracked and untracked people, one row each, by time.

    Parameters
    ----------
    points : DataFrame
        The world's `touchpoints`.
    draws : Draws
        The world.

    Returns
    -------
    DataFrame
        visitor, time (seconds), channel, campaign, kind, source (codes), landing (page), chance, worth, buys,
        is_test, tracked, session (number among tracked visits, or -1), reach (how far in the funnel), and a bool
        column for each small goal, true at the visit that reaches it first.
    """
    table = points[on_site(points["kind"])].assign(is_test=False)
    table = table.assign(**{goal: _first_time(table, goal) for goal in draws.scenario.goals})
    table = pd.concat([table, _test_visits(draws)]).sort_values(["time", "visitor"], ignore_index=True)
    return _with_details(table, draws)


def _first_time(table: pd.DataFrame, goal: str) -> pd.Series:
    """Whether the goal is reached, for the first time by this visitor; the rows are in order of time."""
    return table[goal] & (table.groupby("visitor")[goal].cumsum() == 1)


def _test_visits(draws: Draws) -> pd.DataFrame:
    """Visits in which the staff order for one unit of money, each on a weekday of its own."""
    rng, count, days = draws.rng("test orders"), draws.scenario.dirt.test_orders, draws.clock.days
    workdays = draws.clock.at(days[days.day_of_week < 5], 10)
    kinds = [channel.on_site for channel in draws.scenario.channels.values()]
    channel = kinds.index(VISIT) if VISIT in kinds else 0
    columns = {
        "visitor": len(draws.people) + rng.integers(0, 2, count),
        "channel": channel, "campaign": -1, "kind": kinds[channel], "tracked": True,
        "time": rng.choice(workdays, count, replace=False) + rng.integers(0, 6 * 3600, count),
        "chance": 1.0, "worth": 1.0, "buys": True, "is_test": True,
    }
    return pd.DataFrame(columns | dict.fromkeys(draws.scenario.goals, False), index=range(count))


def _with_details(table: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """The visits with where they come from, where they land, and how far they get."""
    tracked, scenario = table["tracked"], draws.scenario
    source, landing = np.full(len(table), -1), np.full(len(table), "/", dtype=object)
    for name, rows, rng in draws.by_channel("source", table["channel"]):
        shares = {label: part.share for label, part in scenario.channels[name].sources.items()}
        source[rows] = pick(scenario.coded(shares, name, scenario.sources), len(rows), rng)
    for name, rows, rng in draws.by_channel("landing", table["channel"]):
        landing[rows] = rng.choice(scenario.channels[name].landing, len(rows))
    return table.assign(
        source=source, landing=pd.array(landing, dtype="str"),
        session=np.where(tracked, np.cumsum(tracked) - 1, -1),
        reach=_reach(table, _crowd(draws)["device"].iloc[table["visitor"]], draws),
    )


def _reach(table: pd.DataFrame, device: pd.Series, draws: Draws) -> np.ndarray:
    """How far each visit gets; those that leave late are those that were likely to buy."""
    left = device.map({name: part.abandoned_checkouts for name, part in draws.scenario.devices.items()})
    chance, draw = table["chance"].to_numpy(), draws.rng("reach").random(len(table))
    checkout = left.to_numpy() * chance
    cart = checkout + 2.2 * chance + 0.02
    cases = [table["buys"], draw < checkout, draw < cart, draw < cart + 0.42]
    return np.select(cases, [BOUGHT, AT_CHECKOUT, FILLED, LOOKED], BROWSED)


def steps(table: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """Everything that happens in the visits, one row each, by visit and time.

    Parameters
    ----------
    table : DataFrame
        `visits` of the world.
    draws : Draws
        The world.

    Returns
    -------
    DataFrame
        visit (row of `table`), name, page, time (seconds).
    """
    goals = [
        _block(np.flatnonzero(table[goal]), part.page, page_view=32, **{goal: 12})
        for goal, part in draws.scenario.goals.items()
    ]
    rows = pd.concat([*_arrival(table, draws), *goals, *_funnel(table, draws)])
    rows = rows.sort_values("visit", kind="stable", ignore_index=True)
    return rows.assign(time=_times(rows, table, draws)).drop(columns="pause")


def _block(visit: np.ndarray, page: Any, **pauses: float) -> pd.DataFrame:
    """What happens on one page of several visits: names in their order, typical seconds before each."""
    return pd.DataFrame({
        "visit": np.repeat(visit, len(pauses)),
        "page": np.repeat(np.broadcast_to(page, visit.shape), len(pauses)),
        "name": np.tile([*pauses], len(visit)),
        "pause": np.tile([*pauses.values()], len(visit)),
    })


def _arrival(table: pd.DataFrame, draws: Draws) -> list[pd.DataFrame]:
    """The start of each visit, its first page, and pages on the shelves."""
    rng, visit = draws.rng("browsing"), np.arange(len(table))
    browsed = np.repeat(visit, rng.poisson(0.7 + 0.8 * (table["reach"] > BROWSED)))
    shelves = rng.choice(draws.scenario.shelves, len(browsed))
    return [_block(visit, table["landing"], session_start=0, page_view=0), _block(browsed, shelves, page_view=32)]


def _funnel(table: pd.DataFrame, draws: Draws) -> list[pd.DataFrame]:
    """Teas looked at, the last of them put into the basket, checkout, purchase: as far as each visit gets.

    Some thank-you pages are loaded again, and fire the purchase again.
    """
    reach, rng, teas = table["reach"].to_numpy(), draws.rng("teas"), np.array(draws.scenario.products)
    seen = np.where(reach >= LOOKED, rng.integers(1, 4, len(table)), 0)
    last = np.minimum(rng.exponential(3.5, len(table)).astype(int), len(teas) - 1)
    visit = np.repeat(np.arange(len(table)), seen)
    back = np.cumsum(seen)[visit] - np.arange(len(visit)) - 1  # how many teas come after this one
    other = np.where(back > 0, rng.integers(1, len(teas), len(visit)), 0)
    cart, checkout, bought = (np.flatnonzero(reach >= stage) for stage in (FILLED, AT_CHECKOUT, BOUGHT))
    real = np.flatnonzero(table["buys"] & ~table["is_test"])
    again = real[draws.rng("reload").random(len(real)) < draws.scenario.dirt.double_purchase]
    return [
        _block(visit, teas[(last[visit] + other) % len(teas)], page_view=32, view_item=1),
        _block(cart, teas[last[cart]], add_to_cart=22),
        _block(checkout, "/checkout", page_view=35, begin_checkout=1),
        _block(bought, "/thank-you", page_view=95, purchase=1),
        _block(again, "/thank-you", page_view=360, purchase=1),
    ]


def _times(rows: pd.DataFrame, table: pd.DataFrame, draws: Draws) -> np.ndarray:
    """The second of each row: lognormal pauses, shortened where a visit would get too long."""
    visit, typical = rows["visit"].to_numpy(), rows["pause"].to_numpy(float)
    pause = np.clip(typical * np.exp(0.8 * draws.rng("pace").standard_normal(len(rows))), 2, 1200)
    pause = np.where(typical <= 1, typical, pause)
    pause = np.floor(pause * np.minimum(1, LONGEST / np.maximum(np.bincount(visit, pause), 1))[visit])
    return table["time"].to_numpy()[visit] + pd.Series(pause).groupby(visit).cumsum().to_numpy(np.int64)


def log(
    draws: Draws, points: pd.DataFrame, table: pd.DataFrame, rows: pd.DataFrame, orders: pd.Series
) -> tuple[pd.DataFrame, pd.Series]:
    """The events of tracked people.

    Parameters
    ----------
    draws : Draws
        The world.
    points, table, rows : DataFrame
        Its `touchpoints`, its `visits` and their `steps`.
    orders : Series
        Transaction id by visit (row of `table`).

    Returns
    -------
    (events, visitor ids) : DataFrame, Series
        Events by time, numbered; and the id of each tracked person (by position in the draws), by appearance.
    """
    site = _site_events(table, rows, orders, draws)
    parts = [part for part in (_ad_events(points, draws), _phone_events(site, draws)) if len(part)]
    events = pd.concat([site, *(part.assign(session=-1, is_test=False) for part in parts)])
    events = events.sort_values(["time", "session", "visitor"], kind="stable", ignore_index=True)
    seen = events["visitor"].unique()
    visitor_ids = pd.Series(numbered("v", len(seen), 5), index=seen)
    return _dressed(events, visitor_ids, draws), visitor_ids


def _site_events(table: pd.DataFrame, rows: pd.DataFrame, orders: pd.Series, draws: Draws) -> pd.DataFrame:
    """The steps of tracked visits, with what the tracker knows about each."""
    rows = rows[table["tracked"].to_numpy()[rows["visit"]]].reset_index(drop=True)
    visit, begins, buys = rows["visit"], rows["name"] == "session_start", rows["name"] == "purchase"
    about = table[["visitor", "session", "is_test", "worth"]].join(orders).iloc[visit].reset_index(drop=True)
    value = about["worth"].where(buys)
    for goal, part in draws.scenario.goals.items():
        if part.values:
            at = np.flatnonzero(rows["name"] == goal)
            value[at] = draws.rng(f"value/{goal}").choice(part.values, len(at))
    about = about.assign(value=value, transaction_id=about["transaction_id"].where(buys)).drop(columns="worth")
    tags = _tags(table[table["tracked"]], draws).reindex(visit.where(begins, -1)).reset_index(drop=True)
    return pd.concat([rows.drop(columns="visit"), about, tags], axis=1)


def _tags(table: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """Channel, campaign, interaction, referrer, UTM tags and click id of each visit; only marketing is tagged."""
    parts, sources = draws.scenario.channels, draws.scenario.sources
    medium = text(table["channel"], [part.medium for part in parts.values()])
    names = _named(table, draws.scenario)
    return names.assign(
        referrer=text(table["source"], [parts[channel].sources[name].referrer for channel, name in sources]),
        utm_source=text(np.where(medium.isna(), -1, table["source"]), [name for _, name in sources]),
        utm_medium=medium,
        utm_campaign=names["campaign"].mask(medium.isna()),
        click_id=_click_ids(table["channel"], draws),
    )


def _named(points: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Channel, campaign and interaction of each touchpoint, by name."""
    return pd.DataFrame({
        "channel": text(points["channel"], scenario.channels),
        "campaign": text(points["campaign"], [name for _, name in scenario.campaigns]),
        "interaction": text(points["kind"], INTERACTIONS),
    }, index=points.index)


def _click_ids(channel: pd.Series, draws: Draws) -> pd.Series:
    """A click id of its own for each ad click, after the platform's prefix; missing for the others."""
    prefix = channel.map(dict(enumerate(part.click_id for part in draws.scenario.channels.values()))).dropna()
    numbers = draws.rng("click id").integers(2**48, size=len(prefix))
    return prefix + pd.array([f".{number:012x}" for number in numbers], dtype="str")


def _ad_events(points: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """Ads seen and messages delivered or opened, which no session belongs to."""
    words = [part.message for part in draws.scenario.channels.values()]
    away = points[points["tracked"] & ~on_site(points["kind"])]
    names = np.array([["ad_impression", "", "", f"{word}_open", f"{word}_delivered"] for word in words])
    return _named(away, draws.scenario).assign(
        visitor=away["visitor"], time=away["time"], name=names[away["channel"], away["kind"]])


def _phone_events(site: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """The goals that are reached by phone, those within the time."""
    events = site[["visitor", "time", "name"]]
    for goal, part in draws.scenario.by_phone.items():
        before, rng = events[events["name"] == part.after], draws.rng(f"by phone/{goal}")
        lag = lognormal(part.lag_days, len(before), rng) * DAY
        after = before.assign(time=_to_office_hours(before["time"].to_numpy() + lag, rng), name=goal)
        if part.value:
            after["value"] = lognormal(part.value, len(before), rng).round(-1)
        reached = (rng.random(len(after)) < part.share) & (after["time"] < draws.clock.seconds)
        events = pd.concat([events, after[reached]])
    return events[len(site):]


def _to_office_hours(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first time from then on between nine and five o'clock, after an hour or so in the queue."""
    day, hour = np.divmod(seconds / 3600, 24)
    late = hour >= 17
    hour = np.where(late | (hour < 9), 9 + rng.exponential(1.5, len(seconds)).clip(0, 7), hour)
    return ((24 * (day + late) + hour) * 3600).astype(np.int64)


def _dressed(events: pd.DataFrame, visitor_ids: pd.Series, draws: Draws) -> pd.DataFrame:
    """The events in the columns of the data dictionary."""
    count, seconds = len(events), events["time"].to_numpy()
    who = _crowd(draws)[["device", "browser", "country"]].iloc[events["visitor"]]
    columns = {
        "event_id": numbered("e", count, 6),
        "event_name": events["name"],
        "event_time": draws.clock.times(seconds),
        "received_time": draws.clock.times(seconds + _delay(count, draws)),
        "visitor_id": visitor_ids.loc[events["visitor"]].array,
        "user_id": _users(events),
        "session_id": text(events["session"], numbered("s", events["session"].max() + 1, 6)),
        "page_url": draws.scenario.site + events["page"].astype("str"),
        "currency": pd.Series(draws.scenario.currency, events.index).where(events["value"].notna()),
        "consent": "granted",
        **{name: who[name].array for name in who},
    }
    events = events.assign(**columns)
    return events[[name for name in column_names("events") if name in events]]


def _delay(count: int, draws: Draws) -> np.ndarray:
    """Seconds from happening to being received: few, but some are sent when the phone is online again."""
    rng = draws.rng("delay")
    late = rng.random(count) < draws.scenario.dirt.late
    return np.where(late, 60 + rng.exponential(1800, count).astype(np.int64), rng.integers(0, 3, count))


def _users(events: pd.DataFrame) -> Any:
    """The user id, from the first event on that tells the shop who it is."""
    told, visitor = events["name"].isin(TELL_WHO), events["visitor"]
    known = pd.Index(visitor[told].unique())
    codes = np.where(told.groupby(visitor).cummax(), known.get_indexer(visitor), -1)
    return text(codes, numbered("u", len(known), 4))


def touch_log(draws: Draws, result: Outcome) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The touches and the purchases of tracked people, without the pages between them: quick, for studies.

    Parameters
    ----------
    draws : Draws
        The people and their potential touches.
    result : Outcome
        What became of them.

    Returns
    -------
    (touches, conversions) : two DataFrames
        With the columns that `build_journeys` takes. A purchase is booked a second after its visit begins.

    Examples
    --------
    >>> from convtrack.world import draw, load_scenario, outcome
    >>> draws = draw(load_scenario("larkspur"), seed=1, visitors=500)
    >>> touches, conversions = touch_log(draws, outcome(draws))
    >>> list(touches)
    ['visitor_id', 'touch_time', 'channel', 'campaign', 'interaction']
    """
    points = touchpoints(draws, result)
    seen = points[points["tracked"]].sort_values("time", kind="stable", ignore_index=True)
    visitor, times = text(seen["visitor"], numbered("v", len(draws.people), 6)), draws.clock.times(seen["time"])
    touches = pd.DataFrame({"visitor_id": visitor, "touch_time": times}).join(_named(seen, draws.scenario))
    bought = np.flatnonzero(seen["buys"])
    conversions = pd.DataFrame({
        "conversion_id": numbered("c", len(bought), 5),
        "goal": "purchase",
        "visitor_id": visitor[bought],
        "conversion_time": times[bought] + pd.Timedelta(seconds=1),
        "value": seen["worth"].to_numpy()[bought],
        "currency": draws.scenario.currency,
    })
    return touches, conversions
