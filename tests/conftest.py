"""What the tests share: the profile of the generated examples, and small studies to spoil one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from convtrack.errors import ConvtrackError
from hypothesis import Phase, settings

PHASES = (Phase.explicit, Phase.generate, Phase.shrink)
settings.register_profile(
    "convtrack", deadline=None, derandomize=True, database=None, max_examples=25, phases=PHASES
)
settings.load_profile("convtrack")

STUDY = """\
name: shop
title: A small shop
currency: GBP
time_zone: Europe/London
bad_rows: quarantine
tables:
  events: {file: events.csv}
goals:
  sale: {event: purchase, kind: site, value: column, once_per: event}
main_goal: sale
touches: [click, visit]
lookback_days: 30
"""
EVENTS = """\
event_id,event_name,event_time,visitor_id,channel,interaction,transaction_id,value,currency
e1,session_start,2026-01-05T10:00:00Z,v1,Email,click,,,
e2,purchase,2026-01-05T10:05:00Z,v1,,,t1,20.00,GBP
e3,session_start,2026-01-06T09:00:00Z,v2,Direct,visit,,,
"""


@pytest.fixture
def study_folder(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a study with the given replacements in its study file, and returns its folder."""

    def write(*changes: tuple[str, str], events: str = EVENTS, **files: str) -> Path:
        text = STUDY
        for old, new in changes:
            assert old in text, f"the template has no {old!r}"
            text = text.replace(old, new)
        (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
        for name, content in {"events": events, **files}.items():
            (tmp_path / f"{name}.csv").write_text(content, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def complaint() -> Callable[..., str]:
    """A function that returns the one line in which a call is refused."""

    def of(call: Callable[..., object], *args: object, **kwargs: object) -> str:
        with pytest.raises(ConvtrackError) as caught:
            call(*args, **kwargs)
        line = str(caught.value)
        assert line and len(line.splitlines()) == 1, f"not one line: {line!r}"
        return line

    return of
