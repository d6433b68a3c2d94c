"""Which file of a stranger's is which table, and which of its columns is which of ours.

The words in a column's name (`synonyms.yaml`) and what its cells look like are each worth something between 0
and 1, together 1 - (1 - name)(1 - content). Columns are paired one to one so that the whole fits best; a tie
is left to a person.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from scipy.optimize import linear_sum_assignment

from .channels import channel_rules
from .errors import ConvtrackError, nearest
from .schema import TABLES, Column
from .sources import TableSource, read_raw, to_numbers, to_utc

ROWS_TO_JUDGE, VALUES_TO_JUDGE, LETTERS_TO_SNIFF = 20_000, 2_000, 200_000
THRESHOLD = 0.5  # name and content together must speak for a column at least so much
SUFFIXES = (".csv", ".tsv", ".parquet", ".txt")
SPELLED = ("event_name", "channel", "interaction", "status", "currency", "is_test")
BY_CONTENT = ("event_time", "date", "event_name", "channel", "currency", "page_url", "status")
UMLAUTS = str.maketrans(dict(zip("äöüßøÄÖÜ", "ae oe ue ss o Ae Oe Ue".split(), strict=True)))
CLOCK = re.compile(r".*\d:\d{2}.*")
EPOCH = re.compile(r"1[3-9]\d{8}(\d{3}){0,3}")  # seconds to nanoseconds since 1970, for 2011 to 2033
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")


class Word(NamedTuple):
    """A name to compare: without case, accents, spaces and signs, and the parts that it is made of."""

    key: str
    tokens: frozenset[str]


def _word(text: str) -> Word:
    """A name, ready to compare; one that begins with = has no parts, and so must be met as a whole."""
    plain = unicodedata.normalize("NFC", text).translate(UMLAUTS)
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    parts = [] if text.startswith("=") else re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", plain)
    key = re.sub(r"[\W_]+", "", plain).casefold() or text.strip()
    return Word(key, frozenset(part.casefold() for part in parts))


class Words:
    """What `synonyms.yaml` and the channel rules know, ready to compare with.

    >>> Words().spelled("channel", "E-Mail-Newsletter"), Words().spelled("event_name", "KAUF")
    ('Email', 'purchase')
    """

    def __init__(self) -> None:
        file = resources.files("convtrack").joinpath("synonyms.yaml")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
        known = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)
        self.columns = {ours: [_word(w) for w in (ours, *group)] for ours, group in known["columns"].items()}
        self.urls, self.goals = re.compile(known["urls"]), known["goals"]
        self.spellings = {column: {_word(w).key: ours for ours, ws in groups.items() for w in [ours, *ws]}
                          for column, groups in known["values"].items()}
        self.spellings["currency"] |= {code.casefold(): code for code in known["currencies"].split()}
        self.spellings["channel"] = {_word(name).key: name for name in channel_rules()["channel"].unique()}
        kinds = {_word(w).key: frozenset(kind.split())
                 for kind, group in known["channel_words"].items() for w in group}
        self.kinds = dict(sorted(kinds.items(), key=lambda item: -len(item[0])))
        self.channels = {frozenset(kinds.split()): name
                         for name, group in known["channels"].items() for kinds in group}

    def spelled(self, column: str, text: str) -> str | None:
        """Our spelling of a value, or None where it is not known."""
        key = _word(text).key
        found = self.spellings[column].get(key)
        if column != "channel" or found or len(key) > 60:
            return found
        return self.channels.get(self._kinds(key) or frozenset())

    def _kinds(self, key: str) -> frozenset[str] | None:
        """The kinds of the words that a text is made of, None if it holds anything else."""
        if not key:
            return frozenset()
        for word, kinds in self.kinds.items():
            rest = self._kinds(key[len(word):]) if key.startswith(word) else None
            if rest is not None:
                return kinds | rest
        return None


def _likeness(name: Word, words: list[Word]) -> float:
    """How like a column's name is to the words for it, from 0 to 1; earlier words count a little more."""
    alike = [_alike(name, word) - 0.001 * rank for rank, word in enumerate(words)]
    return max(0.0, *alike)


def _alike(name: Word, word: Word) -> float:
    if name.key == word.key:
        return 1.0
    if not word.tokens:
        return 0.0
    if word.tokens <= name.tokens:
        return 0.6 + 0.3 * len(word.key) / len(name.key)
    if min(len(name.key), len(word.key)) < 8 or abs(len(name.key) - len(word.key)) > 2:
        return 0.0
    ratio = SequenceMatcher(None, name.key, word.key).ratio()
    return 0.7 * ratio if ratio >= 0.9 else 0.0


@dataclass(frozen=True)
class Look:
    """A file, how it is to be read, and what is in it; columns are judged by the first 20,000 rows."""

    path: Path
    separator: str = ","
    encoding: str = "utf-8-sig"

    @cached_property
    def frame(self) -> pd.DataFrame:
        """All its rows, as the study is going to read them."""
        source = TableSource(file=self.path.name, separator=self.separator, encoding=self.encoding)
        return read_raw(self.path, source)

    @cached_property
    def profiles(self) -> list[Profile]:
        """What each column looks like."""
        head = self.frame.head(ROWS_TO_JUDGE)
        names = {name: i for i, name in enumerate(head.columns) if name and isinstance(name, str)}
        return [_profile(name, head.iloc[:, i]) for name, i in names.items()]


def _look_at(path: Path) -> Look:
    if path.suffix.lower() == ".parquet":
        return Look(path)
    with path.open("rb") as file:
        head = file.read(LETTERS_TO_SNIFF)
    is_wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ConvtrackError(f"{path.name} is empty. Export it again with a header and rows.")
    if CONTROL.search(head) and not is_wide:
        raise ConvtrackError(f"{path.name} is not a text file, whatever its name says. Save it as CSV.")
    encoding = "utf-16" if is_wide else _encoding(path)
    return Look(path, _separator(path, encoding), encoding)


def _encoding(path: Path) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            with path.open(encoding=encoding, newline="") as file:
                while file.read(1 << 20):
                    pass
            return encoding
        except UnicodeDecodeError:
            continue
    return "latin-1"


def _separator(path: Path, encoding: str) -> str:
    """The separator that cuts the most rows into as many fields as the header, and into the most fields."""
    with path.open(encoding=encoding, newline="") as file:
        head = file.read(LETTERS_TO_SNIFF)
    return max(",;\t|", key=lambda separator: _evenness(head, separator))


def _evenness(head: str, separator: str) -> tuple[float, int]:
    try:
        rows = [row for row in islice(csv.reader(io.StringIO(head), delimiter=separator), 500) if row]
    except csv.Error:
        return 0.0, 1
    rows = rows[:-1] if len(head) == LETTERS_TO_SNIFF else rows  # the last one may be cut off
    if not rows or len(rows[0]) == 1:
        return 0.0, 1
    return round(float(np.mean([len(row) == len(rows[0]) for row in rows[1:] or rows])), 1), len(rows[0])


@dataclass(frozen=True, eq=False)
class Profile:
    """What one column looks like; `times` and `numbers` are the shares of its texts that can be read so."""

    name: str
    word: Word
    rows: int
    filled: int
    texts: pd.Series
    times: float
    numbers: float

    def share(self, pattern: re.Pattern[str]) -> float:
        """The share of the first 2,000 distinct texts that match a pattern."""
        matched = [bool(pattern.fullmatch(text)) for text in self.texts.head(VALUES_TO_JUDGE)]
        return sum(matched) / max(1, len(matched))


def _profile(name: str, cells: pd.Series) -> Profile:
    filled = cells.dropna().astype("str").str.strip()
    texts = filled[filled != ""].drop_duplicates()
    some = texts.head(VALUES_TO_JUDGE)
    dated = some[some.str.contains(r"\d\D{1,3}\d|\d{8}")]
    sources = [TableSource(file="", day_first=first, time_zone="UTC") for first in (True, False)]
    times = max(to_utc(dated, s, Path()).notna().sum() for s in sources) if len(dated) else 0
    numbers = max(to_numbers(some, mark).notna().sum() for mark in ".,")
    least = max(1, len(some))
    return Profile(name, _word(name), len(cells), len(filled), texts, times / least, numbers / least)


class Match(NamedTuple):
    """The file's column for one of ours and why; or, where `theirs` is None, the columns that it could be."""

    theirs: str | None
    why: str = ""
    rivals: tuple[str, ...] = ()


def _is_needed(column: Column) -> bool:
    return column.required and column.name != "event_id"  # events are numbered where they have no id


def _assign(table: str, look: Look, words: Words) -> dict[str, Match]:
    """The file's column for each column of a table that was found or is needed."""
    columns, profiles = TABLES[table], look.profiles
    names = {(c, p): _likeness(p.word, words.columns[c.name]) for c in columns for p in profiles}
    scores = {(c, p): _score(c, p, name, words) for (c, p), name in names.items()}
    pairs = _pairs(columns, profiles, scores)
    found = {}
    for c in (c for c in columns if c in pairs or _is_needed(c)):
        taken = set(pairs.values()) - {pairs.get(c)}
        free = {p: (names[c, p], scores[c, p]) for p in profiles if p not in taken}
        found[c.name] = _match(c, pairs[c], free) if c in pairs else _no_match(free)
    return found


def _pairs(columns: Sequence[Column], profiles: Sequence[Profile],
           scores: dict[tuple[Column, Profile], float]) -> dict[Column, Profile]:
    """The pairing with the largest sum of weight × score³, so that one sure pair beats two doubtful ones."""
    table = np.array([[scores[c, p] for p in profiles] for c in columns])
    needed = np.array([[10.0 if _is_needed(c) else 1.0] for c in columns])
    weights = needed * np.where(table < THRESHOLD, 0, table) ** 3
    chosen = linear_sum_assignment(weights, maximize=True)
    return {columns[i]: profiles[j] for i, j in zip(*chosen, strict=True) if weights[i, j]}


def _score(column: Column, p: Profile, name: float, words: Words) -> float:
    """Name and content together; the contract's own name always wins, as it would when the file is read."""
    if p.name == column.name:
        return 1.1
    fit = _fit(column, p, words)
    if fit is None:
        return 0.0
    score = 1 - (1 - name) * (1 - fit)
    return score if name or column.name in BY_CONTENT else min(score, 0.45)


def _fit(column: Column, p: Profile, words: Words) -> float | None:
    """How strongly the content speaks for a column, None where it speaks against it."""
    if p.texts.empty or (_is_needed(column) and p.filled < 0.5 * p.rows):
        return None
    if column.unique and len(p.texts) < p.rows:
        return None
    if column.kind in ("time", "date"):
        return None if p.times < 0.5 else 0.5 * p.times + 0.1 * p.share(CLOCK)
    if p.times > 0.9:
        return None
    if column.kind in ("money", "count"):
        return 0.2 if p.numbers >= 0.5 else None
    if column.name in SPELLED:
        return _fit_of_spellings(column, p, words)
    if column.name == "page_url":
        return 0.5 if p.share(words.urls) >= 0.5 else None
    return 0.4 if column.name == "visitor_id" and _comes_back(p) else 0.1


def _fit_of_spellings(column: Column, p: Profile, words: Words) -> float | None:
    known = sum(words.spelled(column.name, text) is not None for text in p.texts.head(VALUES_TO_JUDGE))
    known /= len(p.texts.head(VALUES_TO_JUDGE))
    if column.name in ("event_name", "channel"):
        is_few = len(p.texts) <= max(50, 0.1 * p.rows) and p.numbers < 0.9
        return 0.1 + 0.6 * known if is_few else None
    if known < (0.5 if column.allowed else 1):
        return None
    return 0.1 if column.name == "is_test" else 0.55 * known


def _comes_back(p: Profile) -> bool:
    """Whether there are many different values, and many of them more than once, as with visitors."""
    different = len(p.texts)
    return p.filled > 0.9 * p.rows and different > max(20, 0.005 * p.rows) and p.filled > 1.2 * different


def _no_match(free: dict[Profile, tuple[float, float]]) -> Match:
    return Match(None, "", tuple(p.name for p, (_, score) in free.items() if score >= 0.35))


def _match(column: Column, p: Profile, free: dict[Profile, tuple[float, float]]) -> Match:
    name, score = free[p]
    others = {other.name: pair for other, pair in free.items() if other is not p}
    if rivals := [other for other, pair in others.items() if pair[0] == name and pair[1] >= score - 0.05]:
        return Match(None, "", (p.name, *rivals))
    sure = "sure" if score >= 0.95 else "likely" if score >= 0.7 else "a guess"
    because = "by its name" if name >= 0.9 else "by part of its name" if name else "by its content alone"
    also = " or ".join(repr(other) for other, pair in others.items() if pair[1] >= THRESHOLD)
    return Match(p.name, f"{sure}, {because}; {_content(column, p)}" + (f"; else {also}" if also else ""))


def _content(column: Column, p: Profile) -> str:
    gaps = "" if p.filled == p.rows else f", filled in {p.filled:,} of {p.rows:,} rows"
    if column.kind == "time" and not p.share(CLOCK):
        return f"{p.times:.0%} are days, but without a clock time{gaps}"
    if column.kind in ("time", "date"):
        return f"{p.times:.0%} are times{gaps}"
    if column.kind in ("money", "count"):
        return f"{p.numbers:.0%} are numbers{gaps}"
    return f"{len(p.texts):,} different{gaps}"


@dataclass(frozen=True)
class Found:
    """A file that is one of the tables, and which of its columns is which."""

    table: str
    look: Look
    matches: dict[str, Match]
    words: Words

    @property
    def needed(self) -> list[str]:
        """Our columns that every row must have."""
        return [column.name for column in TABLES[self.table] if _is_needed(column)]

    def cells(self, ours: str) -> pd.Series:
        """A column as the file has it, missing cells left out; empty if it is not mapped."""
        theirs = self.matches.get(ours, Match(None)).theirs
        return pd.Series([], dtype="str") if theirs is None else self.look.frame[theirs].dropna()

    def texts(self, ours: str) -> pd.Series:
        """The cells of a column as stripped text, blank ones left out."""
        texts = self.cells(ours).astype("str").str.strip()
        return texts[texts != ""]

    def texts_of(self, *kinds: str) -> pd.Series:
        """The distinct texts in all columns of these kinds; what Parquet has as numbers is left out."""
        names = [c.name for c in TABLES[self.table] if c.kind in kinds and c.name in self.matches
                 and ("time" in kinds or not pd.api.types.is_numeric_dtype(self.cells(c.name)))]
        return pd.concat([pd.Series([], dtype="str"), *(self.texts(n).drop_duplicates() for n in names)],
                         ignore_index=True)

    def ours(self, column: str) -> Counter[str]:
        """How often each value of a column occurs, as we spell it."""
        counts: Counter[str] = Counter()
        for text, rows in self.texts(column).value_counts().items():
            counts[self.words.spelled(column, text) or text] += rows
        return counts


def find_tables(data: Path, words: Words) -> tuple[list[Found], dict[str, Found | None]]:
    """The tables of a file or folder, and the files left out, each with the table that has its place.

    Raises
    ------
    ConvtrackError
        If there is nothing to read, or no file has a time and a visitor in its rows.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.csv").write_text("Zeit,Kunde,Aktion\\n2026-01-05 10:00,k1,Kauf\\n")
    >>> _ = (folder / "b.csv").write_text("Tag,Kanal,Kosten\\n2026-01-05,E-Mail,9.5\\n")
    >>> [(found.look.path.name, found.table) for found in find_tables(folder, Words())[0]]
    [('a.csv', 'events'), ('b.csv', 'spend')]
    """
    files = _files(data)
    if len(files) == 1:
        return [_checked(_found("events", _look_at(files[0]), words))], {}
    chosen: dict[str, Found] = {}
    left_out: dict[str, Found | None] = {}
    for path in sorted(files, key=lambda path: -path.stat().st_size):
        found = _best(_look_at(path), words)
        if found is None or chosen.setdefault(found.table, found) is not found:
            left_out[path.name] = chosen[found.table] if found else None
    if "events" not in chosen:
        raise ConvtrackError(f"No file looks like events (in each row a visitor, a time and an event name): "
                             f"{listed(path.name for path in files)}. Name the right one: convtrack new FILE")
    _checked(chosen["events"])
    return [chosen[table] for table in TABLES if table in chosen], left_out


def listed(names: Iterable[str], most: int = 12) -> str:
    """The names in one line, and how many more there are.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    short = [" ".join(name.split())[:60] for name in names]
    return ", ".join(short[:most]) + (f" and {len(short) - most} more" if len(short) > most else "")


def _files(data: Path) -> list[Path]:
    if not data.exists():
        near = nearest(data.name, [p.name for p in data.parent.iterdir()] if data.parent.is_dir() else [])
        raise ConvtrackError(f"There is no file or folder {data}.{near} Correct the path.")
    if data.is_file() and data.suffix.lower() not in SUFFIXES:
        raise ConvtrackError(f"{data.name} is no .csv, .tsv or .parquet file. Save it as one, and name that.")
    if data.is_file():
        return [data]
    files = sorted(p for p in data.iterdir() if p.suffix.lower() in SUFFIXES[:3])
    if not files:
        raise ConvtrackError(f"The folder {data} holds no .csv, .tsv or .parquet file. "
                             f"Name the folder of the export.")
    return files


def _found(table: str, look: Look, words: Words) -> Found:
    matches = _assign(table, look, words)
    campaign = matches.get("utm_campaign", matches.get("campaign"))
    if campaign and table == "events":  # one column serves both
        matches = {"utm_campaign": campaign, "campaign": campaign, **matches}
    return Found(table, look, matches, words)


def _best(look: Look, words: Words) -> Found | None:
    """The table with the most needed columns, of those that the file has all needed columns of."""
    found = [_found(table, look, words) for table in TABLES if table != "truth"]
    complete = [f for f in found if all(f.matches[name] != Match(None) for name in f.needed)]
    return max(complete, key=lambda f: len(f.needed), default=None)


def _checked(events: Found) -> Found:
    """The events, if something in them looks like a time that can be read, and something like a visitor."""
    time, profiles = events.matches["event_time"].theirs, events.look.profiles
    if not any(p.share(CLOCK) for p in profiles if p.name == time):
        _refuse_counted_times(events)
    for ours, what in (("event_time", "time"), ("visitor_id", "visitor")):
        if events.matches[ours] == Match(None):
            raise ConvtrackError(f"{events.look.path.name}: no column looks like a {what}; columns are: "
                                 f"{listed(p.name for p in profiles)}. If one is, call it {ours}.")
    return events


def _refuse_counted_times(events: Found) -> None:
    for p in events.look.profiles:
        if p.share(EPOCH) > 0.9 and _likeness(p.word, events.words.columns["event_time"]) >= 0.6:
            raise ConvtrackError(f"{events.look.path.name}, column '{p.name}': '{p.texts.iloc[0]}' counts "
                                 f"from 1970. Export it as a time; in BigQuery: TIMESTAMP_MICROS({p.name})")
