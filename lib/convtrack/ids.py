"""Ids are text, whatever a table of a user's holds them as."""

from __future__ import annotations

from numbers import Number
from typing import TYPE_CHECKING, Any

from .errors import ConvtrackError

if TYPE_CHECKING:  # a small command does without pandas
    import pandas as pd

CLICK_IDS = ("click_id", "gclid", "wbraid", "gbraid", "gad_source", "dclid", "msclkid", "ttclid", "twclid", "li_fat_id", "rdt_cid",
             "sccid", "yclid", "fbclid", "igshid", "epik", "ysclid", "srsltid")
ID_COLUMNS = ("event_id", "visitor_id", "user_id", "session_id", "transaction_id", "conversion_id", "journey_id", *CLICK_IDS)
LARGEST_WHOLE = 2**53  # above it a float is not exact


def with_text_ids(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its ids as text; one that has them so already comes back itself.

    >>> import pandas as pd
    >>> with_text_ids(pd.DataFrame({"visitor_id": [1.0, None], "value": [1.0, 2.0]})).iloc[0].to_dict()
    {'visitor_id': '1', 'value': 1.0}
    """
    others = [column for column in ID_COLUMNS if column in table and not _is_text(table[column])]
    return table.assign(**{column: text_ids(table[column]) for column in others}) if others else table


def text_ids(cells: pd.Series) -> pd.Series:
    """Ids as text, missing where they are missing; a whole number is written without a decimal point.

    Raises
    ------
    ConvtrackError
        If they are floats too large to be exact, so that different ids have become one.

    Examples
    --------
    >>> import pandas as pd
    >>> text_ids(pd.Series([1001.0, None])).fillna("").tolist(), text_ids(pd.Series([7, "07", 1.5])).tolist()
    (['1001', ''], ['7', '07', '1.5'])
    """
    if cells.dtype.kind in "iu":
        return cells.astype("str")
    if cells.dtype.kind == "f" and (cells.abs() > LARGEST_WHOLE).any():
        raise ConvtrackError(f"Column {cells.name}: {cells.abs().max():.0f} was read as a float, which keeps 15 digits only. "
                             f"Read the column as text: dtype={{'{cells.name}': 'str'}}")
    return cells.astype("object").map(_as_id, na_action="ignore").astype("str")


def _is_text(cells: pd.Series) -> bool:
    return str(cells.dtype) in ("str", "string")


def _as_id(value: Any) -> str:
    is_whole = isinstance(value, Number) and value == value // 1
    return str(int(value) if is_whole else value)
