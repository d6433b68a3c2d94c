"""Ordinary dirt that other packages take without a word: their wrong figure beside our right one."""

from __future__ import annotations

import pandas as pd
import pytest
from peers.figures import assert_same, credit
from peers.packages import (
    by_channel,
    channelattribution_markov,
    channelattribution_rules,
    do_markov,
    mam,
    mam_credit,
    mta,
)
from peers.path_sets import table_of

import convtrack as ct
from convtrack.attribution import FirstTouch, LastTouch, Linear, Markov


def renamed(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """The table with other names for some channels."""
    return table.assign(path=table["path"].map(lambda path: [names.get(name, name) for name in path]))


@pytest.fixture
def table() -> pd.DataFrame:
    """Two channels: 8 conversions by A alone, 5 by B alone, 6 by A and then B."""
    return table_of([(["A"], 8, 80.0, 20), (["B"], 5, 50.0, 20), (["A", "B"], 6, 60.0, 10)])


def test_a_conversion_without_a_touch_goes_to_the_path_of_the_row_before(table: pd.DataFrame) -> None:
    """ChannelAttribution's first and last touch: A has 2 conversions too many. Ours are unattributed."""
    dirty = pd.concat([table_of([(["A"], 8, 80.0, 20), ([], 2, 20.0, 0)]), table[1:]], ignore_index=True)
    theirs = channelattribution_rules(dirty)
    assert theirs["first_touch_conversions"].to_dict() == {"A": 16, "B": 5}
    assert theirs["last_touch_conversions"].to_dict() == {"A": 10, "B": 11}
    assert theirs["linear_touch_conversions"].sum() == 19
    ours = ct.compare(dirty, ["first_touch", "last_touch"])
    assert ours.wide().to_dict() == {"first_touch": {"A": 14, "B": 5}, "last_touch": {"A": 8, "B": 11}}
    assert ours.unattributed == 2


def test_a_channel_called_start_is_lost_in_the_chains_start(table: pd.DataFrame) -> None:
    """ChannelAttribution's Markov model: `(start)` is gone, and B has what was its."""
    dirty = renamed(table, {"A": "(start)"})
    theirs = channelattribution_markov(dirty, 1, seed=0, journeys=10_000)["conversions"]
    assert theirs.to_dict() == {"B": 19}
    assert_same(credit(dirty, Markov()), credit(table, Markov()).rename({"A": "(start)"}))


def test_a_channel_called_start_in_capitals_is_lost_too(table: pd.DataFrame) -> None:
    """do-attribution's reserved word: the channel has no removal effect at all."""
    dirty = renamed(table, {"A": "START"})
    assert set(do_markov(dirty, 1, "redirect_to_null").index) == {"B"}
    assert_same(credit(dirty, Markov()), by_channel(credit(table, Markov()).rename({"A": "START"})))


@pytest.mark.parametrize("name", ["(conversion)", "(null)", "(inicio)"])
def test_a_channel_with_the_name_of_a_state_gets_nothing(table: pd.DataFrame, name: str) -> None:
    """MAM's Markov model: nothing for it, and its own conversions are lost from the total."""
    dirty = renamed(table, {"A": name})
    theirs = mam_credit(mam(dirty).run_markov())
    assert theirs[name] == 0 and theirs.sum() == 11
    ours = credit(dirty, Markov())
    assert_same(ours, by_channel(credit(table, Markov()).rename({"A": name})))
    assert ours.sum() == pytest.approx(19)


def test_half_conversions_are_cut_off(table: pd.DataFrame) -> None:
    """ChannelAttribution and MAM count whole conversions: of 2.5 they lose one half without a word."""
    dirty = table.assign(total_conversions=[8.0, 2.5, 6.0])
    assert channelattribution_rules(dirty)["last_touch_conversions"].to_dict() == {"A": 8, "B": 8}
    assert mam_credit(mam(dirty).run_last_click()).to_dict() == {"A": 8, "B": 8}
    assert credit(dirty, LastTouch()).to_dict() == {"A": 8, "B": 8.5}


def test_a_channel_with_the_separator_in_its_name_is_split(table: pd.DataFrame) -> None:
    """ChannelAttribution and mta make two channels of `Email>Promo`; with us a path is a list."""
    dirty = renamed(table, {"A": "Email>Promo"})
    split = {"Email": 6, "Promo": 6, "B": 7}
    assert channelattribution_rules(dirty)["linear_touch_conversions"].to_dict() == pytest.approx(split)
    assert mta(dirty, "linear", share="proportional").to_dict() == pytest.approx(split)
    assert credit(dirty, Linear()).to_dict() == {"B": 8, "Email>Promo": 11}
    assert credit(dirty, FirstTouch()).to_dict() == {"B": 5, "Email>Promo": 14}
