"""A finished figure as a lesson shows it: takes a matplotlib figure and its description, displays picture and words."""

from __future__ import annotations

import base64
import hashlib
import io

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image
from scipy.spatial.distance import cdist

from convtrack import display
from convtrack.plots.drawn import described
from convtrack.texts import clean, html_text

DPI = 100  # figures are sized for a page at this resolution, and drawn at twice it for sharp screens
_LARGEST_PNG = 120_000  # bytes, so that lessons with many figures stay light


def publish(fig: Figure, alt: str, takeaway: str = "") -> None:
    """Nothing; displays `fig` as a PNG, with the text that says what is drawn. Figures leave only here.

    The text is compared when a notebook is tested, so it has every number, label and colour that is drawn
    (read back from the figure) and nothing that depends on fonts or pixels.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Closed afterwards, if pyplot had it.
    alt : str
        What the figure shows, in a sentence or two with its key numbers.
    takeaway : str
        What to conclude from it; kept in the metadata for the report.
    """
    png, alt, width = _png(fig), clean(alt), round(fig.get_figwidth() * DPI)
    image = {"alt": alt, "width": width, "sha256": hashlib.sha256(png).hexdigest()}
    display.emit({"image/png": base64.b64encode(png).decode("ascii"), "text/plain": described(fig, alt)},
                 {"image/png": image, "convtrack": {"takeaway": clean(takeaway)}})
    display.emit({"text/html": _in_words(alt)})
    pyplot.close(fig)


def _png(fig: Figure) -> bytes:
    """The figure in 256 colours, a third of the size and alike; less sharp only if it is large even so."""
    for sharpness in (2.0, 1.5, 1.0):
        full, small = io.BytesIO(), io.BytesIO()
        fig.savefig(full, format="png", dpi=sharpness * DPI, metadata={"Software": None})
        _in_256_colours(Image.open(full).convert("RGB")).save(small, format="png", optimize=True)
        if small.tell() <= _LARGEST_PNG:
            break
    return small.getvalue()


def _in_256_colours(image: Image.Image) -> Image.Image:
    """The image with its 192 most frequent colours kept, so that areas keep theirs, and 64 for edges."""
    pixels = np.asarray(image, dtype=np.int32).reshape(-1, 3)
    found, place, often = np.unique(pixels @ [65_536, 256, 1], return_inverse=True, return_counts=True)
    colours = np.column_stack([found >> 16, found >> 8 & 255, found & 255])
    frequent = colours[np.argsort(-often, kind="stable")[:192]]
    between = image.quantize(64, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).getpalette() or []
    palette = np.vstack([frequent, np.reshape(between, (-1, 3))]).astype(np.uint8)
    nearest = cdist(colours, palette, "sqeuclidean").argmin(axis=1).astype(np.uint8)
    small = Image.fromarray(nearest[place].reshape(image.height, image.width))
    small.putpalette(palette.tobytes())
    return small


def _in_words(alt: str) -> str:
    """The description once more, for viewers that give an image no alt text.

    These are JupyterLab and nbconvert's `lab` page; its `classic` and `basic` pages take it from metadata.
    """
    return f"<details><summary><small>This figure in words</small></summary><p>{html_text(alt)}</p></details>"
