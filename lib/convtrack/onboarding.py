"""A first study file for an export that nobody here has seen, with a reason on every line.

`recognise` says which column is which. Here the rest is worked out from the cells, and `templates/study.yaml.jinja` says
what is written about it. What the data cannot tell (a time zone, a currency, day first or month first) becomes a question
for a person, never a default.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import available_timezones

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from .errors import ConvtrackError, nearest
from .folders import new_study_path
from .recognise import SPELLED, Found, Words, find_tables
from .schema import INTERACTIONS, OFF_SITE_INTERACTIONS, Column
from .sources import SLASHED, to_numbers
from .texts import first_few


class Entry(NamedTuple):
    """A line of a study file: depth, key, value, and why; `...` opens a section, None is a question."""

    depth: int
    key: str
    value: Any = ...
    why: str = ""

    def line(self, folder: Path | None = None) -> str:
        """The line as YAML with its reason as a comment; a path is written relative to `folder`.

        >>> Entry(1, "a: b", None, "write one of: #a, #b").line()
        "  'a: b': null  # <- write one of: #a, #b"
        """
        why = "".join(c if c.isprintable() else "?" for c in " ".join(self.why.split()))
        comment = f"# {'<- ' if self.value is None else ''}{why}" if why else ""
        value = "" if self.value is ... else " " + _yaml(_relative(self.value, folder))
        said = f"{_yaml(self.key)}:{value}" if self.key else ""
        return "  " * self.depth + "  ".join(part for part in (said, comment) if part)


@dataclass(frozen=True)
class Proposal:
    """A proposed study file: its `text`, the `lines` guessed, and the `questions` left to a person."""

    entries: tuple[Entry, ...]
    folder: Path | None = None

    @property
    def text(self) -> str:
        """The text of study.yaml as it stands in `folder`; without one, with the full paths of the data."""
        return "".join(entry.line(self.folder) + "\n" for entry in self.entries)

    @property
    def lines(self) -> list[str]:
        """What was guessed, how surely and why."""
        return [e.line(self.folder) for e in self.entries if e.why and e.value is not None]

    @property
    def questions(self) -> list[str]:
        """What a person must fill in: where in the file, and what."""
        above: list[str] = []
        asked: dict[str, str] = {}
        for entry in self.entries:
            above[entry.depth:] = [entry.key]
            if entry.value is None:  # the zone stands in two places and is asked for once
                asked.setdefault(entry.why, ": ".join(key for key in above if key))
        return [f"{where}: {why}" for why, where in asked.items()]


def propose(data: Path, time_zone: str | None = None, currency: str | None = None, name: str | None = None,
            folder: Path | None = None) -> Proposal:
    """A study file for an unknown export: a reason on every guess, and a question where nobody can guess.

    Parameters
    ----------
    data : Path
        A CSV, TSV or Parquet file of events, or a folder of such files, told apart by their columns.
    time_zone, currency, name : str, optional
        What a person knows: the zone of the times ("Europe/Berlin"), the code of the money ("EUR"), and what
        to call the study.
    folder : Path, optional
        Where the study file is going to be, for the path of the data; `write_proposal` uses its own.

    Raises
    ------
    ConvtrackError
        If there is nothing to read, or no column looks like a time or like a visitor.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "export.csv"
    >>> _ = path.write_text("Zeit;Besucher;Ereignis;Umsatz\\n2026-01-05 10:00;v1;Kauf;9,50\\n")
    >>> propose(path).questions[0]
    'currency: write the three-letter code of all money in the data, e.g. EUR'
    >>> yaml.safe_load(propose(path).text)["tables"]["events"]["values"]
    {'event_name': {'Kauf': 'purchase'}}
    """
    data = Path(data)
    _check_given(time_zone, currency)
    tables, left_out = find_tables(data, Words())
    title = name or data.resolve().stem
    short = re.sub(r"[^A-Za-z0-9_.-]+", "-", title).strip("-._") or "study"
    facts = {"file": data.resolve().name, "name": short, "title": title, "time_zone": time_zone, "tables": tables,
             "left_out": left_out, "rivals_of": partial(_rivals, left_out), "spellings": partial(_spellings, merged=_merged(tables)),
             **_money(tables, currency), **_goals(tables[0]), **_touches(tables[0])}
    return Proposal(_fill_in(facts), folder)


def _rivals(left_out: Mapping[str, Found | str], found: Found) -> list[str]:
    """The files that look like the same table, but are no part of it."""
    return [name for name, why in left_out.items() if why is found]


def write_proposal(proposal: Proposal, folder: Path, overwrite: bool = False) -> Path:
    """The path of study.yaml, written whole or not at all.

    Raises
    ------
    ConvtrackError
        If there is one already, or the folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> write_proposal(Proposal((Entry(0, "name", "shop"),)), Path(tempfile.mkdtemp())).read_text()
    'name: shop\\n'
    """
    path = new_study_path(folder, overwrite)
    beside = path.with_name(f".study.yaml.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(replace(proposal, folder=path.parent).text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    except OSError as error:
        raise ConvtrackError(f"{path} cannot be written: {error.strerror}. Choose another --out") from None
    finally:
        if beside.exists():
            beside.unlink()
    return path


def _yaml(value: Any) -> str:
    flow: dict[str, Any] = {"default_flow_style": True, "width": 10**9, "allow_unicode": True}
    text = yaml.safe_dump([value], **flow).strip()
    if len(text.splitlines()) > 1:  # only double quotes keep a line break on one line
        text = yaml.safe_dump([value], default_style='"', **flow).strip()
    return text[1:-1]


def _relative(value: Any, folder: Path | None) -> Any:
    if isinstance(value, list):
        return [_relative(part, folder) for part in value]
    if not isinstance(value, Path):
        return value
    path = value.resolve()
    try:
        return Path(os.path.relpath(path, folder.resolve()) if folder else path).as_posix()
    except ValueError:  # another drive
        return path.as_posix()


def _check_given(time_zone: str | None, currency: str | None) -> None:
    if time_zone is not None and time_zone not in available_timezones():
        near = nearest(time_zone, available_timezones())
        raise ConvtrackError(f"There is no time zone '{time_zone}'.{near} Write it like Europe/Berlin.")
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
        raise ConvtrackError(f"'{currency}' is no currency. Write three capital letters, like EUR.")


def _fill_in(facts: dict[str, Any]) -> tuple[Entry, ...]:
    """The lines of the template with the facts in it, each as deep as it is indented there."""
    entries: list[Entry] = []

    def line(key: str, value: Any = ..., why: str = "") -> str:
        entries.append(Entry(0, key, value, why))
        return "|"

    said = {"line": line, "ask": lambda key, what: line(key, None, what), "note": lambda text: line("", ..., text)}
    pages = Environment(loader=PackageLoader("convtrack"), undefined=StrictUndefined, trim_blocks=True)
    rows = pages.get_template("study.yaml.jinja").render(SHOWN | said | facts).split("\n")
    depths = [row.index("|") // 2 for row in rows if row]
    return tuple(entry._replace(depth=depth) for entry, depth in zip(entries, depths, strict=True))


def _money(tables: list[Found], given: str | None) -> dict[str, Any]:
    """The currency of the study and why, and the rows in every other one, for which a rate is asked."""
    codes = sum((found.ours("currency") for found in tables), Counter())
    home, why = (given, "as given") if given else _currency(tables, codes)
    return {"currency": (home, why), "foreign": {code: codes[code] for code in sorted(set(codes) - {home})}}


def _currency(tables: list[Found], codes: Counter[str]) -> tuple[str | None, str]:
    """The currency that the data names: in a column, by a sign in the values, or in the name of a column."""
    for code, rows in codes.most_common(1):
        return code, f"the column for currency says so (rows: {rows:,})"
    heads = [found.mapped[ours].replace("_", " ") for found in tables for ours in ("value", "cost") if ours in found.mapped]
    values = [text for found in tables for text in found.texts_of("money")]
    for pattern, texts, why in ((r"[^\d\s.,+-]", values, "by the sign in the values"),
                                (r"[€$£¥]|\b[A-Za-z]{3}\b", heads, "by the name of a column")):
        signs = {sign for text in texts for sign in re.findall(pattern, text)}
        known = {tables[0].words.spelled("currency", sign) for sign in signs} - {None}
        if len(known) == 1:
            return known.pop(), why + ("; $ may also stand for CAD, AUD and others" if "$" in signs else "")
    return None, "write the three-letter code of all money in the data, e.g. EUR"


def _how_to_read(found: Found) -> dict[str, tuple[Any, str]]:
    """The keys of a table that its cells make necessary: the value of each, None if they cannot tell it, and why."""
    said = {"decimal": _decimal(found.texts_of("money", "count")), "day_first": _day_first(found.texts_of("time", "date"))}
    return {key: pair for key, pair in said.items() if pair}


def _decimal(text: pd.Series) -> tuple[str | None, str] | None:
    point, comma = to_numbers(text, "."), to_numbers(text, ",")
    (few, _), (most, mark) = sorted([(int(point.notna().sum()), "."), (int(comma.notna().sum()), ",")])
    if few != most:
        return mark, f"{most:,} of {len(text):,} different values are numbers with it, else {few:,}"
    if point.equals(comma):
        return None
    return None, f"write '.' or ',' in quotes: {text[point.notna() & (point != comma)].iloc[0]} can be read in both ways"


def _day_first(text: pd.Series) -> tuple[bool | None, str] | None:
    fields = text.str.extract("^" + SLASHED.pattern)[[0, 1]].dropna().astype("int64")
    if fields.empty:
        return None
    first, second = (fields > 12).any()
    example = text[fields.max(axis=1).idxmax()]
    if first != second:
        return bool(first), f"sure: {example} has no other reading"
    others = "there are values of both kinds" if first else "no value tells"
    return None, f"write true or false: is {example} written day first? ({others})"


class Spelling(NamedTuple):
    """How a column is spelled: the values to map (theirs, ours or None, rows), and the rows of each that is left as it is."""

    column: Column
    mapped: list[tuple[str, str | None, int]]
    left: dict[str, int]


def _merged(tables: list[Found]) -> set[str]:
    """The channels of ours that several of the data's own names would become: those names stay as they are."""
    names = {text for found in tables for text in found.texts("channel")}
    keys: dict[str | None, set[str]] = {}
    for text in names:
        keys.setdefault(tables[0].words.spelled("channel", text), set()).add(Words.key(text))
    return {ours for ours, theirs in keys.items() if ours and len(theirs) > 1}


def _spellings(found: Found, merged: set[str]) -> list[Spelling]:
    """The spellings of each column of which some are ours; none where Parquet has true and false, or codes."""
    columns = [found.columns[name] for name in found.columns if name in SPELLED]
    return [_spelling(found, c, merged) for c in columns if not pd.api.types.is_numeric_dtype(found.cells(c.name))]


def _spelling(found: Found, column: Column, merged: set[str]) -> Spelling:
    counts = found.texts(column.name).value_counts()
    spelled = [(text, found.words.spelled(column.name, text), rows) for text, rows in counts.items()]
    if column.name == "channel":
        spelled = [(text, ours if ours not in merged or Words.key(text) == Words.key(ours) else None, rows)
                   for text, ours, rows in spelled]
    return Spelling(column, [row for row in spelled if row[1] != row[0] and (row[1] or column.allowed)],
                    {text: rows for text, ours, rows in spelled if not (ours or column.allowed)})


def _counted(counts: Mapping[str, int]) -> str:
    return first_few((f"{name} ({rows:,})" for name, rows in counts.items()), most=20)


def _goals(events: Found) -> dict[str, Any]:
    """The goals among the events, the weightiest first, with their rows and the share of them that has a value."""
    counts = dict(events.ours("event_name").most_common())
    goals = [{**goal, "event": event, "rows": counts[event], "filled": _filled(events, event)}
             for event, goal in events.words.goals.items() if event in counts]
    return {"goals": goals, "goal_rows": {goal["event"]: goal["rows"] for goal in goals}, "events": counts}


def _filled(events: Found, event: str) -> float:
    """The share of an event's rows that have a value, 0 if no value is above 0."""
    names, values = events.texts("event_name"), events.texts("value")
    known = {text: events.words.spelled("event_name", text) or text for text in names.unique()}
    its = names.index[names.map(known) == event]
    filled = values[values.index.isin(its)]
    return len(filled) / len(its) if filled.str.contains("[1-9]").any() else 0.0


def _touches(events: Found) -> dict[str, list[str]]:
    """The kinds of touch in the data: those that count, and the others."""
    kinds, by_name = events.ours("interaction"), _known_by_name(events)
    there = [kind for kind in INTERACTIONS if (kinds or by_name)[kind]]
    seen_only = [*there, "visit"] if by_name and not kinds else there  # the conversion's own row has a channel too
    touches = [kind for kind in there if kind in ("click", "visit")] or seen_only or ["click", "visit"]
    return {"touches": touches, "untouched": [kind for kind in there if kind not in touches]}


def _known_by_name(events: Found) -> Counter[str]:
    """The interactions that the names of events tell, where no column does: all else is a visit, if it has a channel."""
    names = events.ours("event_name")
    if not set(names) & set(OFF_SITE_INTERACTIONS):
        return Counter()
    off_site = Counter({OFF_SITE_INTERACTIONS[name]: rows for name, rows in names.items() if name in OFF_SITE_INTERACTIONS})
    return off_site + Counter(visit=sum(names[name] for name in ("page_view", "session_start", "view_item")))


# what the template may call
SHOWN = {"how_to_read": _how_to_read, "counted": _counted, "listed": first_few,
         "count": "{:,}".format, "percent": "{:.0%}".format, "quoted": repr}
