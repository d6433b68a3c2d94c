"""From source, medium, campaign, referrer and click id to a channel, by rules that a reader can edit.

The rules are a table, `channel_rules.csv`: the first row that matches gives the channel. They follow Google Analytics 4's
default channel group, as published in its help pages and in the dbt-ga4 project, with additions: paid search is split in
brand and generic where the campaign says "brand", retargeting is its own channel, and spellings that people write are known.
Two tables of facts stand beside it: `known_sources.csv` says which sites are search engines, social networks or payment
providers, and `click_ids.csv` which ids in a link mean that the click was paid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Annotated, Any, NamedTuple
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from .gaps import passes_gaps

CONDITIONS = ["kind", "paid", "source", "medium", "campaign"]
TAGS = ["utm_source", "utm_medium", "utm_campaign"]
UNASSIGNED = ("Unassigned", "Paid Other")  # what the rules say where they do not know a source
NOTHING = r"\(?(?:none|not set|not provided|undefined|null|nan|n/a)\)?|-|\$direct|about:blank|\((?:organic|referral)\)"  # empty
PAID = re.compile(r".*cp.*|ppc|paid.*|(?!.*\b(?:non|not|un) paid)(?:.*\b)?"
                  r"(?:paid|ads?|adwords|advert\w*|sponsored|promoted|boosted|sem|sea|pla)\b.*")
PAID_CAMPAIGN = re.compile(r"(?:.*\b)?(?:paid|cpc|ppc|cpm|ads?|sponsored)\b.*|.*(?:retarget|remarket).*")
UNPAID = re.compile(r"|organic|referral|link|social|video|direct")  # a click that was paid for may be tagged so all the same
DIRECT = re.compile(r"(?:direct|direkt|directo|diretto|direto|type ?in)(?: .*)?")
FOR_ADS = re.compile(r"(.+?)(?:ads?|adwords|advertising|paid|cpc|ppc)")
SECOND_LEVELS = frozenset("ac co com edu gob gouv gov gv go gr id ltd me mil ne net nom or org plc sch web".split())

VISIT = pd.Timedelta(minutes=30)
LEAST_SHARE = 0.01  # of pages: a page that was translated or kept elsewhere does not make that site one's own
NO_PAGE = ("", "", "", "", "")  # host, source, medium, campaign, click id


class ChannelRule(BaseModel):
    """A rule of the study's own: the channel of rows with these tags; `*` stands for any text, "" for an empty tag."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: str = Field(min_length=1)
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None

    @model_validator(mode="after")
    def _narrows(self) -> ChannelRule:
        if self.source is self.medium is self.campaign is None:
            raise ValueError("a rule for every row is none; give it a source, a medium or a campaign")
        return self


class ChannelSettings(BaseModel):
    """What a study says of channels, under `channels:` in study.yaml; all of it goes before the tables of this room."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[ChannelRule, ...] = ()
    own_sites: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    unwanted_referrers: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @property
    def patterns(self) -> pd.DataFrame:
        """The study's own rules as `channel_rules()` has them."""
        rows = [{"channel": rule.channel} | {tag: _pattern(getattr(rule, tag)) for tag in ("source", "medium", "campaign")}
                for rule in self.rules]
        return pd.DataFrame(rows, columns=["channel", *CONDITIONS], dtype="str").fillna("")


def _pattern(text: str | None) -> str:
    """The regular expression of a rule's text; none at all where the rule does not speak of the tag."""
    if text is None:
        return ""
    return "()" if not text else ".*".join(re.escape(_plain(part)) for part in text.split("*"))


class Rule(NamedTuple):
    """A channel and the patterns of its conditions, in their order; None where anything goes."""

    channel: str
    patterns: tuple[re.Pattern[str] | None, ...]

    def fits(self, texts: Sequence[str]) -> bool:
        """Whether all patterns match in full."""
        return all(p is None or p.fullmatch(text) for p, text in zip(self.patterns, texts, strict=True))


class ClickId(NamedTuple):
    """An id that a platform adds to links: its name, what it stands for, and how it begins."""

    name: str
    source: str
    medium: str
    begins: str


SOME_CLICK = ClickId("click_id", "", "cpc", "")  # of which nobody says whose it is


def _read(name: str) -> pd.DataFrame:
    with resources.files("convtrack").joinpath(name).open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype="str", keep_default_na=False, comment="#")


def channel_rules() -> pd.DataFrame:
    """The rules: for each channel, regular expressions that kind, paid, source, medium and campaign must match in full.

    They meet lower-case text with one space for `_`, `-` and `+`. `kind` is the source's in `known_sources.csv`; `paid` is
    "yes" where the medium, or a click id, says that the click was paid. An empty cell asks for nothing.

    >>> channel_rules()["channel"].iloc[0]
    'Direct'
    """
    return _read("channel_rules.csv")


@cache
def click_ids() -> tuple[ClickId, ...]:
    """The click ids that are known, those of paid clicks first.

    >>> click_ids()[0].name, click_ids()[0].medium
    ('gclid', 'cpc')
    """
    return tuple(ClickId(*row) for row in _read("click_ids.csv").itertuples(index=False))


@cache
def _known() -> tuple[dict[str, str], frozenset[str]]:
    """The kind of each known source and host, and the hosts that hold other people's sites."""
    table = _read("known_sources.csv")
    of_others = table["kind"] == "platform"
    named = table[~of_others]
    return dict(zip(named["name"].map(_joined), named["kind"], strict=True)), frozenset(table.loc[of_others, "name"])


@cache
def kind_of(source: str) -> str:
    """The kind of site that a source or a host is: search, social, video, shopping, unwanted and more; "" if not known.

    >>> [kind_of(host) for host in ("www.google.de", "accounts.google.com", "de-de.facebook.com", "Google Ads")]
    ['search', '', 'social', 'search']
    """
    kinds, name = _known()[0], re.sub(r"^(?:www|m|amp|lite|html)\.", "", source.strip().casefold())
    key = _joined(name)
    if key in kinds or "." in name:
        return kinds.get(key) or _kind_of_host(name)
    first = re.split(r"[\s_+-]", name)[0]
    return kinds.get(_without_ads(key)) or (kinds.get(first, "") if len(first) > 4 else "")


def _kind_of_host(host: str) -> str:
    """By the nearest host above it that is known; what is under a search engine's own domain need not be search."""
    kinds, site = _known()[0], site_of(host)
    labels = host.split(".")
    for above in (".".join(labels[at:]) for at in range(1, len(labels) - 1)):
        kind = kinds.get(_joined(above), "")
        if kind and not (kind == "search" and above == site):
            return kind
    anywhere = kinds.get(_joined(site.split(".")[0]) + ".*", "")
    return "" if anywhere == "search" and host != site else anywhere


def _is_for_ads(source: str) -> bool:
    """Whether a source is the advertising side of a known one, as in google_ads."""
    key = _joined(source)
    return key in ("adwords", "gads") or _without_ads(key) in _known()[0]


def _without_ads(key: str) -> str:
    found = FOR_ADS.fullmatch(key)
    return found[1] if found else ""


def site_of(host: str) -> str:
    """The registrable domain of a host, which is the same for all hosts of one owner.

    >>> [site_of(host) for host in ("checkout.shop.co.uk", "www.shop.example", "tea.myshopify.com")]
    ['shop.co.uk', 'shop.example', 'tea.myshopify.com']
    """
    labels = host.strip().casefold().rstrip(".").split(".")
    if labels[-1].isdigit():  # an address by number
        return host
    is_shared = ".".join(labels[-2:]) in _known()[1] or (len(labels[-1]) == 2 and labels[-2:-1] and labels[-2] in SECOND_LEVELS)
    return ".".join(labels[-3 if is_shared else -2:])


def _joined(name: str) -> str:
    return re.sub(r"[\s_+-]+", "", name.casefold())


def _plain(text: str) -> str:
    """Lower case, one space for what people write between words, and no brackets around all of it."""
    bare = re.sub(r"^\((.*)\)$", r"\1", text.strip().casefold())
    return re.sub(r"[\s_+-]+", " ", bare).strip()


@passes_gaps
def assign_channels(traffic: pd.DataFrame, rules: pd.DataFrame | None = None,
                    settings: ChannelSettings = ChannelSettings()) -> pd.Series:
    """The channel of each row, "Unassigned" where it has a source or medium that no rule knows, missing where it has none.

    Parameters
    ----------
    traffic : DataFrame
        Any of the columns utm_source, utm_medium, utm_campaign, referrer, page_url, click_id, and those called as in
        `click_ids()`. Tags and ids in page_url count where a row has none in columns. A referrer on the page's own site
        is no source, and one of a payment provider neither.
    rules : DataFrame, optional
        As `channel_rules()` returns them; `kind` and `paid` may be left out.
    settings : ChannelSettings, optional
        A study's own rules, sites and unwanted referrers.

    Returns
    -------
    Series of str
        One channel a row.

    Examples
    --------
    >>> assign_channels(pd.DataFrame({"utm_source": ["Google", "mill-news"], "utm_medium": ["cpc", "leaflet"]})).tolist()
    ['Paid Search Generic', 'Unassigned']
    """
    sources, at = _distinct(traffic, settings.own_sites)
    channels = _channels(sources, channel_rules() if rules is None else rules, settings)
    return pd.Series(channels, dtype="str").take(at).set_axis(traffic.index)


def _channels(sources: Iterable[Source], rules: pd.DataFrame, settings: ChannelSettings) -> list[str | None]:
    own, others = _compiled(settings.patterns), _compiled(rules)
    return [_channel(source, own, others, settings) for source in sources]


def _compiled(rules: pd.DataFrame) -> list[Rule]:
    patterns = rules.reindex(columns=CONDITIONS, fill_value="").to_numpy().tolist()
    return [Rule(str(channel), tuple(re.compile(text) if text else None for text in row))
            for channel, row in zip(rules["channel"], patterns, strict=True)]


def _channel(row: Source, own: list[Rule], rules: list[Rule], settings: ChannelSettings) -> str | None:
    """The channel of a source: by the study's own rules as it is written, else by what it means."""
    if not any(row):
        return None
    source, medium, campaign, host, click_id = row
    written = ["", "", *(_plain(text) for text in (source or host, medium, campaign))]
    meant = _meant(source, medium, campaign, host, click_id)
    is_back = _is_among(source or host, settings.own_sites) or "unwanted" in (meant[0], _kind(source or host, settings))
    for rule in own:
        if rule.fits(written):
            return rule.channel
    if is_back and _is_unpaid(row):
        return None
    return next((rule.channel for rule in rules if rule.fits(meant)), "Unassigned")


def _is_unpaid(row: Source) -> bool:
    """Whether neither the medium nor a click id says that the visit was paid for."""
    return _meant(*row)[1] == "" and UNPAID.fullmatch(_plain(row.medium)) is not None


def _kind(source: str, settings: ChannelSettings) -> str:
    return "unwanted" if _is_among(source, settings.unwanted_referrers) else kind_of(source)


def _meant(source: str, medium: str, campaign: str, host: str, click_id: str) -> tuple[str, ...]:
    """The kind of the source, whether the click was paid, source, medium and campaign, as the rules compare them."""
    click = next((click for click in (*click_ids(), SOME_CLICK) if click.name == click_id), None)
    is_open = UNPAID.fullmatch(_plain(medium)) is not None
    if click and is_open and (click.medium or not (source or host)):
        known = kind_of(source or host) not in ("", "unwanted") or (source and _plain(source) != "direct")
        source = (source or host) if known else click.source or host
        medium = click.medium or medium or "referral"
    elif is_open and _is_for_ads(source):
        medium = "cpc"
    elif not medium:
        medium = _medium_of(source, campaign, host)
    texts = [_plain(text) for text in (source or host, medium, campaign)]
    return kind_of(source or host), "yes" if PAID.fullmatch(texts[1]) else "", *texts


def _medium_of(source: str, campaign: str, host: str) -> str:
    """What stands for a medium that is not given: the campaign if it speaks of payment, or the source itself."""
    kind = kind_of(source or host)
    if campaign and kind != "email" and (not (source or host) or PAID_CAMPAIGN.fullmatch(_plain(campaign))):
        return campaign
    if not source or "." in source:
        return "referral"
    return "" if kind or DIRECT.fullmatch(_plain(source)) else source


def _is_among(host: str, sites: Iterable[str]) -> bool:
    return any(host == site or host.endswith("." + site) for site in (_host_of(site) for site in sites))


class Source(NamedTuple):
    """What a row says of where it came from: tags, the referrer's host, and the kind of click id; "" for nothing."""

    source: str
    medium: str
    campaign: str
    host: str
    click_id: str


def traffic_sources(traffic: pd.DataFrame, own_sites: Iterable[str] = ()) -> pd.DataFrame:
    """What each row says of where it came from, as it is written; "" where it says nothing.

    Returns
    -------
    DataFrame
        source, medium and campaign (the tags, from columns or else from the page's address), host (of a referrer that is not
        on the page's own site or on one of `own_sites`), click_id (the name of the id's kind).

    Examples
    --------
    >>> traffic_sources(pd.DataFrame({"page_url": ["/teas?utm_source=mill&gclid=Cj0"], "referrer": ["/"]})).values.tolist()
    [['mill', '', '', '', 'gclid']]
    """
    sources, at = _distinct(traffic, own_sites)
    return pd.DataFrame(sources, columns=Source._fields, dtype="str").take(at).set_axis(traffic.index)


def _distinct(traffic: pd.DataFrame, own_sites: Iterable[str]) -> tuple[list[Source], np.ndarray]:
    """The different sources, and the place of each row's among them; each different cell is read once."""
    campaign = "utm_campaign" if "utm_campaign" in traffic else "campaign"
    readers: dict[str, Callable[[str], Any]] = {
        "utm_source": _said, "utm_medium": _said, campaign: _said, "referrer": _host_of, "page_url": _page,
        "click_id": _kind_of_id, **{click.name: _said for click in click_ids()}}
    read = {name: _by_value(traffic[name], reader) for name, reader in readers.items() if name in traffic}
    codes = pd.DataFrame({name: at for name, (_, at) in read.items()}, index=traffic.index)
    if codes.empty:
        return [Source("", "", "", "", "")], np.zeros(len(traffic), dtype=int)
    rows = codes.drop_duplicates().to_numpy().tolist()
    own = tuple(own_sites)
    each = [_source({name: values[at] for (name, (values, _)), at in zip(read.items(), row, strict=True)}, own) for row in rows]
    numbers = {source: at for at, source in enumerate(dict.fromkeys(each))}
    return list(numbers), np.array([numbers[source] for source in each])[codes.groupby(list(codes), sort=False).ngroup()]


def _source(said: dict[str, Any], own_sites: tuple[str, ...]) -> Source:
    page, *marks, marked = said.get("page_url", NO_PAGE)
    tags = [said.get("utm_source", ""), said.get("utm_medium", ""), said.get("utm_campaign") or said.get("campaign", "")]
    if not any(tags[:2]):
        tags = [tag or mark for tag, mark in zip(tags, marks, strict=True)]
    host = said.get("referrer", "")
    is_own = host and (site_of(host) == site_of(page) or _is_among(host, own_sites))
    click = next((click.name for click in click_ids() if said.get(click.name)), said.get("click_id", ""))
    return Source(*tags, "" if is_own else host, click or marked)


@cache
def _id_pattern() -> re.Pattern[str]:
    """What ids begin with, by kind: their kind's own name, or what the platform's ids begin with."""
    begins = (f"(?P<{click.name}>{click.name}\\b|(?:{click.begins or '(?!)'}))" for click in click_ids())
    return re.compile("|".join(begins), re.IGNORECASE)


def _kind_of_id(text: str) -> str:
    found = _id_pattern().match(text)
    return str(found.lastgroup) if found else SOME_CLICK.name if _said(text) else ""


def _page(address: str) -> tuple[str, ...]:
    """The host of a page's address, and in it the source, the medium, the campaign and the name of the click id."""
    if "=" not in address:
        return _page_host(address), *NO_PAGE[1:]
    found = {name.casefold(): text for name, text in parse_qsl(re.sub(r"^[^?#]*[?#]", "", address).replace("#", "&"))}
    marked = next((click.name for click in click_ids() if click.name in found), "")
    return _page_host(address), *(_said(found.get(tag, "")) for tag in TAGS), marked


def _said(text: str) -> str:
    """A text without spaces around it; "" if it only says that there is nothing."""
    text = text.strip()
    return "" if re.fullmatch(NOTHING, text, re.IGNORECASE) else text


def _host_of(address: str) -> str:
    """The host of an address, or a name that stands for one, without www; "" for a page without one."""
    found = re.match(r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#@]*@)?([^/?#:]*)|([^/?#:]+)", _said(address).casefold())
    return (found[1] or found[2] or "").removeprefix("www.") if found else ""


def _page_host(address: str) -> str:
    """The host of a page; "" for a path, which may be written without a slash in front."""
    is_path = "//" not in address and not re.match(r"[\w-]+(\.[\w-]+)*\.(?!html?\b|php\b|aspx?\b|jsp\b)[a-z]{2,}(?:[/?#:]|$)", address)
    return "" if is_path else _host_of(address)


def _by_value(cells: pd.Series, function: Callable[[str], Any]) -> tuple[list[Any], np.ndarray]:
    """The different results of the function, and the place of each cell's among them."""
    codes, texts = pd.factorize(cells)  # a missing cell has the code -1, and so the last result
    results = [function(str(text)) for text in texts] + [function("")]
    numbers = {result: at for at, result in enumerate(dict.fromkeys(results))}
    return list(numbers), np.array([numbers[result] for result in results])[codes]


@passes_gaps
def name_click_id(events: pd.DataFrame, theirs: str | None) -> pd.DataFrame:
    """The events with `click_id` called by its kind, if the export's own name for the column says which it is.

    >>> list(name_click_id(pd.DataFrame({"click_id": ["IwAR0"]}), "session_fbclid"))
    ['fbclid']
    """
    kinds = [click.name for click in click_ids() if click.name in (theirs or "").casefold()]
    return events.rename(columns={"click_id": kinds[0]}) if kinds and kinds[0] not in events else events


@passes_gaps
def with_channels(events: pd.DataFrame, settings: ChannelSettings = ChannelSettings()) -> pd.DataFrame:
    """The events with a channel on every row that says where it came from; the export's own channels stay as they are.

    A row without a channel takes the one that the export gives to the same source, medium and campaign elsewhere, else
    that of the rules.

    >>> events = pd.DataFrame({"channel": ["Post", None, None], "utm_medium": ["leaflet", "leaflet", "email"]})
    >>> with_channels(events)["channel"].tolist()
    ['Post', 'Post', 'Email']
    """
    if "channel" in events and events["channel"].notna().all():
        return events
    sites = (*settings.own_sites, *find_own_sites(events))
    sources, at = _distinct(events, sites)
    channels = _channels(sources, channel_rules(), settings.model_copy(update={"own_sites": sites}))
    given = events["channel"] if "channel" in events else pd.Series(pd.NA, index=events.index, dtype="str")
    elsewhere = given.groupby(at).agg(lambda names: next(iter(names.mode()), None))
    names = pd.Series(channels, dtype="str").mask(pd.Series(channels).notna() & elsewhere.notna(), elsewhere)
    return events.assign(channel=given.fillna(names.take(at).set_axis(events.index)))


def come_back(events: pd.DataFrame, settings: ChannelSettings = ChannelSettings()) -> pd.Series:
    """Which rows say that somebody came back from a payment provider, or another unwanted referrer.

    >>> come_back(pd.DataFrame({"referrer": ["https://www.paypal.com/", "https://www.google.com/"]})).tolist()
    [True, False]
    """
    sources, at = _distinct(events, settings.own_sites)
    is_back = [_kind(source.source or source.host, settings) == "unwanted" and _is_unpaid(source) for source in sources]
    return pd.Series(is_back).take(at).set_axis(events.index)


def has_hosts(events: pd.DataFrame) -> bool:
    """Whether any page is written with its host; True where there are no pages.

    >>> has_hosts(pd.DataFrame({"page_url": ["/teas", "/basket"]}))
    False
    """
    return "page_url" not in events or any(_by_value(events["page_url"], _page_host)[0])


def find_own_sites(events: pd.DataFrame) -> tuple[str, ...]:
    """The registrable domains of the site itself: those of its pages or, where pages are paths, the one that leads on.

    Where no page has a host, the own site is the referrer of most pages in the midst of visits.

    >>> find_own_sites(pd.DataFrame({"page_url": ["https://www.shop.example/", "https://pay.shop.example/"]}))
    ('shop.example',)
    """
    if "page_url" not in events:
        return ()
    hosts, at = _by_value(events["page_url"], _page_host)
    sites = pd.Series([site_of(host) for host in hosts], dtype="str").take(at)
    shares = sites[sites != ""].value_counts(normalize=True)
    if len(shares):
        return tuple(site for site in shares.index[shares >= LEAST_SHARE] if not kind_of(site))
    is_known = {"visitor_id", "event_time", "referrer"} <= set(events) and events["page_url"].notna().any()
    return _leading_on(events) if is_known else ()


def _leading_on(events: pd.DataFrame) -> tuple[str, ...]:
    """The one site that refers, by pages that are in the data too, more rows in the midst of visits than at their start."""
    pages = {"", *events["page_url"].dropna().map(_path_of)}
    told, at = _by_value(events["referrer"], lambda text: (site_of(_host_of(text)), _path_of(text) in pages))
    rows = pd.DataFrame(told, columns=["site", "is_page"]).take(at).assign(
        visitor=events["visitor_id"].to_numpy(), time=events["event_time"].to_numpy())
    rows = rows.sort_values(["visitor", "time"], kind="stable")
    goes_on = (rows["visitor"] == rows["visitor"].shift()) & (rows["time"].diff() <= VISIT)
    leads_on = (goes_on & rows["is_page"]).groupby(rows["site"]).agg(["mean", "sum"])
    likely = [site for site in leads_on.index[leads_on["mean"] > 0.5] if site and not kind_of(site)]
    return (str(leads_on.loc[likely, "sum"].idxmax()),) if likely else ()


def _path_of(address: str) -> str:
    return re.sub(r"^(?:[a-z][a-z0-9+.-]*:)?//[^/?#]*|[?#].*", "", address.casefold()).rstrip("/")
