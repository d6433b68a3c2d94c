"""One study: what `study.yaml` says, and the tables that it names."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from . import people, refunds
from .channels import ChannelRule, ChannelSettings, channel_rules, come_back, name_click_id, with_channels
from .clocks import Clocks
from .errors import ConvtrackError, nearest
from .folders import study_path
from .gaps import Gap
from .goals import Goal, check_conditions, find_conversions, with_own_goals
from .id_cells import PLACEHOLDERS
from .plain_yaml import read_yaml
from .schema import TABLES
from .sessions import assign_sessions, join_returns, with_direct
from .sources import Loaded, TableSource, check_columns, load_table, zone

Interaction = Literal["view", "click", "visit", "open", "delivery"]
PlatformName = Literal["google_ads", "meta", "klaviyo_legacy", "klaviyo", "ga4", "matomo"]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
SIGNS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "CNY": "¥"}
REMEDY = "To have it, add a table `{0}` to study.yaml (its columns are in docs/data_dictionary.md)."


def _lesson_number(key: Any) -> Any:
    if not (isinstance(key, str) and re.fullmatch(r"\d\d", key)):
        raise ValueError('a lesson is named by its two digits, in quotes, as in "07"')
    return key


class Lookback(BaseModel):
    """How long some touches count, where it is not `lookback_days`; an entry of `lookbacks:` in study.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: float = Field(gt=0, le=365)
    channel: str | None = None
    interaction: Interaction | None = None

    def covers(self, kinds: pd.DataFrame) -> pd.Series:
        """Which kinds of touch (rows with channel and interaction) it is for."""
        covered = pd.Series(True, index=kinds.index)
        for column, wanted in (("channel", self.channel), ("interaction", self.interaction)):
            if wanted is not None:
                covered &= kinds[column] == wanted
        return covered


class StudyFile(BaseModel):
    """The contract of study.yaml; every key that is not here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    title: str
    currency: CurrencyCode
    time_zone: str
    bad_rows: Literal["stop", "quarantine"]
    tables: dict[str, TableSource]
    goals: Annotated[dict[str, Goal], AfterValidator(with_own_goals)] = Field(min_length=1)
    main_goal: str
    touches: list[Interaction] = Field(min_length=1)
    lookback_days: int = Field(ge=1, le=365)
    lookbacks: list[Lookback] = []
    milestone: str | None = None
    platforms: dict[PlatformName, Annotated[list[str], Field(min_length=1)]] = {}
    channels: ChannelSettings = ChannelSettings()
    connection: str | None = None
    identity: Literal["visitor_id", "user_id"] = "visitor_id"
    clocks: Clocks = Clocks()
    placeholders: list[str] = list(PLACEHOLDERS)
    exchange_rates: dict[CurrencyCode, Rate] = {}
    lessons: dict[Annotated[str, BeforeValidator(_lesson_number)], dict[str, Any]] = {}


class Study:
    """A study: its settings, and its tables as attributes; a table that it does not have is a `Gap`.

    Parameters
    ----------
    path : Path
        The study file, or the folder that holds one called study.yaml.

    Raises
    ------
    ConvtrackError
        If the file is missing, is not YAML, or has an unknown key or a wrong value; when a table is first read, if it
        cannot be used.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = study_path(Path(path))
        self.settings = read_study_file(self.path)
        self._devices: dict[str, Loaded] = {}
        self._loaded: dict[str, Loaded] = {}

    def __repr__(self) -> str:
        return f"Study({self.settings.name!r}: {', '.join(self.settings.tables)})"

    name = property(lambda self: self.settings.name)
    title = property(lambda self: self.settings.title)
    currency = property(lambda self: self.settings.currency)
    time_zone = property(lambda self: self.settings.time_zone)
    goals = property(lambda self: self.settings.goals)
    main_goal = property(lambda self: self.settings.main_goal)
    touches = property(lambda self: tuple(self.settings.touches))
    lookback_days = property(lambda self: self.settings.lookback_days)
    lookbacks = property(lambda self: tuple(self.settings.lookbacks))
    platforms = property(lambda self: self.settings.platforms)

    events = property(lambda self: self.table("events"))
    spend = property(lambda self: self.table("spend"))
    orders = property(lambda self: self.table("orders"))
    platform_reports = property(lambda self: self.table("platform_reports"))
    visitors = property(lambda self: self.table("visitors"))
    assignments = property(lambda self: self.table("assignments"))

    @cached_property
    def goal(self) -> dict[str, Goal]:
        """The main goal alone, as a mapping that `find_conversions` takes."""
        return {self.main_goal: self.goals[self.main_goal]}

    def conversions_of(self, goal: str) -> pd.DataFrame | Gap:
        """The conversions of one goal, or the gap where the study has no such goal."""
        if goal not in self.goals:
            return Gap(f"This study has no goal `{goal}`.", "Define it under `goals:` in study.yaml to see this part.")
        return find_conversions(self.events, {goal: self.goals[goal]})

    def table(self, name: str) -> pd.DataFrame | Gap:
        """The rows of a table that can be used, or the gap where the study has no such table."""
        if name not in self.settings.tables:
            return Gap(f"This study has no table `{name}`.", REMEDY.format(name))
        return self.loaded(name).good

    def envelope(self, name: str) -> pd.DataFrame | Gap:
        """What is known of a simulated shop only, and lies beside its tables: "truth", "worlds" or "switches"."""
        file = self.path.parent / "envelope" / f"{name}.parquet"
        if not file.exists():
            return Gap("What each channel really caused is known of a simulated shop only, and this data is real.",
                       "To learn it, hold a channel back from a random part of your visitors: lesson 09.")
        return pd.read_parquet(file)

    def loaded(self, name: str) -> Loaded:
        """A table as it was read: used and quarantined rows. Read once, then remembered."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    @cached_property
    def users(self) -> pd.Series:
        """The user of each visitor who has exactly one, by visitor_id: the people that `identity: user_id` makes of visitors."""
        names = [name for name in ("events", "visitors") if name in self.settings.tables]
        return people.find_users(self._by_device(name).good for name in names)

    @cached_property
    def given_back(self) -> pd.Series:
        """How much came back of each order, by transaction_id; see `refunds.given_back`."""
        events = self._by_device("events")
        negative = events.quarantined[events.quarantined["reason"] == refunds.NEGATIVE]
        if len(negative):
            numbers = negative.assign(value=pd.to_numeric(negative["value"]))  # text, among rows that could not be read
            negative = _in_one_currency(numbers, events, self.settings)
        return refunds.given_back(events.good, negative, self.orders)

    def _load(self, name: str) -> Loaded:
        loaded = self._with_refunds(self._by_device(name)) if name == "events" else self._by_device(name)
        if self.settings.identity == "visitor_id" or "visitor_id" not in loaded.good:
            return loaded
        good = people.as_people(loaded.good, self.users)
        return replace(loaded, good=good.drop_duplicates("visitor_id", ignore_index=True) if name == "visitors" else good)

    def _with_refunds(self, events: Loaded) -> Loaded:
        """The events, with what came back of them where a goal asks for it."""
        if all(goal.refunds == "ignore" and goal.value != "refunded" for goal in self.goals.values()):
            return events
        return replace(events, good=refunds.with_refunds(events.good, self.given_back))

    def _by_device(self, name: str) -> Loaded:
        """A table before visitors become people; remembered, because who is whom is read from two of them."""
        if name not in self._devices:
            self._devices[name] = self._read(name)
        return self._devices[name]

    def _read(self, name: str) -> Loaded:
        settings = self.settings
        loaded = load_table(name, settings.tables[name], self.path.parent, settings.clocks, settings.placeholders)
        _check_bad_rows(loaded, settings)
        _check_signs(loaded, settings)
        good = _in_one_currency(loaded.good, loaded, settings)
        if name == "events":
            named = name_click_id(good, self.settings.tables[name].columns.get("click_id"))
            sessions = _with_sessions(with_channels(named, self.settings.channels))
            good = with_direct(join_returns(sessions, come_back(sessions, self.settings.channels)))
            check_conditions(good, self.goals)
            self.check_channels(good["channel"].dropna().unique())
        return replace(loaded, good=good.reset_index(drop=True))

    def check_channels(self, seen: Iterable[str]) -> None:
        """Nothing, if each channel that `lookbacks` and `platforms` name is one of those seen, or otherwise known.

        Known are those of the channel rules and of the spend too: in a quiet month a channel may have no event.

        Raises
        ------
        ConvtrackError
            One line: the key, the channel that does not exist, and the nearest that does.
        """
        seen = list(seen)
        spelled = {_plain(channel) for channel in seen}
        ruled = {name for name in channel_rules()["channel"] if _plain(name) not in spelled}
        for key, channel in self._unseen(seen):
            spend = self.table("spend")
            paid = set() if isinstance(spend, Gap) else set(spend["channel"])
            if channel not in ruled | paid:
                near = nearest(channel, seen) or nearest(channel, sorted(ruled | paid))
                raise ConvtrackError(f"{self.path.name}, {key}: no event has the channel '{channel}'.{near} "
                                     f"Write one of: {', '.join(sorted(seen)) or 'none'}")

    def _unseen(self, seen: Iterable[str]) -> list[tuple[str, str]]:
        """The channels that the study file names and that are not among those seen, each with its key."""
        exact, any_case = set(seen), {channel.casefold() for channel in seen}
        windows = [("lookbacks", lookback.channel) for lookback in self.lookbacks if lookback.channel is not None]
        owned = [(f"platforms: {name}", channel) for name, own in self.platforms.items() for channel in own]
        return [*(pair for pair in windows if pair[1] not in exact),
                *(pair for pair in owned if pair[1].casefold() not in any_case)]


def _with_sessions(events: pd.DataFrame) -> pd.DataFrame:
    if "session_id" in events and events["session_id"].notna().any():
        return events
    return assign_sessions(events)


def open_study(path: str | Path) -> Study:
    """The study that a file (or the folder that it is in) describes. See `Study`."""
    return Study(path)


def read_study_file(path: Path) -> StudyFile:
    """The settings in a study file, checked.

    Raises
    ------
    ConvtrackError
        One line: the file, the key, what is wrong with it, and the nearest key that exists.
    """
    try:
        settings = StudyFile.model_validate(read_yaml(path))
    except ValidationError as errors:
        raise ConvtrackError(f"{path.name}: {_first_error(errors)}") from None
    _check_names(settings, path)
    return settings


_LIMITED = reprlib.Repr()
_LIMITED.maxstring = _LIMITED.maxother = _LIMITED.maxlong = 60
_LIMITED.maxlevel = 2


def _first_error(errors: ValidationError) -> str:
    error = min(errors.errors(), key=lambda e: e["type"] != "extra_forbidden")  # a misspelled key is also a missing one
    is_choice = str(error["loc"][-1:]).find("literal[") > 0  # one of several kinds of value, each with its own error
    kinds = [e for e in errors.errors() if e["loc"][:-1] == error["loc"][:-1]] if is_choice else [error]
    where = ": ".join(str(part) for part in error["loc"][:-1 if is_choice else None] if part != "[key]")
    problem = ", or ".join(e["msg"].removeprefix("Value error, ") for e in kinds).replace(", or Input should be", ", or")
    problem = problem[:1].lower() + problem[1:]
    if not where:
        return "this is not a study file. Give a study.yaml, or make one from your data: convtrack new YOUR_DATA"
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        return f"unknown key '{where}'.{nearest(key, _known_keys(error['loc']))} Remove it or correct its spelling."
    if error["type"] == "missing":
        return f"the key '{where}' is missing. Add it; docs/study_file.md describes every key."
    if error.get("input") is None:
        return f"'{where}' is not filled in. Write its value ({problem})."
    choices = re.findall("'([^']*)'", error.get("ctx", {}).get("expected", ""))
    near = nearest(str(error["input"]), choices)
    return f"'{where}': {problem}; it says {_LIMITED.repr(error['input'])}.{near} Correct it."


def _known_keys(loc: tuple[Any, ...]) -> list[str]:
    of_channels = ChannelRule if "rules" in loc else ChannelSettings
    models = {"tables": TableSource, "goals": Goal, "lookbacks": Lookback, "channels": of_channels}
    model = models.get(str(loc[0]), StudyFile) if len(loc) > 1 else StudyFile
    return list(model.model_fields)


def _check_names(settings: StudyFile, path: Path) -> None:
    """Nothing, if the goals, tables, columns and zones that the file names exist; the data is not read for it."""
    _check_goal("main_goal", settings.main_goal, settings, path)
    if settings.milestone is not None:
        _check_goal("milestone", settings.milestone, settings, path)
    for table in (name for name in settings.tables if name not in TABLES):
        raise ConvtrackError(f"{path.name}: tables: there is no table '{table}'.{nearest(table, TABLES)} "
                             f"Write one of: {', '.join(TABLES)}")
    if "events" not in settings.tables:
        raise ConvtrackError(f"{path.name}: tables: every study needs 'events'. Add it, or run convtrack new YOUR_DATA")
    for name, source in settings.tables.items():
        check_columns(name, source)
    for named in (settings.time_zone, *(source.time_zone for source in settings.tables.values())):
        zone("UTC" if named is None else named or "''")


def _check_goal(key: str, goal: str, settings: StudyFile, path: Path) -> None:
    if goal not in settings.goals:
        raise ConvtrackError(f"{path.name}: {key} '{goal}' is not among the goals.{nearest(goal, settings.goals)} "
                             f"Write one of: {', '.join(settings.goals)}")


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _check_bad_rows(loaded: Loaded, settings: StudyFile) -> None:
    bad = len(loaded.quarantined) - len(loaded.totals)
    if bad and loaded.good.empty:
        raise ConvtrackError(f"{loaded.first_reason()} No row of {loaded.files.name} can be used ({bad} of {loaded.read} "
                             f"have a fault). Correct the file, or its mapping in study.yaml.")
    if bad and settings.bad_rows == "stop":
        raise ConvtrackError(f"{loaded.first_reason()} {bad} of {loaded.read} rows have a fault. Correct them, or set "
                             f"them aside, counted: write bad_rows: quarantine in study.yaml")


def _check_signs(loaded: Loaded, settings: StudyFile) -> None:
    """Nothing, if amounts without a code bear no sign but that of the study's currency."""
    own = SIGNS.get(settings.currency)
    for column, sign in loaded.signs.items():
        if own and sign != own:
            raise ConvtrackError(f"{loaded.files.name}, column {column}: amounts with {sign}, but the study reports in {settings.currency}. "
                                 f"Put their code in a column `currency`, or correct `currency:` in study.yaml.")


def _in_one_currency(frame: pd.DataFrame, loaded: Loaded, settings: StudyFile) -> pd.DataFrame:
    """The table with its money in the study's currency; amounts are rounded where they are shown, not here."""
    money = next((name for name in ("cost", "value") if name in frame), None)
    if money is None or "currency" not in frame:
        return frame
    foreign = frame[money].notna() & frame["currency"].notna() & (frame["currency"] != settings.currency)
    _check_rates(frame.loc[foreign, "currency"], loaded, settings)
    rate = frame["currency"].map(settings.exchange_rates).where(foreign, 1.0)
    currency = frame["currency"].mask(foreign, settings.currency)
    return frame.assign(**{money: frame[money] * rate, "currency": currency})


def _check_rates(foreign: pd.Series, loaded: Loaded, settings: StudyFile) -> None:
    for row, code in foreign[~foreign.isin(list(settings.exchange_rates))].head(1).items():
        raise ConvtrackError(f"{loaded.files.row(row)}, column currency: {code}, but the study reports in "
                             f"{settings.currency}.{nearest(code, settings.exchange_rates)} "
                             f"Write the rate in study.yaml: exchange_rates: {{{code}: 0.00}}")
