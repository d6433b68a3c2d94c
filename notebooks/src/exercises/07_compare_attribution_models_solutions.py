# ---
# jupyter:
#   convtrack:
#     minutes: 25
#     needs: {events.channel: which channel each touch came from}
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to lesson 07: other shares, another goal, and the journeys that were left out
#
# Each solution begins with the answer that most people give first.

# %% tags=["parameters"]
study: str = "../../data/larkspur/study.yaml"  # the study file: where the data is
goal: str = "newsletter_opt_in"  # the goal of the second exercise

# %%
import convtrack as ct

shop = ct.open_study(study)
touches = ct.find_touches(shop.events, shop.touches)
conversions = shop.conversions_of(shop.main_goal)
journeys = ct.build_journeys(touches, conversions, shop.lookback_days)

# %% [markdown]
# ## One: a flatter rule pays those who stand in the middle
#
# *Give the first touch and the last touch 30 % each, and the middle the rest. For which channel does the credit change most
# against 40/20/40? Say why, before you look at its place on the journeys.*
#
# The tempting answer is the largest channel, because large channels move most in absolute numbers. But the largest channels often
# stand in the middle and at the ends alike, and what they lose there they win here.

# %%
flatter = ct.attribution.PositionBased(name="30/40/30", first=0.3, last=0.3)
both = ct.compare(journeys, ["position_based", flatter]).wide()
both["change"] = both["30/40/30"] - both["position_based"]
ct.show(both.sort_values("change", kind="stable"), name="flatter_rule", rows=20)

# %% [markdown]
# Now the reason. The rule can only move credit on journeys of three touches and more, since shorter ones have no middle. So we count, for
# each channel, how many touches it has in the middle of a journey, and how many at an end.

# %%
won = journeys[journeys["converted"]]
middle = won["path"].map(lambda path: path[1:-1]).explode().value_counts()
both_ends = won["path"].map(lambda path: path[:1] + path[-1:] if len(path) > 2 else [])
ends = both_ends.explode().value_counts()

# %% tags=["hide-input"]
change = both["change"].sort_values(kind="stable")
ct.say(
    "{winner} gains most, {gain:.1f} conversions: it has {wm:,.0f} touches in the middle of these journeys and {we:,.0f} at an end. {loser} loses most, "
    "{loss:.1f}: {lm:,.0f} in the middle and {le:,.0f} at an end.",
    winner=change.index[-1], gain=change.iloc[-1], wm=float(middle.get(change.index[-1], 0)), we=float(ends.get(change.index[-1], 0)),
    loser=change.index[0], loss=-change.iloc[0], lm=float(middle.get(change.index[0], 0)), le=float(ends.get(change.index[0], 0)),
)

# %% [markdown]
# ## Two: another goal, and other channels look important
#
# *Repeat the comparison for another goal, the newsletter opt-in. Does the same channel have the longest line? What would a
# manager conclude who looked at one goal only?*
#
# The tempting answer is to expect the same picture, because these are the same visitors.

# %%
models = ["first_touch", "last_touch", "last_non_direct", "linear", "markov"]
others = ct.build_journeys(touches, shop.conversions_of(goal), shop.lookback_days)
opt_ins, sales = ct.compare(others, models), ct.compare(journeys, models)
ct.plots.dots(opt_ins.table, share=True)

# %% tags=["hide-input"]
def shares(comparison):
    return comparison.wide() / (comparison.conversions - comparison.unattributed)

def spread(table):
    return table.max(axis=1) - table.min(axis=1)

lines = {"opt": spread(shares(opt_ins)), "sale": spread(shares(sales))}
lengths = others["path"].map(len)[others["converted"]]
ct.say(
    "For {goal} the longest line is {opt}'s, and for {main} it is {sale}'s. The lines are {a:.1%} of all credit long on average for the former, and "
    "{b:.1%} for the latter. The journeys say why: {short:.1f} touches precede an average {goal}, and {long:.1f} an average {main}. The longer the "
    "journeys, the more there is to share, and to disagree about. A manager who looked at the shorter ones only would conclude that attribution "
    "hardly matters.",
    goal=goal, main=shop.main_goal, opt=lines["opt"].idxmax(), sale=lines["sale"].idxmax(), a=lines["opt"].mean(), b=lines["sale"].mean(),
    short=lengths.mean(), long=journeys.loc[journeys["converted"], "path"].map(len).mean(),
)

# %% [markdown]
# ## Three: without the journeys that failed, the model cannot tell busy from useful
#
# *Leave out the journeys that did not convert, and fit the Markov model again. By how much does the credit of the most affected
# channel change?*
#
# The tempting answer is that it cannot matter, since journeys that brought nothing have nothing to share out.

# %%
with_all = ct.compare(journeys, ["markov"]).wide()["markov"]
without = ct.compare(journeys[journeys["converted"]], ["markov"]).wide()["markov"]
difference = (without - with_all).sort_values(kind="stable")

# %% tags=["hide-input"]
ct.say(
    "Without them {up} gains {gain:.1f} conversions and {down} loses {loss:.1f}, which is {share:.0%} of what it had. The journeys that failed carry the "
    "news of how often a channel leads nowhere. Left out, every road on the map ends in a sale, and what is left to judge a channel by is "
    "how often it turns up.",
    up=difference.index[-1], gain=difference.iloc[-1], down=difference.index[0], loss=-difference.iloc[0],
    share=-difference.iloc[0] / with_all[difference.index[0]],
)
