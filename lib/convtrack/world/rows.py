"""What a tracker writes down of a world: visits, their pages and goals, ads and messages around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from convtrack.schema import INTERACTIONS, column_names
from convtrack.pairs import in_order
from convtrack.world.draws import DAY, Draws, lognormal, on_site, pick
from convtrack.world.outcome import Outcome
from convtrack.world.scenario import VISIT, Cookies, Scenario

BROWSED, LOOKED, FILLED, AT_CHECKOUT, BOUGHT = range(5)  # how far a visit gets
LONGEST = 3600  # seconds from the first to the last page of a visit
FUNNEL = ("session_start", "page_view", "view_item", "add_to_cart", "begin_checkout", "purchase")
TELL_WHO = ("purchase", "subscribe", "newsletter_opt_in", "sms_opt_in")  # events with a name and an address
Coded = dict[str, tuple[np.ndarray, Any]]  # by column: codes and their labels, as `text` takes them
OF_TOUCH = ["visitor", "identity", "channel", "campaign", "kind", "source", "is_test"]


def text(codes: Any, labels: Any) -> Any:
    """The label of each code, as a string array; missing for -1.

    >>> text([1, -1, 0], ["a", "b"]).tolist()
    ['b', nan, 'a']
    """
    return pd.array(labels, dtype="str").take(np.asarray(codes, int), allow_fill=True)


def numbered(letter: str, count: int, digits: int, first: int = 1) -> Any:
    """So many ids, as a string array.

    >>> numbered("v", 2, digits=5).tolist()
    ['v00001', 'v00002']
    """
    return (letter + pd.Series(range(first, first + count), dtype=int).astype("str").str.zfill(digits)).array


def event_names(scenario: Scenario) -> pd.Index:
    """The names of all events; the place of a name is its code."""
    away = [name for name in _away_names(scenario).ravel() if name]
    return pd.Index(dict.fromkeys([*FUNNEL, *scenario.goals, *scenario.by_phone, *away]), dtype="str")


def _away_names(scenario: Scenario) -> np.ndarray:
    """(channels, interactions): what a touch that is not on the site is called in the log."""
    words = [part.message for part in scenario.channels.values()]
    return np.array([["ad_impression", "", "", f"{word}_open", f"{word}_delivered"] for word in words])


def pages(scenario: Scenario) -> pd.Index:
    """All pages of the site; the place of a page is its code."""
    landings = [page for part in scenario.channels.values() for page in part.landing]
    goals = [part.page for part in scenario.goals.values()]
    found = [*landings, *scenario.shelves, *scenario.products, *goals, "/checkout", "/thank-you"]
    return pd.Index(dict.fromkeys(found), dtype="str")


def _crowd(draws: Draws) -> pd.DataFrame:
    """What the log tells of the people of a world, with two of the staff at the end, who place the test orders."""
    told = draws.people[draws.people.columns.intersection(["device", "browser", "country", "engagement"])]
    staff = {"device": "desktop", "browser": "Chrome", "country": next(iter(draws.scenario.countries)), "consent": "granted"}
    consent = text(_refuse(draws), ["granted", "denied"])
    return pd.concat([told.assign(consent=consent), pd.DataFrame(staff, index=range(2))], ignore_index=True)


def touchpoints(draws: Draws, result: Outcome) -> pd.DataFrame:
    """The touches that came to be, as they came.

    Returns
    -------
    DataFrame
        visitor, time (seconds), level, origin and worth as in `draws.touches`, and indexed as there; channel,
        campaign (-1 if it came another way) and kind by which it came; own (whether it came by its own channel),
        chance (of a purchase), buys, tracked (whether the log has it: nothing of some people, and only visits of
        those who refuse), identity (see `identities`).
    """
    present, parts = np.flatnonzero(result.present), draws.scenario.channels.values()
    touch = {name: draws.column[name][present] for name in ("visitor", "time", "level", "origin", "worth")}
    kind, channel = draws.column["kind"][present], result.channel[present]
    own, site = draws.column["channel"][present] == channel, on_site(kind)
    points = pd.DataFrame(touch | {
        "channel": channel, "campaign": np.where(own, draws.column["campaign"][present], -1),
        "kind": np.where(site, np.array([part.on_site for part in parts])[channel], kind), "own": own,
        "chance": result.probability[present], "buys": result.purchased[present],
        "tracked": draws.of_person("tracked", touch["visitor"]) & (site | ~_refuse(draws)[touch["visitor"]]),
    }, index=present, copy=False)
    return points.assign(identity=identities(points, draws))


def local_day(seconds: Any, draws: Draws) -> np.ndarray:
    """The local day of those seconds, counted from 0."""
    return np.searchsorted(draws.clock.at(draws.clock.days, hour=0), seconds, side="right") - 1


def _refuse(draws: Draws) -> np.ndarray:
    """Which people refuse to be known again tomorrow."""
    return draws.rng("refused").random(len(draws.people)) < draws.scenario.cookies.refused


def _on_second_device(draws: Draws) -> np.ndarray:
    """Which potential touches are on a second device, of the same kind as the first; a click is where its ad was."""
    has_two = draws.rng("second device").random(len(draws.people)) < draws.scenario.cookies.second_device
    swaps = draws.rng("which device").random(len(draws.touches)) < 0.5
    return has_two[draws.column["visitor"]] & swaps[draws.column["origin"]]


def identities(points: pd.DataFrame, draws: Draws) -> np.ndarray:
    """For which visitor the tracker takes the person, at each touchpoint: a number.

    Parameters
    ----------
    points : DataFrame
        visitor and time of touchpoints, indexed as `draws.touches`.
    draws : Draws
        The world; its scenario's `cookies` say what makes the tracker lose sight of people.

    Returns
    -------
    (touchpoints,) int array
        The number of the person where nobody is lost sight of. Otherwise a new number for each device of a person,
        each time that the device was forgotten, and each local day of those who refuse.

    Examples
    --------
    >>> from convtrack.world import draw, load_scenario, outcome
    >>> forgetful = load_scenario("larkspur").changed({"cookies": {"days": 7}})
    >>> points = touchpoints(draws := draw(forgetful, seed=1, visitors=500), outcome(draws))
    >>> bool(points["identity"].nunique() > points["visitor"].nunique())
    True
    """
    visitor, time, cookies = points["visitor"].to_numpy(), points["time"].to_numpy(), draws.scenario.cookies
    if cookies == Cookies():
        return visitor
    day = np.where(_refuse(draws)[visitor], local_day(time, draws), 0)
    place = (2 * visitor + _on_second_device(draws)[points.index]) * draws.scenario.days + day
    order = in_order(time, place)
    elsewhere, silence = np.diff(place[order], prepend=-1) != 0, np.diff(time[order], prepend=0)
    identity = np.empty(len(order), int)
    identity[order] = np.cumsum(elsewhere | (silence > cookies.days * DAY)) - 1
    return identity


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
        visitor, identity, time (seconds), channel, campaign, kind, source, landing (codes), chance, worth, buys,
        is_test, tracked, session (number among tracked visits, or -1), reach (how far in the funnel), and a bool
        column for each small goal, true at the visit that reaches it first.
    """
    columns = ["visitor", "identity", "time", "channel", "campaign", "kind", "tracked", "chance", "worth", "buys"]
    table = points.loc[on_site(points["kind"]), columns].assign(is_test=False)
    table = table.assign(**{goal: _first_time(table, draws.column[goal]) for goal in draws.scenario.goals})
    staff = points["identity"].to_numpy().max(initial=-1) + 1
    table = pd.concat([table, _test_visits(staff, draws)])
    return _with_details(table.iloc[in_order(table["visitor"], table["time"])].reset_index(drop=True), draws)


def _first_time(table: pd.DataFrame, reached: np.ndarray) -> pd.Series:
    """Whether the goal is reached, for the first time by this visitor; the rows are in order of time."""
    visitor = table["visitor"].where(reached[table.index])
    return visitor.notna() & ~visitor.duplicated()


def _test_visits(identity: int, draws: Draws) -> pd.DataFrame:
    """Visits in which the staff, of that identity and the next, order for one unit of money, on weekdays."""
    rng, count, days = draws.rng("test orders"), draws.scenario.dirt.test_orders, draws.clock.days
    workdays = draws.clock.at(days[days.day_of_week < 5], 10)
    kinds = [channel.on_site for channel in draws.scenario.channels.values()]
    channel, who = kinds.index(VISIT) if VISIT in kinds else 0, rng.integers(0, 2, count)
    columns = {
        "visitor": len(draws.people) + who, "identity": identity + who,
        "channel": channel, "campaign": -1, "kind": kinds[channel], "tracked": True,
        "time": rng.choice(workdays, count, replace=False) + rng.integers(0, 6 * 3600, count),
        "chance": 1.0, "worth": 1.0, "buys": True, "is_test": True,
    }
    return pd.DataFrame(columns | dict.fromkeys(draws.scenario.goals, False), index=range(count))


def _with_details(table: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """The visits with where they come from, where they land, and how far they get."""
    tracked, scenario, page = table["tracked"], draws.scenario, pages(draws.scenario)
    source, landing = np.full(len(table), -1), np.full(len(table), -1)
    for name, rows, rng in draws.by_channel("source", table["channel"]):
        shares = {label: part.share for label, part in scenario.channels[name].sources.items()}
        source[rows] = pick(scenario.coded(shares, name, scenario.sources), len(rows), rng)
    for name, rows, rng in draws.by_channel("landing", table["channel"]):
        landing[rows] = rng.choice(page.get_indexer(scenario.channels[name].landing), len(rows))
    return table.assign(
        source=source, landing=landing, session=np.where(tracked, np.cumsum(tracked) - 1, -1), reach=_reach(table, draws),
    )


def _reach(table: pd.DataFrame, draws: Draws) -> np.ndarray:
    """How far each visit gets; those that leave late are those that were likely to buy."""
    left = _crowd(draws)["device"].map({name: part.abandoned_checkouts for name, part in draws.scenario.devices.items()})
    chance, draw = table["chance"].to_numpy(), draws.rng("reach").random(len(table))
    checkout = left.to_numpy()[table["visitor"]] * chance
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
        visit (row of `table`), name (code among `event_names`), page (code among `pages`), time (seconds).
    """
    blocks = [*_arrival(table, draws), *_goals(table, draws), *_funnel(table, draws)]
    rows = pd.concat(blocks, ignore_index=True)
    rows = rows.iloc[in_order(rows["visit"])].reset_index(drop=True)
    return rows.assign(time=_times(rows, table, draws)).drop(columns="pause")


def _block(draws: Draws, visit: np.ndarray, page: Any, **pauses: float) -> pd.DataFrame:
    """What happens on one page (code) of several visits: names in their order, typical seconds before each."""
    return pd.DataFrame({
        "visit": np.repeat(visit, len(pauses)),
        "page": np.repeat(np.broadcast_to(page, visit.shape), len(pauses)),
        "name": np.tile(event_names(draws.scenario).get_indexer([*pauses]), len(visit)),
        "pause": np.tile([*pauses.values()], len(visit)),
    })


def _arrival(table: pd.DataFrame, draws: Draws) -> list[pd.DataFrame]:
    """The start of each visit, its first page, and pages on the shelves."""
    rng, visit = draws.rng("browsing"), np.arange(len(table))
    browsed = np.repeat(visit, rng.poisson(0.7 + 0.8 * (table["reach"] > BROWSED)))
    shelves = rng.choice(pages(draws.scenario).get_indexer(draws.scenario.shelves), len(browsed))
    arrived = _block(draws, visit, table["landing"], session_start=0, page_view=0)
    return [arrived, _block(draws, browsed, shelves, page_view=32)]


def _goals(table: pd.DataFrame, draws: Draws) -> list[pd.DataFrame]:
    """The small goals that are reached."""
    page = pages(draws.scenario)
    return [_block(draws, np.flatnonzero(table[goal]), page.get_loc(part.page), page_view=32, **{goal: 12})
            for goal, part in draws.scenario.goals.items()]


def _funnel(table: pd.DataFrame, draws: Draws) -> list[pd.DataFrame]:
    """Teas looked at, the last of them put into the basket, checkout, purchase: as far as each visit gets.

    Some thank-you pages are loaded again, and fire the purchase again.
    """
    reach, rng, page = table["reach"].to_numpy(), draws.rng("teas"), pages(draws.scenario)
    teas, thanks = page.get_indexer(draws.scenario.products), page.get_loc("/thank-you")
    seen = np.where(reach >= LOOKED, rng.integers(1, 4, len(table)), 0)
    last = np.minimum(rng.exponential(3.5, len(table)).astype(int), len(teas) - 1)
    visit = np.repeat(np.arange(len(table)), seen)
    back = np.cumsum(seen)[visit] - np.arange(len(visit)) - 1  # how many teas come after this one
    other = np.where(back > 0, rng.integers(1, len(teas), len(visit)), 0)
    cart, checkout, bought = (np.flatnonzero(reach >= stage) for stage in (FILLED, AT_CHECKOUT, BOUGHT))
    real = np.flatnonzero(table["buys"] & ~table["is_test"])
    again = real[draws.rng("reload").random(len(real)) < draws.scenario.dirt.double_purchase]
    return [
        _block(draws, visit, teas[(last[visit] + other) % len(teas)], page_view=32, view_item=1),
        _block(draws, cart, teas[last[cart]], add_to_cart=22),
        _block(draws, checkout, page.get_loc("/checkout"), page_view=35, begin_checkout=1),
        _block(draws, bought, thanks, page_view=95, purchase=1),
        _block(draws, again, thanks, page_view=360, purchase=1),
    ]


def _times(rows: pd.DataFrame, table: pd.DataFrame, draws: Draws) -> np.ndarray:
    """The second of each row: lognormal pauses, shortened where a visit would get too long."""
    visit, typical = rows["visit"].to_numpy(), rows["pause"].to_numpy(float)
    pause = np.clip(typical * np.exp(0.8 * draws.rng("pace").standard_normal(len(rows))), 2, 1200)
    pause = np.where(typical <= 1, typical, pause)
    pause = np.floor(pause * np.minimum(1, LONGEST / np.maximum(np.bincount(visit, pause), 1))[visit])
    passed = np.cumsum(pause).astype(np.int64)
    first = np.flatnonzero(np.diff(visit, prepend=-1))  # no visit is without rows, and its first comes at once
    return (table["time"].to_numpy() - passed[first])[visit] + passed


def log(
    draws: Draws, points: pd.DataFrame, table: pd.DataFrame, rows: pd.DataFrame, orders: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
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
    (events, visitors) : two DataFrames
        Events by time, numbered; and the visitors of `visitors_seen`.
    """
    visited, away = table[table["tracked"]], points[points["tracked"] & ~on_site(points["kind"])]
    touches = pd.concat([visited[OF_TOUCH], away.assign(source=-1, is_test=False)[OF_TOUCH]], ignore_index=True)
    site = _site_events(table, rows, draws)
    parts = [_ad_events(away, len(visited), draws), _phone_events(site, draws), site]
    events = pd.concat(parts, ignore_index=True)
    visitor = touches["visitor"].to_numpy()[events["touch"]]
    events = events.iloc[in_order(np.where(events["page"] < 0, visitor, len(draws.people)), events["time"])]
    return _dressed(events, touches, orders.reindex(visited.index), draws)


def visitors_seen(points: pd.DataFrame, draws: Draws) -> tuple[np.ndarray, pd.DataFrame]:
    """The visitors that the tracker believes in, by appearance.

    Parameters
    ----------
    points : DataFrame
        visitor and identity, in the order of the log.
    draws : Draws
        The world.

    Returns
    -------
    (codes, visitors) : (rows,) int array, DataFrame
        For each row of `points` its place in `visitors`; and visitor_id | device | browser | country | engagement
        (where the scenario has it; not known of the staff) | consent, indexed by identity.
    """
    codes, identity = pd.factorize(points["identity"])
    person = np.empty(len(identity), int)
    person[codes] = points["visitor"]
    told = _crowd(draws).iloc[person].set_axis(identity)
    told.insert(0, "visitor_id", numbered("v", len(told), 5))
    return codes, told


def _site_events(table: pd.DataFrame, rows: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """The steps of tracked visits, by session, with their value in money."""
    rows, names = rows.assign(touch=table["session"].to_numpy()[rows["visit"]]), event_names(draws.scenario)
    rows = rows[rows["touch"] >= 0]
    value = table["worth"].to_numpy()[rows["visit"]]
    value[rows["name"] != names.get_loc("purchase")] = np.nan
    for goal, part in draws.scenario.goals.items():
        if part.values:
            at = np.flatnonzero(rows["name"] == names.get_loc(goal))
            value[at] = draws.rng(f"value/{goal}").choice(part.values, len(at))
    return rows.drop(columns="visit").assign(value=value)


def _ad_events(away: pd.DataFrame, first: int, draws: Draws) -> pd.DataFrame:
    """Ads seen and messages delivered or opened, which no page and no session belong to; touches from `first` on."""
    names = _away_names(draws.scenario)
    codes = event_names(draws.scenario).get_indexer(names.ravel()).reshape(names.shape)
    return pd.DataFrame({
        "name": codes[away["channel"], away["kind"]], "page": -1, "time": away["time"].array,
        "touch": first + np.arange(len(away)), "value": np.nan,
    })


def _phone_events(site: pd.DataFrame, draws: Draws) -> pd.DataFrame:
    """The goals that are reached by phone, those within the time, by the visitor id of the goal before."""
    events, names = site, event_names(draws.scenario)
    for goal, part in draws.scenario.by_phone.items():
        before, rng = events[events["name"] == names.get_loc(part.after)], draws.rng(f"by phone/{goal}")
        time = _to_office_hours(before["time"].to_numpy() + lognormal(part.lag_days, len(before), rng) * DAY, rng)
        value = lognormal(part.value, len(before), rng).round(-1) if part.value else np.nan
        after = before.assign(name=names.get_loc(goal), page=-1, time=time, value=value)
        reached = (rng.random(len(after)) < part.share) & (after["time"] < draws.clock.seconds)
        events = pd.concat([events, after[reached]])
    return events[len(site):]


def _to_office_hours(seconds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first time from then on between nine and five o'clock, after an hour or so in the queue."""
    day, hour = np.divmod(seconds / 3600, 24)
    late = hour >= 17
    hour = np.where(late | (hour < 9), 9 + rng.exponential(1.5, len(seconds)).clip(0, 7), hour)
    return ((24 * (day + late) + hour) * 3600).astype(np.int64)


def _dressed(
    events: pd.DataFrame, touches: pd.DataFrame, orders: pd.Series, draws: Draws
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events in the columns of the data dictionary, and the visitors; `orders` are by session."""
    touch, name, page, time, value = (events[column].to_numpy() for column in ("touch", "name", "page", "time", "value"))
    names, count = event_names(draws.scenario), len(events)
    codes, seen = visitors_seen(touches[["visitor", "identity"]].iloc[touch], draws)
    begins = np.where((name == names.get_loc("session_start")) | (touch >= len(orders)), touch, -1)
    columns = {
        "event_id": numbered("e", count, 6),
        "event_name": text(name, names),
        "event_time": draws.clock.times(time),
        "received_time": draws.clock.times(time + _delay(count, draws)),
        "user_id": _users(np.isin(name, names.get_indexer(TELL_WHO)), touches["visitor"].to_numpy()[touch]),
        "session_id": text(np.where(page >= 0, touch, -1), numbered("s", len(orders), 6)),
        "page_url": text(page, draws.scenario.site + pages(draws.scenario)),
        "transaction_id": text(np.where(name == names.get_loc("purchase"), touch, -1), orders),
        "value": value,
        "currency": text(np.where(np.isnan(value), -1, 0), [draws.scenario.currency]),
        "is_test": touches["is_test"].to_numpy()[touch],
        **{column: text(codes, seen[column]) for column in ("visitor_id", "consent", "device", "browser", "country")},
        **{column: text(np.append(of_touch, -1)[begins], labels)
           for column, (of_touch, labels) in _tags(touches, draws).items()},
    }
    known = [column for column in column_names("events") if column in columns]
    return pd.DataFrame({column: columns[column] for column in known}, copy=False), seen


def _names(points: pd.DataFrame, scenario: Scenario) -> Coded:
    """Channel, campaign and interaction of each touchpoint."""
    campaigns = [name for _, name in scenario.campaigns]
    return {"channel": (points["channel"].to_numpy(), [*scenario.channels]),
            "campaign": (points["campaign"].to_numpy(), campaigns), "interaction": (points["kind"].to_numpy(), INTERACTIONS)}


def _tags(touches: pd.DataFrame, draws: Draws) -> Coded:
    """Names, referrer, UTM tags and click id of each touch; only visits that marketing brought have tags."""
    names, sources, parts = _names(touches, draws.scenario), draws.scenario.sources, draws.scenario.channels
    source, visited = touches["source"].to_numpy(), on_site(touches["kind"])
    mediums = [part.medium for part in parts.values()]
    tagged = visited & np.array([medium is not None for medium in mediums])[touches["channel"]]
    return names | {
        "referrer": (source, [parts[channel].sources[name].referrer for channel, name in sources]),
        "utm_source": (np.where(tagged, source, -1), [name for _, name in sources]),
        "utm_medium": (np.where(tagged, touches["channel"], -1), mediums),
        "utm_campaign": (np.where(tagged, touches["campaign"], -1), names["campaign"][1]),
        "click_id": _click_ids(touches["channel"].where(visited, -1), draws),
    }


def _click_ids(channel: pd.Series, draws: Draws) -> tuple[np.ndarray, Any]:
    """A click id of its own for each ad click, after the platform's prefix; missing for the others."""
    prefix = text(channel, [part.click_id for part in draws.scenario.channels.values()])
    clicked = ~prefix.isna()
    numbers = draws.rng("click id").integers(2**48, size=clicked.sum())
    ids = prefix[clicked] + pd.array([f".{number:012x}" for number in numbers.tolist()], dtype="str")
    return np.where(clicked, np.cumsum(clicked) - 1, -1), ids


def _delay(count: int, draws: Draws) -> np.ndarray:
    """Seconds from happening to being received: few, but some are sent when the phone is online again."""
    rng = draws.rng("delay")
    late = rng.random(count) < draws.scenario.dirt.late
    return np.where(late, 60 + rng.exponential(1800, count).astype(np.int64), rng.integers(0, 3, count))


def _users(told: np.ndarray, person: np.ndarray) -> Any:
    """The user id, from the first event on that tells the shop who the person is."""
    at, people = np.flatnonzero(told), person.max(initial=-1) + 1
    since, number = np.full(people, len(person)), np.full(people, -1)
    since[person[at][::-1]] = at[::-1]  # of several the first is written last
    known = np.sort(since[since < len(person)])
    number[person[known]] = np.arange(len(known))
    return text(np.where(np.arange(len(person)) >= since[person], number[person], -1), numbered("u", len(known), 4))


def touch_log(draws: Draws, result: Outcome) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The touches, purchases and visitors that the tracker knows of, without the pages between: quick, for studies.

    Parameters
    ----------
    draws : Draws
        The people and their potential touches.
    result : Outcome
        What became of them.

    Returns
    -------
    (touches, conversions, visitors) : three DataFrames
        The first two with the columns that `build_journeys` takes; a purchase is booked a second after its visit
        begins. visitors: visitor_id | device | country, and engagement where the shop knows it from before the
        first day; one row a visitor with a touch, by appearance.

    Examples
    --------
    >>> from convtrack.world import draw, load_scenario, outcome
    >>> draws = draw(load_scenario("larkspur"), seed=1, visitors=500)
    >>> touches, conversions, visitors = touch_log(draws, outcome(draws))
    >>> list(touches)
    ['visitor_id', 'touch_time', 'channel', 'campaign', 'interaction']
    >>> list(visitors)
    ['visitor_id', 'device', 'country']
    """
    points = touchpoints(draws, result)
    known = np.flatnonzero(points["tracked"])
    known = known[in_order(points["time"].iloc[known])]
    points = points[["visitor", "identity", "time", "channel", "campaign", "kind", "buys", "worth"]].iloc[known]
    codes, visitors = visitors_seen(points, draws)
    ids, times, bought = visitors["visitor_id"].array.take(codes), draws.clock.times(points["time"]), points["buys"].to_numpy()
    names = {column: text(*coded) for column, coded in _names(points, draws.scenario).items()}
    touches = pd.DataFrame({"visitor_id": ids, "touch_time": times, **names})
    conversions = pd.DataFrame({
        "conversion_id": numbered("c", bought.sum(), 5),
        "goal": "purchase",
        "visitor_id": ids[bought],
        "conversion_time": times[bought] + pd.Timedelta(seconds=1),
        "value": points["worth"].to_numpy()[bought],
        "currency": draws.scenario.currency,
    })
    return touches, conversions, visitors.drop(columns=["browser", "consent"]).reset_index(drop=True)
