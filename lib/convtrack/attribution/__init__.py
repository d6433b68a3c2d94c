"""Attribution: which share of the conversions each channel gets, by many models, side by side."""

from ..paths import Paths, as_paths, read_paths
from .catalogue import (
    MODELS,
    USUAL,
    claim_table,
    get_model,
    model_cards,
    usable_models,
    with_platforms,
)
from .chain import Chain, fit_chain
from .compare import compare
from .comparison import Comparison
from .markov import Markov, choose_order
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
    Rule,
    TimeDecay,
    WShaped,
)
from .shapley import Shapley, ShapleyExact, ShapleyOrdered, ShapleyRate

__all__ = ["GA4", "MODELS", "USUAL", "Chain", "Comparison", "CustomWeights", "FirstTouch", "GoogleAds", "Klaviyo",
           "KlaviyoLegacy", "LastNonDirect", "LastTouch", "Linear", "LinearUnique", "Markov", "Matomo", "Meta", "Model",
           "Participation", "Paths", "Platform", "PositionBased", "Rule", "Shapley", "ShapleyExact", "ShapleyOrdered",
           "ShapleyRate", "TimeDecay", "WShaped", "as_paths", "choose_order", "claim_table", "compare", "fit_chain", "get_model",
           "model_cards", "read_paths", "usable_models", "with_platforms"]
