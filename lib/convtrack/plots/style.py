"""What all figures have in common: the look, the frame, how things are named, what happens with a gap."""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import Formatter, MaxNLocator

from convtrack.display import frame_of, show_gap
from convtrack.errors import ConvtrackError, nearest
from convtrack.gaps import Gap, gap_of
from convtrack.plots.palette import INK, PAPER, QUIET, RULE
from convtrack.plots.publish import publish
from convtrack.texts import clean, fmt, in_words, kind_of, places, plain_name, plural

NOTHING = Gap("There is nothing to draw: the table has no rows with a number.")
FONT = "DejaVu Sans"  # ships with matplotlib, so every machine draws the same
WIDTH, HEIGHT = 8.0, 4.5  # inches
NAME_LENGTH = 26  # characters of a name that a label has room for
STYLE = {
    "font.family": [FONT], "font.size": 10, "text.color": INK, "text.parse_math": False,
    "figure.facecolor": PAPER, "figure.figsize": (WIDTH, HEIGHT), "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER, "axes.edgecolor": RULE, "axes.labelcolor": QUIET, "axes.labelsize": 10,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "grid.color": RULE, "grid.linewidth": 0.7, "xtick.color": RULE, "ytick.color": RULE,
    "xtick.labelcolor": QUIET, "ytick.labelcolor": INK, "xtick.labelsize": 9, "ytick.labelsize": 10,
    "legend.frameon": False, "legend.fontsize": 9, "lines.linewidth": 2.0,
}


class Drawing(NamedTuple):
    """What is to be drawn and said: the takeaway (also the title), the description, and how to draw it on an axes."""

    takeaway: str
    alt: str
    draw: Callable[[Axes], None]
    height: float = HEIGHT
    note: str = ""  # what is not drawn; part of the description, and written below the figure


class Measure(NamedTuple):
    """What the numbers of a column are, and so how they are written and what may be done with them.

    >>> value = Measure("value", "money", "GBP", 0)
    >>> value.axis, value.full(1234.5), value.adds_up, Measure("conversion_rate", "share", "", 1).text(0.5)
    ('Value (GBP)', '1,234 GBP', True, '50.0%')
    """

    name: str
    kind: str
    unit: str
    decimals: int

    def text(self, value: float) -> str:
        """`value` as a label on the figure."""
        sign = self.unit if self.unit in ("£", "€", "$", "¥") else ""
        number = fmt(abs(value) if sign else value, self.kind, self.decimals)
        return ("-" if sign and value < 0 else "") + sign + number

    def full(self, value: float) -> str:
        """`value` with its unit, for a sentence."""
        return self.text(value) + (f" {self.unit}" if re.fullmatch(r"\w+", self.unit) else "")

    @property
    def words(self) -> str:
        """The name within a sentence."""
        return in_words(self.name)

    @property
    def axis(self) -> str:
        """The axis title, with the unit."""
        unit = f"% {self.unit}".strip() if self.kind == "share" else self.unit
        return plain_name(self.name) + (f" ({unit})" if unit else "")

    @property
    def adds_up(self) -> bool:
        """Whether a sum of these numbers means something; a sum of rates or of costs per click does not."""
        counted = (r"(^|_)(conversions|visitors|users|sessions|events|journeys|paths|touches|orders|clicks|"
                   r"impressions|count|rows|value|revenue|cost|spend|purchases|leads)$")
        return bool(re.search(counted, self.name)) and not re.search(r"(^|_)per_|^p_value$", self.name)


def measure(name: object, values: Any, unit: str = "", kind: str | None = None) -> Measure:
    """The measure for the column `name` with these `values`."""
    kind = kind_of(name) if kind is None else kind
    present = [value for value in np.ravel(np.asarray(values, dtype=float)) if np.isfinite(value)]
    unit = "" if unit in str(name).split("_") else unit  # conversions are not counted in conversions
    rough = kind == "money" and max(map(abs, present), default=0) >= 100
    return Measure(str(name), kind, unit, 0 if rough else places(present, kind, unit))


def figure(describe: Callable[..., Drawing | Gap]) -> Callable[..., None]:
    """`describe` as a figure for lessons: takes any table, draws, applies the style, publishes; shows a gap as a gap."""

    @functools.wraps(describe)
    def published(table: Any, *args: Any, **kwargs: Any) -> None:
        frame = frame_of(table, "value")
        gap = gap_of(frame, *args, *kwargs.values())
        with matplotlib.style.context(["default", STYLE]):
            drawing = (describe(frame, *args, **kwargs) if len(frame) else NOTHING) if gap is None else gap
            return show_gap(drawing) if isinstance(drawing, Gap) else _publish(drawing)

    shown = inspect.signature(describe).replace(return_annotation=None)
    published.__signature__ = shown  # type: ignore[attr-defined]
    return published


def _publish(drawing: Drawing) -> None:
    fig, ax = _canvas(drawing)
    drawing.draw(ax)
    publish(fig, f"{drawing.alt} {drawing.note}".strip(), drawing.takeaway)


def _canvas(drawing: Drawing) -> tuple[Figure, Axes]:
    """A figure with one axes, the takeaway at the top left and the note at the bottom left."""
    fig = Figure(figsize=(WIDTH, drawing.height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(fig)
    title, note = ("\n".join(textwrap.wrap(text, width)) for text, width in ((drawing.takeaway, 78), (drawing.note, 108)))
    fig.suptitle(title, x=0.01, ha="left", size=12, weight="bold", linespacing=1.3)
    if note:
        fig.supxlabel(note, x=0.01, ha="left", size=8.5, color=QUIET)
    return fig, fig.subplots()


def columns(table: pd.DataFrame, names: Sequence[str | None], amounts: Sequence[str | None] = ()) -> pd.DataFrame:
    """The columns of `table` (or levels of its index) called `names`, and those called `amounts` as floats.

    None is passed over; a gap or a missing value among the amounts is NaN.

    Raises
    ------
    ConvtrackError
        If there is no such column, or one of amounts has text that is no number.
    """
    wanted, numeric = ([name for name in dict.fromkeys(some) if name is not None] for some in ((*names, *amounts), amounts))
    in_index = [name for name in wanted if name not in table.columns and name in table.index.names]
    full = table.reset_index(in_index) if in_index else table
    for name in wanted:
        if name not in full.columns:
            closest = nearest(name, map(str, full.columns))
            raise ConvtrackError(f"The table to draw has no column '{name}'.{closest}")
    try:
        return full[wanted].reset_index(drop=True).assign(**{name: floats(full[name]).to_numpy() for name in numeric})
    except (TypeError, ValueError) as error:
        where = " or ".join(map(repr, numeric))
        raise ConvtrackError(f"The table to draw has no numbers in {where}: {error}") from None


def floats(values: pd.Series) -> pd.Series:
    """The values as floats; a gap, and what is missing or not finite, is NaN."""
    known = [np.nan if isinstance(value, Gap) or pd.isna(value) else float(value) for value in values]
    return pd.Series(known, index=values.index, dtype=float).where(np.isfinite)


def once_each(table: pd.DataFrame, *names: str | None) -> None:
    """Nothing; raises a ConvtrackError if a combination of the columns `names` comes twice."""
    key = [name for name in names if name is not None]
    again = table[table.duplicated(key)]
    if len(again):
        twice = ", ".join(fmt(again.iloc[0][name]) for name in key)
        raise ConvtrackError(f"The table to draw has more than one row for '{twice}' in '{', '.join(key)}'. "
                             f"Add them up, or choose: table.groupby({key!r}).sum()")


def tall(rows: int, each: float = 0.34, besides: float = 1.5) -> float:
    """The height in inches of a figure with so many rows."""
    return min(max(besides + each * rows, 1.8), 9.0)


def short_name(name: object, length: int = NAME_LENGTH) -> str:
    """A name as it fits on a figure: one line, cut with an ellipsis, in characters that the font has.

    >>> short_name("Email"), short_name(""), short_name("A campaign with a name that never ends")
    ('Email', '(empty)', 'A campaign with a name th…')
    """
    text = "".join(mark if ord(mark) in _in_font() else "�" for mark in full_name(name))
    return text if len(text) <= length else text[: length - 1] + "…"


def full_name(name: object) -> str:
    """A name as a sentence says it, in full."""
    return clean(str(name)).strip() or "(empty)" if not pd.isna(name) else "(missing)"


def value_axis(ax: Axes, meant: Measure, across: bool = True) -> None:
    """Nothing; gives the axis of the numbers its title, a light grid and readable, quiet ticks."""
    axis = ax.xaxis if across else ax.yaxis
    axis.set_label_text(meant.axis)
    whole = meant.decimals == 0 and meant.kind == ""
    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=whole))
    axis.set_major_formatter(_Ticks(meant))
    axis.grid(True)
    axis.set_tick_params(labelcolor=QUIET, labelsize=9)
    ax.tick_params(length=0)


class _Ticks(Formatter):
    """Writes tick values as the measure does, with the decimals that the ticks need."""

    def __init__(self, meant: Measure) -> None:
        self.meant = meant

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        kind = "share" if self.meant.kind == "share" else ""
        meant = self.meant._replace(kind=kind, decimals=places(values, kind))
        return [meant.text(value) for value in values]

    def __call__(self, value: float, pos: int | None = None) -> str:
        return self.format_ticks([value])[0]


def name_axis(ax: Axes, names: Sequence[object]) -> None:
    """Nothing; puts the names on the axis of the categories, the first at the top."""
    ax.set_yticks(range(len(names)), [short_name(name) for name in names])
    ax.invert_yaxis()
    ax.spines[["left", "bottom"]].set_visible(False)


def write(ax: Axes, text: str, at: tuple[Any, Any], offset: tuple[float, float], **looks: Any) -> None:
    """Nothing; writes `text` `offset` points away from the place `at`, which is in the units of the data."""
    plain: dict[str, Any] = {"va": "center", "size": 9.5, "annotation_clip": False}
    ax.annotate(text, at, offset, textcoords="offset points", **(plain | looks))


def others_note(shown: int, of: int, what: str, done: str = "drawn", instead: str = "not drawn") -> str:
    """A sentence on how many of the categories are on the figure, or nothing if all are.

    >>> others_note(15, 3000, "channel"), others_note(3, 3, "channel")
    ('The 15 largest of 3,000 channels are drawn; 2,985 others are not drawn.', '')
    """
    others = of - shown
    rest = f"{plural(others, 'other')} {'is' if others == 1 else 'are'} {instead}"
    return f"The {fmt(shown)} largest of {plural(of, what)} are {done}; {rest}." if others > 0 else ""


def share_of(part: float, whole: float) -> str:
    """A part of a whole as a percentage.

    >>> share_of(1, 4), share_of(1, 3000), share_of(0, 0)
    ('25.0%', '0.0333%', 'no share')
    """
    return fmt(part / whole, "share", 1 if abs(part) >= 0.01 * abs(whole) else None) if whole else "no share"


@functools.cache
def _in_font() -> frozenset[int]:
    return frozenset(FT2Font(findfont(FONT)).get_charmap())
