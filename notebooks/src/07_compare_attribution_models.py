# ---
# jupyter:
#   convtrack:
#     minutes: 65
#     needs: {events.channel: which channel each touch came from}
#     uses:
#       spend: cost and return by model
#       events.interaction: difference between clicks and views; what each platform claims
#       events.value: return on advertising spend
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Attribution shares out credit: find out how much of yours depends on the rule
#
# *Lesson 07 · about 65 minutes · step 6 of 7: gather and analyse*
#
# When you have worked through this lesson, you will be able to
#
# - split the credit for a conversion by eight models, and say in one sentence what each of them rewards;
# - explain, from the journeys themselves, why two models disagree about a channel;
# - ask which Markov and which Shapley somebody used, and say what depends on the answer;
# - say why the claims of several platforms add up to more than was sold;
# - put an interval around credit, and tell a difference between models from a difference by chance;
# - name the decisions that would change with the model, and what no model can tell you.
#
# You need the journeys of lesson 02 and the cost per acquisition of lesson 03.
#
# The owner of Larkspur has to cut one line of next quarter's advertising budget. The advertising platforms are no help,
# since each says that it brought the sales. So the question comes to us: *which channel brought them?* We will answer it in
# many ways. What you should take away is not one of the answers. It is a feeling for how far they lie apart.

# %% tags=["parameters"]
study: str = "../data/larkspur/study.yaml"  # the study file, which says where the data is
margin: float = 0.45  # 0.01 to 1; share of revenue that is left to pay for advertising
resamples: int = 300  # 20 to 5000; how often visitors are drawn again for intervals
seed: int = 7  # 0 to 1000000; where those draws begin

# %%
import numpy as np
import pandas as pd
import convtrack as ct

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goal)
touches = ct.find_touches(shop.events, shop.touches)
journeys = ct.journeys_of(shop)

# %% [markdown]
# A journey is everything that tracking saw of one visitor before a conversion: the channels, in order, within the lookback
# window. Visitors who never converted have journeys too. We shall need them later.
#
# Before we share anything out, we check that nothing fell on the floor. A touch is either on a journey or too old for
# every window, and the three counts have to add up.

# %%
ct.show(ct.account_for_touches(touches, conversions, shop.lookback_days, shop.lookbacks),
        name="touches")

# %% tags=["hide-input"]
converted = journeys[journeys["converted"]]
lengths = converted["path"].map(len)
ct.say(
    "There are {n:,} journeys that ended in the goal {goal}, and {rest:,} that did not. Of the former, {one:.0%} had a single "
    "touch. For those every rule in this lesson gives the same answer, because there is nothing to share. All the "
    "disagreement comes from the other {more:.0%}.",
    n=len(converted), goal=shop.main_goal, rest=len(journeys) - len(converted), one=(lengths == 1).mean(), more=(lengths > 1).mean(),
)

# %% [markdown]
# ## Last click rewards whoever came last
#
# The tempting way is the oldest one. Find the last touch before the conversion, and give it everything. Every analytics
# product can do it, it needs no explanation, and it has set more budgets than any other model.

# %%
last = ct.compare(journeys, ["last_touch"])
ct.plots.bars(last.table, unit="conversions")

# %% tags=["hide-input"]
wide = last.wide()["last_touch"]
ct.say(
    "By last click {best} brought {most:,.0f} of {total:,.0f} conversions, and {worst} brought {least:,.0f}. If you had to cut one "
    "line after this figure, you would know which.",
    best=wide.index[0], most=wide.iloc[0], total=last.conversions, worst=wide.index[-1], least=wide.iloc[-1],
)

# %% [markdown]
# Do not cut yet. Look at a single journey first, one with four touches or more, and see what the rule does to it.

# %%
one = ct.funnels.pick_journey(journeys, touches=4, channels=3)
rules = ["first_touch", "last_touch", "linear", "position_based", "time_decay"]
by_hand = ct.compare(one, rules).wide()
ct.show(by_hand, name="one_journey", caption="Credit for one conversion, by rule")

# %% tags=["hide-input"]
ct.say(
    "The visitor met, in this order: {path}. The first touch came {days:.1f} days before the conversion. Each column adds up "
    "to one conversion, and no two columns look alike. Nothing about the visitor changed between them.",
    path=one["path"].str.join(", then ").iloc[0], days=one["hours"].str[0].iloc[0] / 24,
)

# %% [markdown]
# Take the columns one at a time. *First touch* rewards whoever opened the door. *Last touch* rewards whoever closed
# the sale. *Linear* treats every touch alike, so a channel that knocked twice is paid twice. *Position based* gives most
# to both ends, 40/20/40. *Time decay* halves the weight of a touch for every seven days that it lies before the
# conversion.
#
# Each of these is an opinion about how advertising works. None of them looked at the data before it formed that opinion.
# `convtrack models` prints the exact definition of each, because products use the same labels for different rules.
#
# ## The same journeys give every channel several results
#
# Now all journeys, under all the rules. The line behind the dots runs from the lowest to the highest answer that a channel
# gets. A short line means that the rule hardly matters. A long one means that the rule decides.

# %%
models = ["first_touch", "last_touch", "last_non_direct", "linear", "position_based",
          "time_decay", "markov", "shapley"]
compared = ct.compare(journeys, models)
ct.plots.dots(compared.table)

# %%
credit = compared.wide()
credit["spread"] = credit.max(axis=1) - credit.min(axis=1)
spread_first = credit.sort_values("spread", ascending=False, kind="stable")
ct.show(spread_first.round(1), name="credit", rows=20)

# %% tags=["hide-input"]
spread = credit["spread"].idxmax()
ct.say(
    "{sentence} Each model shares out the same conversions, so one channel's gain is always another's loss. The widest line is "
    "{channel}'s: between {low:,.0f} and {high:,.0f} conversions, depending on nothing but the rule.",
    sentence=compared.sentence, channel=spread, low=credit.loc[spread, models].min(), high=credit.loc[spread, models].max(),
)

# %% [markdown]
# Why do they disagree about that channel, of all? The journeys say it. A channel that stands at the beginning gains by first
# touch and loses by last touch, and a channel that stands at the end does the opposite. Here is where each one stands.

# %%
places = ct.metrics.assisted_conversions(journeys)
ct.show(places, name="places", rows=20)

# %% tags=["hide-input"]
named = places.set_index("channel").loc[spread]
ct.say(
    "{channel} began {first:,.0f} of the journeys, closed {last:,.0f}, and stood before the last touch of {assisted:,.0f}. Hold those three "
    "numbers against the dots, and the length of its line explains itself.",
    channel=spread, first=named["first"], last=named["last"], assisted=named["assisted"],
)

# %% [markdown]
# *Last non-direct* is a repair of last click that you will meet in Google Analytics. People who type the address have usually
# heard of the shop somewhere, so the rule passes over direct visits and credits the touch before. It moves credit away
# from Direct. Whether it moves it to the right place is another matter.
#
# ## Two models look at more than one journey at a time
#
# The rules so far look only at journeys that converted. Think of a channel that stands on a great many journeys and hardly
# ever leads anywhere. Among the converted journeys it will still turn up now and then, and be paid for it.
#
# The *Markov* model uses the other journeys as well. It draws a map: from each channel, what share of visitors goes on to which
# channel, to the conversion, or away. Then it asks of each channel, *how many conversions would be lost if every road
# into it led away?* That share is its removal effect.

# %%
paths = ct.attribution.as_paths(journeys)
chain = ct.fit_chain(paths)
effects = chain.removal_effects().sort_values(ascending=False, kind="stable")
effects = effects.rename_axis("channel").rename("removal_effect").reset_index()
ct.show(effects, name="removal_effects", rows=20, kinds={"removal_effect": "share"})

# %% tags=["hide-input"]
top = effects.iloc[0]
with_touch = journeys[journeys["path"].map(len) > 0]
ct.say(
    "Take {channel} off the map, and {effect:.0%} of the conversions go with it. All effects together come to {total:.0%}, more than "
    "everything, because one journey can be lost by removing any of its channels. So the model scales them down until "
    "they add up to the conversions. One check costs nothing: the map says that {fitted:.3%} of journeys convert, and counting "
    "says {counted:.3%}.",
    channel=top["channel"], effect=top["removal_effect"], total=effects["removal_effect"].sum(), fitted=chain.conversion_probability,
    counted=with_touch["converted"].mean(),
)

# %% [markdown]
# Be careful with the word *removal*. The model removes a channel from the map. It does not know what people would have done
# without the channel. It assumes that they would have gone home.
#
# The *Shapley* value comes from the theory of games. It asks what a channel adds to each possible team of channels, and takes the
# average over all the orders in which the team could have formed. That sounds as if it knew about cause. Watch
# what it comes down to for the game that most packages play, in which a team is paid for the journeys it covers alone.

# %%
pair = ct.compare(journeys, ["shapley", "linear_unique"]).wide()
difference = (pair["shapley"] - pair["linear_unique"]).abs().max()

# %% tags=["hide-input"]
ct.say(
    "The largest difference between the Shapley value and a plain equal split among the different channels of each journey "
    "is {difference:.6f} conversions. They are the same thing. A respected name is not an argument.",
    difference=difference,
)

# %% [markdown]
# ## Ask which Markov, and which Shapley
#
# "We use a Markov model" sounds like an answer. It leaves three questions open. The first is what *removing* a channel means.
# Either every road into the channel leads away, as above. Or every journey that touched it fails, and the rest stay as they were.
# Or the channel is cut out of each journey, and the journey keeps its ending. Published packages do each of these, and
# call all of them the removal effect.
#
# "We use Shapley values" leaves a question open too: what is a team of channels paid for? For the conversions that it
# covers alone, as above? Or for its conversion rate?

# %%
Markov = ct.attribution.Markov
games = ct.attribution.usable_models(journeys, ["shapley", "shapley_rate"])
readings = [Markov("roads lead away"), Markov("journeys fail", removal="fail"),
            Markov("channel cut out", removal="detour"), *games]
named_alike = ct.compare(journeys, readings)
ct.show(named_alike.wide().round(1), name="named_alike", kinds={"shapley_rate": ""},
        caption="Models called Markov, and models called Shapley", rows=20)

# %% tags=["hide-input"]
alike = named_alike.wide()
family = alike[[model.name for model in readings[:3]]]
apart = (family.max(axis=1) - family.min(axis=1)).sort_values(kind="stable")
rate = alike.get("shapley_rate", alike["shapley"])
differ = (rate - alike["shapley"]).abs().sort_values(kind="stable")
of_games = (
    "Between the two games called Shapley, {other} differs by {games:,.0f}."
    if "shapley_rate" in alike else
    "The game of conversion rates needs the rate of every set of channels, and {count} channels have too many sets: it is left out."
)
ct.say(
    "All three columns called Markov are exact, and none is a mistake. Yet {channel} gets {low:,.0f} conversions in one and {high:,.0f} in "
    "another. " + of_games + " When somebody shows you a name, ask for the definition.",
    channel=apart.index[-1], low=family.loc[apart.index[-1]].min(), high=family.loc[apart.index[-1]].max(),
    other=differ.index[-1], games=differ.iloc[-1], count=len(alike),
)

# %% [markdown]
# The third question is how far back the map remembers. Ours knows only the channel where a visitor stands. A map of order two
# also knows the channel before that one, and so on. A longer memory always fits the past better. Whether it has learnt
# anything shows on journeys that it has not seen. So we put a part of the visitors aside, draw the map from the others, and
# ask how likely it thinks the journeys that were put aside.

# %%
evidence = ct.choose_order(paths, np.random.default_rng(seed))
ct.show(evidence.reset_index(), name="orders",
        caption="How well each order predicts journeys that it has not seen")

# %% tags=["hide-input"]
order = evidence.index[evidence["chosen"]][0]
longer = Markov("longer memory", order=order if order > 1 else 2)
memory = ct.compare(journeys, ["markov", longer]).wide()
ct.say(
    "*Held out* is the logarithm of that likelihood for one journey, so higher is better. The map to use is the shortest one that is "
    "behind the best by less than its standard error: order {order}. With order {other} instead of the first, {moved:,.0f} of "
    "{total:,.0f} conversions change hands. Hold that against the table before. The definition moved {by_word:,.0f}.",
    order=order, other=longer.order, moved=(memory["longer memory"] - memory["markov"]).abs().sum() / 2,
    total=memory["markov"].sum(), by_word=(family.iloc[:, 2] - family.iloc[:, 0]).abs().sum() / 2,
)

# %% [markdown]
# ## What is not on the journey gets nothing
#
# One decision came before all the models, and it moves as much credit as any of them: what counts as a touch. So far we
# used the touches that the study file lists, where people came to the site. Advertisements that were seen and not
# clicked were left out, and so were e-mails that were opened and not clicked. Let us put them in, and share the credit
# equally among all touches.

# %%
kinds = ("view", "open", "delivery", "click", "visit")
every_touch = ct.find_touches(shop.events, kinds)
with_views = ct.build_journeys(every_touch, conversions, shop.lookback_days)
seen = ct.compare(with_views, ["linear"]).wide()["linear"]

# %% tags=["hide-input"]
clicked = compared.wide()["linear"]
views = int(every_touch["interaction"].isin(["view", "open", "delivery"]).sum())
moved = (seen - clicked.reindex(seen.index).fillna(0.0)).sort_values(kind="stable")
ct.say(
    "{winner} goes from {before:,.0f} conversions to {after:,.0f}, and {loser} from {loser_before:,.0f} to {loser_after:,.0f}. Nobody behaved "
    "differently. We only let {views:,} more touches be seen.",
    winner=moved.index[-1], before=clicked.get(moved.index[-1], 0.0), after=seen[moved.index[-1]], loser=moved.index[0],
    loser_before=clicked.get(moved.index[0], 0.0), loser_after=seen[moved.index[0]],
    views=views or ct.Gap("The events record visits only, and no views, opens or deliveries.", "Map a column to `interaction`."),
)

# %% [markdown]
# Both versions are wrong in a known direction. Without views, display and social advertising cannot earn anything except by
# clicks, and most people do not click. With views, whoever floods the web with cheap banners stands on almost every
# journey. A platform that reports "view-through conversions" has made this choice for you.
#
# ## Each platform counts for itself, and the sum is not yours
#
# An advertising platform makes that choice in its own favour, and then a second one. It looks at its own touches only. Whoever
# saw its advertisement and bought within its window was brought by it. That other platforms say the same of
# the same sale, it cannot know.
#
# We can. The log has every touch, so we can do each platform's sum for it, by its own rule and its own window, and lay the
# claims side by side.

# %%
names = ["google_ads", "meta", "klaviyo"]
platforms = ct.attribution.with_platforms(names, shop.platforms)
every_journey = ct.journeys_of(shop, interactions=kinds, lookback_days=90)
claims = ct.attribution.claim_table(every_journey, platforms)
ct.show(claims, name="claims",
        caption="What each platform would claim, and how often a conversion is claimed")

# %% tags=["hide-input"]
claimed = claims["conversions"]
ct.say(
    "Together the platforms claim {together:,.0f} conversions. At least one of them has a claim to {some:,.0f}, and there were "
    "{total:,.0f} in all. {several:,.0f} are claimed more than once, and {nobody:,.0f} by none. Every single claim is "
    "correct by the rule of the platform that makes it.",
    together=claimed["together"], some=claimed["one"] + claimed["several"], total=claimed["all conversions"],
    several=claimed["several"], nobody=claimed["nobody"],
)

# %% [markdown]
# So do not add platforms up, and do not compare one platform's return with another's. Each is measured with a ruler that its
# owner cut. What the shop's books say is the only total that there is. Lesson 08 takes such claims apart, line by line.
#
# ## Some differences are only chance
#
# A small shop's credit rests on few conversions. To see what chance alone does, we draw visitors again and again from those we
# have, and compute the credit each time. We draw visitors and not journeys, because one person's journeys belong together.

# %%
rng = np.random.default_rng(seed)
several = ["last_touch", "linear", "position_based", "time_decay", "markov", "shapley"]
sure = ct.compare(journeys, several, resamples, rng)
by_last = sure.table[sure.table["model"] == "last_touch"]
ct.plots.bars(by_last, low="low", high="high", unit="conversions")

# %% tags=["hide-input"]
ordered = by_last.sort_values("conversions", ascending=False, kind="stable")
touching = int((ordered["low"].to_numpy()[:-1] < ordered["high"].to_numpy()[1:]).sum())
places = ordered.iloc[len(ordered) // 2]
ct.say(
    "The whiskers hold the middle 95 % of the answers. Of the {pairs} neighbouring pairs of channels, {touching} have whiskers that "
    "overlap, so their order is not settled by this data. {channel}, in the middle of the table, holds place {rank}, and by "
    "chance alone it could have held any from {best:.0f} to {worst:.0f}.",
    pairs=len(ordered) - 1, touching=touching, channel=places["channel"], rank=places["rank"], best=places["rank_low"],
    worst=places["rank_high"],
)

# %% [markdown]
# What matters for the owner is not the whisker of one model. It is whether another model would give *another* answer, by more
# than chance. The models were computed on the same draws, so we can take the difference from last click in each draw, and see
# whether it keeps its sign. The figure does this for all models that look at more than one touch. The bar runs from the
# smallest to the largest change, and the thin line adds chance.

# %%
ct.plots.changes(sure.changes)

# %% tags=["hide-input"]
ct.say("{decisions}", decisions=sure.decisions)

# %% [markdown]
# A channel in colour is one on which five different opinions agree against last click, and chance does not spoil it. That much
# can be told to a manager in a sentence. Grey means that you do not know, and that nobody who shows you a single model does.
#
# But the interval speaks only of chance. It says nothing about whether the model is right. A wrong model with much data has a
# narrow interval around a wrong answer.
#
# ## A decision that survives every model is worth more than the best model
#
# Back to the owner, who has a budget to cut and no interest in models. For each paid channel we divide the value that a model
# credits by what the channel cost. That is its return on advertising spend. Advertising pays for itself when the
# return is above one divided by the margin.

# %%
returns = ct.metrics.roas_by_model(shop.spend, compared.table)
verdicts = ct.metrics.verdicts(returns, break_even=1 / margin)
ct.show(verdicts, name="verdicts", rows=20)

# %% tags=["hide-input"]
ct.say(
    "With a margin of {margin:.0%} the line lies at {line:.2f}. Of the {n} channels that cost money, {keep} pay for themselves by every "
    "model, and {cut} by none. For those the choice of model does not matter, and you can stop arguing about it. For the other "
    "{depends} the verdict depends on the model, which means that this data does not decide it.",
    margin=margin, line=1 / margin, n=verdicts["verdict"].count(), keep=(verdicts["verdict"] == "pays by every model").sum(),
    cut=(verdicts["verdict"] == "pays by no model").sum(), depends=(verdicts["verdict"] == "depends on the model").sum(),
)

# %% [markdown]
# The figure has the same returns, model by model. Read it by rows. A row of one shade is a decision that is made. A row that changes its
# shade from left to right is a decision that somebody makes by choosing the model.

# %%
ct.plots.heat(returns, what="return on advertising spend",
              title="A row that changes its shade depends on the model")

# %% [markdown]
# This is the use of comparing models. You do not do it to find the right one. You do it to find the decisions that
# come out the same whichever is right, and to stop pretending about the rest.
#
# Does the window matter as much as the model? A shorter window forgets the early touches. Here is the last question with
# a week, and with as long as the data goes.

# %%
windows = {days: ct.build_journeys(touches, conversions, days) for days in [7, 30, 90]}
firsts = {f"{days} days": ct.compare(found, ["first_touch"]).wide()["first_touch"]
          for days, found in windows.items()}
by_window = pd.DataFrame(firsts).fillna(0.0)
by_window = by_window.sort_values("90 days", ascending=False, kind="stable")
ct.show(by_window, name="windows", rows=20)

# %% tags=["hide-input"]
change = (by_window["90 days"] - by_window["7 days"]).abs().sort_values(kind="stable")
ct.say(
    "By first touch, {channel} has {short:,.0f} conversions with a week and {long:,.0f} with ninety days. A window is a setting that "
    "nobody sees in a report. Ask for it before you compare two of them.",
    channel=change.index[-1], short=by_window.loc[change.index[-1], "7 days"], long=by_window.loc[change.index[-1], "90 days"],
)

# %% [markdown]
# ## No model here can tell you what advertising caused
#
# Every number in this lesson was computed from what happened. The owner's question is about something that did not happen: the
# quarter without the channel. A model shares out the sales among the channels that were there. It has no way of asking
# whether the sale needed any of them.
#
# Two kinds of channel profit from that. An advertisement on the shop's own name is clicked by people who were on
# their way to the shop. Retargeting follows people who have just looked at tea, so it stands beside many sales, and would stand
# beside many of them if its banners were blank. Both look excellent by last click. Both look good by most models, because
# the models see where a channel stands, and not why.
#
# There are exactly two ways out. You can run an experiment, and leave the channel out for some people chosen by chance;
# lesson 09 does that. Or you can work in a world where the answer is known, and learn which models come close to it, and when;
# that is lesson 11. This shop is such a world. There is an envelope with the truth in it, and we have not opened it yet.
#
# ## You can now
#
# - split the credit for a conversion by eight models, and say what each of them rewards;
# - explain from the journeys why two models disagree about a channel;
# - ask which Markov and which Shapley somebody used, and say what depends on the answer;
# - say why the claims of several platforms add up to more than was sold;
# - put an interval around credit, and tell a difference between models from a difference by chance;
# - name the decisions that change with the model, and say what no model can tell you.
#
# ## Exercises
#
# **One.** Give the first touch and the last touch 30 % each, and the middle the rest. For which channel does the credit change
# most against 40/20/40? Say why, before you look at its place on the journeys.
#
# **Two.** Repeat the comparison for another goal, the newsletter opt-in. Does the same channel have the longest line? What
# would a manager conclude who looked at one goal only?
#
# **Three.** Leave out the journeys that did not convert, and fit the Markov model again. By how much does the credit of
# the most affected channel change? Some packages do this by default and do not say so.
#
# Worked solutions are in `exercises/07_compare_attribution_models_solutions.ipynb`.
#
# ## Further reading
#
# Anderl, Becker, von Wangenheim and Schumann (2016) introduced the Markov map to marketing in the *International Journal of
# Research in Marketing*. Berman (2018), in *Marketing Science*, shows what last-touch payment makes advertising platforms do.
# Blake, Nosko and Tadelis (2015), in *Econometrica*, switched off a large company's brand advertising to see what would happen.
# Read the last one first.
