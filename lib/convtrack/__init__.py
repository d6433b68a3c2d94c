"""Conversion tracking, step by step: goals, flows, metrics and attribution.

The names below are the library's front door: `import convtrack as ct`, then `ct.sessionize(events)` and so on. Each is
loaded when it is first used, so that a small command starts quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_ROOMS = {
    "settings": ["Lookback", "Study", "open_study"],
    "errors": ["ConvtrackError"],
    "gaps": ["Gap"],
    "schema": ["dictionary", "validate"],
    "channels": ["assign_channels", "channel_rules"],
    "sessions": ["assign_sessions", "has_conversion", "sessionize"],
    "goals": ["KINDS", "Goal", "count_firings", "find_conversions", "goal_table", "kind_table",
              "mark_conversions"],
    "journeys": ["account_for_touches", "build_journeys", "count_paths", "find_touches", "journeys_of", "mark_milestones"],
    "attribution": ["MODELS", "Comparison", "choose_order", "compare", "fit_chain", "get_model", "model_cards"],
    "display": ["say", "show"],
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}
_MODULES = ["attribution", "budget", "experiments", "funnels", "incremental", "metrics", "plots", "study", "world"]
__all__ = [*_HOME, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"convtrack.{name}")
    if name in _HOME:
        return getattr(import_module(f"convtrack.{_HOME[name]}"), name)
    raise AttributeError(f"module 'convtrack' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
