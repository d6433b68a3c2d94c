"""Attribution: which share of the conversions each channel gets, by several models, side by side."""

from .compare import MODELS, Comparison, compare, get_model, model_cards, read_paths
from .markov import Chain, Markov, fit_chain
from .paths import Paths, as_paths
from .rules import FirstTouch, LastNonDirect, LastTouch, Linear, LinearUnique, PositionBased, Rule, TimeDecay
from .shapley import Shapley

__all__ = ["MODELS", "Chain", "Comparison", "FirstTouch", "LastNonDirect", "LastTouch", "Linear", "LinearUnique", "Markov",
           "Paths", "PositionBased", "Rule", "Shapley", "TimeDecay", "as_paths", "compare", "fit_chain", "get_model",
           "model_cards", "read_paths"]
