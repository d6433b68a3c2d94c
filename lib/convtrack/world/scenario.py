"""A scenario: every number that a simulated world is made from, read from a YAML file and checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from convtrack.errors import ConvtrackError, nearest
from convtrack.schema import INTERACTIONS

VIEW, CLICK, VISIT, OPEN, DELIVERY = range(len(INTERACTIONS))  # an interaction's code is its place
MOST_CHANNELS = 16  # whose 65,536 sets can all be played
Share = float
Effects = dict[Literal["view", "click", "visit", "open", "delivery"], float]


def by_interaction(numbers: Effects) -> list[float]:
    """The number of every interaction, at the place of its code; 0 where there is none."""
    return [numbers.get(kind, 0.0) for kind in INTERACTIONS]


class Part(BaseModel):
    """A piece of a scenario: cannot be changed, and knows no other keys than its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Spread(Part):
    """A lognormal quantity: its median, the standard deviation of its logarithm, and its bounds."""

    median: float = Field(gt=0)
    sigma: float = Field(ge=0)
    least: float = 0.0
    most: float = float("inf")


class Rhythm(Part):
    """How traffic moves with the local hour, the weekday, and over the whole time."""

    hours: tuple[float, ...] = Field(min_length=24, max_length=24)
    weekdays: tuple[float, ...] = Field(min_length=7, max_length=7)
    growth: float = Field(gt=-1, lt=2)


class Device(Part):
    """A kind of device: its share of visitors, how well it sells, and its browsers."""

    share: Share
    purchase_factor: float = 1.0
    abandoned_checkouts: float = 1.0
    browsers: dict[str, Share]


class Purchase(Part):
    """What makes a visit end in a purchase, and what the purchase is worth."""

    base: float = Field(gt=0)
    intent: float
    cap: float = Field(gt=0)
    margin: Share = 1.0
    value: Spread


class Goal(Part):
    """A goal below a purchase: it happens at a visit, once per visitor."""

    rate: Share
    intent: float = 0.0
    prospects_only: bool = False
    page: str
    values: tuple[float, ...] = ()


class PhoneGoal(Part):
    """A goal reached by phone, some days after another goal."""

    after: str
    share: Share
    lag_days: Spread
    value: Spread | None = None


class Holdout(Part):
    """A randomised share of the visitors who never get one channel."""

    experiment: str
    channel: str
    share: Share


class Dirt(Part):
    """What goes wrong between a shop and its tables."""

    untracked: Share = 0.0
    double_purchase: Share = 0.0
    refunded: Share = 0.0
    cancelled: Share = 0.0
    test_orders: int = 0
    extra_clicks: float = 0.0
    late: Share = 0.0


class Cookies(Part):
    """How a tracker loses sight of people: the log then knows one person under several ids.

    An id is forgotten after `days` without a touch; `refused` of the people are a new visitor on every day, and
    what they see of ads cannot be joined; `second_device` of the people have every other visit on a device of
    its own.
    """

    days: float = Field(default=float("inf"), gt=0)
    refused: Share = 0.0
    second_device: Share = 0.0


class Synergy(Part):
    """Two channels that work better together: log-hazard added at a visit with full exposure to both."""

    pair: tuple[str, str]
    effect: float


class Send(Part):
    """When a message goes out: weekday (Monday is 0) and local hour, every so many weeks."""

    weekday: int = Field(ge=0, le=6)
    hour: int = Field(ge=0, le=22)
    every_weeks: int = Field(default=1, ge=1)


class Cost(Part):
    """What a channel costs, in the shop's currency."""

    per_thousand: float = 0.0
    per_click: float = 0.0
    per_send: float = 0.0


class Source(Part):
    """Where visits of a channel come from, as an analytics tool sees it."""

    share: Share
    referrer: str | None = None


class Channel(Part):
    """One channel: who it reaches, what it does, what it costs, and how its visits are tagged."""

    first: Literal["visit", "view", "delivery"]
    rate: float = 0.0
    targeting: float = 0.0
    message: Literal["email", "sms"] = "email"
    opens: Share = 0.0
    clicks: Share = 0.0
    effect: Effects = {}
    half_life: float = Field(default=float("inf"), gt=0)
    drives: dict[str, Share] = {}
    drive_days: float = 1.0
    anyway: dict[str, Share] = {}
    gate: str | None = None
    gate_days: float = float("inf")
    campaigns: dict[str, Share] = {}
    sends: dict[str, Send] = {}
    cost: Cost | None = None
    click_rate: Share = 1.0
    medium: str | None = None
    click_id: str | None = None
    sources: dict[str, Source] = {}
    landing: tuple[str, ...] = ("/",)

    @property
    def on_site(self) -> int:
        """The interaction of its visits: `click` if it is marketing (tagged), else `visit`."""
        return CLICK if self.medium else VISIT

    @property
    def first_kind(self) -> int:
        """The interaction of its first touches."""
        return {"visit": self.on_site, "view": VIEW, "delivery": DELIVERY}[self.first]


class Platform(Part):
    """What an ad platform claims: its windows in days by channel and interaction."""

    windows: dict[str, Effects]
    clicks_first: bool = False
    booked_on: Literal["touch", "send"] = "touch"


class Scenario(Part):
    """Everything a simulated world is made from; see `convtrack.world` for what the numbers do."""

    name: str
    title: str
    about: str
    currency: str
    time_zone: str
    first_day: date
    days: int = Field(gt=0)
    visitors: int = Field(gt=0)
    days_in_market: Spread
    prospects: Share
    intent_seen: Share | None = None
    least_hours_between_visits: float = Field(ge=2)
    rhythm: Rhythm
    devices: dict[str, Device]
    countries: dict[str, Share]
    site: str
    products: tuple[str, ...]
    shelves: tuple[str, ...]
    purchase: Purchase
    goals: dict[str, Goal]
    by_phone: dict[str, PhoneGoal] = {}
    holdout: Holdout | None = None
    dirt: Dirt = Dirt()
    cookies: Cookies = Cookies()
    synergies: tuple[Synergy, ...] = ()
    channels: dict[str, Channel]
    platforms: dict[str, Platform] = {}

    @model_validator(mode="after")
    def _fits_together(self) -> Scenario:
        if len(self.channels) > MOST_CHANNELS:
            raise ValueError(f"channels: {len(self.channels)} are too many; all their subsets are played, up to {MOST_CHANNELS} channels")
        for where, name in self._channel_references():
            if name not in self.channels:
                raise ValueError(f"{where} names the channel '{name}'.{nearest(name, self.channels)}")
        for name, channel in self.channels.items():
            if problem := self._problem(channel):
                raise ValueError(f"{name}: {problem}")
        workdays = int(np.busday_count(self.first_day, self.first_day + timedelta(days=self.days)))
        if self.dirt.test_orders > workdays:
            raise ValueError(f"dirt: test_orders: {self.dirt.test_orders} need a weekday each, and there are {workdays}")
        return self

    def _problem(self, channel: Channel) -> str:
        """What is wrong with the channel, or nothing."""
        gates = ["visit", *self.goals]
        if channel.gate is not None and channel.gate not in gates:
            return f"gate '{channel.gate}' is no goal.{nearest(channel.gate, gates)}"
        if any(self.channels[way].campaigns for way in channel.anyway):
            return "a visit can come anyway only by a channel without campaigns"
        if (channel.first == "delivery") != bool(channel.sends and channel.gate):
            return "`first: delivery` goes with `sends` and a `gate`"
        return "sends names no campaign" if channel.sends.keys() - channel.campaigns.keys() else ""

    def _channel_references(self) -> list[tuple[str, str]]:
        """(where, channel name) of every place that names a channel."""
        found = [("holdout", self.holdout.channel)] if self.holdout else []
        found += [("synergies", name) for part in self.synergies for name in part.pair]
        found += [(f"{name}: drives", other) for name, part in self.channels.items() for other in part.drives]
        found += [(f"{name}: anyway", other) for name, part in self.channels.items() for other in part.anyway]
        return found + [(name, other) for name, part in self.platforms.items() for other in part.windows]

    @property
    def campaigns(self) -> list[tuple[str, str]]:
        """(channel, campaign) of every campaign, in the order of the file; its position is its code."""
        return [(name, campaign) for name, channel in self.channels.items() for campaign in channel.campaigns]

    @property
    def sources(self) -> list[tuple[str, str]]:
        """(channel, source) of every source of visits, in the order of the file; its position is its code."""
        return [(name, source) for name, channel in self.channels.items() for source in channel.sources]

    @property
    def paid(self) -> list[str]:
        """The channels that cost money: those that somebody can switch off."""
        return [name for name, channel in self.channels.items() if channel.cost is not None]

    def coded(self, shares: Mapping[str, Share], channel: str, labels: list[tuple[str, str]]) -> dict[int, Share]:
        """The shares of a channel's campaigns (or sources) by code, `labels` being all campaigns (or sources)."""
        return {labels.index((channel, name)): share for name, share in shares.items()}

    def code(self, channel: str) -> int:
        """The channel's code, which is its place in the file; a name that is none is answered with the nearest."""
        if channel not in self.channels:
            raise ConvtrackError(f"'{channel}' is no channel of '{self.name}'.{nearest(channel, self.channels)}")
        return list(self.channels).index(channel)

    def changed(self, changes: Mapping[str, Any]) -> Scenario:
        """This scenario with some numbers replaced.

        Parameters
        ----------
        changes : mapping
            Nested like the scenario file; a value of None takes a key away.

        Returns
        -------
        Scenario
            A new scenario; this one stays as it is.

        Raises
        ------
        ConvtrackError
            If a key is not known or a value does not fit.

        Examples
        --------
        >>> quiet = load_scenario("larkspur").changed({"channels": {"Display": {"effect": {"view": 0.0}}}})
        >>> quiet.channels["Display"].effect["view"], quiet.channels["Display"].rate
        (0.0, 3.2)
        """
        return _checked(_merged(self.model_dump(), changes), f"scenario '{self.name}' with changes")


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` laid over it, level by level; None takes a key away."""
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return {key: value for key, value in merged.items() if value is not None}


def _checked(data: Any, where: str) -> Scenario:
    """The scenario in `data`, or one line that says which key is wrong."""
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = {key for part in [Scenario, *Part.__subclasses__()] for key in part.model_fields}
        hint = nearest(str(first["loc"][-1]), known) if first["type"] == "extra_forbidden" else ""
        raise ConvtrackError(f"{where}: {key}: {first['msg']}.{hint}") from None


def scenario_names() -> list[str]:
    """The names of the scenarios that come with the library.

    >>> "larkspur" in scenario_names()
    True
    """
    names = [Path(entry.name) for entry in (files("convtrack") / "scenarios").iterdir()]
    return sorted(name.stem for name in names if name.suffix == ".yaml")


def load_scenario(name: str) -> Scenario:
    """The scenario of that name.

    Parameters
    ----------
    name : str
        One of `scenario_names()`. A scenario file may say `based_on: other` and give only what differs.

    Returns
    -------
    Scenario
        Its numbers, checked.

    Raises
    ------
    ConvtrackError
        If there is no such scenario, or its file has a key or value that does not fit.

    Examples
    --------
    >>> load_scenario("larkspur").title
    'Larkspur, teas online'
    >>> load_scenario("larkspurr")
    Traceback (most recent call last):
    convtrack.errors.ConvtrackError: There is no scenario 'larkspurr'. Closest: 'larkspur'.
    """
    if name not in scenario_names():
        raise ConvtrackError(f"There is no scenario '{name}'.{nearest(name, scenario_names())}")
    text = (files("convtrack") / "scenarios" / f"{name}.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    if based_on := data.pop("based_on", None):
        data = _merged(load_scenario(based_on).model_dump(), data)
    return _checked(data, f"{name}.yaml")
