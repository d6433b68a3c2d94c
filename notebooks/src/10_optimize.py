# ---
# jupyter:
#   convtrack:
#     minutes: 60
#     needs: {events.channel: which channel each touch came from}
#     uses:
#       events.value: what a repair, an audience and a channel are worth in money
#       events.device: leaks by device
#       events.interaction: the same decisions with views counted
#       spend: lines to keep or stop, and what the next pound returns
#       assignments: how many of those who left the advertisements bring back
#       envelope.switches: what each decision cost
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Optimise by what would change, and not by what was credited
#
# *Lesson 10 · about 60 minutes · step 7 of 7: optimise*
#
# When you have worked through this lesson, you will be able to
#
# - find the leak in a funnel by segment, and say what it would be worth to close half of it;
# - define an audience of people who did not convert, and say what retargeting could at most add;
# - turn credit into lines to keep and lines to stop, with "cannot tell" among the answers;
# - say whether your data can show what the next pound returns, and what to do if it cannot;
# - compute what a decision cost, where the truth is known;
# - write a decision card: what changes, who owns it, when it is reviewed, and what stops it.
#
# You need the funnels of lesson 02, the models of lesson 07 and the experiments of lesson 09.
#
# The owner of Larkspur has a quarter of good data and a budget to sign on Friday. Everybody has advice. Mend the
# website. Follow those who left. Put more into the channels that work, and stop the rest. She asks: *what do I change
# first, and how will I know if I was wrong?* We shall decide as a careful analyst would, from the data alone, and write
# the decision down. Then we open the envelope again, further than lesson 09 did, and read what it cost.

# %% tags=["parameters"]
study: str = "../data/larkspur/study.yaml"  # the study file, which says where the data is
margin: float = 0.45  # 0.01 to 1; share of revenue that is left to pay for advertising
steps: str = "session_start, view_item, add_to_cart, begin_checkout, purchase"  # the way
segment: str = "device"  # one of: device, country, channel; whom to compare on the way
closed: float = 0.5  # 0.05 to 1; the part of a gap that a repair might close
left_at: str = "add_to_cart"  # the event that shows that somebody thinks of buying
follow_days: int = 14  # 1 to 60; how long they have to come back
experiment: str = "retargeting_holdout"  # the experiment that held the advertisements back
treated: str = "ads"  # its arm that was shown them
control: str = "no_ads"  # its arm that was not
watch_weeks: int = 8  # 1 to 52; how long sales are watched after a line is stopped
resamples: int = 200  # 20 to 5000; how often visitors are drawn again for intervals
seed: int = 10  # 0 to 1000000; where the random draws begin

# %%
import numpy as np
import pandas as pd
import convtrack as ct
from convtrack.texts import in_words

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goal)
journeys = ct.journeys_of(shop)
rng = np.random.default_rng(seed)

# %% tags=["hide-input"]
def where(flags):
    """The names whose flag is set."""
    return flags if isinstance(flags, ct.Gap) else flags.index[flags.astype(bool)]

# %% [markdown]
# Everything in this lesson ends in money, so we need to know first what a conversion is worth. Not its whole value,
# because the tea has to be bought and sent. What is left is the margin, and only the margin can pay for a change.

# %%
worth = ct.metrics.value_summary(conversions, rng).set_index("metric")
per_sale = margin * worth.loc["value per conversion", "value"]

# %% tags=["hide-input"]
ct.say(
    "There were {n:,} conversions of the goal {goal}. With a margin of {margin:.0%} each leaves {currency} {per_sale:.2f} on average.",
    n=len(conversions), goal=shop.main_goal, margin=margin, currency=shop.currency, per_sale=per_sale,
)

# %% [markdown]
# ## The largest loss is rarely the leak
#
# Fix the leak: that is the oldest advice, and it is good. Where is it? The tempting way is to look for the step at
# which most people are lost.

# %%
way = ct.funnels.steps_there(shop.events, steps.replace(" ", "").split(","))
layers = ct.funnels.count_funnel(shop.events, way, by="visitor")
ct.plots.funnel(layers, what="visitors")

# %% tags=["hide-input"]
lost = layers["count"].diff().abs()
onward = layers["count"].iloc[-1] / layers["count"]
dream = (closed * lost * onward)[lost.idxmax()]
ct.say(
    "Suppose that a better page kept {closed:.0%} of the {lost:,.0f} who are lost there, and that they went on as the others do. That would be "
    "{more:,.0f} more visitors at the end, where there are {now:,.0f} now, and {currency} {profit:,.0f} of margin.",
    closed=closed, lost=lost.max(), more=dream, now=layers["count"].iloc[-1], currency=shop.currency, profit=dream * per_sale,
)

# %% [markdown]
# Nobody will ever see that money. Most people who look at a product do not want it, in any shop, and no page changes
# their mind. A loss is only a leak if it could be smaller. How would you know? You need a rate that is *possible*, and
# the best proof that a rate is possible is that somebody in your own shop reaches it.
#
# So we divide the visitors into segments and hold each against all the others, step by step. Where one stays behind, we
# ask how many more would come to the end if a part of its gap were closed, and if they went on from there as their own
# segment does.

# %%
by_segment = ct.funnels.funnel_by(shop.events, way, segment, by="visitor")
leaks = ct.budget.leaks(by_segment, segment, closed)
leaks = leaks.assign(profit=leaks["more"] * per_sale)
ct.show(leaks, name="leaks", kinds={"rate": "share", "others": "share"})

# %% tags=["hide-input"]
worst = leaks.iloc[0]
ct.say(
    "The first row is {who}, on the way to {step}. Of {worst[reached]:,.0f} visitors at the step before, {worst[rate]:.0%} went on, against "
    "{worst[others]:.0%} of all the others. Closing {closed:.0%} of that gap would bring {worst[more]:,.0f} more conversions in a time like "
    "this one, with an interval from {worst[low]:,.0f} to {worst[high]:,.0f}.",
    who=worst[segment], step=worst["step"], worst=worst, closed=closed,
)
ct.say(
    "In margin that is {currency} {value:,.0f}, from {low:,.0f} to {high:,.0f}. It is {part:.0%} of the dream above, and unlike the dream it "
    "has an address. {sure}", sure="" if worst["low"] > 0 else "But zero lies inside, so there may be no leak at all.",
    currency=shop.currency, value=worst["profit"], low=worst["low"] * per_sale, high=worst["high"] * per_sale, part=worst["more"] / dream,
)

# %% [markdown]
# So whatever is mended is mended for that segment, and the others need not be disturbed.
#
# Why is the interval so wide? We looked at every step of every segment and picked the worst. Lesson 06 showed what that
# does: the worst of many is partly the unluckiest. So these intervals are stretched until all of them hold *together*
# in nineteen cases of twenty. A row whose interval still lies above zero has earned a second look. A row whose interval
# does not has not.
#
# Read the number as a ceiling for the bill. If the repair costs more than the margin it might bring in the time until
# the next rebuild of the site, leave it. And here is where this right way fails. The table does not know *why* people
# stop. A form that is hard to fill in on a small screen can be mended by Friday. If the people with small screens are
# students who only look, the gap will stay whatever you do to the form. The largest leak need not be the easiest to
# mend, and some are not leaks. Only a test can tell, and at the end of this lesson we plan it.
#
# ## Most of those who left were never yours to win back
#
# Next advice: retarget those who did not convert. An *audience* is a rule that a machine can follow. Ours is: put
# something into the basket, and had not bought a day later. The tempting sum takes all of them, and for each the margin
# of an order.

# %%
left = ct.budget.audience_of(shop.events, conversions, left_at, 24, follow_days)
on_the_table = left["visitor_id"].count() * per_sale

# %% tags=["hide-input"]
ct.say(
    "{n:,.0f} visitors fit the rule. At the margin of an average order, {currency} {money:,.0f} was left on the table, where all conversions "
    "together left {total:,.0f}. A salesman for retargeting will show you this number, or the larger one before the margin.",
    n=left["visitor_id"].count(), currency=shop.currency, money=on_the_table, total=per_sale * len(conversions),
)

# %% [markdown]
# The sum supposes that each of them would buy if only somebody reminded them. Some do come back. So the next tempting
# step is to count those, and to thank the reminder.

# %%
returned = ct.metrics.rate(left["came_back"].sum(), left["came_back"].count())

# %% tags=["hide-input"]
ct.say(
    "{n:,.0f} of them, or {rate.value:.1%}, bought within {days} days of leaving.",
    n=left["came_back"].sum(), rate=returned, days=follow_days,
)

# %% [markdown]
# But people come back by themselves. They were interrupted, or waited for the end of the month. To know how many, you
# need a group like them that was *not* reminded, and lesson 09 has one: for some visitors, chosen by chance, the
# retargeting was switched off. We read that holdout again, for this audience alone, from the moment they left.

# %%
lift = ct.budget.audience_lift(
    left, conversions, shop.assignments, experiment, treated, control)
brought = lift.table.set_index("outcome")
columns = ["treated", "control", "incremental", "incremental_low", "incremental_high"]
ct.show(brought[columns].head(2), name="brought_back",
        kinds={"treated": "share", "control": "share"})

# %% tags=["hide-input"]
buyers, sold = brought.loc["converted visitors"], brought.loc["conversions"]
ct.say(
    "Of those who left and could be shown advertisements, {buyers[treated]:.1%} bought at some time before the data end. Of those who could not be "
    "shown any, {buyers[control]:.1%} did. {so}\n\n"
    "What the advertisements brought lies between {sold[incremental_low]:,.0f} and {sold[incremental_high]:,.0f} conversions. So they added at "
    "most {currency} {most:,.0f} of margin, which is {part:.1%} of what was said to be on the table. {verdict}",
    buyers=buyers, so="So most of those who came back would have come by themselves." if buyers["control"] > buyers["treated"] / 2
    else "So most of those who came back needed the reminder.",
    sold=sold, currency=shop.currency, most=sold["incremental_high"] * per_sale, part=sold["incremental_high"] * per_sale / on_the_table,
    verdict="Zero lies in the interval too, so they may have added nothing." if sold["incremental_low"] <= 0 <= sold["incremental_high"]
    else "Zero lies outside the interval, so something was added or driven away.",
)

# %% [markdown]
# That *at most* is the useful part. It is a ceiling again, this time for the price of reaching these people, and it
# comes from chance and not from a salesman. Where does it fail? It speaks of the reminders that were in fact shown. A
# better one might do better, and a voucher may do much better and cost its own value each time somebody would have paid
# the full price. And without a holdout you have the first two numbers only, and both of them are wrong.
#
# ## Last click makes the budget look easy
#
# Now to the money that is already being spent. A *line* is a channel that costs something. It earns its place if its
# margin is more than its cost. The tempting way to find its margin is last click, with an interval this time, so that
# no line is stopped by bad luck.

# %%
models = ["last_touch", "linear", "markov", "shapley"]
credit = ct.budget.value_intervals(journeys, models, resamples, rng)
lines = ct.budget.keep_or_stop(shop.spend, credit, margin)
by_last = lines[lines["model"] == "last_touch"].set_index("channel")

# %%
ct.plots.bars(by_last, y="profit", low="profit_low", high="profit_high", unit=shop.currency,
              title="By last click, a line to the right of zero pays for itself")

# %% [markdown]
# A line is kept if its whole interval lies above zero, and stopped if all of it lies below. Where zero is inside, this
# data cannot tell, and what you cannot tell you do not touch. That is a decision, and we write it down before anything
# can change our minds.

# %%
decision = by_last[["cost", "value", "profit", "verdict"]]
decision = decision.sort_values("profit", kind="stable")
ct.show(decision, name="decision_by_last_click", rows=20)

# %% tags=["hide-input"]
stopped = by_last["verdict"] == "stop"
promised = -by_last["profit"][stopped].sum()
ct.say(
    "Stop: {stop:words}. Keep: {keep:words}. Cannot tell: {unsure:words}. The lines to stop cost {currency} {cost:,.0f} and earned {loss:,.0f} less than "
    "that. So the table promises {loss:,.0f} more profit if they are gone.",
    stop=where(stopped), keep=where(by_last["verdict"] == "keep"), unsure=where(by_last["verdict"] == "cannot tell"),
    currency=shop.currency, cost=by_last["cost"][stopped].sum(), loss=promised,
)

# %% [markdown]
# ## Models agree easily when they look at the same touches
#
# You know from lesson 07 not to trust one model. So we ask the others: linear, Markov, Shapley. And since it matters
# just as much what counts as a touch, we ask two of them once more, with the advertisements that were seen and not
# clicked.

# %%
kinds = ("view", "open", "delivery", "click", "visit")
every_journey = ct.journeys_of(shop, interactions=kinds)
seen = ct.budget.value_intervals(every_journey, ["linear", "shapley"], resamples, rng)
seen = seen.assign(model=seen["model"] + " with views")
seen_lines = ct.budget.keep_or_stop(shop.spend, seen, margin)

# %%
by_clicks = lines.pivot(index="channel", columns="model", values="verdict")[models]
by_views = seen_lines.pivot(index="channel", columns="model", values="verdict")
verdicts = by_clicks.join(by_views)
ct.show(verdicts, name="verdicts", rows=20)

# %% tags=["hide-input"]
def turned(table):
    """The lines that one column keeps and another stops."""
    return table.eq("keep").any(axis=1) & table.eq("stop").any(axis=1)

agreed = verdicts.eq("stop").all(axis=1)
ct.say(
    "The first {n} columns look at the same touches. Lines that one of them keeps and another stops: {few:words}. It is tempting to take such "
    "agreement for proof, since respected models of very different kinds say the same.", n=len(models), few=where(turned(by_clicks)),
)
views = shop.events.filter(["interaction"]).isin(["view", "open", "delivery"]).to_numpy().sum()
ct.say(
    "Now read on to the right. Once {views:,} views, opens and deliveries count as touches, these lines go from one side to the other: {many:words}. "
    "Lines that every column stops: {all:words}. In {unsure:,} cells of {cells:,} the data cannot tell.",
    views=views or ct.Gap("The events record visits only, and no views, opens or deliveries.", "Map a column to `interaction`."),
    many=where(turned(verdicts) & ~turned(by_clicks)), all=where(agreed), unsure=verdicts.eq("cannot tell").sum().sum(),
    cells=verdicts.count().sum(),
)

# %% [markdown]
# Witnesses who stood in the same place saw the same thing, and that does not make it true. Four models that were never
# shown a view cannot know what a view did. So when models agree, ask what they have in common.
#
# And notice what *cannot tell* does for you. A table without intervals would have turned those cells into a yes or a
# no, and somebody would have acted on it. An honest table has fewer verdicts, and that is its value.
#
# ## A quarter at one level says nothing about the next pound
#
# Stopping was about a line as a whole. The more usual advice is about its next pound: put more into the channel that
# works best. The tempting way is to take the return that it had so far, and to multiply.

# %%
returns = (by_last["value"] / by_last["cost"]).sort_values(ascending=False, kind="stable")
best = by_last.loc[returns.index[0]]

# %% tags=["hide-input"]
ct.say(
    "By last click {channel} returns most, {back:.2f} for every pound. So half as much again should cost {currency} {cost:,.0f} and bring {value:,.0f}.",
    channel=returns.index[0], back=returns.iloc[0], currency=shop.currency, cost=best["cost"] / 2, value=best["value"] / 2,
)

# %% [markdown]
# That is the *average* return. The next pound does not buy an average. The keenest people were reached with the first
# pounds, and the next one goes to those who were left over. What it brings is the *marginal* return, the slope of the
# curve. Here are two channels that we have invented to show the difference, each with a spend that somebody changed
# from week to week by a coin.

# %%
coin = np.random.default_rng(seed)

def invented(channel, level, elasticity, weeks=26):
    cost = 100 * coin.uniform(0.5, 1.5, weeks)
    value = level * (cost / 100) ** elasticity * coin.lognormal(0, 0.1, weeks)
    made = {"period": range(weeks), "channel": channel, "cost": cost, "value": value}
    return pd.DataFrame(made)

# %%
made_up = pd.concat([invented("Posters", 400, 0.2), invented("Leaflets", 300, 0.8)])
known = ct.budget.response_curves(made_up, coin)
ct.plots.trend(known.points(), x="cost", y="value", series="channel", unit=shop.currency,
               title="Posters bring more at every cost, leaflets more for the next pound")

# %%
slopes = ct.budget.marginal_returns(known).set_index("channel")
ct.show(slopes[["average", "marginal", "marginal_low", "marginal_high"]], name="invented")

# %% tags=["hide-input"]
ct.say(
    "Posters have the better average, {posters[average]:.2f} against {leaflets[average]:.2f}. But the last pound in posters returns "
    "{posters[marginal]:.2f}, and in leaflets {leaflets[marginal]:.2f}. With our margin a pound has to return {line:.2f} to earn itself back. Money "
    "should move, and against the averages. The library puts it so: *{plan}*",
    posters=slopes.loc["Posters"], leaflets=slopes.loc["Leaflets"], line=1 / margin, plan=ct.budget.reallocate(known).sentence,
)

# %% [markdown]
# That is how it looks when the data can say it. Now ours. For each line and week we take the cost and the value that
# last click credits, and ask for a curve. The *elasticity* is its bend: at zero more money brings nothing more, at one
# it brings proportionally more.

# %%
weeks = ct.budget.weekly(shop.spend, journeys, "last_touch", shop.time_zone)
curves = ct.budget.response_curves(weeks, rng)
columns = ["channel", "cost", "spread", "elasticity", "low", "high"]
ct.show(curves.table[columns], name="curves", kinds={"spread": "share"}, rows=20)

# %%
plan = ct.budget.reallocate(curves)
ct.show(plan.moves, name="moves")

# %% tags=["hide-input"]
by_week = weeks.groupby("channel")["value"]
noise = by_week.std() / by_week.mean()
ct.say(
    "Lines with a curve: {known} of {all}, after {n} whole weeks. In half of the lines, the spend varied by {spread:.0%} or less from week to week, "
    "and the value credited to them by {noise:.0%} or more.",
    known=(curves.table["reason"] == "").sum(), all=curves.table["reason"].count(), n=weeks["period"].nunique(),
    spread=curves.table["spread"].median(), noise=noise.median(),
)

# %% [markdown]
# Read what the library says about the moves once more, slowly, for the refusal is the lesson of this section. *The data
# show one point of the curve.* A point has no slope. Most lines were run at about one level for a quarter. So the
# quarter can tell what that level brought, and by no arithmetic what another level would have brought. Software that
# draws a curve through it anyway has taken the bend from somewhere else, usually from a setting that nobody chose.
#
# And where spend did vary, it did not vary by a coin. Messages cost more as the mailing list grows, and a growing list
# also reads more. Search advertising costs more when more people search. Spend and sales then rise together, and the
# curve that comes out is too steep, or impossible, which the library also says.
#
# The way out is cheap, but it takes time. Change the spend of one line on purpose, up and down, by a plan that does not
# look at demand. Exercise four asks how long it takes.
#
# ## The envelope shows what it cost
#
# We have decided all that this data lets us decide. Now the envelope. In lesson 09 one channel at a time was switched
# off. But a budget is a set of lines, and lines help each other or stand in each other's way. So the quarter was played
# again with every set of the paid lines, with the same people and the same luck, and everything else left on. The table
# has a row for each set.

# %%
switches = shop.envelope("switches")
possible = (margin * switches["value"] - switches["cost"]).rename("profit")
lines_on = switches["on"].str.len()
two = switches.assign(lines_on=lines_on, profit=possible).iloc[[0, -1]]
ct.show(two[["lines_on", "conversions", "value", "cost", "profit"]], name="two_worlds")

# %% [markdown]
# The profit in it is the expected margin less the cost of the lines, for the visitors that tracking can see, so its
# totals are not those of the books. What matters is the difference between rows. Each of our decisions is one row. We
# add a few to compare: to leave things as they are, to stop all advertising, to stop only what every model stops, and
# to test each line by itself in a perfect experiment, which the envelope also knows.

# %%
truth = shop.envelope("truth").set_index("channel")
cost = shop.spend.groupby("channel")["cost"].sum()
caused = (margin * truth["incremental_value"] - cost).dropna()

# %%
kept = (verdicts != "stop").rename(columns=in_words)
kept = kept.rename(columns={"last touch": "last click"}).assign(**{
    "stop what all stop": kept.any(axis=1), "perfect test of each line": caused > 0,
    "as things are": True, "no advertising": False})
outcome = ct.budget.regrets(switches, kept, margin)
ct.show(outcome[["decision", "profit", "regret"]], name="regrets", rows=20,
        kinds={"regret": "money"})

# %%
ct.plots.bars(outcome, x="decision", y="regret", unit=shop.currency, kind="money",
              title="The price of each decision, held against the best one")

# %% tags=["hide-input"]
earned = outcome.set_index("decision")["profit"]
gained = earned["last click"] - earned["as things are"]
none = earned["last click"] - earned["no advertising"]
ct.say(
    "The best set of lines earns {currency} {best:,.0f}. As things are the shop earns {now:,.0f}. The decision by last click promised {promised:,.0f} "
    "more, and {brings} {gained:,.0f}. It is {regret:,.0f} short of the best. {nothing}\n\n"
    "Of the {n} possible decisions, {better:.0%} are better than the one by last click. A coin tossed for each line beats it with just that chance.",
    n=possible.count(), better=(possible > earned["last click"]).mean(),
    currency=shop.currency, best=earned["the best of all"], now=earned["as things are"], promised=promised,
    brings="brings" if gained >= 0 else "loses", gained=abs(gained), regret=outcome.set_index("decision")["regret"]["last click"],
    nothing="Stopping all advertising would have earned more than that careful choice." if none < 0
    else "It earns more than stopping all advertising would have.",
)

# %% [markdown]
# Say it to yourself in plain words before you read on. We had a quarter of clean data, intervals, and four models that
# agreed about nearly everything. What went wrong? The figure holds what last click said each line earned against what
# the line truly added to the shop.

# %%
claims = by_last[["profit"]].rename(columns={"profit": "last_click_profit"})
claims = claims.assign(true_profit=caused)

# %% tags=["hide-input"]
claims = caused if isinstance(caused, ct.Gap) else claims

# %%
ct.plots.scatter(claims, x="last_click_profit", y="true_profit", x_unit=shop.currency,
                 y_unit=shop.currency,
                 title="Lower right: kept by mistake. Upper left: stopped by mistake")

# %% tags=["hide-input"]
said, true = by_last["verdict"], claims["true_profit"]
found = verdicts.eq("keep").all(axis=1) & true.lt(0).reindex(verdicts.index)
views_add = earned["linear with views"] - earned["last click"]
short = earned["the best of all"] - earned["perfect test of each line"]
ct.say(
    "To the right, last click sees a profit, and above zero there is one. Lines that last click keeps and that in truth lose money: {flattered:words}. Lines "
    "that it stops and that in truth earn money: {slighted:words}.\n\n"
    "We were about to give {channel} half as much again, because it has the best return by last click. In truth it earns {currency} {earns:+,.0f}. And "
    "lines that every column of our table keeps, and that lose money: {wrong:words}.\n\n"
    "With the views counted, the decision is worth {currency} {views:,.0f} {more}. A perfect test of each line by itself {tested}.",
    flattered=where((said == "keep") & (true < 0)), slighted=where((said == "stop") & (true > 0)), channel=returns.index[0],
    earns=true[returns.index[0]], wrong=where(found), currency=shop.currency, views=abs(views_add), more="more" if views_add >= 0 else "less",
    tested="finds the best set of all, so here the lines can be judged one at a time" if short < 0.5 else f"comes within {shop.currency} {short:,.0f} of the best",
)

# %% [markdown]
# There are two mistakes in the figure, and they have different cures. A line can look worse than it is because what it
# does is not on the journey: it is seen, and works days later through another door. Counting views repairs some of
# that, at the risk of paying for every banner that was scrolled past. And a line can look better than it is because it
# stands where people were going anyway. Every model that shares out credit pays it for standing there, with views and
# without, and the verdict that all of them agree on can be wrong. For that mistake there is no cure in the journeys.
# You have to switch the line off for somebody and watch. Real tests are not perfect, and you remember how wide the
# holdout's interval was. But they ask the right question, and with more visitors they come closer to the answer. More
# visitors do not bring a wrong model any closer.
#
# So agreement of models, which lesson 07 called worth more than the best model, has a limit. It protects you against an
# argument about models. It does not protect you against what all of them leave out.

# %% tags=["hide-input"]
by_table = outcome.set_index("decision")["regret"].loc["last click":"stop what all stop"]
ct.say(
    "The envelope also says what it is worth to know. Whoever decides by last click could pay up to {currency} {most:,.0f} for perfect knowledge of this "
    "quarter, and still not lose by it. Whoever picked the best column of our table, {name}, could pay up to {least:,.0f}. That is a "
    "ceiling for the price of finding out.", most=by_table["last click"], name=str(by_table.idxmin()), least=by_table.min(), currency=shop.currency,
)

# %% [markdown]
# Be fair to last click before you throw it out. It is one shop and one quarter. In a shop whose advertising is clicked
# by strangers and not seen by friends, it may decide as well as anything. Lesson 11 plays many such shops. What carries
# over is the method: a decision has a price, and it can be computed as soon as you know what would have happened
# otherwise.
#
# ## Decide what would stop you before you look
#
# You have no envelope for your own shop. What you have instead is the next quarter, if you set it up so that it can
# contradict you. The tempting way is to change everything on Monday and to look at the numbers every week until they
# look right.

# %%
false_alarm = ct.experiments.peeking_error(13)

# %% tags=["hide-input"]
ct.say(
    "Looking at a test once a week for a quarter, and stopping at the first good week, finds an effect where there is none in {chance:.0%} of "
    "cases. And if two things were changed at once, nobody will ever know which of them did it.", chance=false_alarm,
)

# %% [markdown]
# The right way is dull. One change at a time. Its review date is fixed beforehand, by the number of visitors that it
# takes to see what you hope for. Take the repair of the leak, shown to half of those who reach that step.

# %%
hoped = ct.metrics.ratio(closed * (worst["others"] - worst["rate"]), worst["rate"])
test = ct.experiments.visitors_needed(worst["rate"], hoped)
first, last = shop.events["event_time"].agg(["min", "max"])
each_week = worst["reached"] / ((last - first) / pd.Timedelta(days=7))
test_weeks = test.visitors // each_week + 1

# %% tags=["hide-input"]
ct.say(
    "To find a rise from {base:.0%} to {new:.0%} in four cases of five takes {visitors:,.0f} visitors at that step, and {rate:,.0f} come in a week. "
    "So the review is after {weeks:.0f} weeks, and not before. {patience}",
    patience="Nobody will wait that long: look for a bolder repair, or for another leak." if test_weeks > 52 else "",
    base=worst["rate"], new=worst["rate"] * (1 + hoped), visitors=test.visitors, rate=each_week, weeks=test_weeks,
)

# %% [markdown]
# Stopping a line is a change too, and the worst thing it can do is to lose sales. So it gets a *guardrail*, a number
# that must not fall. Here that is the conversions of a week. A guardrail is good if it notices the loss that would make
# the stop a mistake. Which loss is that? The one at which the margin of the lost sales is more than the cost that was
# saved.
#
# Weeks differ by chance, so we need a limit that an ordinary stretch of weeks falls below only once in twenty times.
# And the loss that matters has to be large enough to go below it in four cases of five.

# %%
sold = ct.metrics.week_of(conversions["conversion_time"], shop.time_zone).value_counts()
per_week = weeks["period"].drop_duplicates().map(sold).fillna(0)
swing = ct.metrics.ratio(per_week.std(), (1 / watch_weeks + 1 / per_week.count()) ** -0.5)

# %%
cost_per_week = weeks.groupby("channel")["cost"].mean().rename("cost_per_week")
may_lose = cost_per_week / per_sale
guard = cost_per_week.to_frame().assign(
    may_lose=may_lose, noticed=may_lose > (1.64 + 0.84) * swing, stopped_by_all=agreed)

# %% tags=["hide-input"]
guard = may_lose if isinstance(may_lose, ct.Gap) else guard.sort_values("cost_per_week", ascending=False, kind="stable")

# %%
ct.show(guard, name="guardrail", rows=20)

# %% tags=["hide-input"]
ct.say(
    "A week has {mean:,.0f} conversions. We watch the mean of {weeks} weeks, and take a fall of more than {limit:,.1f} a week for an alarm. A loss of "
    "{notices:,.1f} a week sets it off in four cases of five. The column *may_lose* says how many conversions a week a line has to bring to be worth its "
    "cost. Lines whose loss this guardrail would notice: {seen:words}. For the others it is decoration, and they need a holdout, or places "
    "where the line stays on.",
    mean=per_week.mean(), weeks=watch_weeks, limit=1.64 * swing, notices=(1.64 + 0.84) * swing, seen=where(guard["noticed"]),
)

# %% [markdown]
# Now write it down, one card for each change, while you still do not know how it comes out. The owner of a card is a
# role and not a name, since people leave. The line that we stop first is the most expensive one that every model
# stopped.

# %% tags=["hide-input"]
def filled(template, **values):
    """The template with its values, or the first gap among them."""
    gap = next((value for value in values.values() if isinstance(value, ct.Gap)), None)
    return template.format(**values) if gap is None else gap

no_line = ct.Gap("No line is stopped by every model, so there is no line to begin with.")
lines_to_stop = guard if isinstance(guard, ct.Gap) else guard[guard["stopped_by_all"]].reset_index()
first_line = lines_to_stop.iloc[0] if isinstance(lines_to_stop, ct.Gap) or len(lines_to_stop) else no_line
halfway, end = ct.experiments.stopping_bounds(2)["p_value"]
repair = {
    "what changes": filled("{who}: the way to {step} is repaired, for half of those who get there", who=worst[segment], step=worst["step"]),
    "why": filled("{rate:.0%} go on, against {others:.0%} of the others", rate=worst["rate"], others=worst["others"]),
    "what we hope for": filled("{more:,.0f} more conversions in a time like this one", more=worst["more"]),
    "owner": "whoever answers for the website",
    "begins": "on Monday",
    "reviewed": filled("after {weeks:.0f} weeks; one look before that, at half-time", weeks=test_weeks),
    "kept if": f"the rate is higher, with p below {end:.3f}",
    "stopped early if": f"at half-time it is lower, with p below {halfway:.3f}",
    "guardrail": "value per conversion",
}
stop = {
    "what changes": filled("{channel} is switched off", channel=first_line["channel"]),
    "why": filled("every model says that {channel} costs more than it earns", channel=first_line["channel"]),
    "what we hope for": filled("{currency} {cost:,.0f} a week saved", currency=shop.currency, cost=first_line["cost_per_week"]),
    "owner": "whoever answers for advertising",
    "begins": "after the review of the repair",
    "reviewed": f"after {watch_weeks} weeks",
    "kept if": filled("the mean of the weeks stays above {least:,.1f} conversions", least=per_week.mean() - 1.64 * swing),
    "stopped early if": "something else has to be changed in a hurry: then it begins again",
    "guardrail": filled("conversions a week; a loss of {lose:,.1f} would eat what is saved", lose=first_line["may_lose"]),
}
cards = pd.DataFrame(index=pd.Index(list(repair), name="decision card"))
cards = cards.assign(**{"the repair": worst if isinstance(worst, ct.Gap) else pd.Series(repair),
                        "the line": first_line if isinstance(first_line, ct.Gap) else pd.Series(stop)})
ct.show(cards, name="decision_cards", rows=20)

# %% [markdown]
# Look at what is on the cards and what is not. There is a number that would make us go back, and it stands there before
# anybody has a reason to like it or not. There is a date. There is one change in each column, and the second waits for
# the first; its numbers are computed afresh when its turn comes, for the repair may have moved them. There is no line
# that says *we shall keep an eye on it*.
#
# ## What this cannot tell
#
# The envelope knows only on and off. What half of a line would bring, or a better picture in it, is not in there. It
# knows the visitors that tracking saw, for one quarter; a brand that is built over years is not in it either. The worth
# of the repair is a guess with an interval until the test has run. And all the intervals speak of chance, and none of
# them of a wrong question.
#
# ## You can now
#
# - find the leak in a funnel by segment, and say what closing half of it would be worth, as a ceiling for the bill;
# - define an audience by a rule, and say from a holdout what retargeting could at most add;
# - turn credit into lines to keep and lines to stop, and leave alone what you cannot tell;
# - say when data shows one point of a curve only, and vary the spend on purpose instead;
# - compute what a decision cost, and tell the agreement of models from the truth;
# - write a decision card, with a review date, a guardrail and a role that owns it.
#
# ## Exercises
#
# **One.** Look for the leak by country. Would you mend the first one? Divide the quarter in two, and see whether the
# first half's leak is there in the second. Is that enough to be sure?
#
# **Two.** Retarget those who reached the checkout, and not only the basket. They are keener, so is it worth more? Give
# the most that the advertisements can have added for each of the two audiences.
#
# **Three.** The supplier offers better prices, and the margin rises. Take a few margins, decide by last click and by
# linear with views for each, and compute the regret. Is the better model always the better one?
#
# **Four.** You may vary the spend of the largest line on purpose, up to half up or down. For how many weeks do you have
# to do it until its curve can be told?
#
# Worked solutions are in `exercises/10_optimize_solutions.ipynb`.
#
# ## Further reading
#
# Danaher and van Heerde (2018), in the *Journal of Marketing Research*, show why credit should not set a budget, even
# if it is fair. Johnson, Lewis and Nubbemeyer (2017), in the same journal, measure what retargeting adds with
# advertisements that were *not* shown. Blake, Nosko and Tadelis (2015), in *Econometrica*, is the story of a large
# company that switched off the line with the best report. Savage's short essay "The theory of statistical decision"
# (1951), in the *Journal of the American Statistical Association*, is where regret comes from. In lesson 11 many shops
# are opened, to see which model can be trusted, and when.
