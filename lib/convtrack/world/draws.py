"""Everything random about a world, drawn before anything is switched on or off.

People and their *potential* touches, each with the chances that decide what it does if it comes to be.
`outcome` then only reads them, so that two worlds that differ in a switch differ in nothing else.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from convtrack.pairs import Pairs, earlier_pairs, in_order
from convtrack.world.scenario import CLICK, DELIVERY, OPEN, VIEW, VISIT, Scenario, Spread, by_interaction

DAY = 86_400  # seconds
LAST_START = 70 * 60  # seconds before the end after which no visit begins, so that every session ends in time
SENDING_SECONDS = 600  # a mailing leaves within ten minutes
CLICK_SECONDS, OPEN_SECONDS, TEXT_SECONDS = 25, 5 * 3600, 1500  # mean delays: click, open, click on a text
FOLLOWER_LEVELS = (1, 2)  # a delivery is opened, and what is opened is clicked: more steps there are not


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A random generator of its own for one purpose, so that a new purpose moves no other.

    >>> bool(stream(1, "intent").random() == stream(1, "intent").random() != stream(1, "device").random())
    True
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(zlib.crc32(purpose.encode()),))
    return np.random.Generator(np.random.PCG64(sequence))


def lognormal(spread: Spread, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` draws of a lognormal quantity, kept within its bounds."""
    values = spread.median * np.exp(spread.sigma * rng.standard_normal(count))
    return np.clip(values, spread.least, spread.most)


def pick(shares: Mapping[Any, float], count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` keys of `shares`, drawn in proportion; -1 where there is nothing to draw from."""
    if not shares:
        return np.full(count, -1)
    weights = np.fromiter(shares.values(), float)
    return np.array([*shares])[rng.choice(len(weights), count, p=weights / weights.sum())]


class Clock:
    """Seconds since the first local midnight, and how busy each of them is.

    `load` turns seconds into busy days (a busy day has the traffic of an average day) and `when` turns them
    back, so that a constant rate in busy days has the shop's daily, weekly and growing rhythm in real time.
    """

    def __init__(self, scenario: Scenario) -> None:
        first, zone = scenario.first_day, scenario.time_zone
        midnights = pd.date_range(first, periods=scenario.days + 1, freq="D", tz=zone)
        hours = pd.date_range(midnights[0], midnights[-1], freq="h", inclusive="left")
        rhythm = scenario.rhythm
        growth = 1 + rhythm.growth * np.arange(len(hours)) / len(hours)
        busy = np.array(rhythm.hours)[hours.hour] * np.array(rhythm.weekdays)[hours.day_of_week] * growth
        self.zone, self.days, self.start = zone, midnights[:-1], midnights[0].tz_convert("UTC")
        self.seconds = len(hours) * 3600
        self.grid = np.arange(len(hours) + 1) * 3600.0
        self.busy = np.concatenate([[0.0], np.cumsum(busy / busy.mean() / 24)])

    def load(self, seconds: np.ndarray) -> np.ndarray:
        """Busy days until then."""
        return np.interp(seconds, self.grid, self.busy)

    def when(self, load: np.ndarray) -> np.ndarray:
        """The second at which so many busy days have passed."""
        return np.interp(load, self.busy, self.grid).astype(np.int64)

    def times(self, seconds: Any) -> pd.DatetimeIndex:
        """Those seconds as UTC times."""
        return (self.start + pd.to_timedelta(np.asarray(seconds), unit="s")).as_unit("us")

    def dates(self, seconds: Any) -> pd.DatetimeIndex:
        """The local dates of those seconds."""
        return self.times(seconds).tz_convert(self.zone).normalize().tz_localize(None).as_unit("us")

    def at(self, days: pd.DatetimeIndex, hour: int) -> np.ndarray:
        """The seconds of a local hour on those days."""
        local = (days.tz_localize(None) + pd.Timedelta(hours=hour)).tz_localize(self.zone)
        return ((local - self.start) // pd.Timedelta(seconds=1)).to_numpy().astype(np.int64)


@dataclass(frozen=True, eq=False)
class Market:
    """The people of a world, and what they were drawn from.

    Attributes
    ----------
    scenario, seed, clock
        What they were drawn from.
    people : DataFrame
        One row a person: intent (standard normal), start and stop (seconds), device, browser, country,
        prospect, tracked, held_out (bool), base (hazard of a purchase at a visit without touches), and engagement
        where the scenario lets the shop know some of the intent.
    """

    scenario: Scenario
    seed: int
    clock: Clock
    people: pd.DataFrame

    @cached_property
    def loads(self) -> tuple[np.ndarray, np.ndarray]:
        """The busy days until each person enters the market, and leaves it."""
        return self.clock.load(self.people["start"].to_numpy()), self.clock.load(self.people["stop"].to_numpy())

    def rng(self, purpose: str) -> np.random.Generator:
        """This world's random generator for that purpose."""
        return stream(self.seed, purpose)

    def of_person(self, column: str, visitor: Any) -> np.ndarray:
        """A column of `people`, for each visitor in `visitor`."""
        return self.people[column].to_numpy()[np.asarray(visitor)]

    def by_channel(self, purpose: str, channel: Any) -> Iterator[tuple[str, np.ndarray, np.random.Generator]]:
        """(name, its positions in `channel` (codes), a random generator for the purpose) of each channel."""
        for code, name in enumerate(self.scenario.channels):
            yield name, np.flatnonzero(channel == code), self.rng(f"{purpose}/{name}")


@dataclass(frozen=True, eq=False)
class Draws(Market):
    """People and potential touches of one world, before any switch is set.

    Attributes
    ----------
    touches : DataFrame
        One row a potential touch, by person and time: visitor, time (seconds), channel, kind, campaign
        (codes), parent (position of the touch it follows, or -1), origin (position of the first touch of its
        channel that led to it; its own if none did), level (0 for a first touch), gated (bool),
        anyway (channel by which the visit would come if its own were off, or -1), chance (uniform), worth
        (order value), and one bool column for each small goal.
    """

    touches: pd.DataFrame

    def of(self, people: np.ndarray) -> Draws:
        """The world of some of its people, given as (people,) bools; nobody's touches change another's."""
        keep, person = people[self.column["visitor"]], np.cumsum(people) - 1
        place = np.append(np.cumsum(keep) - 1, -1)  # -1 stays -1
        touches = self.touches[keep].reset_index(drop=True)
        moved = {"visitor": person[touches["visitor"]], "parent": place[touches["parent"]], "origin": place[touches["origin"]]}
        return replace(self, people=self.people[people].reset_index(drop=True), touches=touches.assign(**moved))

    @cached_property
    def column(self) -> dict[str, np.ndarray]:
        """The columns of `touches` as arrays."""
        return {name: self.touches[name].to_numpy() for name in self.touches}

    @cached_property
    def visits(self) -> np.ndarray:
        """Positions of the touches on the site."""
        return np.flatnonzero(on_site(self.column["kind"]))

    @cached_property
    def other_ways(self) -> np.ndarray:
        """Positions of the visits that would come by another channel if their own were off."""
        return np.flatnonzero(self.column["anyway"] >= 0)

    @cached_property
    def gated(self) -> np.ndarray:
        """Positions of the first touches that need an open gate."""
        return np.flatnonzero(self.column["gated"] & (self.column["level"] == 0))

    @cached_property
    def base(self) -> np.ndarray:
        """The hazard of a purchase at each visit without any effect."""
        return self.of_person("base", self.column["visitor"][self.visits])

    @cached_property
    def followers(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """By level: touches that follow another, which ones they follow, and whether in the same channel."""
        channel, parent = self.column["channel"], self.column["parent"]
        levels = [np.flatnonzero(self.column["level"] == level) for level in FOLLOWER_LEVELS]
        return [(rows, parent[rows], channel[rows] == channel[parent[rows]]) for rows in levels]

    @cached_property
    def gates(self) -> Pairs:
        """(gated first touch, earlier visit that opens its gate); those of a touch stand together."""
        touch, found = self.column, [Pairs(np.empty(0, int), np.empty(0, int))]
        for code, channel in enumerate(self.scenario.channels.values()):
            if channel.gate is not None:
                gated = np.flatnonzero((touch["channel"] == code) & (touch["level"] == 0))
                pairs = earlier_pairs(touch["visitor"], gated, np.flatnonzero(_opens(self.touches, channel.gate)))
                soon = self.days_between(pairs) <= channel.gate_days
                found.append(Pairs(pairs.later[soon], pairs.earlier[soon]))
        return Pairs(*map(np.concatenate, zip(*found, strict=True)))

    @cached_property
    def effects(self) -> tuple[csr_array, csr_array]:
        """What is left at each visit of each touch's effect, and of its effect if it came another way; (visits, touches) both."""
        touch, channels = self.column, self.scenario.channels.values()
        effect = np.array([by_interaction(channel.effect) for channel in channels])
        visited = np.array([effect[code, channel.on_site] for code, channel in enumerate(channels)])
        half_life = np.array([channel.half_life for channel in channels])
        own = effect[touch["channel"], touch["kind"]]
        other = np.where(touch["anyway"] >= 0, visited[touch["anyway"]], 0.0)
        return self._left(own, half_life[touch["channel"]]), self._left(other, half_life[touch["anyway"]])

    @cached_property
    def together(self) -> list[tuple[float, csr_array, csr_array]]:
        """For each synergy its effect, and what is left at each visit of the touches of both channels."""
        return [(part.effect, *map(self._exposure, part.pair)) for part in self.scenario.synergies]

    def _exposure(self, name: str) -> csr_array:
        own = self.column["channel"] == self.scenario.code(name)
        return self._left(own.astype(float), np.full(len(own), self.scenario.channels[name].half_life))

    def _left(self, amount: np.ndarray, half_life: np.ndarray) -> csr_array:
        """What is left at each visit of the amount that each of the person's touches until then began with; (visits, touches)."""
        pairs = earlier_pairs(self.column["visitor"], self.visits, np.flatnonzero(amount))
        left = amount[pairs.earlier] * np.exp2(-self.days_between(pairs) / half_life[pairs.earlier])
        ends = np.searchsorted(pairs.later, self.visits, side="right")
        return csr_array((left, pairs.earlier, np.append(0, ends)), shape=(len(self.visits), len(amount)))

    def days_between(self, pairs: Pairs) -> np.ndarray:
        """Days from the earlier to the later touch of each pair."""
        return (self.column["time"][pairs.later] - self.column["time"][pairs.earlier]) / DAY


def on_site(kind: Any) -> np.ndarray:
    """Whether a touch of that kind is a visit to the site."""
    kinds = np.asarray(kind)
    return (kinds == CLICK) | (kinds == VISIT)  # several times faster than numpy.isin


def _opens(touches: pd.DataFrame, gate: str) -> np.ndarray:
    """Which touches open the gate: visits behind no gate themselves, so that gates never form a circle."""
    free = on_site(touches["kind"]) & ~touches["gated"].to_numpy()
    return free if gate == "visit" else free & touches[gate].to_numpy()


def draw(scenario: Scenario, seed: int, visitors: int | None = None) -> Draws:
    """The people and potential touches of a world.

    Parameters
    ----------
    scenario : Scenario
        The numbers.
    seed : int
        The world's number; the same seed gives the same world.
    visitors : int, optional
        People in the market; the scenario's number if not given.

    Returns
    -------
    Draws
        Ready for `outcome`.

    Examples
    --------
    >>> from convtrack.world import load_scenario
    >>> draws = draw(load_scenario("larkspur"), seed=1, visitors=500)
    >>> len(draws.people), bool(draws.touches["time"].max() < draws.clock.seconds)
    (500, True)
    """
    clock = Clock(scenario)
    market = Market(scenario, seed, clock, _people(scenario, seed, visitors or scenario.visitors, clock))
    free = _free_touches(market)
    touches = _thinned(_sorted(pd.concat([free, _gated_touches(market, free)])), market, gated_only=True)
    return Draws(scenario, seed, clock, market.people, _with_chances(touches, market))


def _people(scenario: Scenario, seed: int, count: int, clock: Clock) -> pd.DataFrame:
    days = lognormal(scenario.days_in_market, count, stream(seed, "days in market"))
    entry = stream(seed, "entry").random(count) * (scenario.days + days) - days  # some came before day one
    day = clock.seconds / scenario.days
    device = pick({name: part.share for name, part in scenario.devices.items()}, count, stream(seed, "device"))
    intent = stream(seed, "intent").standard_normal(count)
    factor = pd.Series(device).map({name: part.purchase_factor for name, part in scenario.devices.items()})
    held_out = scenario.holdout.share if scenario.holdout else 0.0
    known = {} if scenario.intent_seen is None else {"engagement": _engagement(intent, scenario.intent_seen, seed)}
    return pd.DataFrame({
        "intent": intent,
        "start": np.maximum(entry, 0) * day,
        "stop": np.minimum(entry + days, scenario.days) * day,
        "device": device,
        "browser": _browsers(scenario, device, seed),
        "country": pick(scenario.countries, count, stream(seed, "country")),
        "prospect": stream(seed, "prospect").random(count) < scenario.prospects,
        "tracked": stream(seed, "tracked").random(count) >= scenario.dirt.untracked,
        "held_out": stream(seed, "held out").random(count) < held_out,
        "base": scenario.purchase.base * factor * np.exp(scenario.purchase.intent * intent),
        **known,
    })


def _engagement(intent: np.ndarray, share: float, seed: int) -> np.ndarray:
    """What the shop knows of each person's intent from before the first day: `share` of its variance."""
    return np.sqrt(share) * intent + np.sqrt(1 - share) * stream(seed, "engagement").standard_normal(len(intent))


def _browsers(scenario: Scenario, device: np.ndarray, seed: int) -> np.ndarray:
    """A browser for each person, drawn from the browsers of the device."""
    parts = scenario.devices.items()
    drawn = [pick(part.browsers, len(device), stream(seed, f"browser/{name}")) for name, part in parts]
    return np.select([device == name for name, _ in parts], drawn, "")


def _free_touches(market: Market) -> pd.DataFrame:
    """The potential touches behind no gate, with the small goals that open gates."""
    channels = market.scenario.channels
    firsts = [_arrivals(name, market) for name, channel in channels.items() if channel.gate is None]
    touches = _thinned(_grown(firsts, market), market, gated_only=False)
    gates = {channel.gate for channel in channels.values()} & market.scenario.goals.keys()
    return touches.assign(**{goal: _happens(goal, touches, market) for goal in sorted(gates)})


def _gated_touches(market: Market, free: pd.DataFrame) -> pd.DataFrame:
    """The potential touches behind a gate that can open."""
    firsts = [free[:0]]
    for name, channel in market.scenario.channels.items():
        if channel.gate is not None:
            openers = free[_opens(free, channel.gate)]
            first = _mailings(name, market, openers) if channel.sends else _arrivals(name, market)
            firsts.append(_after_an_opener(first, openers, channel.gate_days))
    closed = dict.fromkeys(free.columns.intersection([*market.scenario.goals]), False)  # no opt-in behind a gate
    number = free.index.max() + 1 if len(free) else 0
    return _grown(firsts, market, number).assign(gated=True, **closed)


def _arrivals(name: str, market: Market) -> pd.DataFrame:
    """First touches at a rate that follows the shop's rhythm and the person's intent.

    A channel behind a gate goes on after people left the market, as long as its gate is open.
    """
    channel, clock, rng = market.scenario.channels[name], market.clock, market.rng(f"arrivals/{name}")
    low, high = market.loads
    if channel.gate:
        stop = market.people["stop"].to_numpy() + min(channel.gate_days, market.scenario.days) * DAY
        high = clock.load(np.minimum(stop, clock.seconds))
    mean = channel.rate / 30 * (high - low) * _tilt(market.people["intent"].to_numpy(), channel.targeting)
    visitor = np.repeat(np.arange(len(low)), rng.poisson(mean))
    time = clock.when(low[visitor] + rng.random(len(visitor)) * (high - low)[visitor])
    return pd.DataFrame({"visitor": visitor, "time": time, **_start(name, market.scenario)})


def _mailings(name: str, market: Market, openers: pd.DataFrame) -> pd.DataFrame:
    """A delivery to everybody who may be on the list, for every mailing."""
    readers, days, rng = openers["visitor"].unique(), market.clock.days, market.rng(f"arrivals/{name}")
    tables = []
    for campaign, send in market.scenario.channels[name].sends.items():
        sends = market.clock.at(days[days.day_of_week == send.weekday][:: send.every_weeks], send.hour)
        time = np.tile(sends, len(readers)) + rng.integers(0, SENDING_SECONDS, len(readers) * len(sends))
        start = _start(name, market.scenario, campaign=market.scenario.campaigns.index((name, campaign)))
        tables.append(pd.DataFrame({"visitor": np.repeat(readers, len(sends)), "time": time, **start}))
    return pd.concat(tables, ignore_index=True)


def _tilt(intent: np.ndarray, slope: float) -> np.ndarray:
    """How much more the person gets of it than the average person; its mean over people is 1."""
    return np.exp(slope * intent - slope**2 / 2)


def _after_an_opener(first: pd.DataFrame, openers: pd.DataFrame, days: float) -> pd.DataFrame:
    """The first touches of people who had an opener at most so many days before."""
    opened = openers[["visitor", "time"]].sort_values("time", kind="stable").assign(opened=True)
    ordered = first.reset_index(names="place").sort_values("time", kind="stable")
    found = pd.merge_asof(ordered, opened, on="time", by="visitor", tolerance=int(min(days, 10_000) * DAY))
    return first.loc[found.loc[found["opened"].notna(), "place"].sort_values(kind="stable")]


def _start(channel: str, scenario: Scenario, campaign: int = -1) -> dict[str, Any]:
    """The columns that all first touches of a channel have alike; a campaign of -1 is still to be drawn."""
    columns = {"channel": scenario.code(channel), "kind": scenario.channels[channel].first_kind}
    return columns | {"campaign": campaign, "parent": -1, "level": 0, "gated": False}


def _grown(firsts: list[pd.DataFrame], market: Market, number: int = 0) -> pd.DataFrame:
    """First touches, what follows them, and what follows that; nothing too near the end.

    The index is a number for life, from `number` on, by which followers name their parent.
    """
    touches = _stacked(firsts, number)
    for level in FOLLOWER_LEVELS:
        ends = touches[touches["level"] == level - 1]
        found = [_followers(lead, ends, market).assign(level=level) for lead in _leads(market.scenario)]
        touches = _stacked([touches, *found], number)
    return _sorted(_kept(touches, (touches["time"] <= market.clock.seconds - LAST_START).to_numpy()))


def _stacked(tables: list[pd.DataFrame], number: int) -> pd.DataFrame:
    """The tables one below the other, numbered from `number` on."""
    table = pd.concat(tables, ignore_index=True)
    return table.set_axis(table.index + number)


class Lead(NamedTuple):
    """How one touch leads to another: channels and kinds, chance, mean delay (seconds), pull of intent."""

    channel: str
    kind: int
    other: str
    becomes: int
    share: float
    seconds: float
    slope: float = 0.0


def _leads(scenario: Scenario) -> Iterator[Lead]:
    """Every way in which one touch leads to another."""
    for name, part in scenario.channels.items():
        if part.opens:
            yield Lead(name, DELIVERY, name, OPEN, part.opens, OPEN_SECONDS, part.targeting)
        if part.first != "visit":
            clicked = VIEW if part.first == "view" else OPEN if part.opens else DELIVERY
            wait = TEXT_SECONDS if clicked == DELIVERY else CLICK_SECONDS
            yield Lead(name, clicked, name, CLICK, part.clicks, wait, part.targeting)
        for other, share in part.drives.items():
            lands = scenario.channels[other].on_site
            yield Lead(name, part.first_kind, other, lands, share, part.drive_days * DAY)


def _followers(lead: Lead, ends: pd.DataFrame, market: Market) -> pd.DataFrame:
    """The touches to which those in `ends` lead; the index of `ends` says which is whose parent."""
    code, rng = market.scenario.code, market.rng(f"lead/{lead.channel}/{lead.kind}/{lead.other}")
    own = ends[(ends["channel"] == code(lead.channel)) & (ends["kind"] == lead.kind)]
    share = lead.share * _tilt(market.of_person("intent", own["visitor"]), lead.slope)
    own = own[rng.random(len(own)) < share]
    time = own["time"] + 1 + rng.exponential(lead.seconds, len(own)).astype(np.int64)
    return own.assign(time=time, channel=code(lead.other), kind=lead.becomes, parent=own.index)


def _sorted(touches: pd.DataFrame) -> pd.DataFrame:
    """The touches by person and time."""
    return touches.iloc[in_order(touches["level"], touches["time"], touches["visitor"])]


def _kept(touches: pd.DataFrame, keep: np.ndarray) -> pd.DataFrame:
    """The rows to keep whose parents stay."""
    number, parent = touches.index.to_numpy(), touches["parent"].to_numpy()
    stays = np.zeros(max(number.max(initial=0), parent.max(initial=0)) + 2, bool)
    stays[-1] = True  # who follows nobody: its parent is -1
    stays[number] = keep
    for _ in FOLLOWER_LEVELS:
        stays[number] &= stays[parent]
    return touches[stays[number]]


def _thinned(touches: pd.DataFrame, market: Market, gated_only: bool) -> pd.DataFrame:
    """Without visits that are too near to another, so that sessions never meet.

    A free visit gives way to an earlier free one; a gated visit gives way to any: what is free never hangs on
    a gate.
    """
    at = np.flatnonzero(on_site(touches["kind"]))
    visits = touches.iloc[at]
    gap = visits["time"].diff().where(visits["visitor"].diff() == 0, np.inf)
    near = gap < market.scenario.least_hours_between_visits * 3600
    if gated_only:
        near = (near | near.shift(-1, fill_value=False)) & visits["gated"]
    keep = np.ones(len(touches), bool)
    keep[at[near]] = False
    return _kept(touches, keep)


def _happens(goal: str, touches: pd.DataFrame, market: Market) -> np.ndarray:
    """At which potential visits the goal would be reached, if it were not reached before."""
    part, chance = market.scenario.goals[goal], market.rng(f"goal/{goal}").random(len(touches))
    share = part.rate * _tilt(market.of_person("intent", touches["visitor"]), part.intent)
    who = market.of_person("prospect", touches["visitor"]) if part.prospects_only else True
    return on_site(touches["kind"]) & (chance < share) & who


def _with_chances(touches: pd.DataFrame, market: Market) -> pd.DataFrame:
    """The touches, now at their final positions, with everything that will be asked of chance about them."""
    touches = touches.assign(parent=_positions(touches)).reset_index(drop=True)
    origin, goals = _origins(touches), [goal for goal in market.scenario.goals if goal not in touches]
    return touches.assign(
        origin=origin,
        campaign=_campaigns(touches, market)[origin],
        anyway=_anyway(touches, market),
        chance=market.rng("purchase").random(len(touches)),
        worth=lognormal(market.scenario.purchase.value, len(touches), market.rng("worth")).round(2),
        **{goal: _happens(goal, touches, market) for goal in goals},
    )


def _positions(touches: pd.DataFrame) -> np.ndarray:
    """The position of each touch's parent, of which the index has the number; -1 stays -1."""
    number, parent = touches.index.to_numpy(), touches["parent"].to_numpy()
    at = np.full(number.max(initial=0) + 2, -1)
    at[number] = np.arange(len(number))
    return at[parent]


def _origins(touches: pd.DataFrame) -> np.ndarray:
    """For each touch the first touch of its channel that led to it, which for a message is its delivery."""
    channel, parent = touches["channel"].to_numpy(), touches["parent"].to_numpy()
    one_back = np.where((parent >= 0) & (channel == channel[parent]), parent, np.arange(len(touches)))
    return one_back[one_back]  # as many steps as there are levels of followers


def _campaigns(touches: pd.DataFrame, market: Market) -> np.ndarray:
    """A campaign code for each touch."""
    scenario, codes = market.scenario, np.full(len(touches), -1)
    for name, rows, rng in market.by_channel("campaign", touches["channel"]):
        shares = scenario.coded(scenario.channels[name].campaigns, name, scenario.campaigns)
        codes[rows] = pick(shares, len(rows), rng)
    return touches["campaign"].where(touches["campaign"] >= 0, codes).to_numpy()


def _anyway(touches: pd.DataFrame, market: Market) -> np.ndarray:
    """The channel by which the visit would come if its own were off, or -1."""
    other, visits = np.full(len(touches), -1), on_site(touches["kind"])
    for name, rows, rng in market.by_channel("anyway", touches["channel"].where(visits)):
        ways = market.scenario.channels[name].anyway
        place = np.searchsorted(np.cumsum([*ways.values()]), rng.random(len(rows)), side="right")
        other[rows] = np.array([*map(market.scenario.code, ways), -1])[place]
    return other
