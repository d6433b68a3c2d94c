"""Which file of a stranger's is which table, and which of its columns is which of ours: `find_tables` says both.

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
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import cached_property
from importlib import resources
from itertools import dropwhile, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml

from .channels import channel_rules
from .errors import ConvtrackError
from .folders import data_files
from .schema import TABLES, Column
from .sources import EPOCH, Files, TableSource, lines_above_header, read_raw, to_numbers, to_utc, total_rows
from .texts import first_few

ROWS_TO_JUDGE, VALUES_TO_JUDGE, LETTERS_TO_SNIFF = 20_000, 2_000, 200_000
COUNTED = 0.9  # share of a column's texts that must count from 1970
THRESHOLD = 0.5  # name and content together must speak for a column at least so much
SPELLED = ("event_name", "channel", "interaction", "status", "currency", "is_test")
A_CLOCK, AN_HOUR = re.compile(r"\d{1,2}(:\d{2}){1,2}(\.\d+)?(\s?[ap]m)?", re.I), re.compile(r"[01]?\d|2[0-3]")
HOURS = {"hour", "hours", "stunde", "uhrzeit", "heure", "hora", "ora", "uur"}
BY_CONTENT = ("event_time", "date", "event_name", "channel", "currency", "page_url", "status")
ALIKE, SURE = 0.6, 0.9  # how like a name is, to take a number for a time, and a column for ours without looking into it
UMLAUTS = str.maketrans(dict(zip("äöüßøÄÖÜ", "ae oe ue ss o Ae Oe Ue".split(), strict=True)))
CLOCK = re.compile(r".*\d:\d{2}.*")
UNITS = {10: "seconds", 13: "milliseconds", 16: "microseconds", 19: "nanoseconds"}  # by how many digits a count from 1970 has
# words in the name of an amount that is counted in parts of the currency's unit, and how many make one
PARTS = {word: parts for parts, words in {
    1_000_000: "micro micros mikro millionths", 1000: "milli millis",
    100: "cent cents penny pence pennies centime centimes centavo centavos centimo centimos centesimi"}.items()
    for word in words.split()}
ZONED = r"(?:Z|UTC|GMT|:\d[\d.]*\s*[+-]\d\d(?::?\d\d)?)$"
SEPARATOR_LINE = re.compile(r'(?i)"?sep=([,;\t|])"?\s*\n')  # Excel's
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
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
        known = yaml.load(resources.files("convtrack").joinpath("synonyms.yaml").read_text(encoding="utf-8"), Loader=loader)
        self.columns = {ours: [_word(w) for w in (ours, *group)] for ours, group in known["columns"].items()}
        self.urls, self.goals = re.compile(known["urls"]), known["goals"]
        self.spellings = {column: {_word(w).key: ours for ours, ws in groups.items() for w in [ours, *ws]}
                          for column, groups in known["values"].items()}
        self.spellings["currency"] |= {code.casefold(): code for code in known["currencies"].split()}
        self.spellings["channel"] = {_word(name).key: name for name in channel_rules()["channel"].unique()}
        kinds = {_word(w).key: frozenset(kind.split()) for kind, group in known["channel_words"].items() for w in group}
        self.kinds = dict(sorted(kinds.items(), key=lambda item: -len(item[0])))
        self.channels = {frozenset(kinds.split()): name for name, group in known["channels"].items() for kinds in group}

    @staticmethod
    def key(text: str) -> str:
        """A name without case, accents, spaces and signs: two that are alike in it are one name."""
        return _word(text).key

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


def called(ours: str, names: Iterable[str], words: Words) -> list[str]:
    """Those of the names that are words for a column of ours.

    >>> called("transaction_id", ["Order ID", "path", "revenue"], Words())
    ['Order ID']
    """
    return [name for name in names if _likeness(_word(name), words.columns[ours]) >= SURE]


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
    """A file, how it is to be read, and what is in it; columns are judged by the first 20,000 rows.

    `more` are files that are read alike and have the same columns: parts of one table.
    """

    path: Path
    separator: str = ","
    encoding: str = "utf-8-sig"
    more: tuple[Path, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether it has separators and an encoding."""
        return self.path.suffix.lower() != ".parquet"

    @cached_property
    def frame(self) -> pd.DataFrame:
        """All its rows but totals, as the study is going to read them."""
        parts = [read_raw(path, self.source) for path in self.paths]
        rows = [part.drop(index=total_rows(part)) for part in parts]
        return pd.concat(rows, ignore_index=True) if self.more else rows[0]

    @property
    def paths(self) -> list[Path]:
        """Its files, by name."""
        return sorted([self.path, *self.more])

    def with_parts(self, others: Iterable[Look]) -> Look:
        """The same, with those of the others that are its parts: read alike, with the same columns, and no row of another part."""
        parts = [self]
        for other in (other for other in others if other.path != self.path and other.is_like(self)):
            if not any(_share_rows(other.frame, part.frame) for part in parts):
                parts.append(other)
        more = tuple(part.path for part in parts[1:])
        return replace(self, more=more) if more else self  # which has been read already

    def is_like(self, other: Look) -> bool:
        """Whether two are read alike and have the same columns."""
        read = [(look.is_text, look.separator, look.encoding, set(look.frame.columns)) for look in (self, other)]
        return read[0] == read[1]

    @property
    def source(self) -> TableSource:
        """How the study is going to read it."""
        return TableSource(file=self.path.name, separator=self.separator, encoding=self.encoding)

    @property
    def skipped(self) -> int:
        """How many lines stand above its header, or its headers."""
        return sum(lines_above_header(path, self.source) for path in self.paths)

    @cached_property
    def profiles(self) -> dict[str, Profile]:
        """What each column that has a name looks like."""
        head = self.frame.head(ROWS_TO_JUDGE)
        return {name: _profile(name, cells) for name, cells in head.items() if name and isinstance(name, str)}


def _share_rows(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether a row of one table is in the other too, as it is where exports overlap."""
    hashes = [pd.util.hash_pandas_object(table[sorted(one.columns)].astype("str"), index=False) for table in (one, other)]
    return bool(hashes[0].isin(hashes[1]).any())


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
        with suppress(UnicodeDecodeError):
            path.read_text(encoding)
            return encoding
    return "latin-1"


def _separator(path: Path, encoding: str) -> str:
    """The separator that cuts the most rows into as many fields as the header, and into the most fields."""
    with path.open(encoding=encoding, newline="") as file:
        head = file.read(LETTERS_TO_SNIFF)
    if said := SEPARATOR_LINE.match(head):
        return said[1]
    return max(",;\t|", key=lambda separator: _evenness(head, separator))


def _evenness(head: str, separator: str) -> tuple[float, int]:
    """The share of rows that a separator cuts into as many fields as the header, and how many those are.

    Rows of a single field above the header are titles.
    """
    try:
        fields = [len(row) for row in islice(csv.reader(io.StringIO(head), delimiter=separator), 500) if row]
    except csv.Error:
        return 0.0, 1
    fields = fields[:-1] if len(head) == LETTERS_TO_SNIFF else fields  # the last row may be cut off
    fields = list(dropwhile(lambda count: count == 1, fields))
    if not fields or fields[0] == 1:
        return 0.0, 1
    return round(float(np.mean(np.equal(fields[1:] or fields, fields[0]))), 1), fields[0]


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

    @property
    def parts(self) -> int:
        """How many of what the column counts make one unit of money, by the words in its name: 1,000,000 of micros."""
        return next((PARTS[token] for token in sorted(self.word.tokens) if token in PARTS), 1)

    @property
    def counted(self) -> str | None:
        """What the column counts since 1970, as times are in many logs: seconds, milliseconds ...; None where it does not."""
        counts = [text for text in self.texts.head(VALUES_TO_JUDGE) if EPOCH.fullmatch(text)]
        return UNITS[len(counts[0].split(".")[0])] if len(counts) > COUNTED * min(len(self.texts), VALUES_TO_JUDGE) else None

    @property
    def has_clock(self) -> bool:
        """Whether any text has a time of day."""
        return self.counted is not None or self.share(CLOCK.fullmatch) > 0

    def share(self, test: Callable[[str], object]) -> float:
        """The share of the first 2,000 distinct texts that pass a test."""
        passed = [bool(test(text)) for text in self.texts.head(VALUES_TO_JUDGE)]
        return sum(passed) / max(1, len(passed))


def _profile(name: str, cells: pd.Series) -> Profile:
    filled = cells.dropna().astype("str").str.strip()
    texts = filled[filled != ""].drop_duplicates()
    some = texts.head(VALUES_TO_JUDGE)
    dated = some[some.str.contains(r"\d\D{1,3}\d|\d{8}") & ~some.str.fullmatch(EPOCH)]  # a count may as well be an id
    sources = [TableSource(file="export", day_first=first, time_zone="UTC") for first in (True, False)]
    times = max(to_utc(dated, s, Files((Path(),))).notna().sum() for s in sources) if len(dated) else 0
    numbers = max(to_numbers(some, mark).notna().sum() for mark in ".,")
    least = max(1, len(some))
    return Profile(name, _word(name), len(cells), len(filled), texts, times / least, numbers / least)


class Match(NamedTuple):
    """What fits one of our columns: a column of the file, and the `others` that fit too; or nothing but others.

    `name` is how like its name is, `score` how well name and content fit together. `parts` is the column that would fit, if
    it did not count micros or cents.
    """

    profile: Profile | None = None
    name: float = 0.0
    score: float = 0.0
    others: tuple[str, ...] = ()
    parts: Profile | None = None


NOTHING = Match()


def _is_needed(column: Column) -> bool:
    return column.required and column.name != "event_id"  # events are numbered where they have no id


def _matches(table: str, look: Look, words: Words) -> dict[str, Match]:
    """What fits each column of a table, for those that were found or are needed."""
    columns, profiles = {c.name: c for c in TABLES[table]}, look.profiles
    names = _grid(columns, profiles, lambda c, p: _likeness(p.word, words.columns[c.name]))
    scores = _grid(columns, profiles, lambda c, p: _score(c, p, names.at[c.name, p.name], words))
    needed = [name for name, column in columns.items() if _is_needed(column)]
    pairs = _pairs(scores, needed)
    found = {}
    for ours in (ours for ours in columns if ours in pairs or ours in needed):
        taken = set(pairs.values()) - {pairs.get(ours)}
        free = [theirs for theirs in profiles if theirs not in taken]
        match = _match(profiles.get(pairs.get(ours)), names.loc[ours, free], scores.loc[ours, free])
        found[ours] = _in_whole_units(match) if columns[ours].kind == "money" else match
    return found


def _in_whole_units(match: Match) -> Match:
    """The match, or a question where the amounts are in parts of the unit: taken as they are, they would be far too large."""
    return match if match.profile is None or match.profile.parts == 1 else Match(parts=match.profile)


def _grid(columns: dict[str, Column], profiles: dict[str, Profile], fit: Callable[[Column, Profile], float]) -> pd.DataFrame:
    """How well each column of ours (a row) and each of the file (a column) fit."""
    return pd.DataFrame({theirs: [fit(c, p) for c in columns.values()] for theirs, p in profiles.items()}, index=list(columns))


def _pairs(scores: pd.DataFrame, needed: list[str]) -> dict[str, str]:
    """The pairing with the largest sum of weight × score³, so that one sure pair beats two doubtful ones."""
    from scipy.optimize import linear_sum_assignment

    table = scores.to_numpy()
    weights = np.where(scores.index.isin(needed), 10.0, 1.0)[:, None] * np.where(table < THRESHOLD, 0, table) ** 3
    chosen = linear_sum_assignment(weights, maximize=True)
    return {scores.index[i]: scores.columns[j] for i, j in zip(*chosen, strict=True) if weights[i, j]}


def _match(profile: Profile | None, names: pd.Series, scores: pd.Series) -> Match:
    """What fits, of the columns that are no other's: one of them, or those between which nothing decides."""
    if profile is None:
        return Match(others=tuple(scores.index[scores >= 0.35]))
    name, score, others = names[profile.name], scores[profile.name], scores.drop(profile.name)
    rivals = others.index[(names[others.index] == name) & (others >= score - 0.05)]
    if len(rivals):
        return Match(others=(profile.name, *rivals))
    return Match(profile, name, score, tuple(others.index[others >= THRESHOLD]))


def _score(column: Column, p: Profile, name: float, words: Words) -> float:
    """Name and content together; the contract's own name always wins, as it would when the file is read."""
    if p.name == column.name:
        return 1.1
    fit = 0.5 if column.kind == "time" and name >= ALIKE and p.counted else _fit(column, p, words)
    if fit is None:
        return 0.0
    score = 1 - (1 - name) * (1 - fit)
    return score if name or column.name in BY_CONTENT else min(score, 0.45)


def _fit(column: Column, p: Profile, words: Words) -> float | None:
    """How strongly the content speaks for a column, None where it speaks against it."""
    is_sparse = p.texts.empty or (_is_needed(column) and p.filled < 0.5 * p.rows)
    if is_sparse or (column.unique and len(p.texts) < p.rows):
        return None
    if column.kind in ("time", "date"):
        return None if p.times < 0.5 else 0.5 * p.times + 0.1 * p.share(CLOCK.fullmatch)
    if p.times > 0.9:
        return None
    if column.kind in ("money", "count"):
        is_whole = column.kind == "count" or p.parts == 1
        return (0.2 if is_whole else 0.0) if p.numbers >= 0.5 else None
    if column.name in SPELLED:
        return _fit_of_spellings(column, p, words)
    if column.name == "page_url":
        return 0.5 if p.share(words.urls.fullmatch) >= 0.5 else None
    return 0.4 if column.name == "visitor_id" and _comes_back(p) else 0.1


def _fit_of_spellings(column: Column, p: Profile, words: Words) -> float | None:
    known = p.share(lambda text: words.spelled(column.name, text))
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


@dataclass(frozen=True)
class Found:
    """A file that is one of the tables, and which of its columns is which."""

    table: str
    look: Look
    matches: dict[str, Match]
    words: Words

    @property
    def columns(self) -> dict[str, Column]:
        """The contract of each of our columns, by name."""
        return {column.name: column for column in TABLES[self.table]}

    @property
    def needed(self) -> list[str]:
        """Our columns that every row must have."""
        return [name for name, column in self.columns.items() if _is_needed(column)]

    @property
    def mapped(self) -> dict[str, str]:
        """Our columns that were found, and what the file calls them."""
        return {ours: match.profile.name for ours, match in self.matches.items() if match.profile}

    @property
    def clock(self) -> str | None:
        """The column with the time of day, where the day stands in another."""
        day = self.matches.get("event_time", NOTHING).profile
        if day is None or day.has_clock:
            return None
        free = [self.look.profiles[name] for name in self.unused]
        clocks = [p.name for p in free if p.filled and p.share(A_CLOCK.fullmatch) == 1]
        hours = [p.name for p in free if p.filled and p.word.tokens & HOURS and p.share(AN_HOUR.fullmatch) == 1]
        return next(iter(clocks + hours), None)

    @property
    def is_local(self) -> bool:
        """Whether there are times that do not say their zone."""
        texts = self.texts_of("time")
        return not (texts.str.contains(ZONED) | texts.str.fullmatch(EPOCH)).all()

    @property
    def unused(self) -> list[str]:
        """The file's columns that are none of ours."""
        return [theirs for theirs in self.look.profiles if theirs not in self.mapped.values()]

    def cells(self, ours: str) -> pd.Series:
        """A column as the file has it, missing cells left out; empty if it is not mapped, and not asked for in whole units."""
        match = self.matches.get(ours, NOTHING)
        profile = match.profile or match.parts
        return pd.Series([], dtype="str") if profile is None else self.look.frame[profile.name].dropna()

    def texts(self, ours: str) -> pd.Series:
        """The cells of a column as stripped text, blank ones left out."""
        texts = self.cells(ours).astype("str").str.strip()
        return texts[texts != ""]

    def texts_of(self, *kinds: str) -> pd.Series:
        """The distinct texts in all columns of these kinds; what Parquet has as numbers is left out."""
        names = [name for name, column in self.columns.items() if column.kind in kinds
                 and ("time" in kinds or not pd.api.types.is_numeric_dtype(self.cells(name)))]
        texts = [self.texts(name).drop_duplicates() for name in names]
        return pd.concat([pd.Series([], dtype="str"), *texts], ignore_index=True)

    def ours(self, column: str) -> Counter[str]:
        """How often each value of a column occurs, as we spell it."""
        counts: Counter[str] = Counter()
        for text, rows in self.texts(column).value_counts().items():
            counts[self.words.spelled(column, text) or text] += rows
        return counts


def find_tables(data: Path, words: Words) -> tuple[list[Found], dict[str, Found | str]]:
    """The tables of a file or folder, and the files left out, each with the table that has its place, or the reason.

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
    files = data_files(data)
    if len(files) == 1:
        return [_checked(_found("events", _look_at(files[0]), words))], {}
    looks, left_out = _readable(sorted(files, key=lambda path: -path.stat().st_size))
    chosen: dict[str, Found] = {}
    taken: set[Path] = set()
    for look in looks:
        if look.path in taken:
            continue
        whole = look.with_parts(other for other in looks if other.path not in taken)
        taken |= set(whole.paths)
        found = _best(whole, words)
        if found is None or chosen.setdefault(found.table, found) is not found:
            left_out |= {path.name: chosen[found.table] if found else "it fits no table" for path in whole.paths}
    if "events" not in chosen:
        unread = [why for why in left_out.values() if isinstance(why, str) and why != "it fits no table"]
        raise ConvtrackError(f"No file looks like events (in each row a visitor, a time and an event name): "
                             f"{first_few(path.name for path in files)}. Name the right one: convtrack new FILE"
                             f"{' (' + unread[0] + ')' if unread else ''}")
    _checked(chosen["events"])
    return [chosen[table] for table in TABLES if table in chosen], left_out


def _readable(paths: Iterable[Path]) -> tuple[list[Look], dict[str, Found | str]]:
    """A look at each file that can be read, and why the others cannot."""
    looks, unread = [], {}
    for path in paths:
        try:
            look = _look_at(path)
            look.frame  # noqa: B018 - reading it is what may fail
            looks.append(look)
        except ConvtrackError as error:
            unread[path.name] = str(error)
    return looks, unread


def _found(table: str, look: Look, words: Words) -> Found:
    matches = _matches(table, look, words)
    campaign = matches.get("utm_campaign", matches.get("campaign"))
    if campaign and table == "events":  # one column serves both
        matches = {"utm_campaign": campaign, "campaign": campaign, **matches}
    return Found(table, look, matches, words)


def _best(look: Look, words: Words) -> Found | None:
    """The table with the most needed columns, of those that the file has all needed columns of."""
    found = [_found(table, look, words) for table in TABLES if table != "truth"]
    complete = [f for f in found if all(f.matches[name] != NOTHING for name in f.needed)]
    return max(complete, key=lambda f: len(f.needed), default=None)


def _checked(events: Found) -> Found:
    """The events, if something in them looks like a time, and something like a visitor."""
    file = events.look.path.name
    for ours, what in (("event_time", "time"), ("visitor_id", "visitor")):
        if events.matches[ours] == NOTHING:
            raise ConvtrackError(f"{file}: no column looks like a {what}; columns are: "
                                 f"{first_few(events.look.profiles)}. If one is, call it {ours}.")
    return events
