"""What a notebook shows is readable, says what is missing, and cannot be turned against its reader."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from convtrack import display
from convtrack.display import say, show, show_gap
from convtrack.gaps import GAP_MARK, Gap
from convtrack.plots.style import measure
from convtrack.texts import DECIMALS, MISSING, csv_text, currency_digits, fmt, html_text, kind_of, markdown_text, places

LIBRARY = str(Path(__file__).parents[1] / "lib")
SCRIPT = "<script>alert(1)</script>"
NO_SPEND = Gap("There is no spend table, so no cost per acquisition.", "Add `spend` to study.yaml.")


@pytest.fixture
def shown(monkeypatch):
    """The bundles that were displayed: pairs of forms and metadata."""
    bundles = []
    monkeypatch.setattr(
        display, "emit", lambda forms, metadata=None: bundles.append((forms, metadata or {}))
    )
    return bundles


def as_csv(bundle):
    return list(csv.reader(io.StringIO(bundle[0]["text/csv"])))


# --------------------------------------------------------------------------------------------- one formatter


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (1234567, "1,234,567"),
        (-1234, "-1,234"),
        (12.0, "12"),
        (2.5, "2.50"),
        (0.5, "0.500"),
        (45.67, "45.7"),
        (1234.56, "1,234.6"),
        (123456.7, "123,457"),
        (0.00042, "0.000420"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.300"),
        (1e-17, "0"),
        (float("inf"), "∞"),
        (np.float64(3.25), "3.25"),
        (np.int64(5000), "5,000"),
        (True, "yes"),
        (np.False_, "no"),
    ],
)
def test_a_number_has_the_decimals_that_it_needs(value, text):
    assert fmt(value) == text


@pytest.mark.parametrize("value", [None, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), NO_SPEND])
def test_what_is_missing_is_a_dash_and_never_a_number(value):
    assert fmt(value) == MISSING


@pytest.mark.parametrize(
    ("value", "kind", "decimals", "text"),
    [
        (0.5, "share", None, "50%"),
        (0.0231, "share", None, "2.31%"),
        (0.123456, "share", None, "12.3%"),
        (0.00042, "share", None, "0.0420%"),
        (0.0004, "share", 1, "<0.1%"),
        (0.04, "", 1, "<0.1"),
        (-0.04, "", 1, ">-0.1"),
        (0, "share", 1, "0.0%"),
        (5, "money", None, "5.00"),
        (1234.5, "money", None, "1,234.50"),
    ],
)
def test_shares_are_percentages_and_money_has_two_decimals(value, kind, decimals, text):
    assert fmt(value, kind, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pd.Timestamp("2026-01-05 09:30:59", tz="UTC"), "2026-01-05 09:30"),
        (pd.Timestamp("2026-01-05", tz="Europe/London"), "2026-01-05 00:00"),
        (pd.Timestamp("2026-01-05"), "2026-01-05"),
        (pd.Timestamp("2026-01-05").date(), "2026-01-05"),
        (pd.Timedelta("51h"), "2 d 3 h"),
        (pd.Timedelta("-90s"), "-1 min 30 s"),
        (pd.Timedelta("4.25s"), "4.20 s"),
        (pd.Timedelta(0), "0 s"),
        (["Email", "Direct"], "Email → Direct"),
        (["Email"], "Email"),
        ([], ""),
        (np.array([36.0, 1.5]), "36, 1.50"),
        ("a\nb\x1b[31m", "a b�[31m"),
        ("\u202egnihsihp", "�gnihsihp"),
    ],
)
def test_times_durations_and_paths_are_readable(value, text):
    assert fmt(value) == text


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("conversion_rate", "share"),
        ("credit_share", "share"),
        ("share", "share"),
        ("rate_from_start", "share"),
        ("value", "money"),
        ("cost_per_click", "money"),
        ("conversions", ""),
        ("p_value", ""),
        ("separate", ""),
    ],
)
def test_the_name_of_a_column_tells_what_its_numbers_are(name, kind):
    assert kind_of(name) == kind


# ------------------------------------------------------------------------------------------------------ show


def test_a_table_is_one_bundle_of_html_text_and_csv(shown):
    table = pd.DataFrame(
        {
            "channel": ["Email", "SMS"],
            "conversions": [1200, 7],
            "conversion_rate": [0.0312, np.nan],
            "value": [1234.5, 2],
        }
    )
    assert show(table, name="credit", caption="By channel") is None
    ((forms, metadata),) = shown
    assert metadata == {"text/csv": {"name": "credit"}}
    assert forms["text/plain"].splitlines() == [
        "By channel",
        "channel  conversions  conversion_rate     value",
        "Email          1,200            3.12%  1,234.50",
        "SMS                7                –      2.00",
    ]
    assert (
        forms["text/csv"] == "channel,conversions,conversion_rate,value\nEmail,1200,0.0312,1234.5\nSMS,7,,2\n"
    )
    assert '<td style="text-align: right">1,200</td>' in forms["text/html"]
    assert '<td style="text-align: left">Email</td>' in forms["text/html"]
    assert ">By channel</caption>" in forms["text/html"]


def test_numbers_of_a_column_have_the_same_decimals(shown):
    show(pd.DataFrame({"credit": [120.4567, 3.0, 0.01]}))
    assert shown[0][0]["text/plain"].split() == ["credit", "120.5", "3.0", "<0.1"]


def test_money_has_the_decimals_of_the_currency_of_its_row(shown):
    show(pd.DataFrame({"cost": [3.259, 1200.0, 3.259, 3.2], "clicks": [1, 2, 3, 4], "currency": ["KWD", "JPY", "EUR", None]}))
    cells = [line.split()[0] for line in shown[0][0]["text/plain"].splitlines()]
    assert cells == ["cost", "3.259", "1,200", "3.26", "3.20"]
    assert [row[0] for row in as_csv(shown[0])] == ["cost", "3.259", "1200", "3.259", "3.2"]


def test_a_figure_in_a_currency_labels_money_in_its_decimals():
    for unit, text in {"KWD": "3.259", "JPY": "3", "GBP": "3.26", "": "3.26"}.items():
        assert measure("cost", [3.259], unit).text(3.259) == text


def test_the_decimals_of_currencies_are_those_of_the_standard():
    # ISO 4217, list one of 2026-01-01: how many currencies have so many decimals, and one of each
    counts = pd.Series(DECIMALS).value_counts().to_dict()
    assert counts == {0: 17, 3: 7, 4: 2}
    for code, decimals in {"EUR": 2, "XOF": 0, "TND": 3, "CLF": 4, "IQD": 3, "HUF": 2}.items():
        assert currency_digits(code) == places([1.0], "money", code) == decimals


def test_a_long_table_shows_its_start_and_the_csv_has_all(shown):
    show(pd.DataFrame({"n": range(240)}))
    forms = shown[0][0]
    assert forms["text/plain"].splitlines()[-1] == "10 of 240 rows"
    assert "10 of 240 rows" in forms["text/html"] and forms["text/html"].count("<tr>") == 11
    assert len(as_csv(shown[0])) == 241


def test_a_table_without_rows_says_so(shown):
    show(pd.DataFrame({"channel": [], "conversions": []}))
    assert shown[0][0]["text/plain"].splitlines()[-1] == "0 rows"


def test_an_index_with_names_is_shown_and_a_counting_one_is_not(shown):
    show(pd.Series([3, 4], index=pd.Index(["Email", "SMS"], name="channel"), name="conversions"))
    show(pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("x", 2)], names=["one", "two"])))
    show(pd.DataFrame({"a": [1]}))
    assert [as_csv(bundle)[0] for bundle in shown] == [["channel", "conversions"], ["one", "two", "a"], ["a"]]
    assert '<th scope="row"' in shown[0][0]["text/html"]


def test_a_result_shows_its_sentence_above_its_table(shown):
    class Result:
        table, sentence = pd.DataFrame({"n": [1]}), "One conversion in all."

    show(Result())
    assert shown[0][0]["text/plain"].splitlines() == ["One conversion in all.", "n", "1"]


def test_a_gap_in_place_of_a_table_shows_as_its_sentence(shown):
    class Result:
        table = NO_SPEND

    show(NO_SPEND)
    show(Result())
    assert shown[0] == shown[1] and shown[0][1]["convtrack"]["gap"] == NO_SPEND.reason


def test_a_gap_in_a_cell_is_a_dash_with_its_reason_below(shown):
    show(pd.DataFrame({"metric": ["CPA", "clicks"], "amount": [NO_SPEND, 7]}))
    assert shown[0][0]["text/plain"].splitlines()[-1] == f"– {NO_SPEND.sentence}"
    assert as_csv(shown[0])[1] == ["CPA", ""]


def test_what_is_no_table_is_refused(shown):
    with pytest.raises(TypeError, match="takes a table, not int"):
        show(3)


def test_the_csv_has_ten_digits_and_no_dust(shown):
    show(pd.DataFrame({"x": [1 / 3, 1e-17, 123456789.123456]}))
    assert [row[0] for row in as_csv(shown[0])[1:]] == ["0.3333333333", "0", "123456789.1"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_cell_of_the_csv_begins_like_a_formula(shown, start):
    formula = f"{start}HYPERLINK(1)"
    assert csv_text(formula) == "'" + formula
    show(
        pd.DataFrame(
            {formula: [formula], "path": [[formula, "b"]], "n": [-1.5]}, index=pd.Index([formula], name="i")
        )
    )
    header, row = as_csv(shown[0])
    text = "'" + formula.replace("\r", "\n")  # one kind of line end in a CSV
    assert [header[1], row[0], row[1], row[3]] == [text, text, text, "-1.5"]
    assert row[2][0] not in "=+-@\t\r"


def test_names_from_the_data_are_text_in_html(shown):
    show(pd.DataFrame({SCRIPT: [SCRIPT], "path": [[SCRIPT, "$x$"]]}), caption=SCRIPT)
    page = shown[0][0]["text/html"]
    assert "<script" not in page and page.count("&lt;script&gt;") == 4
    assert "$x$" not in page  # a page with MathJax would set it as a formula


def test_a_cell_of_a_thousand_characters_is_cut_on_the_page_only(shown):
    show(pd.DataFrame({"url": ["u" * 1000]}))
    cell = shown[0][0]["text/plain"].splitlines()[1]
    assert len(cell) < 200 and cell.endswith("…") and len(as_csv(shown[0])[1][0]) == 1000


# ------------------------------------------------------------------------------------------------------- say


def test_a_sentence_is_filled_with_formatted_numbers(shown):
    row = pd.Series({"n": 1234.5})
    say(
        "**{channel}** has {n} of {row[n]:,.0f}, {share:.1%}; {row.n}.",
        channel="Email",
        n=1200,
        row=row,
        share=0.1234,
    )
    assert shown == [
        (
            {
                "text/markdown": "**Email** has 1,200 of 1,234, 12.3%; 1,234.5.",
                "text/plain": "**Email** has 1,200 of 1,234, 12.3%; 1,234.5.",
            },
            {},
        )
    ]


def test_a_gap_among_the_values_takes_the_place_of_the_sentence(shown):
    say("Each costs {cost:.2f}.", cost=NO_SPEND["cost"].sum() / 12)
    assert shown == [
        (
            {
                "text/markdown": "> **Not in this data.** There is no spend table, so no cost per "
                "acquisition\\. Add `spend` to study\\.yaml\\.",
                "text/plain": "> **Not in this data.** " + NO_SPEND.sentence,
            },
            {"convtrack": {"gap": NO_SPEND.reason, "remedy": NO_SPEND.remedy}},
        )
    ]


def test_a_gap_that_the_sentence_does_not_use_counts_too(shown):
    say("Twelve.", cost=NO_SPEND)
    assert shown[0][1]["convtrack"]["gap"] == NO_SPEND.reason


@pytest.mark.parametrize(
    "value", [float("nan"), np.nan, None, pd.NA, pd.NaT, float("inf"), f"about {GAP_MARK}"]
)
@pytest.mark.parametrize("template", ["Costs {x}.", "Costs {row[x]}."])
def test_a_sentence_never_carries_a_number_that_is_not_there(shown, value, template):
    say(template, x=value, row={"x": value})
    assert "not enough data" in shown[0][0]["text/plain"] and "convtrack" in shown[0][1]


def test_a_nan_with_a_format_is_not_written_as_nan(shown):
    say("Costs {x:,.2f}.", x=float("nan"))
    assert "nan" not in shown[0][0]["text/plain"]


def test_a_missing_name_is_named():
    with pytest.raises(KeyError, match="chanel"):
        say("{chanel}", channel="Email")
    with pytest.raises(KeyError, match="0"):
        say("{}", channel="Email")


def test_a_template_reaches_no_private_attribute():
    with pytest.raises(KeyError, match="private"):
        say("{x.__class__}", x="Email")


def test_no_negative_zero(shown):
    say("{x:.1f} and {x:.0%}", x=-0.0001)
    assert shown[0][0]["text/plain"] == "0.0 and 0%"


def rendered(markdown):
    cell = nbformat.v4.new_code_cell(
        outputs=[nbformat.v4.new_output("display_data", {"text/markdown": markdown})]
    )
    page, _ = HTMLExporter(template_name="basic").from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    return page


@pytest.mark.parametrize(
    "name",
    [
        SCRIPT,
        "*Sale*",
        "_x_ and __y__",
        "a | b",
        "[link](http://example.org)",
        "`code`",
        "$x$ and $y$",
        "\\(x\\)",
        "# head",
        "- item",
        "1. item",
        "1) item",
        "&amp;",
        "~~no~~",
        "![i](x.png)",
        "http://example.org",
        "me@example.org",
    ],
)
def test_names_from_the_data_read_as_they_are_once_rendered(name):
    from bs4 import BeautifulSoup

    page = BeautifulSoup(rendered("Channel: " + markdown_text(name)), "html.parser")
    alone = BeautifulSoup(rendered(markdown_text(name)), "html.parser")
    assert f"Channel: {name}" in page.get_text() and name in alone.get_text()
    for tag in ("script", "em", "strong", "a", "code", "img", "del", "li", "h1", "table"):
        assert not page.find(tag) and not alone.find(tag), tag
    assert "$x$" not in str(page) and "\\(x" not in str(page)


def test_html_text_is_escaped():
    assert html_text(SCRIPT) == "&lt;script&gt;alert(1)&lt;/script&gt;"


# ------------------------------------------------------------------------------------------- gaps, elsewhere


def test_a_gap_keeps_its_code_and_escapes_the_rest(shown):
    show_gap(Gap(f"No {SCRIPT} in `study.yaml`.", "Map *it*."))
    assert shown[0][0]["text/markdown"] == (
        "> **Not in this data.** No &lt;script&gt;alert(1)&lt;/script&gt; in `study.yaml`\\. Map \\*it\\*\\."
    )
    assert shown[0][1] == {"convtrack": {"gap": f"No {SCRIPT} in `study.yaml`.", "remedy": "Map *it*."}}


def test_outside_a_notebook_the_text_is_printed():
    code = "import convtrack.display as d; d.say('{n} conversions', n=1200)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": LIBRARY},
    )
    assert done.stdout == "1,200 conversions\n"


def test_in_a_notebook_a_cell_shows_bundles_and_prints_nothing_else():
    source = (
        "import pandas as pd\nfrom convtrack.display import say, show\nfrom convtrack import plots\n"
        "t = pd.DataFrame({'channel': ['Email', '<b>'], 'conversions': [30, 10]})\n"
        "say('{n} rows', n=2)\nshow(t, name='t')\nplots.bars(t)"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(book, kernel_name="python3").execute(env=os.environ | {"PYTHONPATH": LIBRARY})
    outputs = book.cells[0].outputs
    assert [sorted(output.get("data", output)) for output in outputs] == [
        ["text/markdown", "text/plain"],
        ["text/csv", "text/html", "text/plain"],
        ["image/png", "text/plain"],
        ["text/html"],
    ]
    alt = outputs[2].metadata["image/png"]["alt"]
    basic, _ = HTMLExporter(template_name="basic").from_notebook_node(book)
    lab, _ = HTMLExporter(template_name="lab").from_notebook_node(book)
    said = "Largest: Email 30; smallest: &lt;b&gt; 10; total 40."
    assert "Largest: Email 30; smallest: <b> 10; total 40." in alt
    assert f'{said}"' in basic.split("<img")[1].split("/>")[0].split(">\n")[0]
    assert f"<p>Bar chart of conversions by channel, 2 bars. {said}</p></details>" in lab
