"""The result of comparing models: a table, and what it says in sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from ..texts import first_few
from .rules import LastTouch

LAST_CLICK = LastTouch()  # what the other models are compared with
MOST_NAMES = 12  # of channels in a sentence


@dataclass(frozen=True)
class Comparison:
    """Credit of several models on the same journeys; `table` has a row for each model and channel.

    Columns: model, channel, conversions, value, share (of what the model credits), difference (in conversions, from
    last_touch), rank (1 is the most conversions). With resamples also low, high, difference_low, difference_high, rank_low,
    rank_high: the 2.5 % and 97.5 % points. `value` covers all conversions but the `unvalued`, whose value is not known.
    """

    table: pd.DataFrame
    conversions: float
    value: float
    unattributed: float
    unvalued: float = 0.0

    @property
    def models(self) -> list[str]:
        """The models, in the order asked for."""
        return list(dict.fromkeys(self.table["model"]))

    @property
    def sharing(self) -> list[str]:
        """The models that share out all credited conversions; platform views and others with totals of their own do not."""
        totals = self.table.groupby("model")["conversions"].agg(lambda credit: credit.sum(skipna=False))
        credited = self.conversions - self.unattributed
        return [model for model in self.models if abs(totals[model] - credited) <= 1e-6 * max(credited, 1)]

    def wide(self, what: str = "conversions") -> pd.DataFrame:
        """Credit with a row a channel and a column a model; most credited by the first model first."""
        wide = self.table.pivot(index="channel", columns="model", values=what)[self.models].rename_axis(columns=None)
        return wide.sort_values(self.models[0], ascending=False, kind="stable")

    @property
    def sentence(self) -> str:
        """What the comparison covers: how many conversions were credited, and how many could not be."""
        total, credited, rest = _equation(self.conversions, self.unattributed)
        return f"{total} conversions = {credited} credited + {rest} unattributed (no touch in the lookback window)."

    def as_text(self) -> str:
        """Conversions with a row a channel and a column a model, and their intervals if there are any."""
        if "low" not in self.table:
            return self.wide().round(1).to_string()
        cells = [f"{row.conversions:,.1f} ({row.low:,.1f} to {row.high:,.1f})" for row in self.table.itertuples()]
        written = replace(self, table=self.table.assign(cell=cells)).wide("cell")
        return written.loc[self.wide().index].to_string()

    @property
    def changes(self) -> pd.DataFrame:
        """For each channel, what the models together say against last click: more, less, or open.

        Index channel; lowest and highest (difference from last_touch over the models that share out the conversions), low and
        high (the same with the models' intervals, where there are resamples), best_rank, worst_rank, verdict: "more" if every
        such model gives it more, "less" if every one gives it less, else "open", as it is where an interval holds 0.
        """
        sharing = self.table[self.table["model"].isin(self.sharing)]
        others = sharing[sharing["model"] != LAST_CLICK.name]
        sure = [c for c in ("difference_low", "difference_high") if c in others] or ["difference", "difference"]
        grouped = others.assign(down=others[sure[0]], up=others[sure[1]]).groupby("channel")
        ranks = sharing.groupby("channel")["rank"]
        table = pd.DataFrame({"lowest": grouped["difference"].min(), "highest": grouped["difference"].max(),
                              "low": grouped["down"].min(), "high": grouped["up"].max(),
                              "best_rank": ranks.min(), "worst_rank": ranks.max()})
        table["verdict"] = np.select([table["low"] > 1e-9, table["high"] < -1e-9], ["more", "less"], "open")
        return table.sort_values("highest", ascending=False, kind="stable")

    @property
    def decisions(self) -> str:
        """Which decisions would change with the model: the first place, and who would get more or less than by last click."""
        if not set(self.sharing) - {LAST_CLICK.name}:
            return "No model but last click shares out these conversions, so none can change a decision."
        table = self.table[self.table["model"].isin(self.sharing)]
        firsts = sorted(set(table.loc[table["rank"] == 1, "channel"]))
        among = " or ".join(firsts) if len(firsts) <= MOST_NAMES else first_few(firsts, MOST_NAMES)
        place = f"{among} is first by every model" if len(firsts) == 1 else f"First place depends on the model ({among})"
        verdicts = self.changes["verdict"]
        parts = [f"{first_few(names, MOST_NAMES)} {'gets' if len(names) == 1 else 'get'} {verdict} than by last click "
                 "whichever other model" for verdict in ("more", "less") if (names := sorted(verdicts.index[verdicts == verdict]))]
        still = f"for {int((verdicts == 'open').sum())} of {len(verdicts)} channels more or less depends on the model"
        return f"{place}; {'; '.join([*parts, still + (' or on chance' if 'low' in self.table else '')])}."

    @property
    def warnings(self) -> list[str]:
        """What to know before using a figure: values not known, credit that is negative or undefined, totals that differ."""
        rows = self.table.set_index(["model", "channel"])["conversions"]
        total, credited, _ = _equation(self.conversions, self.unattributed)
        _, covered, lacking = _equation(self.conversions, self.unvalued)
        lines = [f"The value of {lacking} of {total} conversions is not known; value covers the other {covered}."
                 ] if 0 < self.unvalued < self.conversions else []
        lines += [f"{model} gives {channel} {credit:,.1f} conversions: negative, and not corrected."
                 for (model, channel), credit in rows[rows < -1e-9].items()]
        lines += [f"{model} is undefined here: its effects cancel each other." for model in rows[rows.isna()].index.unique("model")]
        for model, credit in rows.groupby(level="model", sort=False).sum(min_count=1).items():
            if abs(credit - (self.conversions - self.unattributed)) > 1e-6 * max(self.conversions, 1):
                lines.append(f"{model} adds up to {credit:z,.1f}, not to the {credited} credited conversions.")
        return lines

    def as_json(self) -> dict[str, Any]:
        """The comparison as the object that `convtrack compare --format json` prints; a value not known is None.

        Where the value of some conversions only is known, `valued` is how many it covers.
        """
        columns = [c for c in ("conversions", "value", "low", "high") if c in self.table]
        models = {name: {row.channel: {c: _number(getattr(row, c)) for c in columns} for row in rows.itertuples()}
                  for name, rows in self.table.groupby("model", sort=False)}
        partly = {"valued": self.conversions - self.unvalued} if 0 < self.unvalued < self.conversions else {}
        return {"models": models, "conversions": self.conversions, "value": _number(self.value),
                "unattributed": self.unattributed, **partly}


def _equation(total: float, part: float) -> tuple[str, str, str]:
    """A total, what is left without the part, and the part, in as few decimals as tell them, so that they add up as printed."""
    digits = next((d for d in range(4) if all(abs(x - round(x, d)) < 1e-13 * max(x, 1) for x in (total, part))), 4)
    whole, less = (round(Decimal(x), digits) for x in (total, part))
    return tuple(f"{number.normalize():,f}" for number in (whole, whole - less, less))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
