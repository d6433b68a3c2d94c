"""What every model is: a name, a definition card (its docstring), and credit for paths."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from ..errors import ConvtrackError
from ..paths import Floats, Paths

REMEDIES = {"hours": "Give it a study or journeys: a table of paths has no times",
            "interactions": "Give it a study or journeys, whose events have `interaction`",
            "milestones": "Name a goal on the way as `milestone:` in study.yaml, or add them by mark_milestones"}


class Draws(NamedTuple):
    """How often each path's conversions (`won`) and journeys without one (`lost`) are counted; shape (paths, draws).

    All ones is the data as it is; a bootstrap resample counts some journeys more than once and others not at all.
    """

    won: Floats
    lost: Floats


class Credit(NamedTuple):
    """Conversions and value by channel, for each draw; shape (channels, draws)."""

    conversions: Floats
    value: Floats


Crediting = Callable[[Draws], Credit]


@dataclass(frozen=True)
class Model(ABC):
    """A model is prepared on paths once, and then gives the credit for the data as it is or for many resamples of it."""

    name: str = ""
    adds_up: ClassVar[bool] = True  # whether credit adds up to the conversions that have a touch
    needs: ClassVar[tuple[str, ...]] = ()  # what the paths must know of each touch: hours, interactions, milestones

    @abstractmethod
    def prepare(self, paths: Paths) -> Crediting:
        """The function from draws to credit."""

    def credit(self, paths: Paths) -> pd.DataFrame:
        """Credit by channel: channel, conversions, value."""
        once = np.ones((len(paths.lengths), 1))
        conversions, value = self.prepare(paths)(Draws(once, once))
        return paths.table(conversions[:, 0], value[:, 0])

    def obstacle(self, paths: Paths) -> str | None:
        """Why the model cannot work on these paths, and what to do; None where it can."""
        lacking = [need for need in self.needs if getattr(paths, need) is None]
        if not lacking:
            return None
        return (f"{self.name} needs {' and '.join(lacking)} for each touch, and these paths have none. "
                f"{REMEDIES[lacking[0]]}; or leave {self.name} out of the models.")

    def check(self, paths: Paths) -> None:
        """Refuse paths that the model cannot work on."""
        if (why := self.obstacle(paths)) is not None:
            raise ConvtrackError(why)

    @property
    def card(self) -> str:
        """The definition card."""
        return cleandoc(self.__doc__ or "")
