"""From source, medium, campaign, referrer and click id to a channel, by rules that a reader can edit.

The rules are a table, `channel_rules.csv`: the first row that matches gives the channel. They follow Google Analytics 4's
default channel group, as published in its help pages and in the dbt-ga4 project, with one addition: paid search is split
in brand and generic where the campaign says "brand", and retargeting is its own channel where the medium or campaign says so.
"""

from __future__ import annotations

import re
from importlib import resources

import pandas as pd

from .gaps import passes_gaps


def channel_rules() -> pd.DataFrame:
    """The rules: for each channel, regular expressions that source, medium and campaign must match in full.

    >>> channel_rules()["channel"].iloc[0]
    'Direct'
    """
    with resources.files("convtrack").joinpath("channel_rules.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype="str", keep_default_na=False)


@passes_gaps
def assign_channels(traffic: pd.DataFrame, rules: pd.DataFrame | None = None) -> pd.Series:
    """The channel of each row, "Unassigned" where it has a source or medium that no rule knows, missing where it has none.

    Parameters
    ----------
    traffic : DataFrame
        Any of the columns utm_source, utm_medium, utm_campaign, referrer, click_id, page_url. A referrer on the page's own
        site is no source.
    rules : DataFrame, optional
        As `channel_rules()` returns them.

    Returns
    -------
    Series of str
        One channel a row.

    Examples
    --------
    >>> assign_channels(pd.DataFrame({"utm_source": ["Google", "mill-news"], "utm_medium": ["cpc", "newsletter"]})).tolist()
    ['Paid Search Generic', 'Unassigned']
    """
    rules = channel_rules() if rules is None else rules
    fields = _fields(traffic)
    distinct = fields.drop_duplicates()
    matched = [_first_match(row, rules) for row in distinct.itertuples(index=False)]
    found = fields.merge(distinct.assign(channel=pd.Series(matched, index=distinct.index, dtype="str")), how="left")
    return found["channel"].set_axis(traffic.index).rename(None)


@passes_gaps
def with_channels(events: pd.DataFrame) -> pd.DataFrame:
    """The events with a column `channel`, derived from tags and referrer where the export has none.

    >>> with_channels(pd.DataFrame({"utm_medium": ["email"]}))["channel"].tolist()
    ['Email']
    """
    if "channel" in events.columns:
        return events
    return events.assign(channel=assign_channels(events))


def _fields(traffic: pd.DataFrame) -> pd.DataFrame:
    def text(name: str) -> pd.Series:
        empty = pd.Series("", index=traffic.index, dtype="str")
        return traffic[name].fillna("").str.strip().str.casefold() if name in traffic else empty

    def host_of(name: str) -> pd.Series:
        return text(name).str.extract(r"^(?:https?://)?(?:www\.)?([^/:?#]+)", expand=False).fillna("")

    host = host_of("referrer").mask(host_of("referrer") == host_of("page_url"), "")
    paid = text("click_id") != ""
    source = text("utm_source").where(text("utm_source") != "", host)
    medium = text("utm_medium")
    medium = medium.mask((medium == "") & paid, "cpc").mask((medium == "") & ~paid & (host != ""), "referral")
    return pd.DataFrame({"source": source, "medium": medium, "campaign": text("utm_campaign" if "utm_campaign" in traffic else "campaign")})


def _first_match(row: tuple[str, ...], rules: pd.DataFrame) -> str | None:
    if not any(row):
        return None
    for rule in rules.itertuples(index=False):
        if all(pattern == "" or re.fullmatch(pattern, text) for pattern, text in zip(rule[1:], row, strict=True)):
            return str(rule.channel)
    return "Unassigned"
