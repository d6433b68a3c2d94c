# ---
# jupyter:
#   convtrack:
#     minutes: 25
#     needs: {}
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to lesson 11: the worst world, the other truth, and two worlds with one log
#
# Each solution begins with the answer that most people give first.

# %% tags=["parameters"]
visitors: int = 5_000  # 2000 to 50000; people in the worlds of the third exercise
seed: int = 11  # 0 to 1000000; where those worlds begin

# %%
import numpy as np
import pandas as pd
import convtrack as ct

results = ct.study.read_published().results

# %% [markdown]
# ## One: the best on average need not be the one for the cautious
#
# *You do not know which world you live in, and you cannot afford the worst. Choose the model whose largest regret is the
# smallest. Is it the one with the smallest mean?*
#
# The tempting answer is to take the first row of the figure and be done. But a mean over worlds is the right guide only for
# somebody who lives in all of them a little. For each model we look up its worst world.

# %%
regret = results.wide("regret").drop(index=ct.study.NOT_ON_TRIAL).dropna()
cautious = pd.DataFrame({"mean": regret.mean(axis=1), "largest": regret.max(axis=1),
                         "in_world": regret.idxmax(axis=1)})
cautious = cautious.sort_values("largest", kind="stable")
ct.show(cautious.round(0).reset_index().head(12), name="largest_regret", rows=12,
        caption="Regret in GBP per 100,000 visitors, the smallest worst case first")

# %% tags=["hide-input"]
safest, best, common = cautious.index[0], cautious["mean"].idxmin(), cautious["in_world"].value_counts()
ct.say(
    "The smallest worst case is that of {safest:words}: {least:,.0f} pounds, in {world:words}. The smallest mean is that of {best:words}, "
    "{mean:,.0f} pounds, and its worst world, {other:words}, costs {most:,.0f}. {verdict} Look at the worlds, too. {often} of "
    "the {n} models have their worst world in {where:words}. If you can rule that world out for your shop, the table changes, "
    "and that is worth more than the best model.",
    safest=safest, least=cautious["largest"].iloc[0], world=cautious["in_world"].iloc[0], best=best,
    mean=cautious.loc[best, "mean"], other=cautious.loc[best, "in_world"], most=cautious.loc[best, "largest"],
    verdict="So they are not the same." if safest != best else "So here they are the same, which nobody had promised.",
    often=int(common.iloc[0]), n=len(cautious), where=common.index[0],
)

# %% [markdown]
# ## Two: the name of a value is not the game that it is the value of
#
# *Score the models against the Shapley value of the true game, in place of the channels switched off one at a time. It
# should help the models that are called Shapley. Does it?*
#
# The tempting answer is yes, of course: a Shapley model should come near a Shapley truth. But the value belongs to a game.
# The truth plays the game of what people would have done. The model plays one with the conversions on the journeys that a
# team covers alone.

# %%
worlds = results.wide("share_mae").loc["oracle"].dropna().index
models = ["last_touch", "linear", "shapley", "shapley+views", "incremental",
          "incremental_shapley"]
truths = pd.DataFrame({
    "switched_off": 100 * results.wide("share_mae").loc[models, worlds].mean(axis=1),
    "shapley_value": 100 * results.wide("shapley_mae").loc[models, worlds].mean(axis=1)})
truths["change"] = truths["shapley_value"] - truths["switched_off"]
ct.show(truths.round(2).reset_index(), name="two_truths",
        caption="Share error in percentage points, by two truths")

# %% tags=["hide-input"]
change, own = truths["change"], truths.loc["incremental_shapley", "change"]
ct.say(
    "For Shapley on clicks the error changes by {clicks:+.2f} points, and for linear, which does not claim the name, by "
    "{linear:+.2f}. With views it changes by {views:+.2f}. {reading} The Shapley value of the fitted counterfactual, "
    "*incremental Shapley*, is another matter. It plays the game of the truth with fitted numbers, and its error changes "
    "by {own:+.2f} points. {last}",
    clicks=change["shapley"], linear=change["linear"], views=change["shapley+views"], own=own,
    reading="The name helped it no more than its neighbour." if abs(change["shapley"] - change["linear"]) < 0.25 else
            "That is more than its neighbour, but look at the size of what is left.",
    last="That one is helped by being asked its own question." if own < 0 else "Even that one is not helped.",
)

# %% [markdown]
# ## Three: two worlds can have the same log, line by line, and different truths
#
# *Change the world `brand_tax` in one thing: nobody who clicked the advertisement on the shop's own name would have come
# anyway. What did the advertisement cause now, and what does last click say? Compare the two logs.*
#
# The tempting answer is that last click must be wrong again, since we have just seen it go wrong in a world so much like
# this one. So we make both worlds, with the same people, and look at the same channel in each.

# %%
def live_through(world, channel="Paid Search Brand"):
    people = ct.world.draw(world, seed, visitors)
    played = ct.world.game(people, [channel])
    log = ct.world.touch_log(people, ct.world.outcome(people))
    clicks = log[0][log[0]["interaction"].isin(["click", "visit"])]
    journeys = ct.build_journeys(clicks, log[1], 30)
    credit = ct.compare(journeys, "last_touch").wide()["last_touch"]
    own_clicks = int((clicks["channel"] == channel).sum())
    return log, {"clicks": own_clicks, "conversions": len(log[1]),
                 "last_click": credit[channel], "caused": np.ptp(played.conversions)}

# %%
taxed = ct.world.load_scenario("brand_tax")
needed = taxed.changed({"channels": {"Paid Search Brand": {
    "anyway": {"Organic Search": None, "Direct": None}}}})
(one_log, one), (other_log, other) = live_through(taxed), live_through(needed)
both = pd.DataFrame({"they would come anyway": one, "they would not": other}).T
ct.show(both.round(1).reset_index(names="without_the_advertisement"), name="two_worlds")

# %% tags=["hide-input"]
same = all(a.equals(b) for a, b in zip(one_log, other_log))
ratio = both["last_click"] / both["caused"]
ct.say(
    "Last click says {a:,.0f} in the one world and {b:,.0f} in the other. The truth is {c:,.1f} in the one and {d:,.1f} "
    "in the other. So the rule credits {before:.1f} times what was caused, and then {after:.2f} times. {logs}",
    before=ratio.iloc[0], after=ratio.iloc[1], a=both["last_click"].iloc[0], b=both["last_click"].iloc[1],
    c=both["caused"].iloc[0], d=both["caused"].iloc[1],
    logs=f"And the two logs are the same, line by line: all {len(one_log[0]):,} touches and all {len(one_log[1]):,} "
         f"conversions."
         if same else "And the two logs are hardly to be told apart.",
)

# %% [markdown]
# The two worlds differ only in what would have happened without the click, and that is on no line of any log. So no method
# that reads the log, however clever, and however much of it there is, can answer differently in the two worlds. It must be
# wrong in one of them. A rule that is right in one world is right by the grace of that world. Switch the advertisement off
# for some, chosen by chance, and the two worlds come apart in a few weeks.
