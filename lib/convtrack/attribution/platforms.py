"""What an ad or analytics product would claim, each by its own windows and seeing only its own touches.

These are views, not shares of one total: two platforms can claim the same conversion, and what none has touched stays
unclaimed. The windows are the products' defaults at the date on the card; a channel belongs to a platform if its name begins
with one of the preset's names, or is given in study.yaml under `platforms`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from ..errors import ConvtrackError, nearest
from ..paths import Floats, Paths, named
from ..schema import INTERACTIONS
from .rules import DIRECT, Rule, recency

Windows = Mapping[str, Mapping[str, float]]  # days by the beginning of a channel's name ("" is all), and by interaction
HOUR = 3_600_000_000  # microseconds
GOOGLE = {"click": 30.0}
META = {"click": 7.0, "view": 1.0}
VISITS = {"click": 1.0, "visit": 1.0}


@dataclass(frozen=True)
class Platform(Rule):
    """The last touch that a platform sees within its windows gets the conversion; without one it claims nothing."""

    windows: Windows = field(default_factory=dict)
    clicks_first: bool = False
    skips_direct: bool = False
    booked_on: Literal["touch", "conversion"] = "conversion"
    whole_names: bool = False  # whether `windows` names whole channels, and not only how their names begin
    adds_up: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("hours", "interactions")

    def __post_init__(self) -> None:
        for interaction, days in (pair for window in self.windows.values() for pair in window.items()):
            if interaction not in INTERACTIONS:
                raise ConvtrackError(f"{self.name}: '{interaction}' is no kind of touch.{nearest(interaction, INTERACTIONS)} "
                                     f"Write some of: {', '.join(INTERACTIONS)}")
            if not 0 < days < np.inf:
                raise ConvtrackError(f"{self.name}: a window of {days} days sees no {interaction}. Give a number above 0, or "
                                     f"leave {interaction} out.")

    def shares(self, paths: Paths) -> Floats:
        limit = self._days(paths.channels)[paths.codes, paths.interactions]
        seen = (limit > 0) & (paths.hours <= 24 * limit)
        preferred = np.ones(len(paths.codes), dtype=bool)
        if self.clicks_first:
            preferred &= paths.interactions == INTERACTIONS.index("click")
        if self.skips_direct:
            preferred &= ~named(paths, DIRECT)[paths.codes]
        return paths.highest(np.where(seen, recency(paths, preferred), 0)).astype(float)

    def obstacle(self, paths: Paths) -> str | None:
        """Why the platform's view cannot be had from these paths, and what to do; None where it can."""
        if (why := super().obstacle(paths)) is not None or self._days(paths.channels)[paths.codes, paths.interactions].any():
            return why
        there = [name for i, name in enumerate(INTERACTIONS) if (paths.interactions == i).any()]
        return (f"{self.name} sees none of these touches: it counts {self._counted()}, and these are {' and '.join(there)} of "
                f"{', '.join(paths.channels)}. Map a column to `interaction`, or say in study.yaml which channels are its own: "
                f"platforms: {{{self.name}: [...]}}")

    def _counted(self) -> str:
        """The interactions and the beginnings of channel names that the platform counts, in words."""
        return "; ".join(f"{' or '.join(window)} of {name or 'any channel'}" for name, window in self.windows.items())

    def seeing(self, channels: Sequence[str]) -> Platform:
        """The same platform with these channels as its own, each by the window of its kind of message or advertisement."""
        windows = {name: self._window(name) or _union(self.windows.values()) for name in channels}
        return replace(self, windows=windows, whole_names=True)

    def claims(self, paths: Paths, time_zone: str = "UTC") -> pd.DataFrame:
        """What the platform reports day by day: date, channel, conversions, value; booked on the touch's or conversion's day."""
        if paths.ends is None:
            raise ConvtrackError(f"{self.name} needs the time of each conversion. Give it journeys, as build_journeys makes them.")
        claimed = self.by_touch(paths).assign(path=paths.rows)
        time = pd.Series(paths.ends[paths.rows]).dt.tz_localize("UTC")
        if self.booked_on == "touch":
            time -= pd.to_timedelta(np.rint(paths.hours * HOUR).astype(np.int64), unit="us")
        claimed["date"] = time.dt.tz_convert(time_zone).dt.date
        kept = claimed[claimed["conversions"] > 0]
        return kept.groupby(["date", "channel"], as_index=False)[["conversions", "value"]].sum(min_count=1)

    def _window(self, channel: str) -> Mapping[str, float]:
        fits = str.__eq__ if self.whole_names else str.startswith
        found = [name for name in self.windows if fits(channel.casefold(), name.casefold())]
        return self.windows[max(found, key=len)] if found else {}

    def _days(self, channels: Sequence[str]) -> Floats:
        """Days that a touch counts, shape (channels, interactions); 0 where the platform does not see it."""
        limits = [self._window(channel) for channel in channels]
        return np.array([[limit.get(i, 0.0) for i in INTERACTIONS] + [0.0] for limit in limits]).reshape(-1, len(INTERACTIONS) + 1)


def _union(windows: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    return {i: max(w.get(i, 0.0) for w in windows) for i in INTERACTIONS if any(i in w for w in windows)}


@dataclass(frozen=True)
class GoogleAds(Platform):
    """What Google Ads counts as "Conversions": the last click on one of its own advertisements within 30 days.

    Rule: the last click within 30 days on paid search, shopping, video, display or cross-network. Views are reported by
    Google in a column of their own and are not in here.
    Repeats: the last click counts. Paths without conversion: not used. Two touches: 0 / 1. Direct: not seen.
    Claims: booked on the day of the click. Does not add up with other platforms.
    Source: Google Ads help 3123169 (conversion windows), read 2026-11.
    """

    name: str = "google_ads"
    windows: Windows = field(default_factory=lambda: dict.fromkeys(
        ("paid search", "paid shopping", "paid video", "cross-network", "display"), GOOGLE))
    booked_on: Literal["touch", "conversion"] = "touch"


@dataclass(frozen=True)
class Meta(Platform):
    """What Meta's ads manager counts by default: a click within 7 days or a view within 1 day, on its own advertisements.

    Rule: the last click within 7 days; without one, the last view within 1 day. (Views of 7 and 28 days went from the
    reporting interface on 2026-01-12; 1, 7 and 28 days of click and 1 day of view remain.)
    Repeats: the last touch counts. Paths without conversion: not used. Two touches: 0 / 1, but a click before a view keeps it.
    Direct: not seen. Claims: booked on the day of the click or view. Does not add up with other platforms.
    Source: Meta for Developers, notice of 2025-10-16.
    """

    name: str = "meta"
    windows: Windows = field(default_factory=lambda: {"paid social": META})
    clicks_first: bool = True
    booked_on: Literal["touch", "conversion"] = "touch"


@dataclass(frozen=True)
class KlaviyoLegacy(Platform):
    """What Klaviyo counts by default in accounts opened before 2024-10-09: 5 days for e-mail, 24 hours for text and push.

    Rule: the last open or click of an e-mail within 5 days, or click of a text or push message within 24 hours.
    Repeats: the last touch counts. Paths without conversion: not used. Two touches: 0 / 1. Direct: not seen.
    Claims: booked on the day of that touch here; Klaviyo books on the day the message was sent. Does not add up with others.
    Source: Klaviyo help 28413442705435, read 2026-11.
    """

    name: str = "klaviyo_legacy"
    windows: Windows = field(default_factory=lambda: {
        "email": {"click": 5.0, "open": 5.0}, "sms": {"click": 1.0}, "mobile push": {"open": 1.0, "click": 1.0}})
    booked_on: Literal["touch", "conversion"] = "touch"


@dataclass(frozen=True)
class Klaviyo(Platform):
    """What Klaviyo counts by default in accounts opened since 2024-10-09.

    Rule: the last of: click or open of an e-mail within 5 days; click of a text within 5 days, its open within 1 day, its
    delivery within 12 hours; open of a push message within 24 hours.
    Repeats: the last touch counts. Paths without conversion: not used. Two touches: 0 / 1. Direct: not seen.
    Claims: booked on the day of that touch here; Klaviyo books on the day the message was sent. Does not add up with others.
    Source: Klaviyo help 28413442705435, read 2026-11.
    """

    name: str = "klaviyo"
    windows: Windows = field(default_factory=lambda: {
        "email": {"click": 5.0, "open": 5.0}, "sms": {"click": 5.0, "open": 1.0, "delivery": 0.5}, "mobile push": {"open": 1.0}})
    booked_on: Literal["touch", "conversion"] = "touch"


@dataclass(frozen=True)
class GA4(Platform):
    """What GA4 reports as "paid and organic last click": the last click or visit that is not direct, within 90 days.

    Rule: the last click or visit within 90 days that is not direct; a direct one, if all are. Views are not seen.
    Repeats: the last touch counts. Paths without conversion: not used. Two touches: 0 / 1, or 1 / 0 before Direct.
    Direct: passed over, unless all is direct. Claims: booked on the conversion's day. GA4 sees every channel, so all
    conversions with a click or visit in the window are claimed.
    Source: Google Analytics Admin API, AttributionSettings (90 days for events other than first_visit and first_open).
    """

    name: str = "ga4"
    windows: Windows = field(default_factory=lambda: {"": {i: 90 * days for i, days in VISITS.items()}})
    skips_direct: bool = True


@dataclass(frozen=True)
class Matomo(Platform):
    """What Matomo reports: the last click or visit that is not direct, within the 6 months of its attribution cookie.

    Rule: the last click or visit within 182.5 days that is not direct; a direct one, if all are. Views are not seen.
    Repeats: the last touch counts. Paths without conversion: not used. Two touches: 0 / 1, or 1 / 0 before Direct.
    Direct: passed over, unless all is direct. Claims: booked on the goal's day. Matomo sees every channel.
    Source: Matomo core, attribution cookie.
    """

    name: str = "matomo"
    windows: Windows = field(default_factory=lambda: {"": {i: 182.5 * days for i, days in VISITS.items()}})
    skips_direct: bool = True
