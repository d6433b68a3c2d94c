"""What a figure says: takes a finished figure, gives text, read back from what was really drawn, not from what was meant.

The text stays the same wherever the figure is drawn: it has data coordinates, words and colours, and nothing
that depends on a font, a pixel or the size of the page. Every number has four significant digits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection, LineCollection, PathCollection
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.container import BarContainer
from matplotlib.dates import AutoDateFormatter, ConciseDateFormatter, DateFormatter, num2date
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator
from numpy.typing import ArrayLike, NDArray

MOST_NUMBERS = 60  # an axes with more is told by its extremes and a digest
MOST_ARTISTS = 25  # an axes with more is told by kinds of artist
_DATES = (DateFormatter, ConciseDateFormatter, AutoDateFormatter)
_DUST = 1e-9  # of the largest number drawn with it: what floating point left of a zero


class _Drawn(NamedTuple):
    """One artist: its name, what it says point by point, the values to read off, its colours and shapes."""

    name: str
    rows: list[str]
    values: NDArray[np.float64]
    size: int
    looks: list[str]


def described(fig: Figure, alt: str) -> str:
    """The description `alt`, then for every axes its title, axis titles, words and numbers as drawn in `fig`.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        After it was drawn, so that colours that stand for numbers are settled.
    alt : str
        The figure in a sentence.

    Returns
    -------
    str
        One line a fact. A changed number, word or colour changes it; drawing the same again does not.

    Examples
    --------
    >>> fig = Figure()
    >>> ax = fig.subplots()
    >>> bars = ax.barh([0, 1], [3, 4.25], color="#336699")
    >>> ticks, title = ax.set_yticks([0, 1], ["SMS", "Email"]), ax.set_xlabel("Conversions")
    >>> print(described(fig, "Two bars."))  # doctest: +ELLIPSIS
    Two bars.
    axes 1: x Conversions
      y ticks: SMS, Email
      bars: SMS 3; Email 4.25
      2 numbers, drawn as ...
    """
    shown = [ax for ax in fig.axes if ax.get_visible()]
    axes = [_axes_text(number, ax) for number, ax in enumerate(shown, start=1)]
    return "\n".join([alt, *_words(fig), *axes])


def rounded(number: float) -> str:
    """`number` at four significant digits; floating-point dust after the tenth digit makes no difference.

    >>> rounded(0.1 + 0.2), rounded(12345.678), rounded(-0.0), rounded(float("nan"))
    ('0.3', '1.235e+04', '0', 'nan')
    """
    return f"{float(f'{number:.10g}') + 0.0:.4g}"


# ------------------------------------------------------------------------------------------- an axes, as text


def _axes_text(number: int, ax: Axes) -> str:
    drawn = _artists(ax)
    size = sum(artist.size for artist in drawn)
    told = [*_words(ax), *_readings(drawn, size), f"{size} numbers, drawn as {_digest(ax, drawn)}"]
    return "\n".join([f"axes {number}: {_headings(ax)}".rstrip(": "), *_ticks(ax), *(f"  {line}" for line in told)])


def _headings(ax: Axes) -> str:
    titles = [ax.get_title(loc=where) for where in ("left", "center", "right")]
    heads = [*titles, f"x {ax.get_xlabel()}", f"y {ax.get_ylabel()}"] if ax.axison else titles
    return "; ".join(_one_line(head) for head in heads if head and head not in ("x ", "y "))


def _readings(drawn: list[_Drawn], size: int) -> list[str]:
    """What is to be read off each artist, or off all that are called the same if there are many."""
    if len(drawn) <= MOST_ARTISTS:
        return [_told(artist, size <= MOST_NUMBERS) for artist in drawn if artist.rows]
    names = dict.fromkeys(artist.name for artist in drawn)
    return [_told(_joined([artist for artist in drawn if artist.name == name]), False) for name in names]


def _joined(artists: list[_Drawn]) -> _Drawn:
    rows = [row for artist in artists for row in artist.rows]
    name = f"{artists[0].name} ({len(artists)} of them)" if len(artists) > 1 else artists[0].name
    return _Drawn(name, rows, np.concatenate([artist.values for artist in artists]), len(rows), [])


def _told(artist: _Drawn, in_full: bool) -> str:
    if in_full or len(artist.rows) <= 2:
        return f"{artist.name}: {'; '.join(artist.rows)}"
    present = artist.values[np.isfinite(artist.values)]
    extremes = f", {rounded(present.min())} to {rounded(present.max())}" if present.size else ""
    ends = f"first {artist.rows[0]}, last {artist.rows[-1]}"
    return f"{artist.name}: {len(artist.rows)} points{extremes}, {ends}"


def _digest(ax: Axes, drawn: list[_Drawn]) -> str:
    """The first 16 digits of the SHA-256 of all that is visible: numbers, words, colours, shapes, limits."""
    limits = [rounded(limit) for limit in (*ax.get_xlim(), *ax.get_ylim())]
    words = [f"{_one_line(text.get_text())} {_colours(text.get_color())}" for text in _texts(ax)]
    told = [f"{artist.name}|{artist.rows}|{artist.looks}" for artist in drawn]
    return hashlib.sha256("\n".join([_headings(ax), *limits, *words, *_ticks(ax), *told]).encode()).hexdigest()[:16]


def _ticks(ax: Axes) -> list[str]:
    labels = {name: filter(None, _fixed_labels(axis).values()) for name, axis in (("x", ax.xaxis), ("y", ax.yaxis))}
    said = {name: ", ".join(words) for name, words in labels.items()}
    return [f"  {name} ticks: {words}" for name, words in said.items() if words]


def _fixed_labels(axis: Axis) -> dict[float, str]:
    """Words at fixed places on an axis; places chosen by matplotlib depend on the size of the page."""
    shown = axis.get_visible() and axis.axes.axison
    if not shown or not isinstance(axis.get_major_locator(), FixedLocator):
        return {}
    places = np.asarray(axis.get_majorticklocs(), dtype=float)
    words = axis.get_major_formatter().format_ticks(places)
    return dict(zip(places.tolist(), map(_one_line, words), strict=True))


def _words(place: Figure | Axes) -> list[str]:
    words = [words for text in _texts(place) if (words := _one_line(text.get_text()))]
    return [f"text: {'; '.join(words)}"] if words else []


def _texts(place: Figure | Axes) -> list[Text]:
    legends = place.legends if isinstance(place, Figure) else [place.get_legend()]
    entries = [text for legend in legends if legend for text in [legend.get_title(), *legend.get_texts()]]
    return [text for text in [*place.texts, *entries] if text.get_visible()]


# ----------------------------------------------------------------------------------------- artists, read back


def _artists(ax: Axes) -> list[_Drawn]:
    groups = [group for group in ax.containers if isinstance(group, BarContainer)]
    in_bars = {bar for group in groups for bar in group}
    patches = [_patch(patch) for patch in ax.patches if patch.get_visible() and patch not in in_bars]
    lines = [_line(ax, line) for line in ax.lines if line.get_visible()]
    collections = [_collection(ax, group) for group in ax.collections if group.get_visible()]
    images = [_field("image", image.get_array(), [image.get_cmap().name]) for image in ax.images]
    return [*(_bars(ax, group) for group in groups), *patches, *lines, *(c for c in collections if c.rows), *images]


def _bars(ax: Axes, group: BarContainer) -> _Drawn:
    flat = group.orientation == "horizontal"
    boxes = _settled([[bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()] for bar in group])
    names = _fixed_labels(ax.yaxis if flat else ax.xaxis)
    starts, widths, lengths = boxes[:, int(flat)], boxes[:, 2 + flat], boxes[:, 3 - flat]
    at = [_at(names, middle) for middle in starts + widths / 2]
    rows = [f"{name} {rounded(length)}".strip() for name, length in zip(at, lengths, strict=True)]
    return _Drawn(_named("bars", group), rows, lengths, len(rows), [*_pairs(boxes), *map(_patch_look, group)])


def _at(names: dict[float, str], place: float) -> str:
    return next((name for at, name in names.items() if abs(at - place) < 1e-6), "")


def _patch(patch: Patch) -> _Drawn:
    corners = _settled(patch.get_patch_transform().transform(patch.get_path().vertices))
    low, high = _pairs([corners.min(axis=0), corners.max(axis=0)])
    looks = [_patch_look(patch), *_pairs(corners)]
    return _Drawn(_named("area", patch), [f"from ({low}) to ({high})"], corners[:, 1], 4, looks)


def _patch_look(patch: Patch) -> str:
    return f"{_colours(patch.get_facecolor())} {_colours(patch.get_edgecolor())} {patch.get_hatch()}"


def _line(ax: Axes, line: Line2D) -> _Drawn:
    points = _settled(line.get_xydata())
    marker = line.get_marker() if isinstance(line.get_marker(), str) else "own marker"
    looks = [_colours(line.get_color()), _colours(line.get_markerfacecolor()), marker, line.get_linestyle()]
    return _Drawn(_named("line", line), _points(ax, points), points[:, 1], points.size, looks)


def _collection(ax: Axes, group: Collection) -> _Drawn:
    looks = [_colours(group.get_facecolor()), _colours(group.get_edgecolor())]
    if isinstance(group, PathCollection):
        return _dots(ax, group, looks)
    if group.get_array() is not None:
        return _field(_named("cells", group), group.get_array(), looks)
    points = _settled(np.vstack([path.vertices for path in group.get_paths()] or [np.empty((0, 2))]))
    whiskers = isinstance(group, LineCollection)
    values = points[:, 0] if whiskers and (points[::2, 1] == points[1::2, 1]).all() else points[:, 1]
    return _Drawn(_named("whiskers" if whiskers else "area", group), _points(ax, points), values, points.size, looks)


def _dots(ax: Axes, group: PathCollection, looks: list[str]) -> _Drawn:
    points = _settled(group.get_offsets())
    shapes = np.concatenate([group.get_sizes(), *(path.vertices.ravel() for path in group.get_paths())])
    return _Drawn(_named("points", group), _points(ax, points), points[:, 1], points.size, [*looks, *map(rounded, shapes)])


def _field(name: str, numbers: ArrayLike, looks: list[str]) -> _Drawn:
    values = _settled(numbers).ravel()
    return _Drawn(name, [rounded(value) for value in values], values, values.size, looks)


# ---------------------------------------------------------------------------------------- numbers and colours


def _settled(numbers: ArrayLike) -> NDArray[np.float64]:
    """The numbers, with dust made zero: what is left of 0.1 + 0.2 - 0.3 differs from machine to machine."""
    array = np.ma.filled(np.ma.asarray(numbers, dtype=float), np.nan)
    largest = np.abs(array[np.isfinite(array)]).max(initial=0.0)
    return np.where(np.abs(array) < _DUST * largest, 0.0, array)


def _points(ax: Axes, points: NDArray[np.float64]) -> list[str]:
    return [f"({_reading(ax.xaxis, x)}, {_reading(ax.yaxis, y)})" for x, y in points]


def _reading(axis: Axis, value: float) -> str:
    if isinstance(axis.get_major_formatter(), _DATES) and np.isfinite(value):
        return num2date(value).strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")
    return rounded(value)


def _pairs(points: Iterable[NDArray[np.float64]]) -> list[str]:
    return [", ".join(map(rounded, point)) for point in points]


def _colours(colours: Any) -> str:
    """One colour or many, as hex with their opacity."""
    if isinstance(colours, str) and colours.lower() == "none":
        return "none"
    return " ".join(to_hex(colour, keep_alpha=True) for colour in to_rgba_array(colours))


def _named(kind: str, artist: Artist | BarContainer) -> str:
    """The kind of artist and its label, unless matplotlib made that up (those begin with an underscore)."""
    name = _one_line(str(artist.get_label() or ""))
    return kind if not name or name.startswith("_") else f"{kind} {name}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
