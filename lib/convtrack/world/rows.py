"""What a tracker writes down of a world: visits, their pages and goals, ads and messages around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from convtrack.schema import INTERACTIONS
from convtrack.world.draws import DAY, Draws, browser_names, lognormal, on_site, pick
from convtrack.world.outcome import Outcome
from convtrack.world.scenario import DELIVERY, OPEN, VISIT, Channel, Scenario

SITE = "https://larkspur.example"
PRODUCTS = tuple(f"/tea/{name}" for name in (
    "earl-grey", "assam-breakfast", "first-flush-darjeeling", "lapsang", "sencha", "jasmine-pearls",
    "oolong-amber", "white-peony", "rooibos-orange", "mint-garden", "camomile", "gift-tin",
))
SHELVES = (
    "/", "/teas/black", "/teas/green", "/teas/herbal", "/teas/new", "/gifts", "/journal/how-to-brew-oolong",
)
BROWSED, LOOKED, FILLED, AT_CHECKOUT, BOUGHT = range(5)  # how far a visit gets
STEP = {  # the order of things in a visit
    "arrive": 0, "land": 1, "browse": 2, "goal": 10, "item": 100, "cart": 110, "checkout": 120, "thanks": 130,
    "again": 140,
}
LONGEST = 3600  # seconds from the first to the last page of a visit
TELL_WHO = ("purchase", "subscribe", "newsletter_opt_in", "sms_opt_in")  # events with a name and an address
TOUCH_COLUMNS = ["visitor", "time", "campaign", "chance", "worth"]


def text(codes: Any, labels: Any) -> Any:
    """The label of each code, as a string array; missing for -1.

    >>> text([1, -1, 0], ["a", "b"]).tolist()
    ['b', nan, 'a']
    """
    known = pd.array([*labels, ""], dtype="str")
    return known.take(np.asarray(codes, int), allow_fill=True)


def crowd(draws: Draws) -> pd.DataFrame:
    """The people of a world, with two of the staff at the end, who place the test orders."""
    desk = list(draws.scenario.devices).index("desktop") if "desktop" in draws.scenario.devices else 0
    staff = draws.people[:1].assign(tracked=True, held_out=False, device=desk, browser=0, country=0)
    return pd.concat([draws.people, staff, staff], ignore_index=True)


def visits(draws: Draws, result: Outcome) -> pd.DataFrame:
    """Every visit to the site, of tracked and untracked people, one row each, by time.

    Returns
    -------
    DataFrame
        visitor, time (seconds), channel, campaign, source, landing (codes), chance, worth, buys, is_test,
        tracked, session (number among tracked visits, or -1), reach (how far in the funnel), and a bool
        column for each small goal, true at the visit that reaches it first.
    """
    rows, goals = draws.visits[result.present[draws.visits]], list(draws.scenario.goals)
    swapped = result.channel[rows] != draws.column["channel"][rows]
    table = draws.touches.iloc[rows][TOUCH_COLUMNS + goals]
    table = table.assign(
        channel=result.channel[rows], campaign=np.where(swapped, -1, table["campaign"]), is_test=False,
        chance=result.probability[rows], buys=result.purchased[rows],
        **{goal: _first_time(table, goal) for goal in goals},
    )
    table = pd.concat([table, _test_visits(draws)]).sort_values(["time", "visitor"], ignore_index=True)
    return _with_details(table, draws)


def _first_time(table: pd.DataFrame, goal: str) -> pd.Series:
    """Whether the goal is reached, for the first time by this visitor; the rows are in order of time."""
    return table[goal] & (table.groupby("visitor")[goal].cumsum() == 1)


def _test_visits(draws: Draws) -> pd.DataFrame:
    """Visits in which the staff order for one unit of money, each on a weekday of its own."""
    rng, count, days = draws.rng("test orders"), draws.scenario.dirt.test_orders, draws.clock.days
    workdays = draws.clock.at(days[days.day_of_week < 5], 10)
    on_site_kinds = [channel.on_site for channel in draws.scenario.channels.values()]
    columns = {
        "visitor": len(draws.people) + rng.integers(0, 2, count),
        "channel": on_site_kinds.index(VISIT) if VISIT in on_site_kinds else 0, "campaign": -1,
        "time": rng.choice(workdays, count, replace=False) + rng.integers(0, 6 * 3600, count),
        "chance": 1.0, "worth": 1.0, "buys": True, "is_test": True,
    }
    return pd.DataFrame(columns | dict.fromkeys(draws.scenario.goals, False), index=range(count))


def _with_details(table: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """The visits with where they come from, where they land, and how far they get."""
    people, doors = crowd(draws), pages(draws.scenario)
    tracked = people["tracked"].to_numpy()[table["visitor"]]
    source, landing = np.full(len(table), -1), np.zeros(len(table), int)
    for code, (name, channel) in enumerate(draws.scenario.channels.items()):
        rows = np.flatnonzero(table["channel"] == code)
        shares = {label: part.share for label, part in channel.sources.items()}
        source[rows] = pick(shares, len(rows), draws.rng(f"source/{name}"))
        own = np.array([doors.index(page) for page in channel.landing])
        landing[rows] = own[draws.rng(f"landing/{name}").integers(0, len(own), len(rows))]
    return table.assign(
        source=source, landing=landing, tracked=tracked,
        session=np.where(tracked, np.cumsum(tracked) - 1, -1),
        reach=_reach(table, people["device"].to_numpy()[table["visitor"]], draws),
    )


def _reach(table: pd.DataFrame, device: np.ndarray, draws: Draws) -> np.ndarray:
    """How far each visit gets; those that leave late are those that were likely to buy."""
    left = np.array([part.abandoned_checkouts for part in draws.scenario.devices.values()])[device]
    chance, draw = table["chance"].to_numpy(), draws.rng("reach").random(len(table))
    checkout = left * chance
    cart = checkout + 2.2 * chance + 0.02
    cases = [table["buys"], draw < checkout, draw < cart, draw < cart + 0.42]
    return np.select(cases, [BOUGHT, AT_CHECKOUT, FILLED, LOOKED], BROWSED)


def pages(scenario: Scenario) -> list[str]:
    """Every page of the shop; the position is the code."""
    more = [page for channel in scenario.channels.values() for page in channel.landing]
    more += [goal.page for goal in scenario.goals.values()]
    return list(dict.fromkeys([*PRODUCTS, *SHELVES, "/checkout", "/thank-you", *more]))


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
        visit (row of `table`), step (its place in the visit), name, page (code), time (seconds).
    """
    blocks = [*_arrival(table, draws), *_goals(table, draws), *_funnel(table, draws), *_reload(table, draws)]
    rows = pd.concat([pd.DataFrame(block) for block in blocks], ignore_index=True)
    rows = rows.sort_values(["visit", "step"], kind="stable", ignore_index=True)
    return rows.assign(time=_times(rows, table, draws)).drop(columns="pause")


def _block(visit: np.ndarray, step: Any, page: Any, name: str, pause: float) -> dict[str, Any]:
    """The same thing in several visits; `pause`: typical seconds since the thing before it."""
    return {"visit": visit, "step": step, "page": page, "name": name, "pause": pause}


def _on_page(
    visit: np.ndarray, step: Any, page: Any, name: str, pause: float = 32, stay: float = 1
) -> list[dict[str, Any]]:
    """A page seen after a pause, and what happens after a stay on it."""
    return [_block(visit, step, page, "page_view", pause), _block(visit, step + 1, page, name, stay)]


def _arrival(table: pd.DataFrame, draws: Draws) -> list[dict[str, Any]]:
    """The start of each visit, its first page, and pages on the shelves."""
    rng, visit, landing = draws.rng("browsing"), np.arange(len(table)), table["landing"].to_numpy()
    shelves = np.array([pages(draws.scenario).index(page) for page in SHELVES])
    browsed = np.repeat(visit, rng.poisson(0.7 + 0.8 * (table["reach"] > BROWSED)))
    return [
        _block(visit, STEP["arrive"], landing, "session_start", 0),
        _block(visit, STEP["land"], landing, "page_view", 0),
        _block(browsed, STEP["browse"], rng.choice(shelves, len(browsed)), "page_view", 32),
    ]


def _goals(table: pd.DataFrame, draws: Draws) -> list[dict[str, Any]]:
    """The small goals, each on a page of its own."""
    known = pages(draws.scenario)
    blocks = [
        _on_page(np.flatnonzero(table[goal]), STEP["goal"] + 2 * place, known.index(part.page), goal, stay=12)
        for place, (goal, part) in enumerate(draws.scenario.goals.items())
    ]
    return [block for pair in blocks for block in pair]


def _funnel(table: pd.DataFrame, draws: Draws) -> list[dict[str, Any]]:
    """Teas looked at, the last of them put into the basket, checkout, purchase: as far as each visit gets."""
    reach, rng, known = table["reach"].to_numpy(), draws.rng("teas"), pages(draws.scenario)
    seen = np.where(reach >= LOOKED, rng.integers(1, 4, len(table)), 0)
    last = np.minimum(rng.exponential(3.5, len(table)).astype(int), len(PRODUCTS) - 1)
    visit = np.repeat(np.arange(len(table)), seen)
    back = np.cumsum(seen)[visit] - np.arange(len(visit)) - 1  # how many teas come after this one
    other = np.where(back > 0, rng.integers(1, len(PRODUCTS), len(visit)), 0)
    cart, checkout, bought = (np.flatnonzero(reach >= stage) for stage in (FILLED, AT_CHECKOUT, BOUGHT))
    return [
        *_on_page(visit, STEP["item"] - 2 * back, (last[visit] + other) % len(PRODUCTS), "view_item"),
        _block(cart, STEP["cart"], last[cart], "add_to_cart", 22),
        *_on_page(checkout, STEP["checkout"], known.index("/checkout"), "begin_checkout", pause=35),
        *_on_page(bought, STEP["thanks"], known.index("/thank-you"), "purchase", pause=95),
    ]


def _reload(table: pd.DataFrame, draws: Draws) -> list[dict[str, Any]]:
    """Thank-you pages loaded again, and the purchase fired again with them."""
    bought = np.flatnonzero(table["buys"] & ~table["is_test"])
    again = bought[draws.rng("reload").random(len(bought)) < draws.scenario.dirt.double_purchase]
    return _on_page(again, STEP["again"], pages(draws.scenario).index("/thank-you"), "purchase", pause=360)


def _times(rows: pd.DataFrame, table: pd.DataFrame, draws: Draws) -> np.ndarray:
    """The second of each row: lognormal pauses, shortened where a visit would get too long."""
    visit, typical = rows["visit"].to_numpy(), rows["pause"].to_numpy(float)
    pause = np.clip(typical * np.exp(0.8 * draws.rng("pace").standard_normal(len(rows))), 2, 1200)
    pause = np.where(typical <= 1, typical, pause)
    pause = np.floor(pause * np.minimum(1, LONGEST / np.maximum(np.bincount(visit, pause), 1))[visit])
    total = np.cumsum(pause)
    begun = total[(rows["step"] == STEP["arrive"]).to_numpy()]
    return table["time"].to_numpy()[visit] + (total - begun[visit]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Log:
    """The event log, and the visitor id of each tracked person (by position in the draws), by appearance."""

    events: pd.DataFrame
    visitor_ids: pd.Series


def log(draws: Draws, result: Outcome, table: pd.DataFrame, rows: pd.DataFrame, orders: pd.Series) -> Log:
    """The events of tracked people.

    Parameters
    ----------
    draws, result
        The world.
    table, rows : DataFrame
        Its `visits` and their `steps`.
    orders : Series
        Transaction id by visit (row of `table`).

    Returns
    -------
    Log
        Events by time, numbered.
    """
    site = _site_events(table, rows, orders, draws)
    parts = [part for part in (_ad_events(draws, result), *_phone_events(site, draws)) if len(part)]
    events = pd.concat([site, *parts], ignore_index=True)
    events = events.sort_values(["time", "session", "step", "visitor"], kind="stable", ignore_index=True)
    seen = events["visitor"].drop_duplicates().to_numpy()
    labels = pd.Series(text(range(len(seen)), _numbered("v", len(seen), 5)), index=seen)
    return Log(_dressed(events, labels, draws), labels)


def _numbered(letter: str, count: int, digits: int) -> list[str]:
    return [f"{letter}{number:0{digits}d}" for number in range(1, count + 1)]


def _site_events(table: pd.DataFrame, rows: pd.DataFrame, orders: pd.Series, draws: Draws) -> pd.DataFrame:
    """The steps of tracked visits, with what the tracker knows about each; -1 where it knows nothing."""
    rows = rows[table["tracked"].to_numpy()[rows["visit"]]]
    visit, names = rows["visit"].to_numpy(), rows["name"].to_numpy()
    begins, buys = names == "session_start", names == "purchase"
    of_visit = {name: table[name].to_numpy()[visit] for name in table}
    known = {name: of_visit[name] for name in ("visitor", "session", "is_test")}
    known |= {name: np.where(begins, of_visit[name], -1) for name in ("channel", "campaign", "source")}
    value = np.where(buys, of_visit["worth"], np.nan)
    for goal, part in draws.scenario.goals.items():
        if part.values:
            at = np.flatnonzero(names == goal)
            value[at] = draws.rng(f"value/{goal}").choice(part.values, len(at))
    transaction = orders.reindex(visit).where(buys).array
    return rows.drop(columns="visit").assign(value=value, transaction_id=transaction, kind=-1, **known)


def _ad_events(draws: Draws, result: Outcome) -> pd.DataFrame:
    """Ads seen and messages delivered or opened, which no session belongs to."""
    touch, channels = draws.column, draws.scenario.channels.values()
    seen = result.present & ~on_site(touch["kind"]) & draws.of_person("tracked", touch["visitor"])
    columns = {key: touch[key][seen] for key in ("visitor", "time", "channel", "campaign", "kind")}
    message = np.array([channel.message for channel in channels])[columns["channel"]]
    ending = {OPEN: "_open", DELIVERY: "_delivered"}
    names = [word + ending[kind] if kind in ending else "ad_impression"
             for word, kind in zip(message, columns["kind"], strict=True)]
    return pd.DataFrame(columns | {"name": names} | _off_site())


def _off_site() -> dict[str, Any]:
    """What an event that happens elsewhere than on the site does not have."""
    return dict.fromkeys(("session", "step", "page", "source"), -1) | {"is_test": False}


def _phone_events(site: pd.DataFrame, draws: Draws) -> list[pd.DataFrame]:
    """The goals that are reached by phone, those within the time."""
    done = {name: rows[["visitor", "time"]] for name, rows in site.groupby("name")}
    for goal, part in draws.scenario.by_phone.items():
        before, rng = done.get(part.after, site[:0][["visitor", "time"]]), draws.rng(f"by phone/{goal}")
        lag = lognormal(part.lag_days, len(before), rng) * DAY
        hour = _to_office_hours(before["time"].to_numpy() + lag, rng)
        after = pd.DataFrame({"visitor": before["visitor"].to_numpy(), "time": hour, "name": goal})
        if part.value:
            after["value"] = lognormal(part.value, len(before), rng).round(-1)
        done[goal] = after[(rng.random(len(after)) < part.share) & (after["time"] < draws.clock.seconds)]
    unknown = _off_site() | dict.fromkeys(("channel", "campaign", "kind"), -1)
    return [done[goal].assign(**unknown) for goal in draws.scenario.by_phone]


def _to_office_hours(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first time from then on between nine and five o'clock, after an hour or so in the queue."""
    day, hour = np.divmod(seconds / 3600, 24)
    late = hour >= 17
    hour = np.where(late | (hour < 9), 9 + rng.exponential(1.5, len(seconds)).clip(0, 7), hour)
    return ((24 * (day + late) + hour) * 3600).astype(np.int64)


def _dressed(events: pd.DataFrame, labels: pd.Series, draws: Draws) -> pd.DataFrame:
    """The events in the columns of the data dictionary."""
    scenario, count, seconds = draws.scenario, len(events), events["time"].to_numpy()
    who = crowd(draws).iloc[events["visitor"].to_numpy()]
    sessions = _numbered("s", int(events["session"].max()) + 1, 6)
    columns = {
        "event_id": text(range(count), _numbered("e", count, 6)),
        "event_name": events["name"].astype("str").array,
        "event_time": draws.clock.times(seconds),
        "received_time": draws.clock.times(seconds + _delay(count, draws)),
        "visitor_id": labels.loc[events["visitor"]].array,
        "user_id": _users(events),
        "session_id": text(events["session"], sessions),
        "page_url": text(events["page"], [SITE + page for page in pages(scenario)]),
        **_tags(events, draws),
        "transaction_id": events["transaction_id"].astype("str").array,
        "value": events["value"].to_numpy(),
        "currency": text(np.where(events["value"].notna(), 0, -1), [scenario.currency]),
        "device": text(who["device"], scenario.devices),
        "browser": text(who["browser"], browser_names(scenario)),
        "country": text(who["country"], scenario.countries),
        "consent": text(np.zeros(count), ["granted"]),
        "is_test": events["is_test"].to_numpy(bool),
    }
    return pd.DataFrame(columns)


def _delay(count: int, draws: Draws) -> np.ndarray:
    """Seconds from happening to being received: few, but some are sent when the phone is online again."""
    rng = draws.rng("delay")
    late = rng.random(count) < draws.scenario.dirt.late
    return np.where(late, 60 + rng.exponential(1800, count).astype(np.int64), rng.integers(0, 3, count))


def _users(events: pd.DataFrame) -> Any:
    """The user id, from the first event on that tells the shop who it is."""
    known = events["visitor"][events["name"].isin(TELL_WHO)].drop_duplicates()
    number = pd.Series(np.arange(len(known)), index=known.to_numpy())
    since = pd.Series(known.index, index=known.to_numpy()).reindex(events["visitor"], fill_value=len(events))
    codes = number.reindex(events["visitor"], fill_value=-1).to_numpy()
    return text(np.where(events.index >= since.to_numpy(), codes, -1), _numbered("u", len(known), 4))


def _tags(events: pd.DataFrame, draws: Draws) -> dict[str, Any]:
    """Referrer, UTM tags, click id, channel, campaign and interaction of the events that are touchpoints."""
    scenario, channel = draws.scenario, events["channel"].to_numpy()
    parts, campaigns = list(scenario.channels.values()), [campaign for _, campaign in scenario.campaigns]
    start = np.where(events["session"] >= 0, channel, -1)  # ads and messages carry no tags
    door = _doors(start, events["source"].to_numpy(), scenario)
    sources = [source for part in parts for source in part.sources.items()]
    linked = _of(sources, door, lambda source: source[1].referrer is not None, False)
    tagged = _of(parts, start, lambda part: part.medium is not None, False)
    kind = np.where(start >= 0, _of(parts, start, lambda part: part.on_site, -1), events["kind"])
    return {
        "referrer": text(np.where(linked, door, -1), [source.referrer or "" for _, source in sources]),
        "utm_source": text(np.where(tagged, door, -1), [name for name, _ in sources]),
        "utm_medium": text(np.where(tagged, start, -1), [part.medium or "" for part in parts]),
        "utm_campaign": text(np.where(tagged, events["campaign"], -1), campaigns),
        "click_id": _click_ids(start, parts, draws),
        "channel": text(channel, scenario.channels),
        "campaign": text(events["campaign"], campaigns),
        "interaction": text(kind, INTERACTIONS),
    }


def _of(parts: Sequence[Any], codes: np.ndarray, what: Callable[[Any], Any], otherwise: Any) -> np.ndarray:
    """`what` of the part with each code; `otherwise` where the code is -1."""
    return np.array([*(what(part) for part in parts), otherwise])[codes]


def _doors(start: np.ndarray, source: np.ndarray, scenario: Scenario) -> np.ndarray:
    """The position of (channel, source) among those of all channels; -1 for a visit without a source."""
    first = np.cumsum([0, *(len(part.sources) for part in scenario.channels.values())])
    return np.where((start >= 0) & (source >= 0), first[start] + source, -1)


def _click_ids(start: np.ndarray, parts: Sequence[Channel], draws: Draws) -> Any:
    """A click id of its own for each ad click, after the platform's prefix; missing for the others."""
    prefix = _of(parts, start, lambda part: part.click_id or "", "")
    clicks = np.flatnonzero(prefix != "")
    numbers = draws.rng("click id").integers(2**48, size=len(clicks))
    codes = np.full(len(start), -1)
    codes[clicks] = np.arange(len(clicks))
    ids = [f"{word}.{number:012x}" for word, number in zip(prefix[clicks], numbers, strict=True)]
    return text(codes, ids)


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
    touch = draws.column
    seen = np.flatnonzero(result.present & draws.of_person("tracked", touch["visitor"]))
    seen = seen[np.argsort(touch["time"][seen], kind="stable")]
    bought = seen[result.purchased[seen]]
    ids = _numbered("v", len(draws.people), 6)
    conversions = pd.DataFrame({
        "conversion_id": text(range(len(bought)), _numbered("c", len(bought), 5)),
        "goal": text(np.zeros(len(bought)), ["purchase"]),
        "visitor_id": text(touch["visitor"][bought], ids),
        "conversion_time": draws.clock.times(touch["time"][bought] + 1),
        "value": touch["worth"][bought],
        "currency": text(np.zeros(len(bought)), [draws.scenario.currency]),
    })
    return _touches(draws, seen, result.channel[seen], ids), conversions


def _touches(draws: Draws, seen: np.ndarray, channel: np.ndarray, ids: list[str]) -> pd.DataFrame:
    """The touches at the positions `seen`, which came by `channel`."""
    parts, kind = list(draws.scenario.channels.values()), draws.column["kind"][seen]
    came = np.where(on_site(kind), _of(parts, channel, lambda part: part.on_site, -1), kind)
    own = channel == draws.column["channel"][seen]
    campaigns = [name for _, name in draws.scenario.campaigns]
    return pd.DataFrame({
        "visitor_id": text(draws.column["visitor"][seen], ids),
        "touch_time": draws.clock.times(draws.column["time"][seen]),
        "channel": text(channel, draws.scenario.channels),
        "campaign": text(np.where(own, draws.column["campaign"][seen], -1), campaigns),
        "interaction": text(came, INTERACTIONS),
    })
