"""The models by name, their definition cards, and the platforms with a study's own channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import ConvtrackError, nearest
from ..gaps import Gap, passes_gaps
from ..paths import Paths, as_paths
from .markov import Markov
from .model import Model
from .platforms import GA4, GoogleAds, Klaviyo, KlaviyoLegacy, Matomo, Meta, Platform
from .rules import (
    CustomWeights,
    FirstTouch,
    LastNonDirect,
    LastTouch,
    Linear,
    LinearUnique,
    Participation,
    PositionBased,
    TimeDecay,
    WShaped,
)
from .shapley import Shapley, ShapleyExact, ShapleyOrdered, ShapleyRate

MODELS: dict[str, Model] = {model.name: model for model in (
    FirstTouch(), LastTouch(), LastNonDirect(), Linear(), LinearUnique(), PositionBased(),
    PositionBased("j_shaped", first=0.2, last=0.6), PositionBased("inverse_j", first=0.6, last=0.2), WShaped(), TimeDecay(),
    CustomWeights(), Participation(), Markov(), Markov("markov_2", 2), Markov("markov_3", 3), Markov("markov_4", 4),
    Shapley(), ShapleyRate(), ShapleyExact(), ShapleyOrdered(),
    GoogleAds(), Meta(), KlaviyoLegacy(), Klaviyo(), GA4(), Matomo())}
USUAL = ("first_touch", "last_touch", "last_non_direct", "linear", "linear_unique", "position_based", "time_decay", "markov",
         "shapley")


def get_model(model: str | Model) -> Model:
    """The model of that name, or an error that says which there are.

    >>> get_model("linear")
    Linear(name='linear')
    """
    if isinstance(model, Model):
        return model
    name = getattr(model, "__name__", str(model))
    if name not in MODELS:
        raise ConvtrackError(f"There is no model '{name}'.{nearest(name, MODELS)} Write some of: {', '.join(MODELS)}")
    return MODELS[name]


def get_platform(platform: str | Platform) -> Platform:
    """The platform of that name, or an error that says which there are; an attribution model is none.

    >>> get_platform("meta").booked_on
    'touch'
    """
    if isinstance(platform, Platform):
        return platform
    known = {name: model for name, model in MODELS.items() if isinstance(model, Platform)}
    name = platform.name if isinstance(platform, Model) else getattr(platform, "__name__", str(platform))
    if name not in known:
        raise ConvtrackError(f"'{name}' is no platform.{nearest(name, known)} Write some of: {', '.join(known)}")
    return known[name]


def with_platforms(models: Iterable[str | Model], platforms: Mapping[str, Sequence[str]]) -> list[Model]:
    """The models, with the channels that a study names as a platform's own.

    >>> with_platforms(["meta"], {"meta": ["Instagram ads"]})[0].windows
    {'Instagram ads': {'view': 1.0, 'click': 7.0}}
    """
    chosen = [get_model(model) for model in models]
    return [model.seeing(platforms[model.name]) if isinstance(model, Platform) and model.name in platforms else model
            for model in chosen]


def usable_models(journeys: pd.DataFrame | Paths, among: Iterable[str] = USUAL) -> list[str]:
    """The names of those models that can work on these journeys or paths: without times, all of the usual ones but time_decay.

    >>> usable_models(pd.DataFrame({"path": [["Email"]], "total_conversions": [1]}), ["linear", "time_decay"])
    ['linear']
    """
    paths = as_paths(journeys)
    return [name for name in among if get_model(name).obstacle(paths) is None]


def model_cards() -> pd.DataFrame:
    """The definition card of every model: one row a model, from its docstring."""
    return pd.DataFrame({"model": list(MODELS), "card": [model.card for model in MODELS.values()]})


@passes_gaps
def claim_table(views: pd.DataFrame | Paths, platforms: Iterable[str | Platform] | str | Platform) -> pd.DataFrame | Gap:
    """What each platform claims of the same conversions, and how often they are claimed: by nobody, once, more than once.

    Parameters
    ----------
    views : DataFrame or Paths
        Journeys with every kind of touch, as `journeys_of(study, interactions=..., lookback_days=...)` makes them: the longest
        window of a platform is that of the journeys.
    platforms : iterable of str or Platform, or one
        Those that see no channel of these journeys are left out.

    Returns
    -------
    DataFrame or Gap
        Index claimed_by: each platform; then "together" (the sum of their claims), "nobody", "one", "several" and "all
        conversions". Columns conversions, share (of all conversions).

    Raises
    ------
    ConvtrackError
        If one is no platform, as an attribution model is not.

    Examples
    --------
    >>> views = pd.DataFrame({"path": [["Paid Search", "Paid Social"]], "hours": [[5.0, 2.0]], "converted": [True],
    ...                       "interactions": [["click", "view"]], "value": [9.0]})
    >>> claim_table(views, ["google_ads", "meta"])["conversions"].to_dict()  # doctest: +NORMALIZE_WHITESPACE
    {'google_ads': 1.0, 'meta': 1.0, 'together': 2.0, 'nobody': 0.0, 'one': 0.0, 'several': 1.0, 'all conversions': 1.0}
    """
    wanted = [platforms] if isinstance(platforms, str | Platform) else platforms
    chosen = [get_platform(platform) for platform in wanted]
    paths = as_paths(views)
    seeing = [platform for platform in chosen if platform.obstacle(paths) is None]
    if not seeing:
        return Gap("No channel of these journeys is a platform's own.", "Say which are: `platforms:` in study.yaml.")
    claimed = np.array([np.bincount(paths.rows, model.shares(paths), minlength=len(paths.lengths)) for model in seeing])
    often = claimed.sum(axis=0)
    counts = {model.name: claims @ paths.conversions for model, claims in zip(seeing, claimed, strict=True)}
    counts |= {"together": often @ paths.conversions, "nobody": paths.conversions[often == 0].sum(),
               "one": paths.conversions[often == 1].sum(), "several": paths.conversions[often > 1].sum(),
               "all conversions": paths.conversions.sum()}
    table = pd.DataFrame({"conversions": counts}, dtype=float).rename_axis("claimed_by")
    return table.assign(share=table["conversions"] / counts["all conversions"])
