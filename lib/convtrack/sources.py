"""From a file to a table of the contract: the bridge that every study crosses once.

A file's columns, spellings, dates and decimals are its own; after `load_table` everything is as `schema` says. A row
that cannot be used is set aside with its reason, or stops the study: which of the two, the study file says.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv_of_arrow
import pyarrow.parquet as pq
from pandas.tseries.api import guess_datetime_format
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .clock_changes import utc_of_local
from .clocks import Clocks, outside
from .errors import ConvtrackError, nearest
from .folders import neighbour
from .id_cells import LOST_DIGITS, PLACEHOLDERS, id_columns, id_text, is_lost, is_placeholder
from .schema import TABLES, Column, column_names, validate

CURRENCY = r"^\s*[€$£¥]?\s*|\s*[€$£¥]?\s*$"  # a sign at either end
SIGN = r"([€$£¥])"
NUMBER = {mark: re.compile(rf"[+-]?([1-9][0-9]{{0,2}}(({other}[0-9]{{3}})+|(\s[0-9]{{3}})+)|[0-9]+)?({point}[0-9]+)?")
          for mark, point, other in ((".", r"\.", ","), (",", ",", r"\."))}
EPOCH = re.compile(r"1[0-9]{9}([0-9]{3}){0,3}(\.[0-9]+)?")  # seconds, or thousandths ... of one, since 1970: of 2001 to 2033
PLAIN = {".": r"-?[0-9]+(?:\.[0-9]+)?", ",": r"-?[0-9]+(?:,[0-9]+)?"}  # numbers as most files have them
ZONED = r"Z$|[T\s:]\d[\d:.]*\s*[+-]\d{1,2}(?::?\d\d)?$"
SLASHED = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(?!\d),?")
A_DAY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?!\d)|\d{8}(?!\d)|(?=.*\d{4}).*[A-Za-z]{3}"
ZONE_OF_TIME = r"(?:(?<=:\d\d)|(?<=T\d{4}))[\d.]*\s*(?:Z|[+-]\d\d:?\d\d)$"
DATA = r"(?=.*\d)[\d.,:/ T+Z-]+"  # a date or a number, and so no name of a column
TOTAL = r"(?i)\s*(?:(?:grand\s+)?totals?|(?:gesamt)?summe|gesamt|totale|total general|total général)\s*(?::.*)?"
A_TOTAL = "a total of the rows above it"
ROWS_TO_LOOK_AT, ROWS_OF_TOTALS = 200, 3
FIRST_YEAR, LAST_YEAR = 2, 9998
IN_AN_EARLIER_FILE = "a row of an earlier file too, and no event_id tells the two apart"
NO_TIME = "not a time"
NO_TIMES = {r".*\d\s*(?![AP]M)[A-Z]{2,5}": "its zone is an abbreviation, which can mean several: write +01:00 or another offset instead",
            r"[1-6]\d{4}(\.\d+)?": "a count of days, as Excel keeps times: save the column as dates and times"}
STYLES = ("ISO8601", "%Y-%m-%d %I:%M %p", "%Y-%m-%d %I:%M:%S %p")
WHOLE = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32()]
AS_WRITTEN = dict.fromkeys(WHOLE, pd.Int64Dtype()) | {pa.uint64(): pd.UInt64Dtype()} | dict.fromkeys(
    [pa.string(), pa.large_string()], pd.StringDtype(na_value=np.nan))  # whole numbers stay whole where some are missing
TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def _file_names(said: Any) -> Any:
    """The name of a file, or several, as they are."""
    names = said if isinstance(said, list) else [said]
    if said is not None and (not names or not all(isinstance(name, str) and name.strip() for name in names)):
        raise ValueError("write the name of a file, or of several as in [january.csv, february.csv]")
    return said


class TableSource(BaseModel):
    """Where a table is and how to read it; the entries under `tables:` in study.yaml.

    Several files are one table if they have the same columns, separator and encoding: `file: [january.csv, february.csv]`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str | list[str], BeforeValidator(_file_names)]
    separator: str = Field(",", min_length=1, max_length=1)
    encoding: str = "utf-8-sig"
    decimal: str = Field(".", pattern=r"^[.,]$")
    day_first: bool | None = None
    time_zone: str | None = None
    repeated_hour: Literal["earlier", "later"] | None = None
    columns: dict[str, str | Annotated[list[str], Field(min_length=1)]] = {}
    values: dict[str, dict[str, str]] = {}

    @property
    def files(self) -> list[str]:
        """The names of all its files."""
        return as_list(self.file)

    @property
    def label(self) -> str:
        """Its file or files in a sentence."""
        return Files(tuple(map(Path, self.files))).name


@dataclass(frozen=True)
class Files:
    """The files of a table. Its rows are numbered through; `starts` says how many numbers are taken before each file's own."""

    paths: tuple[Path, ...]
    starts: tuple[int, ...] = (0,)

    @property
    def name(self) -> str:
        """The file's name, and how many more there are."""
        more = len(self.paths) - 1
        return f"{self.paths[0].name} and {more} more" if more else self.paths[0].name

    def row(self, number: int) -> str:
        """The file and its own number of a row.

        >>> Files((Path("a.csv"), Path("b.csv")), (0, 11)).row(13)
        'b.csv, row 2'
        """
        place = bisect_left(self.starts, number) - 1
        return f"{self.paths[place].name}, row {number - self.starts[place]}"


@dataclass(frozen=True)
class Loaded:
    """A table as read: the rows to use, the rows set aside with their reasons, and how many the files had.

    `skipped` lines above the headers are no rows; `totals` are the rows set aside that are totals of a file's own.
    """

    name: str
    files: Files
    good: pd.DataFrame
    quarantined: pd.DataFrame
    read: int
    placeholders: pd.DataFrame  # column, text, rows: what stood where an id was missing, and how often
    skipped: int = 0
    totals: tuple[int, ...] = ()
    signs: Mapping[str, str] = field(default_factory=dict)  # the currency sign of a column of amounts, where no code stands beside it
    clock_changes: Mapping[str, int] = field(default_factory=dict)  # how many times a change of clocks made doubtful, by what was done

    def first_reason(self) -> str:
        """The first quarantined row, as one line that names file, row and reason."""
        row = self.quarantined.drop(index=list(self.totals)).iloc[0]
        return f"{self.files.row(row.name)}, column {row['reason'].split('; ')[0]}."


def load_table(name: str, source: TableSource, folder: Path, clocks: Clocks = Clocks(),
               placeholders: Iterable[str] = PLACEHOLDERS) -> Loaded:
    """A file, or several, as the table `name` of the contract, with the rows that break it set aside.

    Parameters
    ----------
    name : str
        Which table: a key of `schema.TABLES`.
    source : TableSource
        The file and its mapping: `columns` maps our names to the file's, `values` maps the file's spellings to ours.
    folder : Path
        The folder that `source.file` is relative to.
    clocks : Clocks
        Which times can be; rows with others are set aside.
    placeholders : texts
        What a system writes where it has no id; such a cell is missing.

    Returns
    -------
    Loaded
        The index of both tables is the row of the file, where the header is row 1; several files are numbered through.

    Raises
    ------
    ConvtrackError
        If a file is missing, empty, without header or without a required column, if its times have no time zone, if several
        files do not have the same columns, or if amounts of two currencies stand in one column.
    """
    check_columns(name, source)
    raw, totals, files = _read_files([folder / file for file in source.files], source, name)
    again = _rows_again(raw, files) if name == "events" and "event_id" not in {*source.columns, *raw.columns} else totals[:0]
    mapped = _respelled(_mapped(raw.drop(index=totals.union(again)), name, source, files), source, files)
    signs = _signs(mapped, name, files)
    named, found = _without_placeholders(mapped, name, tuple(placeholders))
    frame, unread, doubts = _typed(named, name, source, files)
    unread = _together(unread, _off_clock(frame, name, clocks))
    readable = frame if unread.empty else frame.drop(index=unread.index)
    good, bad = validate(_earliest_first(readable) if name == "events" else readable, name)
    good = good.sort_index()
    parts = [raw.loc[totals].assign(reason=A_TOTAL), raw.loc[again.difference(totals)].assign(reason=IN_AN_EARLIER_FILE),
             raw.loc[unread.index].assign(reason=unread), bad]
    quarantined = pd.concat([part for part in parts if len(part)] or [bad]).sort_index()
    skipped = sum(lines_above_header(path, source) for path in files.paths)
    return Loaded(name, files, good, quarantined, len(raw), found, skipped, tuple(totals), signs, doubts)


def _read_files(paths: list[Path], source: TableSource, name: str) -> tuple[pd.DataFrame, pd.Index, Files]:
    """All rows, numbered through, the numbers of those that are totals, and which files they are of."""
    if len({path.suffix.lower() == ".parquet" for path in paths}) > 1:
        raise ConvtrackError(f"{Files(tuple(paths)).name}: some are Parquet and some are text. Save all alike.")
    parts, starts = [read_raw(path, source) for path in paths], [0]
    check_alike(paths, [part.columns for part in parts])
    for place, part in enumerate(parts):
        for other in (place for place, before in enumerate(parts[:place]) if before.equals(part)):
            raise ConvtrackError(f"{paths[place].name} holds the same rows as {paths[other].name}. Name one of them in `file:`.")
        starts.append(starts[-1] + int(part.index.max()))
    if len(parts) > 1:
        _check_kinds(paths, parts, source, name)
        parts = [_with_ids_as_text(part, source, name) for part in parts]
    numbered = [part.set_axis(part.index + start) for part, start in zip(parts, starts)]
    totals = [number for part in numbered for number in total_rows(part)]
    return pd.concat(numbered), pd.Index(totals), Files(tuple(paths), tuple(starts[:-1]))


def _rows_again(raw: pd.DataFrame, files: Files) -> pd.Index:
    """The rows of a file that an earlier one has too, as where exports overlap."""
    part = np.searchsorted(files.starts, raw.index) - 1
    first = pd.Series(part, index=raw.index).groupby(pd.util.hash_pandas_object(raw.astype("str"), index=False).to_numpy()).transform("min")
    return raw.index[part > first]


def check_alike(paths: Sequence[Path], columns: Sequence[Iterable[str]]) -> None:
    """Nothing, if several files have the same columns; otherwise the error that names one which only one of two files has."""
    for path, names in zip(paths, columns, strict=True):
        for column in sorted(set(names) ^ set(columns[0]), key=str):
            has, lacks = (path, paths[0]) if column in set(names) else (paths[0], path)
            raise ConvtrackError(f"{has.name} has a column '{column}' and {lacks.name} has not, so they are not one table. Export both "
                                 f"alike, or name one of them in `file:`.")


def _check_kinds(paths: Sequence[Path], parts: Sequence[pd.DataFrame], source: TableSource, name: str) -> None:
    """Nothing, if what is an amount or a time in one file is none as text in another; that would be read by other rules."""
    for column in (c for c in TABLES[name] if c.kind in ("money", "amount", "count", "time", "date")):
        theirs = source.columns.get(column.name, column.name)
        kinds = [part[theirs].dtype.kind in "OUT" for part in parts if isinstance(theirs, str) and theirs in part]
        if len(set(kinds)) > 1:
            other = paths[kinds.index(not kinds[0])]
            raise ConvtrackError(f"{paths[0].name} and {other.name}: column {theirs} is text in one of them only. Save both alike.")


def _with_ids_as_text(part: pd.DataFrame, source: TableSource, name: str) -> pd.DataFrame:
    """A file of several with the numbers among its ids as text: put together with floats, long whole numbers would lose digits."""
    ids = {theirs for ours in id_columns(name) for theirs in as_list(source.columns.get(ours, ours)) if theirs in part}
    return part.assign(**{column: id_text(part[column]) for column in ids if pd.api.types.is_numeric_dtype(part[column])})


def _without_placeholders(frame: pd.DataFrame, name: str, words: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The frame with its ids as text, and those that are none missing; and what stood there, how often."""
    found = []
    for column in (c for c in id_columns(name) if c in frame):
        text = id_text(frame[column])
        none = is_placeholder(text, column, words)
        found += [(column, said, rows) for said, rows in text[none].value_counts().items()]
        frame = frame.assign(**{column: text.mask(none) if none.any() else text})
    return frame, pd.DataFrame(found, columns=["column", "text", "rows"])


def _off_clock(frame: pd.DataFrame, name: str, clocks: Clocks) -> pd.Series:
    """For each row with a time that cannot be, the reason."""
    reasons = []
    for column in (c.name for c in TABLES[name] if c.kind in ("time", "date") and c.name in frame and c.name != "received_time"):
        received = frame.get("received_time") if column == "event_time" else None
        is_out, reason = outside(frame[column], clocks, received)
        reasons.append(pd.Series(f"{column}: {reason}", index=frame.index[is_out], dtype="str"))
    return _together(*reasons)


def _earliest_first(events: pd.DataFrame) -> pd.DataFrame:
    """The events in order of time if ids are used again, so that of those with one id the earliest stays."""
    if not events["event_id"].duplicated().any():
        return events
    rest = [column for column in column_names("events") if column in events and column not in ("event_id", "event_time")]
    return events.sort_values(["event_time", *rest])


def _together(*reasons: pd.Series) -> pd.Series:
    """The reasons of each row, joined."""
    every = pd.concat([part for part in reasons if len(part)] or [pd.Series(dtype="str")])
    return every.groupby(level=0).agg("; ".join) if every.index.has_duplicates else every


def check_columns(name: str, source: TableSource) -> None:
    """Nothing, if the columns and values that a mapping turns something into are those of the table's contract.

    Visitors may have columns of their own.

    Raises
    ------
    ConvtrackError
        One line: the key, the name that does not exist, and the nearest that does.

    Examples
    --------
    >>> check_columns("spend", TableSource(file="spend.csv", columns={"cots": "Kosten"}))
    Traceback (most recent call last):
    convtrack.errors.ConvtrackError: study.yaml, tables: spend: columns: 'cots' is not a column of spend. Closest: 'cost'.
    """
    columns = {column.name: column for column in TABLES[name]}
    for key, named in (("columns", source.columns), ("values", source.values)):
        for ours in (ours for ours in named if ours not in columns and name != "visitors"):
            raise ConvtrackError(f"study.yaml, tables: {name}: {key}: '{ours}' is not a column of {name}."
                                 f"{nearest(ours, columns)}")
    for ours, spellings in source.values.items():
        allowed = columns[ours].allowed if ours in columns else ()
        for wrong in (value for value in spellings.values() if allowed and value not in (*allowed, "")):
            raise ConvtrackError(f"study.yaml, tables: {name}: values: {ours}: there is no '{wrong}'."
                                 f"{nearest(wrong, allowed)} Write one of: {', '.join(allowed)}")


def read_raw(path: Path, source: TableSource) -> pd.DataFrame:
    """A CSV or Parquet file as it is, indexed by row number; every cell of a CSV is text."""
    if not path.exists():
        raise ConvtrackError(f"There is no file {path}.{neighbour(path)} Correct `file:` in study.yaml.")
    if not (path.is_file() or path.is_dir()):
        raise ConvtrackError(f"{path} is no file that can be read from its beginning. Save the data in one, and name that.")
    if path.suffix.lower() == ".parquet":
        frame = _read_parquet(path)
        frame = frame.set_axis(range(2, len(frame) + 2))
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        frame = _read_csv(path, source)
    else:
        raise ConvtrackError(f"{path.name} is neither .csv nor .parquet. Save it as one of them, and name that file.")
    blank = _blank_rows(frame)  # a blank line is no row, but it has a number
    frame = frame[~blank] if blank.any() else frame
    if frame.empty:
        raise ConvtrackError(f"{path.name} has a header but no rows. Export it again with data in it.")
    return frame


def _blank_rows(frame: pd.DataFrame) -> np.ndarray:
    """Whether each row has no cell that is filled: it is empty, or of spaces and separators."""
    blank = np.ones(len(frame), dtype=bool)
    for at in range(frame.shape[1]):  # few rows are left after the first column
        cells = frame.iloc[:, at] if blank.all() else frame.iloc[blank, at]
        blank[blank] = (cells.isna() | (cells.astype("str").str.strip() == "")).to_numpy(dtype=bool)
    return blank


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pq.read_table(path)
        table.validate(full=True)  # text that is no UTF-8 would come up much later
        for place, field in enumerate(table.schema):
            if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type) or pa.types.is_fixed_size_binary(field.type):
                table = table.set_column(place, field.name, _text_of_bytes(table[place]))
        with suppress(TypeError):  # a type that pandas wrote down and does not know again
            return table.to_pandas(types_mapper=AS_WRITTEN.get)
        return table.to_pandas(types_mapper=AS_WRITTEN.get, ignore_metadata=True)
    except (pa.ArrowException, OSError) as error:
        raise ConvtrackError(f"{path.name} cannot be read as Parquet: {error}. Export it again.") from None


def _text_of_bytes(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Bytes that are text as text, and others, as those of a UUID, as hexadecimal digits."""
    try:
        return cells.cast(pa.binary()).cast(pa.string())
    except pa.ArrowException:
        return pa.chunked_array([pa.array([None if cell is None else cell.hex() for cell in cells.to_pylist()], pa.string())])


def _read_csv(path: Path, source: TableSource) -> pd.DataFrame:
    above = lines_above_header(path, source)
    try:
        lines = _cut(path, source, above)
    except pd.errors.EmptyDataError:
        raise ConvtrackError(f"{path.name} is empty. Export it again with a header and rows.") from None
    except (pd.errors.ParserError, LookupError, ValueError, OSError) as error:
        raise ConvtrackError(f"{path.name} cannot be read: {str(error).strip()}. Set `separator:` or `encoding:` "
                             f"of this table in study.yaml.") from None
    names = lines.iloc[0].fillna("").str.strip()
    _check_header(pd.Index(names), path, above + 1)
    frame = lines.iloc[1:].set_axis(names.tolist(), axis=1)
    frame = frame if (names != "").all() else frame.loc[:, frame.columns != ""]
    return frame.set_axis(range(above + 2, above + 2 + len(frame)))


def _cut(path: Path, source: TableSource, above: int) -> pd.DataFrame:
    """The cells of a CSV as text, its header among the rows.

    Arrow is several times faster, where it can be relied on: rows are equally long, the first is not blank, there are no quotes
    (it takes one that is not closed for a cell that goes on to the end of the file).
    """
    if codecs.lookup(source.encoding).name in ("utf-8", "utf-8-sig") and source.separator.isascii():
        with suppress(pa.ArrowException, OSError):  # pandas reads what Arrow does not, or says what is wrong
            content = path.read_bytes()
            lines = _cut_by_arrow(content, source.separator, above) if b'"' not in content else None
            if lines is not None and lines.iloc[0].notna().any():
                return lines
    return pd.read_csv(path, sep=source.separator, dtype="str", keep_default_na=False, na_values=[""], encoding=source.encoding,
                       skip_blank_lines=False, engine="c" if source.separator.isascii() else "python", skiprows=above,
                       header=None)  # else a longer row would be one with an index


def _cut_by_arrow(content: bytes, separator: str, above: int) -> pd.DataFrame:
    table = csv_of_arrow.read_csv(
        io.BytesIO(content), csv_of_arrow.ReadOptions(skip_rows=above, autogenerate_column_names=True),
        csv_of_arrow.ParseOptions(delimiter=separator, ignore_empty_lines=False),
        csv_of_arrow.ConvertOptions(strings_can_be_null=True, null_values=[""], default_column_type=pa.string()))
    return table.to_pandas(types_mapper=AS_WRITTEN.get).set_axis(range(table.num_columns), axis=1)


def lines_above_header(path: Path, source: TableSource) -> int:
    """How many lines of a CSV stand above its header: titles, comments with #, Excel's `sep=`.

    There are none, unless the first line is one of these: a single cell, where the other rows have several. The header is
    then the first line with as many cells as they have, all filled, all different, and none of them a date or a number.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "ads.csv"
    >>> _ = path.write_text("Campaign report\\n1 to 31 January 2026\\nDay,Channel,Cost\\n2026-01-05,Email,12.30\\n")
    >>> lines_above_header(path, TableSource(file="ads.csv"))
    2
    """
    if path.suffix.lower() == ".parquet":
        return 0
    rows = _first_rows(path, source)
    width = max((cells for cells, often in Counter(len(row) for _, row in rows).items() if often > 1), default=1)
    if width == 1 or not rows or not _is_title(rows[0][1], [row for _, row in rows[1:]], source.separator):
        return rows[0][0] - 1 if rows else 0  # blank lines
    headers = [line for line, row in rows[:-1] if len(row) == width and all(row) and len(set(row)) == width
               and not any(re.fullmatch(DATA, cell) for cell in row) and not row[0].startswith("#")]
    wanted = {theirs for said in source.columns.values() for theirs in as_list(said)}
    mapped = [line for line, row in rows if line in headers and wanted <= set(row)]
    return next(iter(mapped or headers), 1) - 1


def _first_rows(path: Path, source: TableSource) -> list[tuple[int, list[str]]]:
    """The first rows with the numbers of the lines where they begin, the cells stripped; none where the file cannot be read so."""
    rows, ended = [], 0
    try:
        with path.open(encoding=source.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=source.separator)
            for row in islice(reader, ROWS_TO_LOOK_AT):
                rows.append((ended + 1, [cell.strip() for cell in row]))
                ended = reader.line_num
        return [(line, row) for line, row in rows if row]
    except (csv.Error, LookupError, ValueError, OSError, TypeError):
        return []  # pandas says what is wrong


def _is_title(first: list[str], others: list[list[str]], separator: str) -> bool:
    """Whether a first line is above the header: a single cell that no other separator cuts as it cuts the other lines."""
    line = separator.join(first)
    if line.startswith("#") or re.fullmatch(r"(?i)\"?sep=.?.?\"?", line):
        return True
    for other in set(",;\t|") - {separator}:
        cut = [len(separator.join(row).split(other)) for row in others]
        if other in line and 2 * cut.count(len(line.split(other))) >= len(cut):
            return False
    return sum(cell != "" for cell in first) == 1


def total_rows(raw: pd.DataFrame) -> pd.Index:
    """The rows at a file's end that hold a total: a cell says so, in a word that no row above has.

    >>> raw = pd.DataFrame({"Day": ["2026-01-05", "Total: Account"], "Cost": ["12.30", "12.30"]})
    >>> total_rows(raw).tolist()
    [1]
    """
    says = raw.tail(ROWS_OF_TOTALS).apply(lambda cells: cells.astype("str").str.fullmatch(TOTAL, na=False))
    words = [(name, row) for name in says for row in says.index[says[name]]]
    above = raw.iloc[:-ROWS_OF_TOTALS]
    return pd.Index(sorted({row for name, row in words if not (above[name] == raw.at[row, name]).any()}))


def _check_header(names: pd.Index, path: Path, row: int) -> None:
    for name in names[names.duplicated() & (names != "")]:
        raise ConvtrackError(f"{path.name}, row {row}: two columns are called '{name}'. Rename one of them in the file.")
    for name in names[names.str.fullmatch(DATA)]:
        raise ConvtrackError(f"{path.name}, row {row}: '{name}' looks like data, not like a column name. "
                             f"Put a header line with column names first.")


def _mapped(raw: pd.DataFrame, name: str, source: TableSource, files: Files) -> pd.DataFrame:
    """The columns of ours that the file has, under our names; visitors keep the file's other columns too."""
    _check_mapping(raw, source, files)
    mapped = {ours: _cells(raw, theirs, files) for ours, theirs in source.columns.items()}  # one of theirs may serve two of ours
    used = {column for theirs in source.columns.values() for column in as_list(theirs)}
    frame = raw.loc[:, ~raw.columns.isin([*source.columns, *used])].assign(**mapped)
    if name == "events" and "event_id" not in frame:
        frame["event_id"] = [f"row{row:09d}" for row in frame.index]
    for column in (c.name for c in TABLES[name] if c.required and c.name not in frame):
        raise ConvtrackError(f"{files.name} has no column '{column}'.{nearest(column, raw.columns)} "
                             f"Map it in study.yaml: tables: {name}: columns: {{{column}: YOUR_COLUMN}}")
    return frame if name == "visitors" else frame[[c for c in column_names(name) if c in frame]]


def _check_mapping(raw: pd.DataFrame, source: TableSource, files: Files) -> None:
    for ours, theirs in source.columns.items():
        for column in as_list(theirs):
            if column not in raw:
                raise ConvtrackError(f"{files.name} has no column '{column}' (for {ours}).{nearest(column, raw.columns)}")


def as_list(theirs: str | list[str]) -> list[str]:
    """One name or several, as a list."""
    return [theirs] if isinstance(theirs, str) else theirs


def _cells(raw: pd.DataFrame, theirs: str | list[str], files: Files) -> pd.Series:
    """One column of the file, or several put together, as a date and a time are."""
    columns = [raw[name] for name in as_list(theirs)]
    for cells in columns:
        first = cells.dropna().head(1)
        if cells.dtype == "object" and isinstance(first.squeeze(), (dict, list, np.ndarray)):
            raise ConvtrackError(f"{files.name}, column {cells.name}: its cells hold several values ({str(first.squeeze())[:60]}). "
                                 f"Export each as a column of its own, and map that.")
    if len(columns) == 1:
        return columns[0]
    day, *others = [_text(cells) for cells in columns]
    clocks = [text.str.replace(r"^(\d{1,2})$", r"\1:00", regex=True).str.replace(r"^(\d):", r"0\1:", regex=True) for text in others]
    return day.str.cat(clocks, sep=" ")


def _signs(frame: pd.DataFrame, name: str, files: Files) -> dict[str, str]:
    """The currency sign of each column of amounts that has one, where no other column says their currency; two are refused."""
    found = {}
    code = _text(frame["currency"]).fillna("") if "currency" in frame else pd.Series("", index=frame.index)
    money = [c.name for c in TABLES[name] if c.kind == "money" and c.name in frame]
    for column in (column for column in money if not pd.api.types.is_numeric_dtype(frame[column])):
        signs = frame.loc[code == "", column].astype("str").str.extract(SIGN, expand=False).dropna()
        if signs.empty:
            continue
        found[column] = signs.iloc[0]
        others = signs.index[signs != signs.iloc[0]]
        for row in others[:1]:
            above = frame[column][signs.index[0]]
            raise ConvtrackError(f"{files.row(row)}, column {column}: '{frame[column][row]}', but '{above}' above it: two "
                                 f"currencies cannot be added up. Put their codes (EUR, USD) in a column `currency`.")
    return found


def _respelled(frame: pd.DataFrame, source: TableSource, files: Files) -> pd.DataFrame:
    for column, spellings in source.values.items():
        if column not in frame:
            raise ConvtrackError(f"study.yaml, values: '{column}' is not a column of {files.name}."
                                 f"{nearest(column, frame.columns)}")
        stripped = _text(frame[column])
        frame = frame.assign(**{column: stripped.map(spellings).fillna(stripped)})
    return frame


def _typed(frame: pd.DataFrame, name: str, source: TableSource, files: Files) -> tuple[pd.DataFrame, pd.Series, Counter[str]]:
    """The frame with every column converted; for each row that could not be, the reasons; and what `read_times` says of its times."""
    reasons, doubts = pd.Series("", index=frame.index, dtype="str"), Counter()
    for column in (c for c in TABLES[name] if c.name in frame):
        if column.kind == "time":
            converted, changes = read_times(frame[column.name], source, files, frame.get("visitor_id"))
            problem, doubts = NO_TIME, doubts + changes
        else:
            converted, problem = _convert(frame[column.name], column, source, files)
        unread = _text(frame.loc[converted.isna(), column.name].dropna())
        lost = reasons.index.isin(unread.index[unread != ""])  # a blank cell is a missing one, as an empty one is
        if lost.any():
            reasons = reasons.mask(lost, reasons + f"{column.name}: " + _problems(unread, column, problem) + "; ")
        frame = frame.assign(**{column.name: converted})
    return frame, reasons[reasons != ""].str.removesuffix("; "), doubts


def _problems(unread: pd.Series, column: Column, problem: str) -> pd.Series:
    """Why each cell could not be read: for a time or date, what it is instead, where that can be told."""
    known = NO_TIMES if column.kind in ("time", "date") else {}
    kinds = [unread.str.fullmatch(pattern) for pattern in known]
    return pd.Series(np.select(kinds, list(known.values()), problem) if kinds else problem, index=unread.index, dtype="str")


def _convert(cells: pd.Series, column: Column, source: TableSource, files: Files) -> tuple[pd.Series, str]:
    if column.kind == "date":
        return to_dates(cells, source, files), "not a date"
    if column.kind in ("money", "count", "amount"):
        return to_numbers(cells, source.decimal), f"not a number with decimal '{source.decimal}'"
    if column.kind == "flag":
        return to_flags(cells), "not true or false"
    if column.kind == "id":  # text by now
        return cells.mask((cells == "") | is_lost(cells)), LOST_DIGITS
    text = _text(cells).str.upper() if column.name == "currency" else _text(cells)
    blank = text == ""
    return text.mask(blank) if blank.any() else text, "empty"


def _text(cells: pd.Series) -> pd.Series:
    return cells.astype("str").str.strip()


def to_numbers(cells: pd.Series, decimal: str = ".") -> pd.Series:
    """Numbers of text cells, missing where a cell is not one; thousands separators and currency signs may be there.

    >>> to_numbers(pd.Series(["1.234,50 €", "12,5", "12.5", "x"]), decimal=",").tolist()
    [1234.5, 12.5, nan, nan]
    >>> to_numbers(pd.Series(["1 234.50", "$7", "7 EUR"])).tolist()  # a code is for the column `currency`
    [1234.5, 7.0, nan]
    """
    if pd.api.types.is_numeric_dtype(cells):
        numbers = cells.astype("float64")
        return numbers.where(np.isfinite(numbers))
    text = cells.astype("str")
    is_plain = text.str.fullmatch(PLAIN[decimal], na=False)
    written = text.where(is_plain)
    if not is_plain.all():
        written[~is_plain] = _bare_numbers(text[~is_plain], decimal)
    pointed = written if decimal == "." else written.str.replace(",", ".", regex=False)
    numbers = pc.cast(pa.array(pointed, pa.string()), pa.float64()).to_numpy(zero_copy_only=False)
    found = pd.Series(numbers, index=cells.index, name=cells.name)
    return found.where(np.isfinite(found))


def _bare_numbers(text: pd.Series, decimal: str) -> pd.Series:
    """The cells that are numbers with thousands separators or signs without them, and with a point; the others are missing."""
    bare = text.str.replace(CURRENCY, "", regex=True)
    numbers = bare.where(bare.str.fullmatch(NUMBER[decimal], na=False) & bare.str.contains("[0-9]", na=False))
    pointed = numbers.str.translate({ord(mark): "." if mark == decimal else None for mark in ".,"})
    return pointed.str.replace(r"\s", "", regex=True).str.removeprefix("+")


def to_flags(cells: pd.Series) -> pd.Series:
    """True and false of cells such as "true", "0" or "yes", missing where a cell is neither.

    >>> to_flags(pd.Series(["true", "0", "perhaps"])).tolist()
    [True, False, <NA>]
    """
    return _text(cells).str.casefold().map(TRUTHS).astype("boolean")


def to_utc(cells: pd.Series, source: TableSource, files: Files) -> pd.Series:
    """Times in UTC; local times are read in the source's time zone, which must then be given.

    In a column of numbers of 10, 13, 16 or 19 digits they count seconds, or parts of them, since 1970.

    >>> source = TableSource(file="e.csv", day_first=True, time_zone="Europe/Berlin")
    >>> to_utc(pd.Series(["05.01.2026 14:03"], name="event_time"), source, Files((Path("e.csv"),)))[0]
    Timestamp('2026-01-05 13:03:00+0000', tz='UTC')
    >>> to_utc(pd.Series([1767621780, 1767621780000]), source, Files((Path("e.csv"),))).nunique()
    1
    """
    return read_times(cells, source, files)[0]


def read_times(cells: pd.Series, source: TableSource, files: Files, owners: pd.Series | None = None) -> tuple[pd.Series, Counter[str]]:
    """Times in UTC, and how many of them a change of clocks made doubtful, by what was done; `owners` has whose each row is."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return _localized(cells, cells, source, files, owners) if cells.dt.tz is None else (_possible(_microseconds(cells)), Counter())
    counted = _counted(cells)
    text = _iso(cells[counted.isna()], source, files)
    zoned = text.str.contains(ZONED, regex=True, na=False)
    local, doubts = _localized(_parsed(text[~zoned]), cells, source, files, owners)
    return _possible(pd.concat([counted.dropna(), _parsed(text[zoned], utc=True), local]).reindex(cells.index)), doubts


def _counted(cells: pd.Series) -> pd.Series:
    """The times of cells that count from 1970, in UTC, where most of the column does; the others are missing."""
    if cells.dtype in ("float32", "Float32"):  # which tells such numbers to a minute or two
        return pd.Series(pd.NaT, index=cells.index, dtype="datetime64[us, UTC]")
    text = cells.map("{:.6f}".format, na_action="ignore") if pd.api.types.is_float_dtype(cells) else _text(cells)
    is_count = text.astype("str").str.fullmatch(EPOCH, na=False)
    counts = text.astype("str").where(is_count & (2 * is_count.sum() > text.notna().sum()))
    microseconds = counts.str.replace(".", "", regex=False).str.ljust(16, "0").str.slice(stop=16)
    return pd.to_datetime(pd.to_numeric(microseconds).astype("Int64"), unit="us", utc=True).astype("datetime64[us, UTC]")


def _localized(times: pd.Series, cells: pd.Series, source: TableSource, files: Files,
               owners: pd.Series | None) -> tuple[pd.Series, Counter[str]]:
    if times.notna().any() and source.time_zone is None:
        row = times.first_valid_index()
        raise ConvtrackError(f"{files.row(row)}, column {cells.name}: '{cells[row]}' has no time zone. Write the "
                             f"zone of this file in study.yaml, under its table: time_zone: Europe/London (or yours)")
    zoned, doubts = utc_of_local(_possible(times), zone(source.time_zone or "UTC"), source.repeated_hour,
                                  None if owners is None else owners.reindex(times.index))
    return _microseconds(zoned), doubts


def _possible(times: pd.Series) -> pd.Series:
    """The times without those that a calendar may not have in another zone, as "never"."""
    return times.where(times.dt.year.between(FIRST_YEAR, LAST_YEAR))


def _microseconds(times: pd.Series) -> pd.Series:
    return times.dt.tz_convert("UTC").astype("datetime64[us, UTC]")


def to_dates(cells: pd.Series, source: TableSource, files: Files) -> pd.Series:
    """Days as the file writes them, whatever their time zone, as times at midnight without one.

    Numbers that count from 1970 are moments: of days in the source's zone, which must be given if they are not midnights in UTC.
    """
    if pd.api.types.is_datetime64_any_dtype(cells):
        return _midnights(cells.dt.tz_localize(None))
    counted = _counted(cells)
    written = _parsed(_iso(cells[counted.isna()], source, files).str.replace(ZONE_OF_TIME, "", regex=True))
    return pd.concat([_days_of(counted.dropna(), cells, source, files), _midnights(written)]).reindex(cells.index)


def _midnights(times: pd.Series) -> pd.Series:
    return times.dt.normalize().astype("datetime64[us]")


def _days_of(moments: pd.Series, cells: pd.Series, source: TableSource, files: Files) -> pd.Series:
    if source.time_zone is None and (within := moments != moments.dt.normalize()).any():
        row = within.idxmax()
        raise ConvtrackError(f"{files.row(row)}, column {cells.name}: '{cells[row]}' is a moment within a day. Write the zone of the "
                             f"days in study.yaml, under its table: time_zone: Europe/London (or yours)")
    return _midnights(moments.dt.tz_convert(source.time_zone or "UTC").dt.tz_localize(None))


def zone(name: str) -> ZoneInfo:
    """The time zone called `name`, or an error that says what names look like."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConvtrackError(f"study.yaml: there is no time zone '{name}'.{nearest(name, available_timezones())} "
                             f"Write it as in Europe/London or UTC.") from None


def _parsed(text: pd.Series, utc: bool = False) -> pd.Series:
    """Times of cells in any of `STYLES`, or in the style of the first cell that is in none of them; no other guesses."""
    parsed = pd.to_datetime(text, format=STYLES[0], errors="coerce", utc=utc)
    for style in (*STYLES[1:], None):
        late = text[parsed.isna()].dropna()
        style = style or (guess_datetime_format(late.iloc[0]) if len(late) else None)
        if style and (utc or "%z" not in style):
            parsed = parsed.fillna(pd.to_datetime(late, format=style, errors="coerce", utc=utc))
    return parsed.astype(f"datetime64[us{', UTC' if utc else ''}]")


def _iso(cells: pd.Series, source: TableSource, files: Files) -> pd.Series:
    """Cells that name a day, with year, month and day in this order, and a zone of UTC as Z; the others missing."""
    text = _text(cells).str.replace(r"\s*(?:UTC|GMT)$", "Z", regex=True)
    slashed = text.str.match(SLASHED, na=False)
    if slashed.any():
        day, month = (1, 2) if _day_first(text, source, files) else (2, 1)
        text = text.mask(slashed, text.str.replace(SLASHED, lambda m: _day(m[3], m[month], m[day]), n=1, regex=True))
    return text.where(text.str.match(A_DAY, na=False))


def _day(year: str, month: str, day: str) -> str:
    return f"{year if len(year) == 4 else '20' + year}-{month:0>2}-{day:0>2}"


def _day_first(text: pd.Series, source: TableSource, files: Files) -> bool:
    if source.day_first is not None:
        return source.day_first
    slashed = text[text.str.match(SLASHED, na=False)]
    raise ConvtrackError(f"{files.row(slashed.index[0])}, column {text.name}: is '{slashed.iloc[0]}' written day "
                         f"first or month first? Say so in study.yaml: day_first: true (or false)")
