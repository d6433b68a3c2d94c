"""Models that try to be causal from a log: what would not have happened without a channel, as far as a log can tell.

Attribution shares out the conversions that happened. The models here ask another question: how many would be missing?
They take the touches, the conversions and what is known of the visitors, and compare visits (or visitors) that are alike
but for a channel. They are right where everything that moves both the ads and the purchases is in the tables, and wrong by
an unknown amount where it is not. Only an experiment can tell which of the two you have (Gordon et al. 2019, 2023).
"""

from .hazard import HazardFit, fit_hazard
from .robust import doubly_robust
from .visits import VisitLog, read_visits

__all__ = ["HazardFit", "VisitLog", "doubly_robust", "fit_hazard", "read_visits"]
