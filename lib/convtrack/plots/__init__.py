"""Figures for lessons: a table goes in; what is displayed is a figure, its sentence and the numbers it shows.

Every figure has its takeaway as title, labels beside the marks, one colour a channel, and a description.
A gap is shown in place of a figure; a table without rows is a gap.
"""

from convtrack.plots.amounts import bars, heat, scatter
from convtrack.plots.flows import flow, funnel
from convtrack.plots.models import changes, dots
from convtrack.plots.palette import channel_colours
from convtrack.plots.study import growth, misses, scores
from convtrack.plots.times import lag, trend

__all__ = ["bars", "changes", "channel_colours", "dots", "flow", "funnel", "growth", "heat", "lag", "misses", "scatter",
           "scores", "trend"]
