"""The data passport: what a study's data is, what it lacks, and which lessons it can carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd
import yaml

from . import people
from .accounts import account_for_rows
from .channels import UNASSIGNED, find_own_sites, has_hosts, traffic_sources
from .gaps import Gap
from .goals import Goal, find_conversions, missing_events
from .journeys import journeys_of
from .lessons import Lesson
from .refunds import REFUND, real_refunds, with_refunds
from .settings import Study
from .sources import Loaded
from .texts import currency_digits, first_few, fmt, plural

MOST_UNASSIGNED, MOST_PAIRS = 0.1, 5  # the share of rows from which on it is a finding, and the pairs that it names
A_DAY_ONLY = 0.1  # share of events at midnight beyond which their times are days


@dataclass(frozen=True)
class Passport:
    """What `convtrack check` prints; `as_json` is its machine-readable form."""

    rows: dict[str, int]
    uses: dict[str, int]
    span: list[str]
    visitors: int
    goals: dict[str, dict[str, float | int | None]]
    channels: list[str]
    lessons: dict[str, dict[str, str]]
    findings: list[str] = field(default_factory=list)
    currency: str = ""

    def as_json(self) -> dict[str, Any]:
        """The passport as one JSON object."""
        return {name: part for name, part in asdict(self).items() if name != "currency"}


def make_passport(study: Study, lessons: Iterable[Lesson] = ()) -> Passport:
    """The passport of a study, with the status of each lesson: runs, limits, or cannot, and why.

    Raises
    ------
    ConvtrackError
        If a table of the study cannot be read at all.
    """
    loaded = study.loaded("events")
    tables = [study.loaded(name) for name in study.settings.tables]
    events, conversions = study.events, find_conversions(study.events, study.goals)
    account = account_for_rows(events, study.goals, study.touches)
    days = events["event_time"].agg(["min", "max"]).dt.tz_convert(study.time_zone).dt.date
    return Passport(
        rows={"read": loaded.read, "used": len(loaded.good), "quarantined": len(loaded.quarantined)}, uses=account.uses,
        span=days.astype("str").tolist(), visitors=int(events["visitor_id"].nunique()),
        goals={name: _goal_total(conversions[conversions["goal"] == name], study.currency) for name in study.goals},
        channels=sorted(events["channel"].dropna().unique()),
        lessons={lesson.number: lesson_status(study, lesson) for lesson in lessons},
        findings=[*(finding for table in tables for finding in _table_findings(table)), *missing_events(events, study.goals),
                  *_identity_findings(study, conversions), *_clock_findings(study), *_value_findings(conversions),
                  *account.findings, *_refund_findings(study), *_touch_findings(study), *_spelling_findings(study),
                  *channel_findings(study)],
        currency=study.currency)


def lesson_status(study: Study, lesson: Lesson) -> dict[str, str]:
    """Whether a lesson runs on this study, with which limits, or why it cannot.

    A lesson says in its metadata what it `needs` and what it `uses`: for each of these a table ("spend") or a column of
    one ("events.channel"), and what it is for.
    """
    needed = [f"needs {what} for {why}" for what, why in lesson.needs.items() if not has(study, what)]
    if needed:
        return {"status": "cannot", "why": "; ".join(needed)}
    lacking = [f"without {what}, no {why}" for what, why in lesson.uses.items() if not has(study, what)]
    return {"status": "limits", "why": "; ".join(lacking)} if lacking else {"status": "runs", "why": ""}


def has(study: Study, what: str) -> bool:
    """Whether a study has a table ("spend"), any value in a column of one ("events.channel"), or an "envelope.truth"."""
    table, _, column = what.partition(".")
    if table == "envelope":
        return not isinstance(study.envelope(column), Gap)
    frame = study.table(table)
    if isinstance(frame, Gap) or not column:
        return not isinstance(frame, Gap)
    return column in frame and bool(frame[column].notna().any())


def _goal_total(conversions: pd.DataFrame, currency: str) -> dict[str, float | int | None]:
    total = conversions["value"].sum(min_count=1)
    value = None if pd.isna(total) else round(float(total), currency_digits(currency))
    return {"conversions": len(conversions), "value": value}


def _quarantine_findings(loaded: Loaded) -> list[str]:
    reasons = loaded.quarantined["reason"]
    first = reasons.drop_duplicates()
    return [f"{loaded.files.name}: {count:,} rows set aside: {reason} (first: {_first(loaded, first.index[first == reason][0])})"
            for reason, count in reasons.value_counts().items()]


def _first(loaded: Loaded, row: int) -> str:
    """The row of the only file, or the file too."""
    return loaded.files.row(row) if len(loaded.files.paths) > 1 else f"row {row}"


def _table_findings(loaded: Loaded) -> list[str]:
    """What was not used of a file, or not as it stands: lines above its header, rows set aside, no ids, hours that the clocks repeat."""
    skipped = [f"{loaded.files.name}: lines above the header that were skipped: {loaded.skipped:,}"] if loaded.skipped else []
    changed = [f"{loaded.files.name}: {plural(count, 'time')} {what}" for what, count in loaded.clock_changes.items()]
    return [*skipped, *_quarantine_findings(loaded), *_placeholder_findings(loaded), *changed]


def _placeholder_findings(loaded: Loaded) -> list[str]:
    rows = loaded.placeholders.itertuples()
    return [f"{loaded.files.name}: {row.column} is '{row.text}' in {row.rows:,} rows, which is no id; it counts as missing" for row in rows]


def _identity_findings(study: Study, conversions: pd.DataFrame) -> list[str]:
    events, joins = study.events, study.settings.identity == "user_id"
    tables = [(column, name) for column, name in (("transaction_id", "orders"), ("visitor_id", "visitors"), ("visitor_id", "assignments"))
              if has(study, name)]
    return [*([] if joins else people.sharing_finding(events, study.users, conversions)), *people.heavy_visitor_finding(events),
            *people.shared_order_finding(events),
            *(finding for column, name in tables for finding in people.unmet_finding(column, name, study.table(name), events))]


def _clock_findings(study: Study) -> list[str]:
    local = study.events["event_time"].dt.tz_convert(study.time_zone)
    share = (local == local.dt.normalize()).mean()
    return [f"{share:.0%} of events are at midnight to the second, as days without a clock are: what happened first within a day "
            f"is not known, and is taken to be what stands first in the file"] if share > A_DAY_ONLY else []


def _refund_findings(study: Study) -> list[str]:
    """For each goal, what came back of its conversions, the totals with and without it, and which of them count."""
    events = with_refunds(study.events, study.given_back)
    said = [line for name, goal in study.goals.items() if goal.value != "refunded" for line in _refunds_of(study, events, name, goal)]
    return [*said, *_lost_refunds(study)]


def _lost_refunds(study: Study) -> list[str]:
    """How many refunds name no order that is there."""
    back = real_refunds(study.events)
    orders = study.events.loc[study.events["event_name"] != REFUND, "transaction_id"] if "transaction_id" in study.events else []
    lost = ~back["transaction_id"].isin(orders) if "transaction_id" in back else pd.Series(True, index=back.index)
    return [f"{lost.sum():,} of {len(back):,} refunds name no order that is there, and are taken off nothing"] if lost.any() else []


def _refunds_of(study: Study, events: pd.DataFrame, name: str, goal: Goal) -> list[str]:
    """What is to be said of one goal."""
    before, after = (find_conversions(events, {name: goal.model_copy(update={"refunds": how})}) for how in ("ignore", "subtract"))
    came = events.loc[events["event_id"].isin(before["event_id"]) & events["refunded"].notna(), ["refunded", "is_refunded"]]
    if came.empty:
        return []
    lost = came["refunded"].sum() if goal.value == "column" else before["value"].sum(min_count=1) - after["value"].sum()
    with_them, without = _total(before, study), _total(after, study)
    counted = "without" if goal.refunds == "subtract" else "with"
    return [f"goal {name}: {len(came):,} of its orders came back, {came['is_refunded'].sum():,} of them whole"
            f"{_money(lost, study)}. With them it is {with_them}; without what came back, {without}. "
            f"The study counts {counted} them (refunds: {goal.refunds})"]


def _total(found: pd.DataFrame, study: Study) -> str:
    count = f"{len(found):,} conversion{'' if len(found) == 1 else 's'}"
    return count + _money(found["value"].sum(min_count=1), study)


def _money(value: float, study: Study) -> str:
    """", 30.00 EUR", or nothing where no value is known."""
    return "" if pd.isna(value) else f", {fmt(value, 'money', currency_digits(study.currency))} {study.currency}"


def _value_findings(conversions: pd.DataFrame) -> list[str]:
    return [f"goal {name}: the value of {values.isna().sum():,} of {len(values):,} conversions is not known; totals of "
            f"value cover the other {values.notna().sum():,}" for name, values in conversions.groupby("goal")["value"]
            if 0 < values.notna().sum() < len(values)]


def _touch_findings(study: Study) -> list[str]:
    journeys = journeys_of(study)
    if isinstance(journeys, Gap):
        return [journeys.sentence]
    missing = journeys[journeys["converted"] & (journeys["path"].map(len) == 0)]
    if missing.empty:
        return []
    first = missing["journey_id"].iloc[0].removeprefix(f"conversion {study.main_goal}:")
    return [f"goal {study.main_goal}: {len(missing):,} of {journeys['converted'].sum():,} conversions have no touch in the "
            f"{study.lookback_days} days before them (first: event_id {first} of {study.loaded('events').files.name}); "
            f"they are counted as unattributed"]


def _spelling_findings(study: Study) -> list[str]:
    if not has(study, "spend.channel") or not has(study, "events.channel"):
        return []
    unknown = sorted(set(study.spend["channel"]) - set(study.events["channel"].dropna()))
    return [f"spend pays for {', '.join(unknown)}, which no event names; their conversions count as 0 (if they are spelled "
            f"otherwise, map them under values: channel: in study.yaml)"] if unknown else []


def channel_findings(study: Study) -> list[str]:
    """What nobody could put into a channel, with the sources behind it, and what was taken for the site itself."""
    rows, own = study.events[study.events["channel"].notna()], study.settings.channels.own_sites
    findings = []
    for name in UNASSIGNED:
        of_it = rows[rows["channel"] == name]
        if len(of_it) > MOST_UNASSIGNED * len(rows):
            findings.append(f"{len(of_it):,} of {len(rows):,} rows with a channel ({len(of_it) / len(rows):.0%}) are {name}: "
                            f"{_pairs_behind(of_it, own)}")
    guessed = [] if own or has_hosts(study.events) else find_own_sites(study.events)
    return findings + [f"pages are written without their host, and {site} leads from one to the next, so it is taken for the "
                       f"site itself (if it is not, write channels: {{own_sites: [YOUR_SITE]}} in study.yaml)" for site in guessed]


def _pairs_behind(rows: pd.DataFrame, own_sites: Iterable[str]) -> str:
    """The commonest sources and media of the rows, and the line that rules on the first of them."""
    sources = traffic_sources(rows, own_sites)
    pairs = pd.DataFrame({"source": sources["source"].mask(sources["source"] == "", sources["host"]), "medium": sources["medium"]})
    counts = pairs[(pairs != "").any(axis=1)].value_counts()
    if counts.empty:
        return "the export itself calls them so. Rename them under values: channel: in study.yaml"
    named = [f"{source or '(no source)'} / {medium or '(no medium)'} ({count:,})" for (source, medium), count in counts.items()]
    more = f" and {len(named) - MOST_PAIRS} more pairs" if len(named) > MOST_PAIRS else ""
    rule = yaml.safe_dump({"source": counts.index[0][0], "medium": counts.index[0][1], "channel": "YOUR_CHANNEL"},
                          default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**9).strip()
    return f"{', '.join(named[:MOST_PAIRS])}{more}. Say what they are in study.yaml: channels: {{rules: [{rule}]}}"


def describe(passport: Passport) -> str:
    """The passport as lines for a terminal."""
    rows, (first, last) = passport.rows, passport.span
    return "\n".join([
        f"rows      {rows['read']:,} read = {rows['used']:,} used + {rows['quarantined']:,} quarantined",
        f"          {', '.join(f'{count:,} {use}' for use, count in passport.uses.items())}",
        f"span      {first} to {last}, {passport.visitors:,} visitors",
        *(f"goal      {name}: {goal['conversions']:,} conversions, {_worth(goal, passport.currency)}"
          for name, goal in passport.goals.items()),
        f"channels  {first_few(passport.channels, most=24) or 'none'}",
        *(f"lesson {number} {said['status']:<7} {said['why']}".rstrip() for number, said in passport.lessons.items()),
        *(f"finding   {finding}" for finding in passport.findings)])


def _worth(goal: Mapping[str, float | int | None], currency: str) -> str:
    return "value not known" if goal["value"] is None else f"value {goal['value']:,.{currency_digits(currency)}f}"
