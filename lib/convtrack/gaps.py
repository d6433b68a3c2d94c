"""A named gap: what stands where a result would be, when the data cannot support the result.

A gap passes through every calculation unchanged, so a lesson is written once, for data that has everything,
and on data that lacks something it says so in the place where the number would be. It never becomes a number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas as pd

from .ids import with_text_ids

GAP_MARK = "\N{WORD JOINER}gap\N{WORD JOINER}"  # what a gap prints as inside a sentence; `say` looks for it
Function = TypeVar("Function", bound=Callable[..., Any])


class Gap:
    """What is missing and how to supply it; every calculation with a gap gives the same gap.

    Parameters
    ----------
    reason : str
        What is missing and what it would have been needed for, as a sentence.
    remedy : str
        What to do to have it, as a sentence; may be empty.

    Examples
    --------
    >>> spend = Gap("There is no spend table, so no cost per acquisition.", "Add `spend` to study.yaml.")
    >>> cost = spend["cost"].sum() / 100
    >>> cost is spend, bool(cost)
    (True, False)
    >>> cost.sentence
    'There is no spend table, so no cost per acquisition. Add `spend` to study.yaml.'
    """

    __array_ufunc__ = None  # so that NumPy
    __pandas_priority__ = 10_000  # and pandas leave `numbers * gap` to the gap

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason, self.remedy = reason, remedy

    @property
    def sentence(self) -> str:
        """The reason and the remedy, as one text."""
        return f"{self.reason} {self.remedy}".strip()

    def __getattr__(self, name: str) -> Gap:
        if name.startswith("_"):
            raise AttributeError(name)  # so that copying, pickling and IPython's display see an ordinary object
        return self

    def _itself(self, *_args: Any, **_kwargs: Any) -> Gap:
        return self

    __getitem__ = __call__ = _itself
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _itself
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _itself
    __neg__ = __abs__ = __round__ = _itself
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _itself  # type: ignore[assignment]
    __and__ = __rand__ = __or__ = __ror__ = __invert__ = _itself
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return False

    __iter__ = None  # a gap taken for a list would be an empty one, and so a silent zero; this makes it an error

    def __format__(self, _spec: str) -> str:
        return GAP_MARK

    def __str__(self) -> str:
        return GAP_MARK

    def __repr__(self) -> str:
        return f"Gap({self.reason!r}, {self.remedy!r})"


def gap_of(*things: Any) -> Gap | None:
    """The first gap among `things`, or None.

    >>> gap_of(1, Gap("No costs.")), gap_of(1, 2)
    (Gap('No costs.', ''), None)
    """
    return next((thing for thing in things if isinstance(thing, Gap)), None)


def mixed_currencies(table: pd.DataFrame, what: str) -> Gap | None:
    """The gap where the money in a table is in several currencies, or None.

    >>> import pandas as pd
    >>> mixed_currencies(pd.DataFrame({"currency": ["GBP", "EUR", None]}), "costs").reason
    'The costs are in EUR and GBP, so they have no sum.'
    """
    found = sorted(table["currency"].dropna().unique()) if "currency" in table else []
    return Gap(f"The {what} are in {' and '.join(found)}, so they have no sum.",
               "Convert them to one currency first.") if len(found) > 1 else None


def passes_gaps(function: Function) -> Function:
    """`function`, which returns the first gap among its arguments instead of running on it, and gets tables with ids as text.

    >>> @passes_gaps
    ... def double(x):
    ...     return 2 * x
    >>> double(4), double(Gap("No costs."))
    (8, Gap('No costs.', ''))
    """

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        found = gap_of(*args, *kwargs.values())
        if found is not None:
            return found
        return function(*map(_with_our_ids, args), **{name: _with_our_ids(thing) for name, thing in kwargs.items()})

    return checked  # type: ignore[return-value]


def _with_our_ids(thing: Any) -> Any:
    return with_text_ids(thing) if type(thing).__name__ == "DataFrame" else thing
