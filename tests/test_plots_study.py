"""The study's figures: who errs least stands at the top, errors keep their side, and a line says whether data cures."""

import numpy as np
import pandas as pd
import pytest
from convtrack import display, plots
from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.plots.study import growth
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

STRANGE = ["<b>bold</b>", "$x$ and $y$", "Email > Promo", "_x", "", "null", "広告 ☕", "a\nb",
           "A name so long that it could not possibly fit into any label on any figure"]


@pytest.fixture
def shown(monkeypatch):
    """The bundles that were displayed: pairs of forms and metadata."""
    bundles = []
    monkeypatch.setattr(display, "emit", lambda forms, metadata=None: bundles.append((forms, metadata or {})))
    return bundles


def text_of(shown, draw, *args, **kwargs):
    shown.clear()
    assert draw(*args, **kwargs) is None
    return shown[0][0]["text/plain"]


def errors():
    """Means by hand: markov (1 + 3 + 8) / 3 = 4, linear (4 + 4 + 1) / 3 = 3; the oracle is not known in every world."""
    return pd.DataFrame({"easy": [1.0, 4.0, 0.5], "hard": [3.0, 4.0, 0.5], "far": [8.0, 1.0, np.nan]},
                        index=["markov", "linear", "oracle"])


def missed(names=("Email", "SMS"), amounts=(0.2, -0.2)):
    rows = pd.DataFrame({"channel": names, "share_too_much": amounts})
    parts = [rows.assign(world=world, share_too_much=size * rows["share_too_much"]) for world, size in (("taxed", 1.0), ("plain", 0.1))]
    return pd.concat(parts).assign(low=lambda table: table["share_too_much"] - 0.01, high=lambda table: table["share_too_much"] + 0.01)


def curves(names=("cured", "stuck"), ends=(1.0, 7.0)):
    rows = [(name, size, error) for name, end in zip(names, ends) for size, error in ((100, 8.0), (10_000, end))]
    table = pd.DataFrame(rows, columns=["model", "visitors", "error"])
    return table.assign(low=0.9 * table["error"], high=1.1 * table["error"])


FIGURES = {
    "scores": lambda names, size: plots.scores(pd.DataFrame({"easy": range(1, len(names) + 1), "hard": size}, index=names)),
    "misses": lambda names, size: plots.misses(missed(names, np.linspace(-0.3, 0.01 * size, len(names)))),
    "growth": lambda names, size: plots.growth(curves(names, [float(size)] * len(names))),
}
EVERY_FIGURE = pytest.mark.parametrize("name", FIGURES)


# ---------------------------------------------------------------------------------------------- every figure


@EVERY_FIGURE
@pytest.mark.filterwarnings("error")
def test_the_same_table_gives_the_same_bundle_without_a_warning(shown, name):
    FIGURES[name](["markov", "linear", "shapley"], 3)
    FIGURES[name](["markov", "linear", "shapley"], 3)
    assert shown[:2] == shown[2:] and len(shown[0][0]["image/png"]) < 200_000


@EVERY_FIGURE
def test_strange_names_are_drawn_and_told_as_they_are(shown, name):
    text = text_of(shown, FIGURES[name], STRANGE, 3)
    assert "Email > Promo" in text and "$x$ and $y$" in text and STRANGE[-1] in text


@EVERY_FIGURE
def test_one_model_is_enough(shown, name):
    assert "drawn as" in text_of(shown, FIGURES[name], ["markov"], 3)


@EVERY_FIGURE
def test_a_changed_number_changes_the_text(shown, name):
    was = text_of(shown, FIGURES[name], ["markov", "linear"], 3)
    assert text_of(shown, FIGURES[name], ["markov", "linear"], 4).split("drawn as")[1] != was.split("drawn as")[1]


@pytest.mark.parametrize("draw", [plots.scores, plots.misses, plots.growth])
@pytest.mark.parametrize("table", [Gap("There is no study."), pd.DataFrame({"model": []})], ids=["gap", "no rows"])
def test_a_gap_or_no_rows_shows_a_gap(shown, draw, table):
    draw(table)
    assert "gap" in shown[0][1]["convtrack"]


@pytest.mark.parametrize(
    ("draw", "table", "message"),
    [(plots.misses, missed().drop(columns="world"), "no column 'world'"),
     (plots.misses, pd.concat([missed(), missed()]), "more than one row for 'taxed, Email'"),
     (plots.growth, curves().drop(columns="visitors"), "no column 'visitors'"),
     (plots.growth, pd.concat([curves(), curves()]), "more than one row for 'cured, 100'")],
)
def test_a_wrong_table_is_named(draw, table, message):
    with pytest.raises(ConvtrackError, match=message):
        draw(table)


# ---------------------------------------------------------------------------------------------------- scores


def drawn(figure, *args, **kwargs):
    """The axes of a figure that was drawn, and what is said of it."""
    drawing = figure.__wrapped__(*args, **kwargs)
    fig = Figure(figsize=(8, drawing.height))
    drawing.draw(fig.subplots())
    return fig.axes, drawing


def test_models_stand_in_the_order_of_their_mean_errors_and_say_their_worst_world(shown):
    _, drawing = drawn(plots.scores, errors())
    assert drawing.takeaway == "Linear has the smallest mean error: 3.00, Markov the largest: 4.00"
    assert drawing.alt == ("Matrix of error, 3 models by 3 worlds. Linear: mean 3.00, worst 4.00 (easy); Markov: mean 4.00, worst 8.00 "
                           "(far); Oracle: 2 worlds only, worst 0.50 (easy).")


def test_the_frame_marks_the_smallest_error_of_a_world_among_models_known_in_all():
    (ax,), _ = drawn(plots.scores, errors())
    frames = [(round(box.get_x()), round(box.get_y())) for box in ax.patches if isinstance(box, Rectangle)]
    assert frames == [(0, 1), (1, 1), (2, 0)]  # easy and hard: markov, in the second row; far: linear, in the first


def test_a_world_without_a_number_is_left_out_and_groups_order_the_others():
    table = errors().assign(empty=np.nan)
    (ax,), drawing = drawn(plots.scores, table, groups={"here": ["far", "empty"], "there": ["easy", "nowhere"]})
    assert [label.get_text() for label in ax.get_xticklabels()] == ["far", "easy", "mean"]
    assert {"here", "there"} <= {text.get_text() for text in ax.texts}
    assert "3 models by 2 worlds" in drawing.alt


def test_a_larger_error_is_never_drawn_paler():
    (ax,), _ = drawn(plots.scores, pd.DataFrame({"w": np.arange(1.0, 21.0)}, index=[f"m{i}" for i in range(20)]))
    ax.figure.canvas.draw()
    mesh = ax.collections[0]
    assert (np.diff(mesh.get_facecolor()[:, :3].mean(axis=1)) <= 1e-9).all()


def test_views_are_told_in_words():
    assert "Markov with views" in drawn(plots.scores, errors().rename(index={"markov": "markov+views"}))[1].alt


# ---------------------------------------------------------------------------------------------------- misses


def test_a_share_too_large_points_to_the_right_and_one_too_small_to_the_left():
    axes, drawing = drawn(plots.misses, missed())
    widths = [[bar.get_width() for bar in ax.patches] for ax in axes]
    np.testing.assert_allclose(widths, [[20, -20], [2, -2]])
    assert drawing.takeaway == "Taxed: the share of Email is 20.0 percentage points too large"
    assert drawing.alt.endswith("2 worlds. Taxed: Email +20.0, SMS -20.0. Plain: Email +2.0, SMS -2.0.")


def test_all_worlds_are_on_one_scale():
    axes, _ = drawn(plots.misses, missed())
    assert len({ax.get_xlim() for ax in axes}) == 1


# ---------------------------------------------------------------------------------------------------- growth


def test_a_line_is_solid_only_where_the_error_was_more_than_halved():
    (ax,), drawing = drawn(growth, curves(["cured", "exactly half", "stuck"], [3.9, 4.0, 8.0]))
    styles = {line.get_label(): line.get_linestyle() for line in ax.lines if not line.get_label().startswith("_")}
    assert styles == {"Cured": "-", "Exactly half": "--", "Stuck": "--"}
    assert drawing.alt.endswith("More than halved: Cured 8.00 to 3.90. Not halved: Stuck 8.00 to 8.00, Exactly half 8.00 to 4.00.")
    assert drawing.takeaway == "More data more than halves the error of 1 of 3 models"


def test_both_axes_are_logarithmic_and_show_the_sizes():
    (ax,), _ = drawn(growth, curves())
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["100", "10,000"]


def test_models_that_are_not_named_are_counted_and_still_drawn():
    (ax,), drawing = drawn(growth, curves(["cured", "stuck", "also cured"], [1.0, 7.0, 2.0]), named=["stuck", "nobody"])
    assert drawing.note == "Thin grey lines: 2 other models, of which 2 more than halved."
    assert "1 of 3" not in drawing.takeaway and "2 of 3 models" in drawing.takeaway
    assert [text.get_text() for text in ax.texts] == ["Stuck"]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=14))
def test_names_at_the_ends_of_lines_never_overlap_and_keep_the_order_of_the_lines(ends):
    (ax,), _ = drawn(growth, curves([f"model {place}" for place in range(len(ends))], ends))
    low, high = np.log(ax.get_ylim())
    at = {int(text.get_text().split()[-1]): (np.log(text.xy[1]) - low) / (high - low) for text in ax.texts}
    heights = np.array([at[place] for place in np.argsort(ends, kind="stable")])
    assert (np.diff(np.sort(heights)) > 0.05 - 1e-6).all()
    assert all(at[a] < at[b] for a in at for b in at if ends[a] < ends[b])
