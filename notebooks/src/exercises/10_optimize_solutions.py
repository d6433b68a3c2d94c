# ---
# jupyter:
#   convtrack:
#     minutes: 30
#     needs: {events.channel: which channel each touch came from}
#     uses:
#       events.value: what an audience and a channel are worth in money
#       events.country: leaks by country
#       events.interaction: decisions with views counted
#       spend: lines to keep or stop, and the largest of them
#       assignments: what the advertisements brought back
#       envelope.switches: what each decision cost
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to lesson 10: a lucky leak, a keener audience, other margins, and a long wait
#
# Each solution begins with the answer that most people give first, and with the reason why it tempts.

# %% tags=["parameters"]
study: str = "../../data/larkspur/study.yaml"  # the study file: where the data is
margin: float = 0.45  # 0.01 to 1; share of revenue that is left to pay for advertising
steps: str = "session_start, view_item, add_to_cart, begin_checkout, purchase"  # the way
segment: str = "country"  # one of: device, country, channel; whom to compare on the way
another_quarter: int = 2  # 0 to 1000000; the seed of another quarter of Larkspur
audiences: str = "add_to_cart, begin_checkout"  # events; two signs of a wish to buy
experiment: str = "retargeting_holdout"  # the experiment that held the advertisements back
treated: str = "ads"  # its arm that was shown them
control: str = "no_ads"  # its arm that was not
elasticity: float = 0.5  # 0.1 to 0.9; the bend of the curve that exercise four looks for
resamples: int = 100  # 20 to 5000; how often visitors are drawn again for intervals
seed: int = 10  # 0 to 1000000; where the random draws begin

# %%
import numpy as np
import pandas as pd
import convtrack as ct

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goal)
rng = np.random.default_rng(seed)
worth = ct.metrics.value_summary(conversions, rng).set_index("metric")
per_sale = margin * worth.loc["value per conversion", "value"]

# %% [markdown]
# ## One: two halves of the same quarter are no second quarter
#
# *Look for the leak by country. Would you mend the first one? Divide the quarter in two, and see whether the first
# half's leak is there in the second. Is that enough to be sure?*
#
# The tempting answer is the first row of the table, and it is more tempting than usual if its interval lies above zero.

# %%
way = ct.funnels.steps_there(shop.events, steps.replace(" ", "").split(","))

def find_leaks(events):
    funnel = ct.funnels.funnel_by(events, way, segment, by="visitor")
    return ct.budget.leaks(funnel, segment)

# %%
whole = find_leaks(shop.events)
ct.show(whole.head(5), name="leaks", kinds={"rate": "share", "others": "share"})

# %% [markdown]
# Look at who is in the first row before you look at its number. The number is a gap times the visitors behind it, so a
# large segment needs only a small gap to come out on top. And when nearly everybody is in one segment, "all the others"
# are few.
#
# So you divide the quarter in the middle. The first half chooses its worst cell, and the second half is asked about
# that cell alone.

# %%
def ask_again(chosen, events):
    funnel = ct.funnels.funnel_by(events, way, segment, by="visitor")
    counts = funnel.pivot(index=segment, columns="step", values="count")[way]
    own = counts.reindex([chosen[segment]]).fillna(0).iloc[0]
    before = counts.columns[counts.columns.get_loc(chosen["step"]) - 1]
    others = counts.sum() - own
    return ct.experiments.compare_rates(
        others[chosen["step"]], others[before], own[chosen["step"]], own[before])

# %%
times = shop.events["event_time"]
middle = times.min() + (times.max() - times.min()) / 2
chosen = find_leaks(shop.events[times <= middle]).iloc[0]

# %% tags=["hide-input"]
def reading(effect, who):
    row = effect.table.iloc[0]
    ct.say(
        "{who}: {row[control]:.0%} went on in the segment, and {row[treated]:.0%} of the others. The gap is {row[difference]:.1%}, with an interval from "
        "{row[low]:.1%} to {row[high]:.1%}. {verdict}", who=who, row=row,
        verdict="It is there." if row["low"] > 0 else "Zero lies inside, so this does not confirm it.",
    )

ct.say("The first half chooses {segment}, on the way to {step}.", segment=chosen[segment], step=chosen["step"])
second = chosen if isinstance(chosen, ct.Gap) else ask_again(chosen, shop.events[times > middle])
reading(second, "In the second half")

# %% [markdown]
# Is that enough? It would be, if you had divided the quarter before you looked at it. But you had seen the whole, and
# you are only doing this because something in it caught your eye. A whole that is high by luck has two halves that are
# high by luck. What you need is data that had no part in the choice, which means the next quarter.
#
# Larkspur can do what your shop cannot. It can have its next quarter now: the same scenario, other people, other luck.

# %%
next_quarter = ct.world.simulate("larkspur", seed=another_quarter).events

# %% tags=["hide-input"]
try_again = whole if isinstance(whole, ct.Gap) else whole.iloc[0]
there = try_again if isinstance(try_again, ct.Gap) else ask_again(try_again, next_quarter)
ct.say("We ask for the first row of the table above, {segment} on the way to {step}.", segment=try_again[segment], step=try_again["step"])
reading(there, "In another quarter of Larkspur")

# %% [markdown]
# We know the answer, because we built the shop: in Larkspur a country changes nothing at all. Any leak by country in it
# is luck. With a few dozen cells and a new question every week, even a careful interval is fooled now and then. What
# protects you, besides new data, is a reason that you had *before* you looked, something about that country that could
# be mended. The postage, perhaps. Not the tea.
#
# ## Two: a keener audience is a smaller one
#
# *Retarget those who reached the checkout, and not only the basket. They are keener, so is it worth more? Give the most
# that the advertisements can have added for each of the two audiences.*
#
# The tempting answer compares how many of each audience bought after they had been shown advertisements.

# %%
def most_added(step):
    left = ct.budget.audience_of(shop.events, conversions, step)
    lift = ct.budget.audience_lift(
        left, conversions, shop.assignments, experiment, treated, control)
    return lift.table.set_index("outcome").loc["conversions"].rename(step)

# %%
basket, checkout = (most_added(step.strip()) for step in audiences.split(","))

# %% tags=["hide-input"]
ct.say(
    "After {first}, those who were shown advertisements brought {a[treated]:.1%} conversions per head, and after {second} {b[treated]:.1%}. So the second "
    "audience seems to be the better one. But without advertisements the numbers are {a[control]:.1%} and {b[control]:.1%}.",
    first=basket.name, second=checkout.name, a=basket, b=checkout,
)
ct.say(
    "What the advertisements brought lies between {a[incremental_low]:,.0f} and {a[incremental_high]:,.0f} conversions for the first audience, and "
    "between {b[incremental_low]:,.0f} and {b[incremental_high]:,.0f} for the second. In margin, the ceilings are {currency} {first:,.0f} and "
    "{second:,.0f}. The smaller audience has the {lower} ceiling.",
    a=basket, b=checkout, currency=shop.currency, first=basket["incremental_high"] * per_sale, second=checkout["incremental_high"] * per_sale,
    lower="lower" if checkout["incremental_high"] < basket["incremental_high"] else "higher",
)

# %% [markdown]
# Keen people buy more often, with the reminder and without it. That is what being keen means. The rate of an audience
# says whom you reach. What you add is a difference, and a difference cannot be larger than the people it is made of. If
# you found the second audience better, you compared two rates that both belong to the people.
#
# ## Three: a decision depends on the margin, and so does its price
#
# *Take a few margins, decide by last click and by linear with views for each, and compute the regret. Is the better
# model always the better one?*
#
# The tempting answer is yes: a model is better or it is not. So we try.

# %%
kinds = ("view", "open", "delivery", "click", "visit")
models = {"last click": (None, "last_touch"), "linear with views": (kinds, "linear")}
credits = {
    name: ct.budget.value_intervals(
        ct.journeys_of(shop, interactions=touches), [model], resamples, rng)
    for name, (touches, model) in models.items()}

# %%
def regret_at(share):
    verdicts = {name: ct.budget.keep_or_stop(shop.spend, credit, share).set_index("channel")
                for name, credit in credits.items()}
    kept = (verdicts["last click"]["verdict"] != "stop").to_frame("last click")
    seen = verdicts["linear with views"]["verdict"] != "stop"
    kept = kept.assign(**{
        "linear with views": seen, "as things are": True, "no advertising": False})
    costs = ct.budget.regrets(shop.envelope("switches"), kept, share)
    return costs.set_index("decision")["regret"].rename(f"{share:.0%}")

# %%
shares = [0.25, 0.35, 0.45, 0.6, 0.75]
columns = [regret_at(share) for share in shares]

# %% tags=["hide-input"]
regrets = columns[0] if isinstance(columns[0], ct.Gap) else pd.concat(columns, axis=1).drop("the best of all")

# %%
ct.show(regrets.T.round().rename_axis("margin"), name="regret_by_margin")

# %% tags=["hide-input"]
ahead = regrets.loc["linear with views"] < regrets.loc["last click"]
least = regrets.idxmin()
ct.say(
    "Linear with views is ahead of last click at {ahead} of {n} margins. At the lowest margin the decision that loses least is {low}, and at the highest "
    "it is {high}. Between the two, the price of last click goes from {currency} {first:,.0f} to {last:,.0f}.",
    ahead=ahead.sum(), n=ahead.count(), low=str(least.iloc[0]), high=str(least.iloc[-1]), currency=shop.currency,
    first=regrets.loc["last click"].iloc[0], last=regrets.loc["last click"].iloc[-1],
)

# %% [markdown]
# Where hardly anything pays, whoever stops most is nearly right, whatever the reason for stopping. Where nearly
# everything pays, so is whoever keeps most. The larger the margin, the dearer it is to stop a line that works. So a
# crude rule can beat a careful one, and a bad model can decide well in a world that happens to suit it. So one good
# decision does not show that a model is good, and neither does one good year. That is why lesson 11 plays many shops.
#
# ## Four: a curve takes longer than a quarter
#
# *You may vary the spend of the largest line on purpose, up to half up or down. For how many weeks do you have to do it
# until its curve can be told?*
#
# The tempting answer is another quarter: the last one failed because the spend stood still, and now it moves. Let us
# play it before anybody pays for it. We take the largest line, its level and the unrest of its weeks from the data,
# bend a curve as the parameter says, and vary the spend by a coin. In how many of twenty tries can the curve be told?

# %%
journeys = ct.journeys_of(shop)
weeks = ct.budget.weekly(shop.spend, journeys, "last_touch", shop.time_zone)
sizes = weeks.groupby("channel").agg(
    cost=("cost", "mean"), value=("value", "mean"), swing=("value", "std"))
line = sizes.sort_values("cost", kind="stable").iloc[-1]
unrest = line["swing"] / line["value"]

# %%
def told(weeks, reach):
    cost = rng.uniform(1 - reach, 1 + reach, weeks)
    value = cost ** elasticity * rng.gamma(1 / unrest**2, unrest**2, weeks)
    periods = {"period": range(weeks), "channel": "the line", "cost": cost, "value": value}
    curves = ct.budget.response_curves(pd.DataFrame(periods), rng, draws=10)
    return (curves.table["reason"] == "").iloc[0]

# %% tags=["hide-input"]
told = (lambda weeks, reach: unrest) if isinstance(unrest, ct.Gap) else told

# %%
lengths = [13, 26, 39, 52, 104]
tries = {f"up to {reach:.0%} up or down": [
    sum(told(n, reach) for _ in range(20)) for n in lengths] for reach in [0.5, 0.8]}

# %%
table = pd.DataFrame(tries, index=pd.Index(lengths, name="weeks"))
ct.show(table, name="told", caption="Tries of twenty in which the curve could be told")

# %% tags=["hide-input"]
half, more = (table[name].where(table[name] >= 16).first_valid_index() for name in table)
enough = {True: "{} weeks", False: "more than {} weeks"}
words = [enough[found is not None].format(found or lengths[-1]) for found in (half, more)]
ct.say(
    "The value credited to {line} varies by {unrest:.0%} from week to week without anybody's doing. So another quarter of {n} weeks tells the curve in {first} tries of "
    "twenty. For sixteen of twenty, the first length in the table is {half} with half up or down, and {more} with the wider swing.",
    line=str(line.name), unrest=unrest, n=lengths[0], first=table.iloc[0, 0], half=words[0], more=words[1],
)

# %% [markdown]
# Two things shorten the wait. A wider swing is worth more than more weeks: twice the swing does in one week what
# otherwise takes about four. And so is a calmer number, such as the conversions of several similar lines together. What
# does not shorten it is a cleverer model. If you found a quarter enough, you may have taken the noise of the invented
# posters, which was chosen to make a pretty figure.
