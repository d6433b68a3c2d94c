"""Paths as flat arrays: what every model computes on."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse

from .errors import ConvtrackError, nearest
from .folders import neighbour
from .gaps import passes_gaps
from .id_cells import id_text, is_placeholder
from .schema import INTERACTIONS
from .sources import PLAIN, SIGN, TableSource, read_raw, to_numbers, total_rows
from .texts import first_few

Floats = np.ndarray
JOINED = " > "  # what joins the channels of a path in text
NO_NAME = "A path holds an empty channel. Give every touch a channel, or take the touch off its path."
SIGNS = ("→", "->", "=>", ">", "»", "|", ";", ",", "\t")  # what other programs write for it
OF_PATHS, OF_TOUCHES = ("conversions", "value", "nulls", "owners", "ends"), ("codes", "hours", "interactions", "milestones")
AT_ONCE = 4_000_000  # touches of which something is worked out at a time: about 30 MiB a number
THOUSANDS = r"\d{1,3}(\.\d{3})+"
LONGEST_HEADER = 100_000  # letters
NAMES = pa.dictionary(pa.int32(), pa.string())
TOTALS = ("total_conversions", "total_conversion_value", "total_valued", "total_null")  # columns of a table of paths


@dataclass(frozen=True)
class Paths:
    """Paths with their outcomes; touch i is `channels[codes[i]]`, and path p owns touches starts[p] to starts[p+1].

    Per path: `conversions`, `value`, `nulls` (journeys that did not convert), and where known `owners` (which visitor to
    resample) and `ends` (when the journey ended, UTC). Per touch, and None where only paths are known: `hours` (to the
    journey's end), `interactions` (places in `schema.INTERACTIONS`), `milestones` (whether one was reached by this touch).
    `valued` is whether any value is known, `unvalued` how many conversions have none that is.
    """

    channels: list[str]
    codes: np.ndarray
    starts: np.ndarray
    conversions: Floats
    value: Floats
    nulls: Floats
    valued: bool = True
    unvalued: float = 0.0
    owners: np.ndarray | None = None
    ends: np.ndarray | None = None
    hours: Floats | None = None
    interactions: np.ndarray | None = None
    milestones: np.ndarray | None = None

    @cached_property
    def lengths(self) -> np.ndarray:
        """Touches of each path."""
        return np.diff(self.starts)

    @cached_property
    def rows(self) -> np.ndarray:
        """The path of each touch."""
        return np.repeat(np.arange(len(self.lengths), dtype=np.int32), self.lengths)

    @cached_property
    def positions(self) -> np.ndarray:
        """The place of each touch on its path, from 0."""
        return np.arange(len(self.codes)) - self.starts[self.rows]

    @property
    def is_last(self) -> np.ndarray:
        """Whether a touch is the last of its path."""
        last = np.zeros(len(self.codes), dtype=bool)
        last[self.starts[1:][self.lengths > 0] - 1] = True
        return last

    @property
    def unattributed(self) -> float:
        """Conversions on paths without a touch."""
        return float(self.conversions[self.lengths == 0].sum())

    @cached_property
    def presence(self) -> sparse.csr_array:
        """Which path holds which channel: a 1 for each pair, shape (paths, channels)."""
        counts = stacked([part.by_channel(np.ones(len(part.codes))) for part in self.parts()])
        counts.data[:] = 1.0
        return counts

    def parts(self) -> Iterator[Paths]:
        """The paths in parts that have not too many touches together, so that what is worked out for each touch stays small."""
        if len(self.codes) <= AT_ONCE:
            return iter([self])
        part = self.starts[1:] // AT_ONCE
        bounds = np.concatenate([[0], np.flatnonzero(np.diff(part)) + 1, [len(part)]])
        return (self._between(first, last) for first, last in pairwise(bounds.tolist()))

    def _between(self, first: int, last: int) -> Paths:
        """The paths from one place until before another."""
        paths, touches = slice(first, last), slice(self.starts[first], self.starts[last])
        return self._some(paths, touches, self.starts[first:last + 1] - self.starts[first])

    def _some(self, paths: slice | np.ndarray, touches: slice | np.ndarray, starts: np.ndarray) -> Paths:
        """Some of the paths with some of the touches, whose places are those of `starts`."""
        taken = {c: None if (array := getattr(self, c)) is None else array[paths] for c in OF_PATHS}
        taken |= {c: None if (array := getattr(self, c)) is None else array[touches] for c in OF_TOUCHES}
        return replace(self, starts=starts, **taken)

    def sums(self, amounts: Floats) -> Floats:
        """For each touch, the sum of the amounts on its path."""
        return np.bincount(self.rows, amounts, minlength=len(self.lengths))[self.rows]

    def highest(self, rank: Floats) -> np.ndarray:
        """For each touch, whether its rank is the highest of its path; a rank of 0 never is."""
        top = np.zeros(len(self.lengths), dtype=rank.dtype)
        np.maximum.at(top, self.rows, rank)
        return (rank > 0) & (rank == top[self.rows])

    def by_channel(self, amounts: Floats) -> sparse.csr_array:
        """An amount for each touch as a matrix of shape (paths, channels); a channel's amounts on a path add up."""
        return sparse.csr_array((amounts, self.codes, self.starts), shape=(len(self.lengths), len(self.channels)))

    def only(self, kept: np.ndarray) -> Paths:
        """The paths for which `kept` is true, with their touches."""
        if kept.all():
            return self
        return self._some(kept, np.repeat(kept, self.lengths), _starts(self.lengths[kept]))

    def without_loops(self) -> Paths:
        """The paths with consecutive touches of one channel as a single touch."""
        repeat = np.zeros(len(self.codes), dtype=bool)
        repeat[1:] = (self.codes[1:] == self.codes[:-1]) & (self.rows[1:] == self.rows[:-1])
        lengths = self.lengths - np.bincount(self.rows[repeat], minlength=len(self.lengths))
        return replace(self, codes=self.codes[~repeat], starts=_starts(lengths), hours=None, interactions=None, milestones=None)

    def table(self, conversions: Floats, value: Floats) -> pd.DataFrame:
        """Credit as a table: channel, conversions, value (NaN where no value is known)."""
        return pd.DataFrame({"channel": self.channels, "conversions": conversions, "value": value if self.valued else np.nan})


def stacked(parts: Iterable[sparse.csr_array]) -> sparse.csr_array:
    """Matrices of parts of the paths as one, what is in one place added up."""
    added = [_added_up(part) for part in parts]
    return sparse.vstack(added, format="csr") if len(added) > 1 else added[0]


def _added_up(matrix: sparse.csr_array) -> sparse.csr_array:
    added = matrix.copy()  # one by channel shares its indices with `codes`
    added.sum_duplicates()
    return added


def _starts(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)])


@passes_gaps
def as_paths(table: pd.DataFrame | Paths) -> Paths:
    """A journeys table, or a table of paths with totals, as `Paths`.

    Parameters
    ----------
    table : DataFrame or Paths
        Journeys (path, converted, value, and where there hours, interactions, milestones, end_time, visitor_id), or paths
        (path, total_conversions, and where there total_conversion_value, total_valued, total_null, as `count_paths` makes
        them). A path is a list of channels. A value that is missing is not known.

    Raises
    ------
    ConvtrackError
        If an outcome is negative, a count is missing, or a path holds something that is no channel.

    Examples
    --------
    >>> as_paths(pd.DataFrame({"path": [["A", "B"]], "total_conversions": [3]})).channels
    ['A', 'B']
    """
    if isinstance(table, Paths):
        return table
    lists = _lists(table)
    channels, codes = encode(lists.flatten())
    lengths = _lengths(lists)
    hours, milestones = (_touches(table, name, kind, lengths) for name, kind in (("hours", pa.float64()), ("milestones", pa.bool_())))
    return Paths(channels, codes, _starts(lengths), *_outcomes(table), owners=_owners(table), ends=_ends(table),
                 hours=None if hours is None else hours.to_numpy(zero_copy_only=False), interactions=_interactions(table, lengths),
                 milestones=None if milestones is None else milestones.to_numpy(zero_copy_only=False))


def encode(flat: pa.Array) -> tuple[list[str], np.ndarray]:
    """The channels of all touches in alphabetical order, and the place in it of each touch."""
    coded = flat if pa.types.is_dictionary(flat.type) else flat.dictionary_encode()
    if flat.null_count:
        raise ConvtrackError(NO_NAME)
    names, codes = coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False)
    used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
    order = sorted(used, key=names.__getitem__)
    if "" in (names[i] for i in order):
        raise ConvtrackError(NO_NAME)
    place = np.zeros(len(names), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return [names[i] for i in order], place[codes]


def _lists(table: pd.DataFrame) -> pa.Array:
    if "path" not in table:
        raise ConvtrackError(f"The table has no column 'path'.{nearest('path', table.columns)} Give journeys, or paths.")
    try:
        lists = _arrow(table["path"], NAMES)
    except pa.ArrowException:
        raise ConvtrackError("A path is not a list of names. Write each as a list, as in ['Email', 'Direct'].") from None
    if lists.null_count:
        row = table.index[lists.is_null().to_numpy(zero_copy_only=False)][0]
        raise ConvtrackError(f"row {row}, column path: missing. Write an empty list for a conversion without a touch.")
    return lists


def _arrow(column: pd.Series, kind: pa.DataType) -> pa.Array:
    """The lists of a column, whose items are of that kind; names may also come as they are, and not as a dictionary."""
    stored = isinstance(column.dtype, pd.ArrowDtype)
    if not stored and any(isinstance(cell, str | Set) for cell in column):
        raise pa.ArrowTypeError("text would be taken for a list of its letters, and a set has no order")
    array = pa.array(column) if stored else pa.array(column, pa.list_(kind))
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return array if array.type in (pa.list_(kind), pa.list_(pa.string())) else pa.array(column.tolist(), pa.list_(kind))


def _lengths(lists: pa.Array) -> np.ndarray:
    return lists.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)


def _outcomes(table: pd.DataFrame) -> tuple[Floats, Floats, Floats, bool, float]:
    """Conversions, value (0 where it is not known), nulls, whether any value is known, and of how many conversions none is."""
    if "converted" in table:
        won = table["converted"].to_numpy(dtype=float)
        value = table["value"].where(table["converted"]) if "value" in table else pd.Series(np.nan, index=table.index)
        if (bad := value < 0).any():
            raise ConvtrackError(f"row {table.index[bad][0]}, column value: {value[bad].iloc[0]} is negative. Correct the row.")
        unvalued = float(won[value.isna()].sum())
        return won, value.fillna(0.0).to_numpy(dtype=float), 1 - won, bool(unvalued < won.sum()), unvalued
    if "total_conversions" not in table:
        raise ConvtrackError(f"The table has no column 'total_conversions'.{nearest('total_conversions', table.columns)} "
                             f"Give paths with totals, or journeys, which have a column 'converted'.")
    won, nulls = _total(table, "total_conversions"), _total(table, "total_null")
    value = _total(table, "total_conversion_value", np.nan)
    if (bad := (won == 0) & (value > 0)).any():
        raise ConvtrackError(f"row {table.index[bad][0]}: a value of {value[bad][0]} without a conversion. Correct the row.")
    valued = _total(table, "total_valued") if "total_valued" in table else won
    if (bad := valued > won).any():
        raise ConvtrackError(f"row {table.index[bad][0]}, column total_valued: {valued[bad][0]:g} of {won[bad][0]:g} "
                             f"conversions. Correct the row.")
    known = np.where(np.isnan(value), 0.0, valued).sum()
    return won, np.nan_to_num(value), nulls, bool(known > 0), float(won.sum() - known)


def _total(table: pd.DataFrame, column: str, absent: float = 0.0) -> Floats:
    """A column of totals; where there may be none (`absent` is NaN), a cell may be missing too."""
    if column not in table:
        return np.full(len(table), absent)
    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=float)
    blank = table[column].isna().to_numpy() & np.isnan(absent)
    if (bad := ~(blank | (np.isfinite(numbers) & (numbers >= 0)))).any():
        raise ConvtrackError(f"row {table.index[bad][0]}, column {column}: {table[column][bad].iloc[0]} is negative, missing or "
                             f"not finite. Correct the row.")
    return numbers


def _touches(table: pd.DataFrame, column: str, kind: pa.DataType, lengths: np.ndarray) -> pa.Array | None:
    """What a column says of each touch, one path after the other; None without the column."""
    if column not in table:
        return None
    lists = _arrow(table[column], kind)
    flat = lists.flatten()
    missing = flat.is_null(nan_is_null=kind == pa.float64()).sum().as_py() if column != "interactions" else 0
    if missing:
        raise ConvtrackError(f"Column {column}: missing for {missing} touches. Give one entry for each touch.")
    if (uneven := _lengths(lists) != lengths).any():
        raise ConvtrackError(f"row {table.index[uneven][0]}: {column} and path differ in length. Give one entry for each touch.")
    return flat


def _interactions(table: pd.DataFrame, lengths: np.ndarray) -> np.ndarray | None:
    names = _touches(table, "interactions", NAMES, lengths)
    if names is None:
        return None
    place = pc.index_in(names.dictionary, pa.array(INTERACTIONS)).fill_null(-1).to_numpy().astype(np.int8)
    return np.append(place, np.int8(-1))[names.indices.fill_null(len(place)).to_numpy()]


def _ends(table: pd.DataFrame) -> np.ndarray | None:
    return table["end_time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]") if "end_time" in table else None


def _owners(table: pd.DataFrame) -> np.ndarray | None:
    return pd.factorize(table["visitor_id"])[0] if "visitor_id" in table else None


def named(paths: Paths, wanted: Iterable[str]) -> np.ndarray:
    """For each channel of the paths, whether it is one of the names, whatever the case."""
    names = {name.casefold() for name in wanted}
    return np.array([channel.casefold() in names for channel in paths.channels], dtype=bool)


def read_paths(path: Path, separator: str | None = None) -> pd.DataFrame:
    """A file of paths with totals: CSV with channels joined by " > ", or Parquet with lists.

    Parameters
    ----------
    path : Path
        A .csv or .parquet file with the columns `path` and `total_conversions`, and where there total_conversion_value,
        total_null. A path of text may also be a JSON list. Without `total_conversions`, but with the number of an order in each
        row, all of them different, each row is one conversion; `attrs["read_as"]` of the result then says so.
    separator : str, optional
        What joins the channels of a path. Left out: " > ", and where no path has it, a sign that may stand for it is asked
        about, because it may also be a part of a channel's name.

    Raises
    ------
    ConvtrackError
        If the columns are not there, a number is not one, or nobody can tell what joins the channels; a value may be missing.
    """
    if not path.exists():
        raise ConvtrackError(f"There is no file {path}.{neighbour(path)} Write the path of a study.yaml, or of a table of paths.")
    columns_by = _of_columns(path)
    raw = read_raw(path, TableSource(file=path.name, separator=columns_by))
    if "path" not in raw:
        raise ConvtrackError(f"{path.name} has no column 'path'.{nearest('path', raw.columns)} Rename one to it.")
    raw = _without_totals(raw)
    if "total_conversions" not in raw:
        raw = _one_each(raw, path.name)
    _check_amounts(raw, path.name, columns_by)
    table = pd.DataFrame({"path": _split(raw["path"], separator, path.name)}, index=raw.index)
    unread = [name for name in raw if name not in ("path", *TOTALS)] if "rows" not in raw.attrs else []
    said = [*raw.attrs.values(), *([f"columns that say nothing here: {first_few(unread)}"] if unread else [])]
    table.attrs |= {"read_as": "; ".join(said)} if said else {}
    for name in (c for c in raw.columns if c in TOTALS):
        table[name] = to_numbers(raw[name])
        blank = (name == "total_conversion_value") & (raw[name].astype("str").str.strip().eq("") | raw[name].isna())
        if (bad := ~blank & (table[name].isna() | (table[name] < 0))).any():
            row = bad.idxmax()
            raise ConvtrackError(f"{path.name}, row {row}, column {name}: '{raw.loc[row, name]}' is not a number of 0 or more. "
                                 f"Correct the row.")
    return table


def _of_columns(path: Path) -> str:
    """What separates the columns: the sign at which the first line falls into names with `path` among them; else a comma."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return ","
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        names = file.readline(LONGEST_HEADER).strip()
    return next((sign for sign in ",;\t|" if "path" in (name.strip(' "') for name in names.split(sign))), ",")


def _one_each(raw: pd.DataFrame, file: str) -> pd.DataFrame:
    """The table with one conversion in each row, if a column has another order's number in each."""
    from .recognise import Words, called  # knows many words, which other tables do not need

    words = Words()
    columns = {ours: called(ours, raw.columns, words) for ours in ("transaction_id", "value", "visitor_id", "event_time")}
    orders = [name for name in columns["transaction_id"] if _numbers_orders(raw[name])]
    values = columns["value"] if "total_conversion_value" not in raw else []
    others = [name for name in raw.columns if name not in ("path", *TOTALS) and not any(name in group for group in columns.values())]
    if not orders:
        counts = [name for name in raw.columns if to_numbers(raw[name]).notna().all()]
        raise ConvtrackError(f"{file} has no column 'total_conversions', and no number of an order in each row."
                             f"{nearest('total_conversions', counts)} Rename the column that counts conversions to it, or add it: 1 where "
                             f"a row is one conversion.")
    if others:
        raise ConvtrackError(f"{file} has no column 'total_conversions'. Is each row one conversion? {', '.join(others)} may say something "
                             f"else: take what does not matter out, or add the column, 1 where a row is one conversion.")
    if len(values) > 1:
        raise ConvtrackError(f"{file}: which column is the value of a conversion, {' or '.join(values)}? "
                             f"Rename it to total_conversion_value.")
    counted = raw.rename(columns=dict.fromkeys(values, "total_conversion_value")).assign(total_conversions="1")
    worth = f"its value is {values[0]}" if values else "no column is its value" if "total_conversion_value" not in raw else ""
    counted.attrs["rows"] = "; ".join(filter(None, [f"each row is one conversion, because each has its own {orders[0]}", worth]))
    return counted


def _without_totals(raw: pd.DataFrame) -> pd.DataFrame:
    """The table without the rows at its end that hold a total of those above, which it says."""
    totals = total_rows(raw)
    if totals.empty:
        return raw
    kept = raw.drop(index=totals)
    kept.attrs["totals"] = f"a total of the rows above it, left out: row {first_few(map(str, totals))}"
    return kept


def _check_amounts(raw: pd.DataFrame, file: str, columns_by: str) -> None:
    """Nothing, if the totals are in one currency, and no point in them may separate thousands, as it does in German tables."""
    texts = {name: raw[name].astype("str") for name in TOTALS if name in raw and not pd.api.types.is_numeric_dtype(raw[name])}
    value = texts.get("total_conversion_value", pd.Series([], dtype="str"))
    signs = value[~value.str.fullmatch(PLAIN["."], na=True)].str.extract(SIGN)[0].dropna().unique()
    if len(signs) > 1:
        raise ConvtrackError(f"{file}, column {value.name}: {' and '.join(signs)} are two currencies. Write all values in one.")
    for name, text in texts.items() if columns_by == ";" else ():
        pointed = text[text.str.contains(".", regex=False, na=False)]
        if len(pointed) and pointed.str.fullmatch(THOUSANDS).all():
            raise ConvtrackError(f"{file}, row {pointed.index[0]}, column {name}: is '{pointed.iloc[0]}' more than a thousand, or a little "
                                 f"more than {pointed.iloc[0].split('.')[0]}? Write it without a point that separates thousands.")


def _numbers_orders(cells: pd.Series) -> bool:
    """Whether a column has another number of an order in each row; bare numbers under a bare name, as order, may be counts."""
    ids = id_text(cells)
    is_bare = re.search(r"(?i)id|num|nr|no\b|name", str(cells.name)) is None and to_numbers(ids).notna().any()
    return not (is_bare or ids.isna().any() or is_placeholder(ids, "transaction_id").any() or ids.duplicated().any())


def _split(column: pd.Series, separator: str | None, file: str) -> pd.Series:
    """Paths as lists, from lists, from JSON, or from text joined by the separator; an empty text is an empty path."""
    paths = pa.array(column)
    paths = paths.combine_chunks() if isinstance(paths, pa.ChunkedArray) else paths
    if not pa.types.is_list(paths.type):
        text = paths.cast(pa.string()).fill_null("")
        if separator is None and (lists := _from_lists(text, column.index, file)) is not None:
            paths = lists
        else:
            by = _separator(text, separator, column.index, file)
            paths = pc.split_pattern(_without_ends(text) if by == JOINED else text, by)
    named = _without_blanks(paths)
    return pd.Series(named, index=column.index, dtype=pd.ArrowDtype(named.type))


def _from_lists(text: pa.StringArray, rows: pd.Index, file: str) -> pa.ListArray | None:
    """The paths, where each text is a list of names, as JSON or Python write it, or empty; None where one is not."""
    is_list = pc.match_substring_regex(text, r"^\s*\[.*\]\s*$")
    if not pc.all(pc.or_(is_list, pc.match_substring_regex(text, r"^\s*$"))).as_py():
        if (place := pc.index(pc.and_(is_list, pc.match_substring_regex(text, "^\\s*\\[\\s*[\"']")), True).as_py()) >= 0:
            raise ConvtrackError(f"{file}, row {rows[place]}, column path: '{text[place]}' is a list, and other paths are not. Write all alike.")
        return None
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, TypeError, SyntaxError, RecursionError, MemoryError, pa.ArrowException):
            return pa.array([read(cell.strip() or "[]") for cell in text.to_pylist()], pa.list_(pa.string()))
    return None


def _without_ends(text: pa.StringArray) -> pa.StringArray:
    """The texts without arrows that join nothing: at an end, or two in a row."""
    some = pc.match_substring_regex(text, r"^\s*>(\s|$)|(\s|^)>\s*$|\s>\s+>\s")
    if not pc.any(some).as_py():
        return text
    steps = ([step.strip() for step in re.split(r"(?<!\S)>(?!\S)", cell)] for cell in text.filter(some).to_pylist())
    return pc.replace_with_mask(text, some, pa.array([JOINED.join(filter(None, names)) for names in steps], pa.string()))


def _separator(text: pa.StringArray, given: str | None, rows: pd.Index, file: str) -> str:
    """What joins the channels; asked about where another sign may, or the same one without its blanks."""
    if given is not None:
        return given or JOINED
    is_joined = pc.any(pc.match_substring(text, JOINED)).as_py()
    for sign in [JOINED.strip()] if is_joined else SIGNS:
        has = pc.match_substring_regex(text, rf"\S{sign}|{sign}\S") if is_joined else pc.match_substring(text, sign)
        if (place := pc.index(has, True).as_py()) >= 0:
            raise ConvtrackError(f"{file}, row {rows[place]}, column path: does '{sign}' join channels in '{text[place]}', or is it "
                                 f"a part of a name? Say so: --separator '{sign}', or --separator '{JOINED}' if it is a part "
                                 f"of names (in Python: read_paths(..., separator=...)).")
    return JOINED


def _without_blanks(paths: pa.ListArray) -> pa.ListArray:
    """The paths with their channels trimmed, and without those that are blank."""
    coded = paths.flatten().dictionary_encode()
    if coded.null_count:  # which is not a blank, and is refused where paths are used
        return paths
    trimmed = pc.utf8_trim_whitespace(coded.dictionary.cast(pa.string())).dictionary_encode()
    codes = trimmed.indices.take(coded.indices)
    kept = pc.not_equal(codes, trimmed.dictionary.index("").as_py())
    names = trimmed.dictionary.take(codes.filter(kept))
    lengths = paths.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(kept.to_numpy(zero_copy_only=False))])[_starts(lengths)]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), names, mask=paths.is_null() if paths.null_count else None)
