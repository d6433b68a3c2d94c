"""A first study file for an export that nobody here has seen, with a reason on every line.

`recognise` says which column is which; here the rest is worked out from the cells, and written down. What the
data cannot tell (a time zone, a currency, day first or month first) becomes a question for a person, never a
default.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import available_timezones

import pandas as pd
import yaml

from .errors import ConvtrackError, nearest
from .recognise import SPELLED, Found, Match, Words, find_tables, listed
from .schema import INTERACTIONS, TABLES, Column
from .sources import SLASHED, to_numbers

ZONED = r"(?:Z|UTC|GMT|:\d[\d.]*\s*[+-]\d\d(?::?\d\d)?)$"
ASK_ZONE = "write the zone these times were written in, e.g. Europe/Berlin"


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
        """The text of study.yaml."""
        return self.render(self.folder)

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

    def render(self, folder: Path | None) -> str:
        """The text of study.yaml as it stands in `folder`; without one, with the full paths of the data."""
        return "".join(entry.line(folder) + "\n" for entry in self.entries)


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
    entries = [*_head(data, name), *_money(tables, currency), *_days(tables, time_zone), *_left_out(left_out),
               *(entry for found in tables for entry in _table_entries(found, time_zone)),
               *_goal_entries(tables[0]), *_touch_entries(tables[0]), Entry(0, "lessons", {})]
    return Proposal(tuple(entries), folder)


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
    path = Path(folder) / "study.yaml"
    if path.exists() and not overwrite:
        raise ConvtrackError(f"{path} is there already. Replace it with --force, or choose another --out DIR")
    beside = path.with_name(f".study.yaml.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(proposal.render(path.parent), encoding="utf-8", newline="\n")
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


def _head(data: Path, name: str | None) -> Iterator[Entry]:
    file = data.resolve()
    title = name or file.stem
    yield Entry(0, "", ..., f"Proposed by `convtrack new` from {file.name}. Correct what is wrong.")
    yield Entry(0, "name", re.sub(r"[^A-Za-z0-9_.-]+", "-", title).strip("-._") or "study")
    yield Entry(0, "title", title)


def _left_out(files: dict[str, Found | None]) -> Iterator[Entry]:
    yield Entry(0, "bad_rows", "stop", "a faulty row stops the study; `quarantine` sets it aside, counted")
    yield Entry(0, "tables")
    for file, first in files.items():
        if first is None:
            yield Entry(1, "", ..., f"not used: {file}, which fits no table")
        else:
            both = f"{first.look.path.name} and {file} both look like {first.table}"
            yield Entry(1, "", None, f"{both}, and only the first is used: join them, or move one away")


def _days(tables: list[Found], given: str | None) -> Iterator[Entry]:
    if given or any(_is_local(found) for found in tables):
        yield Entry(0, "time_zone", given, "as given: days are cut by it" if given else ASK_ZONE)
    else:
        why = "the times carry their zone; write your own to cut days at your midnight"
        yield Entry(0, "time_zone", "UTC", why)


def _is_local(found: Found) -> bool:
    """Whether there are times that do not say their zone."""
    return not found.texts_of("time").str.contains(ZONED).all()


def _money(tables: list[Found], given: str | None) -> Iterator[Entry]:
    """The currency of the study, and a question for the rate of every other one that occurs."""
    codes = sum((found.ours("currency") for found in tables), Counter())
    home, why = (given, "as given") if given else _currency(tables, codes)
    yield Entry(0, "currency", home, why)
    yield from _rates(codes, home)


def _rates(codes: Counter[str], home: str | None) -> Iterator[Entry]:
    if foreign := sorted(set(codes) - {home}):
        yield Entry(0, "exchange_rates")
    for code in foreign:
        yield Entry(1, code, None, f"write how many {home} one {code} is worth (rows: {codes[code]:,})")


def _currency(tables: list[Found], codes: Counter[str]) -> tuple[str | None, str]:
    """The currency that the data names: in a column, by a sign in the values, or in the name of a column."""
    for code, rows in codes.most_common(1):
        return code, f"the column for currency says so (rows: {rows:,})"
    values = [text for found in tables for text in found.texts_of("money")]
    signs = {sign for text in values for sign in re.findall(r"[^\d\s.,+-]", text)}
    heads = {word for found in tables for ours in ("value", "cost") for word in re.findall(
        r"[€$£¥]|\b[A-Za-z]{3}\b", str(found.matches.get(ours, Match(None)).theirs).replace("_", " "))}
    for words, why in ((signs, "by the sign in the values"), (heads, "by the name of a column")):
        known = {tables[0].words.spelled("currency", word) for word in words} - {None}
        if len(known) == 1:
            return known.pop(), why + ("; $ may also stand for CAD, AUD and others" if "$" in words else "")
    return None, "write the three-letter code of all money in the data, e.g. EUR"


def _table_entries(found: Found, time_zone: str | None) -> Iterator[Entry]:
    yield Entry(1, found.table)
    yield Entry(2, "file", found.look.path)
    if found.look.path.suffix.lower() != ".parquet":
        yield Entry(2, "separator", found.look.separator, "with it rows have as many fields as the header")
        yield Entry(2, "encoding", found.look.encoding, "every byte of the file can be read in it")
    yield from _decimal(found.texts_of("money", "count"))
    yield from _day_first(found.texts_of("time", "date"))
    if _is_local(found):
        yield Entry(2, "time_zone", time_zone, "as given, for the times here" if time_zone else ASK_ZONE)
    yield from _column_entries(found)
    yield from _value_entries(found)


def _decimal(text: pd.Series) -> Iterator[Entry]:
    point, comma = to_numbers(text, "."), to_numbers(text, ",")
    (few, _), (most, mark) = sorted([(int(point.notna().sum()), "."), (int(comma.notna().sum()), ",")])
    if few != most:
        why = f"{most:,} of {len(text):,} different values are numbers with it, else {few:,}"
        yield Entry(2, "decimal", mark, why)
    elif not point.equals(comma):
        unclear = text[point.notna() & (point != comma)].iloc[0]
        yield Entry(2, "decimal", None, f"write '.' or ',' in quotes: {unclear} can be read in both ways")


def _day_first(text: pd.Series) -> Iterator[Entry]:
    fields = text.str.extract("^" + SLASHED.pattern)[[0, 1]].dropna().astype("int64")
    first, second = fields[0].max() > 12, fields[1].max() > 12
    if fields.empty:
        return
    example = text[fields.max(axis=1).idxmax()]
    if first != second:
        yield Entry(2, "day_first", bool(first), f"sure: {example} has no other reading")
    else:
        others = "there are values of both kinds" if first else "no value tells"
        yield Entry(2, "day_first", None, f"write true or false: is {example} written day first? ({others})")


def _column_entries(found: Found) -> Iterator[Entry]:
    yield Entry(2, "columns")
    for ours, match in found.matches.items():
        if match.theirs is not None:
            yield Entry(3, ours, match.theirs, match.why)
        elif ours in found.needed:
            could = match.rivals or [p.name for p in found.look.profiles]
            yield Entry(3, ours, None, f"write which column it is: {listed(could)}")
        else:
            yield Entry(3, "", ..., f"{ours} is not mapped: these fit equally: {listed(match.rivals)}")
    used = {match.theirs for match in found.matches.values()}
    if unused := [p.name for p in found.look.profiles if p.name not in used]:
        yield Entry(3, "", ..., f"not used: {listed(unused)}")


def _value_entries(found: Found) -> Iterator[Entry]:
    spelled = {c.name: list(_spellings(found, c)) for c in TABLES[found.table] if c.name in SPELLED}
    if any(entry.key for entries in spelled.values() for entry in entries):
        yield Entry(2, "values")
    for column, entries in spelled.items():
        if any(entry.key for entry in entries):
            yield Entry(3, column)
        yield from entries


def _spellings(found: Found, column: Column) -> Iterator[Entry]:
    """A line for each value that we spell differently, and one for all that are not known."""
    if pd.api.types.is_numeric_dtype(found.cells(column.name)):  # true and false of Parquet, or codes
        return
    unknown = {}
    for text, rows in found.texts(column.name).value_counts().items():
        ours = found.words.spelled(column.name, text)
        if ours is None and column.allowed:
            among = ", ".join(column.allowed) + ("" if column.required else ", or '' for none of them")
            yield Entry(4, text, None, f"write which it is: {among} (rows: {rows:,})")
        elif ours is None:
            unknown[text] = rows
        elif ours != text:
            yield Entry(4, text, ours, f"rows: {rows:,}")
    if unknown:
        yield Entry(3, "", ..., f"{column.name}, not known and left as they are: {_counted(unknown)}")


def _counted(counts: dict[str, int]) -> str:
    return listed((f"{name} ({rows:,})" for name, rows in counts.items()), most=20)


def _goal_entries(events: Found) -> Iterator[Entry]:
    counts = events.ours("event_name")
    goals = {event: goal for event, goal in events.words.goals.items() if event in counts}
    values = {event: _filled(events, event) for event in goals}
    yield Entry(0, "goals")
    if not goals:
        yield from _unknown_goal(counts)
    for event, goal in goals.items():
        yield Entry(1, event)
        yield Entry(2, "event", event, f"rows: {counts[event]:,}")
        yield Entry(2, "kind", goal["kind"])
        yield Entry(2, "value", "column" if values[event] else "none", _worth(values[event]))
        yield Entry(2, "once_per", goal["once_per"], goal["why"])
    yield Entry(0, "main_goal", *(_main_goal(values, counts) if goals else ("main", "the only one")))


def _unknown_goal(counts: Counter[str]) -> Iterator[Entry]:
    names = _counted(dict(counts.most_common())) or "as event_name will say"
    yield Entry(1, "main")
    yield Entry(2, "event", None, f"write which event is a conversion: {names}")
    yield Entry(2, "kind", "site", "or ad, opt_in, app, offline")
    yield Entry(2, "value", "none", "or column, or a number that each is worth")
    yield Entry(2, "once_per", "event", "or session, visitor")


def _filled(events: Found, event: str) -> float:
    """The share of an event's rows that have a value, 0 if no value is above 0."""
    names, values = events.texts("event_name"), events.texts("value")
    known = {text: events.words.spelled("event_name", text) or text for text in names.unique()}
    its = names.index[names.map(known) == event]
    filled = values[values.index.isin(its)]
    return len(filled) / len(its) if filled.str.contains("[1-9]").any() else 0.0


def _worth(filled: float) -> str:
    if filled in (0, 1):
        return "every row has a value" if filled else "no row has a value; you may write what each is worth"
    return f"value known for {filled:.0%}: totals cover those only"


def _main_goal(values: dict[str, float], counts: Counter[str]) -> tuple[str | None, str]:
    if "purchase" in values:
        return "purchase", "or another of the goals"
    if worth := [event for event, filled in values.items() if filled]:
        return worth[0], "the first that has a value"
    if len(values) == 1:
        return next(iter(values)), "the only one"
    return None, f"write which one: {_counted({event: counts[event] for event in values})}"


def _touch_entries(events: Found) -> Iterator[Entry]:
    there = [kind for kind in INTERACTIONS if events.ours("interaction")[kind]]
    touches = [kind for kind in there if kind in ("click", "visit")] or there or ["click", "visit"]
    rest = " or ".join(kind for kind in there if kind not in touches)
    yield Entry(0, "touches", touches, f"add {rest} if it shall count too" if rest else "what makes a touch")
    yield Entry(0, "lookback_days", 30, "how long before a conversion a touch still counts; 30 is usual")
