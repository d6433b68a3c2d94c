"""One palette for the whole course: a channel has the same colour in every figure."""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Iterable

from matplotlib.colors import to_hex

INK, QUIET, RULE, PAPER = "#1F2328", "#5F666D", "#D9DDE1", "#FFFFFF"
PLAIN, STRONG, PALE, OTHERS = "#2F6690", "#C2571A", "#F2F4F6", "#B4B9BE"

# Related channels share a hue and differ in lightness. Any two stay apart (21 or more in CIE Lab) in normal
# sight and in each of the three kinds of colour blindness; labels stand beside them all the same.
_CHANNELS = {
    "Direct": "#696969",
    "Organic Search": "#3B9243",
    "Paid Search Brand": "#0B4971",
    "Paid Search Generic": "#5580FF",
    "Paid Social": "#6D2FA4",
    "Organic Social": "#CE9DFF",
    "Display": "#DD8721",
    "Retargeting": "#DAA989",
    "Email": "#8A1232",
    "SMS": "#FF54A0",
    "Affiliates": "#743D00",
    "Referral": "#3DC3CE",
    "Other channels": OTHERS, "converted": PLAIN, "not converted": OTHERS,  # drawn among the channels
}
_SERIES = ("#0B4971", "#DD8721", "#3B9243", "#8A1232", "#5580FF",
           "#743D00", "#6D2FA4", "#3DC3CE", "#FF54A0", "#696969")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">")


def channel_colours(channels: Iterable[object]) -> dict[object, str]:
    """The colour of each channel: fixed for the shop's twelve, made from the name for any other.

    Parameters
    ----------
    channels : iterable of str
        Names of channels. The colour of one does not depend on which others are there.

    Returns
    -------
    dict of channel to str
        Colours as `#RRGGBB`.

    Examples
    --------
    >>> channel_colours(["Direct", "Podcast"])
    {'Direct': '#696969', 'Podcast': '#A8A03E'}
    """
    return {channel: _CHANNELS.get(str(channel)) or _from_name(str(channel)) for channel in channels}


def series_colours(names: Iterable[object]) -> dict[object, str]:
    """The colours of things that are no channels, such as models, in order of appearance.

    >>> series_colours(["first_touch", "last_touch"])
    {'first_touch': '#0B4971', 'last_touch': '#DD8721'}
    """
    return {name: _SERIES[i % len(_SERIES)] for i, name in enumerate(names)}



def _from_name(name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    hue = int.from_bytes(digest[:2], "big") / 65_536
    lightness, saturation = (0.29, 0.37, 0.45)[digest[2] % 3], (0.46, 0.66)[digest[3] % 2]
    return to_hex(colorsys.hls_to_rgb(hue, lightness, saturation)).upper()
