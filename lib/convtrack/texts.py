"""One value at a time: takes a number, time, path or name, gives its text for people, escaped for where it goes if asked."""

from __future__ import annotations

import datetime
import html
import math
import re
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from convtrack.gaps import Gap

MISSING = "–"
ARROW = " → "
# decimals of the currencies that have other than two: ISO 4217, list one, published 2026-01-01 (six-group.com)
DECIMALS = {code: decimals for decimals, codes in {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND", 4: "CLF UYW"}.items() for code in codes.split()}
NOISE = 1e-12  # below this a number is what floating point left of a zero
_ABBREVIATED = ("aov", "cpa", "cpc", "cpm", "ctr", "roas", "roi", "sms", "utm", "ga4")
_PROPER = ("markov", "shapley", "google", "meta", "klaviyo", "matomo")
_WRITTEN = {word: word.upper() for word in _ABBREVIATED} | {word: word.capitalize() for word in _PROPER}
_IN_MARKDOWN = str.maketrans({mark: f"\\{mark}" for mark in "`*_[]|~!:@."} | {
    "&": "&amp;", "<": "&lt;", ">": "&gt;",
    "$": "<span>&#36;</span>", "\\": "<span>&#92;</span>",  # tags keep two of them from becoming a formula
})


def kind_of(name: object) -> str:
    """"share", "money" or "" for what the numbers in a column called `name` are.

    >>> kind_of("conversion_rate"), kind_of("total_conversion_value"), kind_of("p_value")
    ('share', 'money', '')
    """
    text = str(name)
    if re.search(r"_rate$|share$|^rate$|^rate_from_|^share_of_", text):
        return "share"
    money = r"(^|_)((value|cost|revenue|spend|price|amount|budget|profit|aov|cpa|cpc|cpm)$|(cost|value)_per_)"
    return "money" if re.search(money, text) and text != "p_value" else ""


def currency_digits(code: object) -> int:
    """How many decimals money in a currency has: 2, where the code is not known.

    >>> currency_digits("GBP"), currency_digits("JPY"), currency_digits("KWD"), currency_digits(None)
    (2, 0, 3, 2)

    ISO 4217, minor units.
    """
    return DECIMALS.get(str(code), 2)


def places(values: Iterable[Any], kind: str = "", currency: str = "") -> int:
    """How many decimals the numbers `values` need, so that a column of them reads alike; money has those of its currency.

    >>> places([120, 3]), places([120.42, 3.1]), places([0.0312]), places([0.25, 0.5], "share"), places([5], "money", "KWD")
    (0, 1, 4, 0, 3)
    """
    if kind == "money":
        return currency_digits(currency)
    sizes = [abs(_scaled(value, kind)) for value in values]
    sizes = [size for size in sizes if math.isfinite(size) and size >= NOISE]
    if all(abs(size - round(size)) <= 1e-9 * max(1.0, size) for size in sizes):
        return 0
    digits = 2 - math.floor(math.log10(max(sizes)))
    return max(0, min(digits, 8)) if max(sizes) < 10 else int(max(sizes) < 10_000)


def fmt(value: Any, kind: str = "", decimals: int | None = None) -> str:
    """`value` as text for people: the one formatter for numbers, times, durations, paths and what is missing.

    Parameters
    ----------
    value : number, str, time, duration, list or missing
        A single value of a table.
    kind : {"", "share", "money"}
        A share (0 to 1) is shown as a percentage; money has two decimals, unless `decimals` says what its currency has.
    decimals : int, optional
        Decimals of a number; as many as it needs when left out.

    Returns
    -------
    str
        Not escaped: the text as it is.

    Examples
    --------
    >>> fmt(12345), fmt(1234.56), fmt(3.14159), fmt(0.0231, "share"), fmt(5, "money"), fmt(float("nan"))
    ('12,345', '1,234.6', '3.14', '2.31%', '5.00', '–')
    >>> fmt(["Email", "SMS"]), fmt(pd.Timestamp("2026-01-05 09:30", tz="UTC")), fmt(pd.Timedelta("51h"))
    ('Email → SMS', '2026-01-05 09:30', '2 d 3 h')
    """
    if is_missing(value):
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Real | Decimal):
        return _number(value, kind, decimals)
    if isinstance(value, datetime.date | np.datetime64):
        return _time(value)
    if isinstance(value, datetime.timedelta | np.timedelta64):
        return _duration(value)
    return joined(value) if is_list(value) else clean(str(value))


def clean(text: str) -> str:
    """`text` on one line, with what would steer a terminal or turn the direction of writing made visible.

    >>> clean("two\\nlines, \\x1b[31mred")
    'two lines, �[31mred'
    """
    return re.sub("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "�", re.sub(r"\s+", " ", text))


def in_words(name: object) -> str:
    """The name of a column or a model as it stands within a sentence.

    >>> in_words("total_conversions"), in_words("cpa"), in_words("markov_2+views")
    ('total conversions', 'CPA', 'Markov 2 with views')
    """
    return " ".join(_WRITTEN.get(word, word) for word in str(name).replace("_", " ").replace("+views", " with views").split())


def listed(names: Any) -> str:
    """One name in words, or several as a sentence lists them.

    >>> listed("brand_tax"), listed(["linear", "markov", "Email"]), listed([])
    ('brand tax', 'linear, Markov and Email', 'none')
    """
    *most, last = [in_words(name) for name in ([names] if isinstance(names, str) else names)] or ["none"]
    return f"{', '.join(most)} and {last}" if most else last


def first_few(names: Iterable[str], most: int = 12) -> str:
    """The names as they are, in one line, and how many more there are.

    >>> first_few(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    short = [" ".join(name.split())[:60] for name in names]
    return ", ".join(short[:most]) + (f" and {len(short) - most:,} more" if len(short) > most else "")


def plain_name(name: object) -> str:
    """The name of a column or a model as it stands alone: an axis title or a legend entry.

    >>> plain_name("total_conversions"), plain_name("last_non_direct")
    ('Total conversions', 'Last non direct')
    """
    words = in_words(name)
    return words[:1].upper() + words[1:]


def plural(count: float, word: str) -> str:
    """A count with its word.

    >>> plural(1, "channel"), plural(1200, "channel"), plural(2, "landing_country")
    ('1 channel', '1,200 channels', '2 landing countries')
    """
    word = word.replace("_", " ")
    ends = word if word.endswith("s") else f"{word}es" if re.search("(ch|sh|x)$", word) else f"{word}s"
    many = word[:-1] + "ies" if re.search("[^aeiou]y$", word) else ends
    return f"{fmt(count)} {word if count == 1 else many}"


def is_missing(value: Any) -> bool:
    """Whether there is no value: None, NaN, NaT, NA or a gap.

    >>> is_missing(float("nan")), is_missing(None), is_missing(0), is_missing([])
    (True, True, False, False)
    """
    return isinstance(value, Gap) or bool(pd.api.types.is_scalar(value) and pd.isna(value))


def is_number(value: Any) -> bool:
    """Whether `value` is a number; True and False are not.

    >>> is_number(1.5), is_number(True), is_number("1")
    (True, False, False)
    """
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def is_list(value: Any) -> bool:
    """Whether `value` holds several values, such as a path.

    >>> is_list(["Email", "SMS"]), is_list("Email")
    (True, False)
    """
    return isinstance(value, list | tuple | np.ndarray | set | frozenset)


def joined(value: Any, arrow: str = ARROW) -> str:
    """A path as one text, its steps joined by `arrow`; numbers are joined by commas.

    >>> joined(["Email", "SMS"], " > "), joined([1.5, 2])
    ('Email > SMS', '1.50, 2')
    """
    steps = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    return (arrow if any(isinstance(step, str) for step in steps) else ", ").join(fmt(step) for step in steps)


def _scaled(value: Any, kind: str) -> float:
    return float(value) * (100 if kind == "share" else 1)


def _number(value: Any, kind: str, decimals: int | None) -> str:
    size = _scaled(value, kind)
    decimals = places([value], kind) if decimals is None else decimals
    if math.isinf(size):
        return "∞" if size > 0 else "-∞"
    percent = "%" if kind == "share" else ""
    settled = 0.0 if abs(size) < NOISE else float(f"{size:.12g}")
    if settled and kind != "money" and not round(settled, decimals):  # would be shown as if it were zero
        return f"{'<' if settled > 0 else '>-'}{10**-decimals:.{decimals}f}{percent}"
    return f"{round(settled, decimals) + 0.0:,.{decimals}f}{percent}"


def _time(value: Any) -> str:
    if not isinstance(value, datetime.datetime | np.datetime64):
        return str(value.isoformat())
    time = pd.Timestamp(value)
    day_only = time.tzinfo is None and time == time.normalize()
    return time.strftime("%Y-%m-%d" if day_only else "%Y-%m-%d %H:%M")


def _duration(value: Any) -> str:
    seconds = pd.Timedelta(value).total_seconds()
    sign, rest = "-" if seconds < 0 else "", abs(seconds)
    if rest < 60:
        return f"{sign}{fmt(round(rest, 1))} s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts += [f"{int(count)} {unit}"] if count else []
    return sign + " ".join(parts[:2])


# --------------------------------------------------------------------------------------------------- escaping


def html_text(text: str) -> str:
    """`text` escaped for HTML, and so that a page with MathJax leaves its dollar signs alone.

    >>> html_text("<b> & $x$")
    '&lt;b&gt; &amp; <span>$</span>x<span>$</span>'
    """
    return re.sub(r"[$\\]", r"<span>\g<0></span>", html.escape(clean(text)))


def markdown_text(text: str) -> str:
    r"""`text` escaped for Markdown, so that it makes no emphasis, link, code, table, HTML or formula.

    >>> print(markdown_text("*Sale* | <b> `x`"))
    \*Sale\* \| &lt;b&gt; \`x\`
    """
    escaped = clean(text).translate(_IN_MARKDOWN)
    return re.sub(r"^([-+#=])|^(\d+)(?=\))", r"\2\\\1", escaped)


def csv_text(text: str) -> str:
    """`text` that a spreadsheet takes for text: what would begin a formula gets an apostrophe before it.

    >>> csv_text("=1+1"), csv_text("Email")
    ("'=1+1", 'Email')
    """
    return f"'{text}" if re.match(r"[\t\r\n]|\s*[=+\-@]", text) else text
