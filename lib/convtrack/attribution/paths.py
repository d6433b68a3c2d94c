"""Paths as flat arrays: what every model computes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import ConvtrackError, nearest
from ..gaps import passes_gaps

Floats = np.ndarray


@dataclass(frozen=True)
class Paths:
    """Paths with their outcomes; touch i is `channels[codes[i]]`, and path p owns touches starts[p] to starts[p+1].

    `conversions`, `value` and `nulls` (journeys that did not convert) are per path; `hours` (to the journey's end) per
    touch, or None where only paths are known. Where no value is known at all, every `value` is NaN. `owners` says, per path, which visitor to resample.
    """

    channels: list[str]
    codes: np.ndarray
    starts: np.ndarray
    conversions: Floats
    value: Floats
    nulls: Floats
    hours: Floats | None = None
    owners: np.ndarray | None = None

    @cached_property
    def lengths(self) -> np.ndarray:
        """Touches of each path."""
        return np.diff(self.starts)

    @cached_property
    def rows(self) -> np.ndarray:
        """The path of each touch."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def positions(self) -> np.ndarray:
        """The place of each touch on its path, from 0."""
        return np.arange(len(self.codes)) - self.starts[:-1][self.rows]

    @property
    def unattributed(self) -> float:
        """Conversions on paths without a touch."""
        return float(self.conversions[self.lengths == 0].sum())

    def weighted(self, won: Floats, lost: Floats) -> Paths:
        """The same paths, with conversions and value multiplied by `won`, and journeys without conversion by `lost`."""
        return replace(self, conversions=self.conversions * won, value=self.value * won, nulls=self.nulls * lost)

    def spread(self, shares: Floats) -> pd.DataFrame:
        """Credit by channel, when each touch gets its share of its path's conversions and value."""
        def total(outcome: Floats) -> Floats:
            return np.bincount(self.codes, shares * outcome[self.rows], minlength=len(self.channels))

        return self.table(total(self.conversions), total(self.value))

    def table(self, conversions: Floats, value: Floats) -> pd.DataFrame:
        """Credit as a table: channel, conversions, value."""
        return pd.DataFrame({"channel": self.channels, "conversions": conversions, "value": value})


@passes_gaps
def as_paths(table: pd.DataFrame) -> Paths:
    """A journeys table, or a table of paths with totals, as `Paths`.

    Parameters
    ----------
    table : DataFrame
        Journeys (path, converted, value, and where there hours, visitor_id), or paths (path, total_conversions, and
        where there total_conversion_value, total_null). A path is a list of channels.

    Raises
    ------
    ConvtrackError
        If an outcome is negative or missing, or a path holds something that is no channel.

    Examples
    --------
    >>> as_paths(pd.DataFrame({"path": [["A", "B"]], "total_conversions": [3]})).channels
    ['A', 'B']
    """
    lists = _lists(table)
    flat = lists.flatten()
    _check_channels(flat)
    names = sorted(set(flat.to_pylist()))
    codes = pd.Categorical(flat.to_pandas(), categories=names).codes.astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lists.value_lengths().to_numpy(zero_copy_only=False))]).astype(np.int64)
    return Paths(names, codes, starts, *_outcomes(table), _hours(table), _owners(table))


def _lists(table: pd.DataFrame) -> pa.Array:
    if "path" not in table:
        raise ConvtrackError(f"The table has no column 'path'.{nearest('path', table.columns)} Give journeys, or paths.")
    try:
        lists = pa.array(table["path"], type=pa.list_(pa.string()))
    except pa.ArrowException:
        raise ConvtrackError("A path is not a list of names. Write each as a list, as in ['Email', 'Direct'].") from None
    if lists.null_count:
        row = table.index[lists.is_null().to_numpy(zero_copy_only=False)][0]
        raise ConvtrackError(f"row {row}, column path: missing. Write an empty list for a conversion without a touch.")
    return lists


def _check_channels(flat: pa.Array) -> None:
    if flat.null_count or "" in flat.unique().to_pylist():
        raise ConvtrackError("A path holds an empty channel. Give every touch a channel, or take the touch off its path.")


def _outcomes(table: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    if "converted" in table:
        won = table["converted"].to_numpy(dtype=float)
        known = table["value"].where(table["converted"]).notna().any()
        return won, table["value"].fillna(0.0).to_numpy(dtype=float) * won if known else won * np.nan, 1 - won
    columns = [table.get(c, pd.Series(0.0, index=table.index, name=c))
               for c in ("total_conversions", "total_conversion_value", "total_null")]
    for column in columns:
        numbers = column.to_numpy(dtype=float)
        if (bad := ~(np.isfinite(numbers) & (numbers >= 0))).any():
            raise ConvtrackError(f"row {table.index[bad][0]}, column {column.name}: {numbers[bad][0]} is negative, missing or "
                                 f"not finite. Correct the row.")
    won, value, nulls = (column.to_numpy(dtype=float) for column in columns)
    if (bad := (won == 0) & (value > 0)).any():
        raise ConvtrackError(f"row {table.index[bad][0]}: a value of {value[bad][0]} without a conversion. Correct the row.")
    return won, value if "total_conversion_value" in table else won * np.nan, nulls


def _hours(table: pd.DataFrame) -> Floats | None:
    if "hours" not in table:
        return None
    return pa.array(table["hours"], type=pa.list_(pa.float64())).flatten().to_numpy(zero_copy_only=False)


def _owners(table: pd.DataFrame) -> np.ndarray | None:
    return pd.factorize(table["visitor_id"])[0] if "visitor_id" in table else None
