"""The study: which attribution model comes close to the truth, and when?

A *trial* is one simulated world with a seed: its people, its log, every model's credit from that log, and each credit scored
against the truth of the same world (`trials`, `scores`). A *plan* is the list of trials; `runner` runs it on all cores, a file
a trial, and goes on where it was interrupted. `results` puts the trials together: means over seeds with intervals, and a
verdict for each hypothesis. `published` reads what is in data/study, and recomputes some or all of it.
"""

from .hypotheses import judge
from .published import NOT_ON_TRIAL, SAME, Published, describe, publish, read_published, verify, verify_published
from .results import Results, collect
from .runner import Plan, full_plan, quick_plan, run_plan
from .scores import score
from .trials import Trial, run_trial

__all__ = ["NOT_ON_TRIAL", "SAME", "Plan", "Published", "Results", "Trial", "collect", "describe", "full_plan", "judge",
           "publish", "quick_plan", "read_published", "run_plan", "run_trial", "score", "verify", "verify_published"]
