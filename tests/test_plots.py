"""A figure says in words what it draws, draws what it says, and stays readable on strange data."""

import base64
import inspect
import io
import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from convtrack import display, plots
from convtrack.plots.drawn import described, rounded
from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.plots.palette import channel_colours
from convtrack.plots.publish import publish
from convtrack.plots.style import STYLE
from matplotlib import rc_context, rcParams
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

CHANNELS = [
    "Direct",
    "Organic Search",
    "Paid Search Brand",
    "Paid Search Generic",
    "Paid Social",
    "Organic Social",
    "Display",
    "Retargeting",
    "Email",
    "SMS",
    "Affiliates",
    "Referral",
]
AMOUNTS = [310, 420, 265, 188, 240, 96, 70, 150, 330, 44, 88, 61]
STRANGE = [
    "<b>bold</b>",
    "$x$ and $y$",
    "Email > Promo",
    "_x",
    "",
    "null",
    "広告 ☕",
    "a\nb",
    "A name so long that it could not possibly fit into any label on any figure",
]


@pytest.fixture
def shown(monkeypatch):
    """The bundles that were displayed: pairs of forms and metadata."""
    bundles = []
    monkeypatch.setattr(
        display, "emit", lambda forms, metadata=None: bundles.append((forms, metadata or {}))
    )
    return bundles


def by_channel(names=CHANNELS, amounts=AMOUNTS):
    amounts = np.array(amounts[: len(names)], dtype=float)
    return pd.DataFrame(
        {"channel": names, "conversions": amounts, "low": amounts * 0.9, "high": amounts * 1.1}
    )


def change_table(names, amounts) -> pd.DataFrame:
    bounds = dict.fromkeys(("lowest", "highest", "low", "high"), amounts[: len(names)])
    return pd.DataFrame({"channel": names, "verdict": "open", **bounds})


def credit(names=CHANNELS, amounts=AMOUNTS):
    parts = [
        by_channel(names, np.roll(amounts[: len(names)], k) + 0.25).assign(model=model)
        for k, model in enumerate(["first_touch", "last_touch", "markov"])
    ]
    return pd.concat(parts, ignore_index=True)


def weeks(names=CHANNELS[:3], amounts=AMOUNTS):
    parts = [
        pd.DataFrame(
            {
                "week": pd.date_range("2026-01-05", periods=6, freq="7D"),
                "channel": name,
                "conversions": np.arange(6) * (k + 1) + 5 + amounts[k] / 1000,
            }
        )
        for k, name in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)


def links(names=CHANNELS, amounts=AMOUNTS):
    return pd.DataFrame({"first": names, "last": names[::-1], "conversions": amounts[: len(names)]})


def steps(names=("session_start", "view_item", "add_to_cart", "purchase"), start=1000):
    return pd.DataFrame({"step": list(names), "count": [start // (k + 1) ** 2 for k in range(len(names))]})


def matrix(names, amounts):
    return pd.DataFrame(np.outer(amounts[: len(names)], [1, 2]) / 1000, names, ["buys", "leaves"])


# each figure, drawn from names of categories and amounts
FIGURES = {
    "bars": lambda names, amounts: plots.bars(by_channel(names, amounts), low="low", high="high"),
    "funnel": lambda names, amounts: plots.funnel(steps(names[:5], 10 * amounts[0])),
    "flow": lambda names, amounts: plots.flow(links(names, amounts)),
    "trend": lambda names, amounts: plots.trend(
        weeks(names, amounts), "week", "conversions", "channel", top=9, immature_from="2026-02-02"
    ),
    "lag": lambda names, amounts: plots.lag(pd.DataFrame({"days": amounts})),
    "dots": lambda names, amounts: plots.dots(credit(names, amounts), interval="markov"),
    "changes": lambda names, amounts: plots.changes(change_table(names, amounts)),
    "heat": lambda names, amounts: plots.heat(matrix(names, amounts)),
    "scatter": lambda names, amounts: plots.scatter(
        by_channel(names, amounts).assign(assisted=7), "conversions", "assisted", equal="as many"
    ),
}
EVERY_FIGURE = pytest.mark.parametrize("name", FIGURES)


def text_of(shown, draw, *args, **kwargs):
    shown.clear()
    draw(*args, **kwargs)
    return shown[0][0]["text/plain"]


def png_of(bundle):
    return Image.open(io.BytesIO(base64.b64decode(bundle[0]["image/png"])))


# ---------------------------------------------------------------------------------------------- every figure


@EVERY_FIGURE
def test_the_same_table_gives_the_same_bundle_without_a_warning(shown, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FIGURES[name](CHANNELS, AMOUNTS)
        FIGURES[name](CHANNELS, AMOUNTS)
    assert shown[: len(shown) // 2] == shown[len(shown) // 2 :]


@EVERY_FIGURE
def test_a_figure_is_small_has_words_and_returns_nothing(shown, name):
    assert FIGURES[name](CHANNELS, AMOUNTS) is None
    (forms, metadata), (words, _) = shown
    alt = metadata["image/png"]["alt"]
    assert len(base64.b64decode(forms["image/png"])) < 120_000
    assert metadata["image/png"]["width"] == 800 and png_of(shown[0]).width >= 800
    assert forms["text/plain"].startswith(alt + "\n") and alt in words["text/html"].replace("&lt;", "<")
    assert metadata["convtrack"]["takeaway"].split()[0] in forms["text/plain"]


@EVERY_FIGURE
def test_strange_names_are_drawn_as_they_are(shown, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FIGURES[name](STRANGE, AMOUNTS)
    text = shown[0][0]["text/plain"]
    assert "image/png" in shown[0][0]
    for part in ("$x$ and $y$", "<b>bold</b>", "_x", "(empty)") if name not in ("lag", "funnel") else ():
        assert part in text


@EVERY_FIGURE
def test_one_category_is_enough(shown, name):
    FIGURES[name](CHANNELS[:1], AMOUNTS)
    assert "image/png" in shown[0][0]


@pytest.mark.parametrize(
    "draw",
    [
        plots.bars,
        plots.funnel,
        plots.flow,
        lambda t: plots.trend(t, "week", "conversions"),
        plots.lag,
        plots.dots,
        plots.changes,
        plots.heat,
        lambda t: plots.scatter(t, "a", "b"),
    ],
)
@pytest.mark.parametrize("table", [Gap("There is no spend table."), pd.DataFrame({"channel": []})])
def test_a_gap_or_no_rows_shows_a_gap(shown, draw, table):
    assert draw(table) is None
    ((forms, metadata),) = shown
    assert forms["text/plain"].startswith("> **Not in this data.** There is no")
    assert "image/png" not in forms and metadata["convtrack"]["gap"]


def test_a_gap_in_any_argument_shows_as_a_gap(shown):
    plots.trend(weeks(), "week", "conversions", "channel", immature_from=Gap("The lag is not known."))
    assert shown[0][1]["convtrack"]["gap"] == "The lag is not known."


@EVERY_FIGURE
def test_figures_leave_no_state_and_heed_none(shown, name):
    before = dict(rcParams)
    FIGURES[name](CHANNELS, AMOUNTS)
    assert dict(rcParams) == before
    with rc_context({"font.size": 30, "axes.facecolor": "black", "text.usetex": False, "savefig.dpi": 30}):
        FIGURES[name](CHANNELS, AMOUNTS)
    assert shown[0] == shown[2]


def test_signatures_say_that_nothing_comes_back():
    for name in plots.__all__:
        if name != "channel_colours":
            assert inspect.signature(getattr(plots, name)).return_annotation is None


# ----------------------------------------------------------------------------- what is drawn is what is said


def changed(column, row, value, **kinds):
    table = by_channel()
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    "table",
    [
        changed("conversions", 3, 189.0),
        changed("low", 5, 80.0),
        changed("channel", 0, "Other"),
        by_channel().iloc[:-1],
    ],
    ids=["number", "whisker", "label", "row"],
)
def test_a_change_of_what_is_drawn_changes_the_text(shown, table):
    was = text_of(shown, plots.bars, by_channel(), low="low", high="high")
    assert text_of(shown, plots.bars, table, low="low", high="high") != was
    assert text_of(shown, plots.bars, by_channel().copy(), low="low", high="high") == was


@EVERY_FIGURE
def test_one_changed_number_changes_the_text_of_any_figure(shown, name):
    was = text_of(shown, FIGURES[name], CHANNELS[:8], AMOUNTS)
    now = text_of(shown, FIGURES[name], CHANNELS[:8], [AMOUNTS[0] + 7, *AMOUNTS[1:]])
    assert now.split("drawn as")[1] != was.split("drawn as")[1]


def drawn(**looks):
    fig = Figure()
    ax = fig.subplots()
    ax.barh([0, 1], [looks.get("long", 3.0), 4.25], color=looks.get("bar", "#336699"))
    ax.plot(
        [0, 1],
        [1, looks.get("high", 2.0)],
        color=looks.get("line", "#112233"),
        marker=looks.get("marker", "o"),
    )
    ax.scatter([1, 2], [1, looks.get("dot", 2)], color=looks.get("dots", "#445566"), s=looks.get("size", 20))
    ax.errorbar([1], [1], xerr=[looks.get("error", 0.5)], color="#000000")
    ax.text(0, 0, looks.get("text", "words"))
    ax.set_yticks([0, 1], ["SMS", looks.get("tick", "Email")])
    ax.set(
        title=looks.get("title", "Title"),
        xlabel=looks.get("xlabel", "Conversions"),
        xlim=looks.get("xlim", (0, 5)),
    )
    return described(fig, "Alt.")


@pytest.mark.parametrize(
    "look",
    [
        {"long": 3.01},
        {"bar": "#336698"},
        {"high": 2.01},
        {"line": "#112234"},
        {"marker": "s"},
        {"dot": 2.01},
        {"dots": "#445567"},
        {"size": 21},
        {"error": 0.51},
        {"text": "word"},
        {"tick": "E-mail"},
        {"title": "title"},
        {"xlabel": "conversions"},
        {"xlim": (1, 5)},
    ],
    ids=lambda look: next(iter(look)),
)
def test_any_planted_change_of_a_figure_changes_its_text(look):
    assert drawn() == drawn()
    assert drawn(**look) != drawn()


def test_the_text_has_the_numbers_with_their_labels():
    assert drawn().splitlines()[:5] == [
        "Alt.",
        "axes 1: Title; x Conversions",
        "  y ticks: SMS, Email",
        "  text: words",
        "  bars: SMS 3; Email 4.25",
    ]


def test_many_numbers_are_told_by_their_extremes():
    fig = Figure()
    fig.subplots().plot(np.arange(1000), np.arange(1000) / 7, label="long")
    line = described(fig, "Alt.").splitlines()[-2]
    assert line == "  line long: 1000 points, 0 to 142.7, first (0, 0), last (999, 142.7)"


def test_the_text_does_not_hang_on_fonts_size_or_resolution():
    def text(size, dpi, font):
        with rc_context({"font.size": font}):
            fig = Figure(figsize=size, dpi=dpi)
            fig.subplots().bar(["a", "b"], [1, 2])
            fig.savefig(io.BytesIO(), format="png")
            return described(fig, "Alt.")

    assert text((8, 4), 100, 10) == text((3, 9), 50, 17)


def test_dust_of_floating_point_makes_no_difference():
    assert rounded(0.1 + 0.2) == rounded(0.3) == "0.3"
    figures = [Figure(), Figure()]
    for fig, zero in zip(figures, (0.0, 0.1 + 0.2 - 0.3), strict=True):
        fig.subplots().plot([1, 2], [zero, 1])
    assert described(figures[0], "") == described(figures[1], "")


def test_publish_closes_what_pyplot_has(shown):
    from matplotlib import pyplot

    fig, ax = pyplot.subplots()
    ax.plot([1, 2])
    publish(fig, "A line.", "It rises.")
    assert not pyplot.get_fignums() and shown[0][1]["convtrack"] == {"takeaway": "It rises."}


def test_areas_keep_their_exact_colour(shown):
    plots.bars(by_channel())
    found = {colour for _, colour in png_of(shown[0]).convert("RGB").getcolors(100_000)}
    wanted = {
        tuple(round(255 * part) for part in to_rgb(colour)) for colour in channel_colours(CHANNELS).values()
    }
    assert wanted | {(255, 255, 255)} <= found


# ---------------------------------------------------------------------------------------- what each one says


def words_of(shown, draw, *args, **kwargs):
    shown.clear()
    draw(*args, **kwargs)
    return shown[0][1]["image/png"]["alt"], shown[0][1]["convtrack"]["takeaway"]


def test_bars_say_the_largest_the_smallest_and_the_total(shown):
    alt, takeaway = words_of(shown, plots.bars, by_channel())
    assert alt == (
        "Bar chart of conversions by channel, 12 bars. Largest: Organic Search 420; smallest: SMS 44; "
        "total 2,262."
    )
    assert takeaway == "Organic Search has the most conversions: 420 of 2,262 (18.6%)"


def test_rates_are_not_added_up(shown):
    table = pd.DataFrame(
        {
            "channel": ["Email", "SMS"],
            "conversion_rate": [0.05, 0.04],
            "low": [0.03, 0.02],
            "high": [0.07, 0.06],
        }
    )
    alt, takeaway = words_of(shown, plots.bars, table, y="conversion_rate", low="low", high="high")
    assert "total" not in alt and "Email 5% (interval 3% to 7%)" in alt
    assert takeaway == "Email is highest in conversion rate with 5%, but its interval overlaps that of SMS"


def test_money_has_its_unit(shown):
    alt, _ = words_of(
        shown, plots.bars, by_channel().rename(columns={"conversions": "value"}), y="value", unit="GBP"
    )
    assert "SMS 44 GBP; total 2,262 GBP" in alt and "x Value (GBP)" in shown[0][0]["text/plain"]


def test_what_models_say_of_the_same_thing_is_not_added_up(shown: list) -> None:
    plots.bars(pd.DataFrame({"model": ["Linear", "Markov"], "conversions": [40, 30]}), "model", "conversions")
    text = shown[0][0]["text/plain"]
    assert "Linear 40; smallest: Markov 30." in text
    assert "total" not in text and "70" not in text


def test_a_tie_has_no_winner(shown):
    _, takeaway = words_of(shown, plots.bars, by_channel(["a", "b", "c"], [5, 5, 1]))
    assert takeaway == "2 channels are level at the top with 5 conversions"


def test_thousands_of_categories_are_cut_and_it_is_said(shown):
    table = pd.DataFrame({"campaign": [f"c{i}" for i in range(4000)], "clicks": range(4000)})
    alt, _ = words_of(shown, plots.bars, table, "campaign", "clicks")
    assert "The 15 largest of 4,000 campaigns are drawn; 3,985 others are not drawn." in alt
    assert "total 7,998,000" in alt
    assert "bars: c3999 3999; c3998 3998;" in shown[0][0]["text/plain"]


def test_a_long_name_is_cut_on_the_figure_and_whole_in_the_words(shown):
    alt, _ = words_of(shown, plots.bars, by_channel([STRANGE[-1]], [1]))
    assert STRANGE[-1] in alt and "y ticks: A name so long that it co…\n" in shown[0][0]["text/plain"]


def test_bars_start_at_zero(shown):
    text = text_of(shown, plots.bars, by_channel(["a", "b"], [1000, 1001]))
    assert "bars: b 1001; a 1000" in text


def test_a_funnel_says_where_most_are_lost(shown):
    alt, takeaway = words_of(shown, plots.funnel, steps(), "sessions")
    assert (
        takeaway
        == "Most are lost between Session start and View item: 750 of 1,000 sessions (75.0%) go no further"
    )
    assert (
        "Purchase 62 (6.2% of the first)" in alt
        and "Largest loss: 750 of 1,000 (75.0%) before View item." in alt
    )


def test_a_flow_puts_small_channels_together_and_loses_none(shown):
    alt, _ = words_of(shown, plots.flow, links())
    text = shown[0][0]["text/plain"]
    assert "2,262 in all" in alt and "5 others are put together" in alt and "5 others 359" in text


def test_a_flow_may_end_early(shown):
    table = pd.DataFrame({"first": ["a", "b"], "last": ["c", None], "conversions": [1, 2]})
    alt, _ = words_of(shown, plots.flow, table)
    assert "Largest: b 2; smallest: a to c 1; 2 ways." in alt


def test_a_trend_says_what_is_not_complete(shown):
    alt, takeaway = words_of(
        shown, plots.trend, weeks(), "week", "conversions", "channel", immature_from="2026-02-02"
    )
    assert "Not complete yet from 2026-02-02." in alt and "Direct: 5.3 at first, 10.3 at last" in alt
    assert takeaway == "Paid Search Brand moves most in conversions: from 5.3 to 14.3"  # four whole weeks


def test_lag_marks_the_median_and_nine_in_ten(shown):
    alt, _ = words_of(shown, plots.lag, pd.DataFrame({"hours": [0, 24, 48, 72, 96, 120, 144, 168, 192, 480]}))
    assert (
        "10 conversions by days since first touch. Half within 4 days, 90% within 8 days, all within 20 days."
        in alt
    )


def test_lag_counts_weights_and_durations(shown):
    weighted, _ = words_of(shown, plots.lag, pd.DataFrame({"days": [1, 5], "n": [9, 1]}), weight="n")
    waits, _ = words_of(
        shown, plots.lag, pd.DataFrame({"wait": pd.to_timedelta(["1D"] * 9 + ["5D"])}), "wait"
    )
    assert weighted == waits and "Half within 1 day, 90% within 1 day, all within 5 days" in waits


def test_dots_say_where_the_models_disagree(shown):
    table = pd.DataFrame(
        {
            "model": ["last_touch", "markov"] * 2,
            "channel": ["Email", "Email", "SMS", "SMS"],
            "conversions": [30, 10, 10, 12],
        }
    )
    alt, takeaway = words_of(shown, plots.dots, table)
    assert takeaway == "The models disagree most on Email: 10 conversions by Markov, 30 by last touch"
    assert "Email: Markov 10 to last touch 30; SMS: last touch 10 to Markov 12" in alt
    _, takeaway = words_of(shown, plots.dots, table, share=True)
    assert takeaway == "The models disagree most on Email: 45.5% of the credit by Markov, 75.0% by last touch"


def test_changes_say_who_gets_more_and_less_than_by_last_click(shown):
    table = pd.DataFrame(
        {
            "channel": ["Email", "SMS", "Direct"],
            "lowest": [-9.0, 2.0, -1.0],
            "highest": [-4.0, 3.0, 6.0],
            "low": [-12.0, 1.0, -3.0],
            "high": [-2.0, 5.0, 8.0],
            "verdict": ["less", "more", "open"],
        }
    )
    alt, takeaway = words_of(shown, plots.changes, table)
    assert takeaway == "Against last click, every other model gives more to SMS, and less to Email"
    assert "Direct: -1 to +6, open; SMS: +2 to +3, more; Email: -9 to -4, less." in alt
    assert words_of(shown, plots.changes, table[2:])[1].endswith("gives neither more nor less to any")


def test_a_matrix_names_its_extremes(shown):
    table = pd.DataFrame(
        [[0.1, np.nan], [0.4, 0.2]], pd.Index(["a", "b"], name="from"), pd.Index(["c", "d"], name="to")
    )
    alt, takeaway = words_of(shown, plots.heat, table, what="transition_share")
    assert alt == (
        "Heatmap of transition share, 2 rows by 2 columns. Largest: 40% (from b, to c); "
        "smallest: 10% (from a, to c)."
    )
    assert takeaway == "Highest transition share: 40% (from b, to c)"


def test_points_say_the_highest_of_both(shown):
    table = pd.DataFrame({"channel": ["Email", "SMS"], "last": [3, 9], "assisted": [12, 4]})
    alt, takeaway = words_of(shown, plots.scatter, table, "last", "assisted")
    assert takeaway == "Email leads in assisted, SMS in last"
    assert "Highest assisted: Email 12 (last 3). Highest last: SMS 9 (assisted 4)." in alt


def test_the_caller_may_say_it_better(shown):
    assert words_of(shown, plots.bars, by_channel(), title="Search wins")[1] == "Search wins"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"chanel": ["a"], "conversions": [1]}), "no column 'channel'. Closest: 'chanel'"),
        (pd.DataFrame({"channel": ["a", "a"], "conversions": [1, 2]}), "more than one row for 'a'"),
        (pd.DataFrame({"channel": ["a"], "conversions": ["many"]}), "no numbers in 'conversions'"),
    ],
)
def test_a_wrong_table_is_named(table, message):
    with pytest.raises(ConvtrackError, match=message):
        plots.bars(table)


def test_a_wrong_model_is_named():
    with pytest.raises(ConvtrackError, match="no model 'markow'. Closest: 'markov'"):
        plots.dots(credit(), models=["markow"])
    with pytest.raises(ConvtrackError, match="for the interval. Closest: 'markov'"):
        plots.dots(credit(), interval="markow")


# --------------------------------------------------------------------------------------------------- colours

# linear-light matrices for full protanopia, deuteranopia and tritanopia: Machado, Oliveira and Fernandes 2009
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)


def linear(colour):
    parts = np.array(to_rgb(colour))
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(light):
    part = TO_XYZ @ np.clip(light, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(part > 0.008856, np.cbrt(part), 7.787 * part + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_channels_look_different_to_everyone(sight):
    seen = {
        name: lab(np.array(SIGHT[sight]) @ linear(colour))
        for name, colour in channel_colours(CHANNELS).items()
    }
    closest = min(
        itertools.combinations(seen, 2), key=lambda pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]])
    )
    assert np.linalg.norm(seen[closest[0]] - seen[closest[1]]) > 20, closest


@pytest.mark.parametrize("colour", channel_colours([*CHANNELS, *STRANGE, "Podcast", "TV"]).values())
def test_every_colour_stands_out_from_the_paper(colour):
    assert 1.05 / (linear(colour) @ TO_XYZ[1] + 0.05) > 2


def test_a_channel_keeps_its_colour_whatever_else_is_there():
    assert channel_colours(["Podcast", "Email"]) == {"Podcast": "#A8A03E", "Email": "#8A1232"}
    assert channel_colours(["Email"])["Email"] == channel_colours(CHANNELS[::-1])["Email"]
    assert channel_colours(["Direct"]) == {"Direct": "#696969"}  # a neutral grey: no marketing
    assert len(set(channel_colours(CHANNELS).values())) == 12


def test_the_font_is_the_one_that_matplotlib_ships():
    assert STYLE["font.family"] == ["DejaVu Sans"] and STYLE["text.parse_math"] is False
