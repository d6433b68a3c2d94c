# ---
# jupyter:
#   convtrack:
#     minutes: 60
#     needs: {events.channel: which visitors met the channel, events.session_id: visits to the site}
#     uses:
#       assignments: holdout, and attribution held against it
#       events.value: value per visitor; whether the channel paid
#       spend: what the channel cost
#       envelope.truth: truth that the answers are held against
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Credit is not effect: let chance decide who sees the advertisement, and compare
#
# *Lesson 09 · about 60 minutes · step 7 of 7: optimise*
#
# When you have worked through this lesson, you will be able to
#
# - show why the buyers among those who saw an advertisement prove nothing about it;
# - read a holdout: check its split, compare its arms, and say what its interval rules out;
# - work out before a test how many visitors it needs, and what it could ever find;
# - look at a running test without fooling yourself;
# - compare means with heavy tails, and sharpen them with what was known before;
# - run a geo test where visitors cannot be divided, and check it with a placebo;
# - hold attribution against an experiment, and say which channels stay uncalibrated.
#
# You need the intervals of lesson 03 and the models of lesson 07.
#
# In lesson 07 the owner of Larkspur wanted to cut one line of the advertising budget, and every model gave an answer of
# its own. All of them shared out what had happened. The owner's question is about what would have happened otherwise.
#
# The line in dispute is retargeting, the advertisements that follow visitors around after they have looked at tea. The
# agency calls it indispensable. The owner suspects that those people would have bought in any case. This time the shop
# did something better than argue. All quarter long a coin was thrown for every new visitor, not quite a fair one, and some
# visitors were never followed. *What did retargeting bring that would not have come without it?*

# %% tags=["parameters"]
study: str = "../data/larkspur/study.yaml"  # the study file, which says where the data is
channel: str = "Retargeting"  # the channel whose effect is in question
experiment: str = "retargeting_holdout"  # its experiment in the table `assignments`
treated: str = "ads"  # the arm that got the channel
control: str = "no_ads"  # the arm that did not
planned: float = 0.85  # 0.01 to 0.99; share of visitors that were to be treated
lift: float = 0.1  # 0.01 to 1; the smallest lift that would change a decision
margin: float = 0.45  # 0.01 to 1; share of revenue that is left to pay for advertising
looks: int = 30  # 2 to 60; how often an impatient analyst looks at a running test
resamples: int = 100  # 20 to 5000; how often visitors are drawn again for intervals
seed: int = 9  # 0 to 1000000; where all random draws begin

# %%
import numpy as np
import pandas as pd
from scipy.stats import binom
import convtrack as ct
from convtrack.texts import plain_name

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goal)
sessions = ct.sessionize(shop.events)

# %% [markdown]
# ## Those who met the channel buy more, and it proves nothing
#
# The agency's case is short. Take everybody that the log knows, divide them into those who met the channel and those who
# did not, and look at how many converted.

# %%
ads = shop.events[shop.events["channel"] == channel]
people = pd.DataFrame({"visitor_id": shop.events["visitor_id"].unique()})
people["met"] = people["visitor_id"].isin(ads["visitor_id"])
people["converted"] = people["visitor_id"].isin(conversions["visitor_id"])

# %%
def compare_groups(people, group, outcome="converted"):
    if ads.empty:
        return ct.Gap(f"No event of this study is of the channel {channel}.",
                      "Name one of yours: `-p channel=NAME`.")
    counts = people.groupby(group)[outcome].agg(["sum", "count"])
    won, of = counts["sum"], counts["count"]
    return ct.experiments.compare_rates(
        won.get(True, 0), of.get(True, 0), won.get(False, 0), of.get(False, 0))

naive = compare_groups(people, "met")

# %% tags=["hide-input"]
ct.say(
    "Of those who met {channel}, {row[treated]:.2%} converted, and of the others {row[control]:.2%}. That is a lift of "
    "{row[lift]:.0%}, with an interval from {row[lift_low]:.0%} to {row[lift_high]:.0%}. {verdict}",
    channel=channel, row=naive.table.iloc[0],
    verdict="That is no accident." if naive.table["low"].iloc[0] > 0 else "Chance alone could have made that.",
)

# %% [markdown]
# A difference beyond chance need not be the work of the advertisement. Two groups of people were compared. Before we put
# the difference down to what one group was shown, we had better ask how people got into that group.
#
# To be followed, you must have come to the site. The others include people who were only ever shown a banner somewhere,
# and of course those hardly buy. A fair-minded analyst keeps the visitors who came.

# %%
visitors = sessions.drop_duplicates("visitor_id")  # the first visit of each
visitors = visitors.assign(
    met=visitors["visitor_id"].isin(ads["visitor_id"]),
    converted=visitors["visitor_id"].isin(conversions["visitor_id"]),
    at_once=ct.has_conversion(visitors, conversions))
fairer = compare_groups(visitors, "met")

# %% tags=["hide-input"]
ct.say(
    "Of the {all:,} people in the log, {came:,} came to the site. Among them the lift is {row[lift]:.0%}, with an "
    "interval from {row[lift_low]:.0%} to {row[lift_high]:.0%}. One sensible question has changed the answer from "
    "{before:.0%}.",
    all=len(people), came=len(visitors), row=fairer.table.iloc[0], before=naive.table["lift"].iloc[0],
)

# %% [markdown]
# Was that the last sensible question? There is a way to find out that needs no new data. Look at something that the
# advertisement *cannot* have caused. If the groups differ there too, then they were different people from the start. Such
# a check is called a placebo. Ours is the very first visit, which came before there was anybody to follow.

# %%
first_ad = ads.groupby("visitor_id")["event_time"].min().rename("first_ad")
theirs = conversions.join(first_ad, on="visitor_id", how="inner")
too_early = theirs["conversion_time"] < theirs["first_ad"]
placebo = compare_groups(visitors, "met", "at_once")

# %% tags=["hide-input"]
followed = visitors.join(first_ad, on="visitor_id", how="inner")
row, later = placebo.table.iloc[0], (followed["end_time"] < followed["first_ad"]).mean()
ct.say(
    "Of {n:,} conversions by visitors who met {channel}, {early:,} ({share:.0%}) came before they had met it for the "
    "first time. For {later:.0%} of these visitors the first visit was over by then. And yet on that first visit they "
    "were already {times:.2f} times as likely to convert as the others. {verdict}",
    n=len(theirs), channel=channel, early=int(too_early.sum()), share=too_early.mean(),
    later=later, times=row["lift"] + 1,
    verdict="An advertisement does not work backwards. These were other people before anybody followed them."
            if row["low"] > 0 and later > 0.95 else
            "Here that check is not clear, which does not mean that the groups were alike.",
)

# %% [markdown]
# The reason is the way that people are chosen. Somebody who comes often is followed often, and buys often. The platform
# helps, because it is paid to find people who are likely to convert, and it is good at that. You could go on to compare
# like with like: same device, same number of visits, same pages. That takes out what the log has seen. What made people
# look for tea in the first place it has not seen, and no cleverness with the log brings it back.
#
# How bad does it get in practice? Gordon and colleagues took large randomised tests at a social network, put the
# randomisation aside, and tried to recover the known answer with the best methods for logs. In about half of the studies
# they were off by a factor of three or so.
#
# ## In a holdout chance decides, and nothing else can
#
# So let us give the choice to something that knows nothing about tea. In a *holdout*, a random part of the visitors, the
# control arm, is never shown the channel. Those who would have bought anyway land in both arms at the same rate. So do
# the impatient, the loyal and the rich, and every kind of person that nobody thought of. It is an A/B test whose B is
# nothing, and everything below serves as well for a test of two checkout pages or two subject lines.
#
# The first look at any experiment is not at its result. It is at the split. If the arms do not have the sizes that were
# planned, then something beside chance had a hand in who is in them, and the comparison is lost. People like to skip this
# check, because a test that failed it cannot be saved.

# %%
arms = shop.assignments
arms = arms[(arms["experiment"] == experiment) & arms["arm"].isin([treated, control])]
plan = {treated: planned, control: 1 - planned}

# %% tags=["hide-input"]
if arms["arm"].nunique() < 2:
    arms = ct.Gap(f"The table `assignments` has no experiment {experiment} with the arms {treated} and {control}.",
                  "Name yours: `-p experiment=NAME -p treated=NAME -p control=NAME`.")

# %%
in_arm = arms[arms["arm"] == treated]
split = ct.experiments.sample_ratio(arms["arm"].value_counts().to_dict(), plan)
leaked = arms[arms["arm"] == control]["visitor_id"].isin(ads["visitor_id"]).sum()

# %% tags=["hide-input"]
ct.say("{split.sentence} Visitors of the arm {control} who met the channel all the same: {leaked:,}.",
       split=split, control=control, leaked=leaked)

# %% [markdown]
# A second thing to check is that the control arm got nothing, and that is the last number above. Now the result. A
# conversion counts from the moment that a visitor was assigned, in both arms alike.

# %%
holdout = ct.experiments.holdout_lift(
    arms, conversions, experiment, plan, treated, control)
columns = ["outcome", "lift", "lift_low", "lift_high",
           "incremental", "incremental_low", "incremental_high"]
ct.show(holdout.table[columns], name="holdout",
        kinds={"lift": "share", "lift_low": "share", "lift_high": "share"})

# %% tags=["hide-input"]
ct.say("{holdout.sentence}", holdout=holdout)

# %% [markdown]
# *Incremental* is the answer to the owner's question: what the channel brought in the arm that had it. It comes with a
# wide interval, and what you make of it is the hardest part of this lesson.
#
# The agency objects. Not everybody in the treated arm was shown an advertisement, so let us leave out those who were not.
# That sounds like cleaning. Try it.

# %%
cleaned = arms.assign(met=arms["visitor_id"].isin(ads["visitor_id"]),
                      converted=arms["visitor_id"].isin(conversions["visitor_id"]),
                      treated=arms["arm"] == treated)
cleaned = cleaned[cleaned["met"] | ~cleaned["treated"]]
reached = compare_groups(cleaned, "treated")

# %%
asked = {"met it, all people": naive, "met it, came to the site": fairer,
         "met it, first visit only": placebo, "reached against control": reached,
         "arm against arm": holdout}
ends = ["lift", "lift_low", "lift_high"]
found = [[effect.table[end].iloc[0] for end in ends] for effect in asked.values()]
lifts = pd.DataFrame(found, columns=ends).assign(comparison=list(asked))
ct.plots.bars(lifts, "comparison", "lift", low="lift_low", high="lift_high", kind="share",
              title="Only arm against arm compares like with like")

# %% tags=["hide-input"]
often = in_arm.merge(sessions, on="visitor_id", how="left").groupby("visitor_id").size()
kept = often.index.isin(ads["visitor_id"])
ct.say(
    "Leaving them out moves the lift from {fair:.1%} to {cleaned:.1%}. But who are they? Those who were dropped came "
    "{dropped:.1f} times on average, and those who were kept {kept:.1f} times. The other arm has both kinds too, and "
    "there nobody can tell which ones to drop. The coin made the arms alike, and the cleaning undid it.",
    fair=holdout.table["lift"].iloc[0], cleaned=reached.table["lift"].iloc[0],
    dropped=often[~kept].mean(), kept=often[kept].mean(),
)

# %% [markdown]
# So hold all who were assigned to one arm against all who were assigned to the other. The clean way to look only at those
# reached is to write down, in the control arm too, at which moment an advertisement *would* have been shown. Johnson,
# Lewis and Nubbemeyer call these ghost ads. They found that retargeting raised purchases by about a tenth, in a test far
# larger than ours.
#
# ## An interval that holds zero still rules things out
#
# Two tempting ways to read the result are both wrong. *It made no difference* is one: an interval around zero is not a
# proof of zero. *It is negative, so the advertisements drive people away* is the other: the estimate is the middle of
# what is possible, and nothing more. Read the ends instead.

# %%
outcomes = ["converted visitors", "conversions", "value"]
found = holdout.table.set_index("outcome").reindex(outcomes)
cost = shop.spend[shop.spend["channel"] == channel]["cost"].sum(min_count=1)

# %% tags=["hide-input"]
if pd.isna(cost):
    cost = ct.Gap(f"The table `spend` has no cost for the channel {channel}.")
rate = found.loc["converted visitors"]
ct.say(
    "Lifts above {high:.0%} are ruled out, and with them the {naive:.0%} that the agency began with. In the arm that had "
    "it, the channel brought at most {most:,.0f} of the {all:,.0f} conversions. Whoever credits it with more has this "
    "data against them.",
    high=rate["lift_high"], naive=naive.table["lift"].iloc[0], most=found.loc["conversions", "incremental_high"],
    all=found.loc["conversions", "treated"] * found.loc["conversions", "visitors"],
)

# %% tags=["hide-input"]
value = found.loc["value"] * margin
if pd.isna(value["incremental"]):
    value = ct.Gap("Not every conversion in the holdout has a value, so nobody knows whether the channel paid.",
                   "Map a column to `value`, or give the goal a value, in study.yaml.")
open_question = (value["incremental_low"] < cost) & (value["incremental_high"] > cost)
ct.say(
    "Did it pay? It cost {currency} {cost:,.0f}. After a margin of {margin:.0%}, what it brought lies somewhere between "
    "{currency} {low:,.0f} and {high:,.0f}. {verdict}",
    currency=shop.currency, cost=cost, margin=margin, low=value["incremental_low"], high=value["incremental_high"],
    verdict="The cost lies inside, so this holdout does not say whether the channel paid. "
            "That is an honest answer, and a disappointing one."
            if open_question else "The cost lies outside, so the question is settled.",
)

# %% [markdown]
# And where does a holdout fail? A person with a telephone and a laptop is two visitors, and may be in both arms, which
# makes the arms more alike than they should be. Friends tell friends. The answer is about this quarter and about people
# who came to the site. And it is an average: the effect may be large for some and nothing for others.
#
# ## A test that is too small finds nothing, whatever is there
#
# Could anybody have known that it would end like this? Yes, on the day before it began. It takes the rate at which
# visitors convert, and the smallest lift that would change a decision. *Power* is the chance to find that lift if it is
# there, and four in five is the custom. The tempting way is not to ask. So many visitors, a whole quarter: surely that is
# enough.

# %%
base = visitors["converted"].mean()

# %% tags=["hide-input"]
if not 0 < base < 0.5:
    base = ct.Gap("To plan a test, some visitors have to convert, and fewer than half.",
                  "Choose another `main_goal` in study.yaml.")

# %%
needed = ct.experiments.visitors_needed(base, lift, share=planned)
could_find = ct.experiments.detectable_lift(base, len(visitors), share=planned)

# %% tags=["hide-input"]
ct.say(
    "{needed.sentence} We had {n:,}, who find a lift of {could:.0%}. Anything smaller was likely to be missed from the "
    "beginning.",
    needed=needed, n=len(visitors), could=could_find.lift,
)

# %% [markdown]
# The price of precision is steep. Half the lift needs four times the visitors. The split matters as well: the smaller arm
# decides, so the most that a given crowd can tell comes from dividing it in half.

# %%
rows = [[up, *(ct.experiments.visitors_needed(base, up, share=share).visitors
               for share in (0.5, planned))] for up in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)]
sizes = pd.DataFrame(rows, columns=["lift", "half_and_half", "as_planned"])
sizes["times_our_crowd"] = sizes["as_planned"] / len(visitors)
ct.show(sizes, name="visitors_needed", kinds={"lift": "share"})

# %%
times = np.linspace(0.2, 8, 40)
curves = [pd.DataFrame({
    "times_our_crowd": times, "lift": f"lift of {up:.0%}",
    "power": ct.experiments.find_power(base, up, times * len(visitors), planned)})
    for up in (0.05, 0.1, 0.2, 0.3)]
ct.plots.trend(pd.concat(curves), "times_our_crowd", "power", series="lift", kind="share",
               title="A large lift is soon found, a small one takes many times the crowd")

# %% [markdown]
# Which lift would matter here? That need not be a matter of taste. The channel costs money, and pays for itself from
# a certain lift on. Below it the line should be cut.

# %%
per_visitor = found.loc["value", "control"] * margin
to_pay = cost / (per_visitor * found.loc["value", "visitors"])

# %% tags=["hide-input"]
if pd.isna(to_pay) or to_pay >= 1 / base - 1:
    to_pay = ct.Gap("Without the value of conversions in the control arm nobody knows which lift would pay.",
                    "Map a column to `value`, or give the goal a value, in study.yaml.")

# %%
chance = ct.experiments.find_power(base, to_pay, len(visitors), planned)
crowd = ct.experiments.visitors_needed(base, to_pay, share=planned)

# %% tags=["hide-input"]
ct.say(
    "The channel pays for itself from a lift of {to_pay:.1%} on. This holdout had a chance of {chance:.0%} to see such a "
    "lift. To see it four times in five takes {crowd:,} visitors, {times:.1f} times those we had. The question that "
    "mattered was never within reach.",
    to_pay=to_pay, chance=chance, crowd=crowd.visitors, times=crowd.visitors / len(visitors),
)

# %% [markdown]
# Do not conclude that experiments are useless. Lewis and Rao looked at tests for very large advertisers, with millions of
# people in each, and found that most of them could not tell a splendid return from a ruinous one. What a small holdout
# can do is to rule out the claims that are far too large, and those are the ones that cost most. For the rest, divide in
# half, wait longer, or choose an outcome that happens more often.
#
# ## Whoever looks every day will see something
#
# A test is running, and the numbers come in each morning. With them comes the p-value: how often chance alone would make a
# difference as large as this. It is tempting to look, and to stop as soon as it falls below the usual one in twenty. What
# harm can looking do?
#
# To see the harm, we need a test in which there is nothing to find. So we make one up, a thousand times: two arms that
# convert at exactly the same rate. That is called an A/A test. Any difference in it is chance, and a good procedure should
# be fooled by one in twenty.

# %%
tests, daily, same_rate, level = 1000, 200, 0.04, 0.05
rng = np.random.default_rng(seed)
chance = rng.random((2, tests, looks))
one, other = binom.ppf(chance, daily, same_rate).cumsum(axis=2)
seen = np.tile(daily * np.arange(1, looks + 1), (tests, 1))
result = ct.experiments.rate_effects(
    one.ravel(), seen.ravel(), other.ravel(), seen.ravel())
p = result["p_value"].to_numpy().reshape(tests, looks)

# %% tags=["hide-input"]
below = p < level
fooled, first_look = below.any(axis=1), below.argmax(axis=1)
lifts_seen = result["lift"].to_numpy().reshape(tests, looks)
back = fooled & (p[:, -1] > 0.3) & (lifts_seen[np.arange(tests), first_look] > 0)
example = int(np.argmax(back if back.any() else fooled))
day = int(first_look[example])
early, late = lifts_seen[example, [day, -1]]
ct.say(
    "Take one of them. On look number {day} it shows a lift of {early:+.0%} with p = {p_early:.3f}, and somebody orders "
    "the champagne. Left alone until the end it shows {late:+.0%}, with p = {p_late:.2f}. Looked at once, at the end, "
    "{once:.1%} of the tests find something. Looked at {looks} times, {fooled:.0%} do. The formula says {exact:.0%}.",
    day=day + 1, early=early, p_early=p[example, day], late=late, p_late=p[example, -1], once=below[:, -1].mean(), looks=looks,
    fooled=fooled.mean(), exact=ct.experiments.peeking_error(looks, level),
)

# %% [markdown]
# Each look is one more ticket in a lottery in which the prize is a false discovery. The remedy is not to close your eyes.
# It is to decide beforehand how often you will look, and to ask for more evidence at each look, so that all of them
# together are fooled once in twenty. Two such bounds are in common use. *Pocock's* asks for about the same at every look.
# *O'Brien and Fleming's* asks for overwhelming evidence early on, and at the end for hardly more than a single test would.

# %%
bounds = {"no bound": level}
for name, rule in [("Pocock", "pocock"), ("O'Brien and Fleming", "obrien_fleming")]:
    bounds[name] = ct.experiments.stopping_bounds(looks, rule, level)["p_value"].to_numpy()
stopped = {name: np.maximum.accumulate(p < bound, axis=1).mean(axis=0)
           for name, bound in bounds.items()}

# %%
lines = pd.DataFrame(stopped, index=pd.RangeIndex(1, looks + 1, name="look"))
lines = lines.melt(ignore_index=False, var_name="rule", value_name="tests_fooled")
ct.plots.trend(lines.reset_index(), "look", "tests_fooled", series="rule", kind="share",
               title="With every look, more tests find what is not there")

# %% tags=["hide-input"]
ct.say(
    "With Pocock's bound {pocock:.1%} of the tests are fooled, and with O'Brien and Fleming's {obf:.1%}, although both "
    "were looked at {looks} times.",
    pocock=stopped["Pocock"][-1], obf=stopped["O'Brien and Fleming"][-1], looks=looks,
)

# %% [markdown]
# For a plan of five looks, this is what the p-value has to fall below at each of them. *Information* is the part of the
# planned visitors that has been seen by then.

# %%
five = ct.experiments.stopping_bounds(5, "pocock")[["look", "information"]]
for name in ("pocock", "obrien_fleming"):
    five[name] = ct.experiments.stopping_bounds(5, name)["p_value"]
ct.show(five, name="five_looks", kinds={"information": "share"})

# %% [markdown]
# Even then a few things go wrong. A test that stops early stops at a lucky moment, so the lift that it shows is too
# large. A test of three days has not met a weekend. And conversions come late, as lesson 06 showed, so the last days of a
# test know only the quick ones. Look when you planned to, and after whole weeks.
#
# ## Money is harder to compare than heads
#
# The owner cannot bank conversions. Why not compare what matters, the value per visitor? Because most visitors spend
# nothing, and a few spend a lot. A single large order on one side can pass for an effect.

# %%
worth = conversions.groupby("visitor_id")["value"].sum()
spent = visitors["visitor_id"].map(worth).fillna(0.0)

# %% tags=["hide-input"]
if conversions["value"].isna().any() or not conversions["value"].any():
    spent = ct.Gap("Not every conversion has a value, so nobody knows the value per visitor.",
                   "Map a column to `value`, or give the goal a value, in study.yaml.")

# %%
heads = ct.experiments.visitors_needed(base, lift)
money = ct.experiments.visitors_needed(spent.mean(), lift, sd=spent.std())
cap = spent[spent > 0].quantile(0.95)
capped = spent.clip(upper=cap)
tamed = ct.experiments.visitors_needed(capped.mean(), lift, sd=capped.std())

# %% tags=["hide-input"]
ct.say(
    "Per visitor the value is {currency} {mean:.2f}, and its standard deviation is {times:.1f} times that. To find a "
    "lift of {lift:.0%} in the value, even half and half, takes {money:,} visitors, where {heads:,} would do for the "
    "rate. Cut every visitor's value off at {currency} {cap:,.0f}, which one buyer in twenty exceeds, and {tamed:,} are "
    "enough.",
    currency=shop.currency, mean=spent.mean(), times=spent.std() / spent.mean(), lift=lift, money=money.visitors,
    heads=heads.visitors, cap=cap, tamed=tamed.visitors,
)

# %% [markdown]
# Cutting off is tempting, and allowed if you chose the limit before you saw the result. But it changes the question. If
# an advertisement brings the cafés that order by the crate, you have just agreed not to see it.
#
# A better idea is to use what was known before. Suppose a test had begun in the middle of the quarter, with the visitors
# whom the shop knew by then. Some of them had been very active of late, and others had not been seen for weeks. A good
# part of their differences *during* the test could have been foretold, and whatever can be foretold is no effect of the
# test. *CUPED* takes it out of both arms. Let us throw a coin for a test in which nothing is done to anybody, so that
# the true difference is zero.

# %%
middle = sessions["start_time"].quantile(0.5)
age = middle - sessions["start_time"]
recent = sessions[age.between(pd.Timedelta(0), pd.Timedelta(days=7))]
known = sessions[age >= pd.Timedelta(0)]["visitor_id"].drop_duplicates()
before = known.map(recent["visitor_id"].value_counts()).fillna(0)
during = known.map(sessions[age < pd.Timedelta(0)]["visitor_id"].value_counts()).fillna(0)

# %%
coin = known.sample(frac=0.5, random_state=np.random.default_rng(seed)).index
tails = known.index.difference(coin)
visits = ct.experiments.cuped(during[coin], before[coin], during[tails], before[tails])
ct.show(visits.table[["outcome", "difference", "low", "high", "variance_removed"]],
        name="cuped", kinds={"variance_removed": "share"},
        caption="Visits during the test, as they are and with the week before taken out")

# %% tags=["hide-input"]
width = visits.table["high"] - visits.table["low"]
ct.say(
    "{verdict} The visits of one week before the test explain {removed:.0%} of the differences in visits during it, and "
    "the interval becomes {narrower:.0%} narrower. That is worth as much as {more:.0%} more visitors, and costs nothing.",
    verdict="Both intervals hold zero, as they should." if (visits.table["low"] * visits.table["high"] <= 0).all() else
            "One in twenty such intervals misses zero, and here one does.",
    removed=visits.table["variance_removed"].iloc[1], narrower=1 - width.iloc[1] / width.iloc[0],
    more=1 / (1 - visits.table["variance_removed"].iloc[1]) - 1,
)

# %% [markdown]
# Encouraged, we do the same for the value. And then once more, with something that goes together with it far better: the
# visits *during* the test. The more is explained, the sharper the comparison. What could be wrong with that?

# %%
late = conversions[conversions["conversion_time"] > middle]
spent_later = known.map(late.groupby("visitor_id")["value"].sum()).fillna(0.0)

# %% tags=["hide-input"]
if isinstance(spent, ct.Gap):
    spent_later = spent

# %%
by_past = ct.experiments.cuped(
    spent_later[coin], before[coin], spent_later[tails], before[tails])
by_present = ct.experiments.cuped(
    spent_later[coin], during[coin], spent_later[tails], during[tails])

# %% tags=["hide-input"]
ct.say(
    "The week before explains {past:.1%} of the differences in value, and the visits during the test {present:.1%}.",
    past=by_past.table["variance_removed"].iloc[1], present=by_present.table["variance_removed"].iloc[1],
)

# %% [markdown]
# The second is a trap. If an advertisement works at all, it works by bringing people back to the site. Take those visits
# out, and the effect goes out with them. Only what happened *before* the assignment may be taken out.
#
# The first is simply how it is. Few people buy, and the past hardly says when. CUPED made its name where the same people
# come every day, and there it can be worth as much as doubling the crowd. For the shop's own holdout it could do nothing
# at all, because visitors were assigned on their first visit and had no past.
#
# ## Where visitors cannot be divided, divide places
#
# A poster cannot be hidden from every seventh passer-by, and neither can a radio spot. But it can be put up in some towns
# and not in others. We have no such campaign in our data, so what follows is made up, by the few lines below: twenty
# towns of all sizes, twelve weeks of orders, a spring in which sales rise everywhere, in some towns much faster than in
# others. Chance draws eight of them. From the ninth week on they have a campaign, and what it does we decide ourselves.

# %%
rng = np.random.default_rng(seed)
days = pd.date_range("2026-01-05", periods=84, name="date")
start, true_lift = days[56], 0.12
towns = [f"Town {letter}" for letter in "ABCDEFGHIJKLMNOPQRST"]
chosen = rng.choice(towns, 8, replace=False)
size, growth = rng.lognormal(4.5, 0.7, 20), rng.normal(0.4, 0.2, 20)
ordinary = size * (1 + growth * np.linspace(0, 1, 84)[:, None])

# %%
def run_campaign(chosen):
    raised = 1 + true_lift * np.outer(days >= start, np.isin(towns, chosen))
    orders = np.random.default_rng(seed + 1).poisson(ordinary * raised)
    wide = pd.DataFrame(orders, days, pd.Index(towns, name="geo"))
    return wide.stack().rename("outcome").reset_index()

panel = run_campaign(chosen)

# %% [markdown]
# The tempting ways are two. One compares the chosen towns with themselves, before and after. The other compares them with
# the rest, after the start. Here are the weeks.

# %%
panel["towns"] = np.where(panel["geo"].isin(chosen), "with the campaign", "without")
panel["since"] = panel["date"] >= start
panel["week"] = panel["date"].dt.to_period("W")
weeks = panel.groupby(["week", "towns"])["outcome"].mean().rename("orders_per_day")
ct.plots.trend(weeks.reset_index(), "week", "orders_per_day", series="towns",
               title=f"Sales rise everywhere, and the campaign begins on {start:%d %B}")

# %%
mean = panel.groupby(["towns", "since"])["outcome"].mean()
here, there = mean["with the campaign"], mean["without"]
geo = ct.experiments.geo_lift(panel, chosen, start)

# %% tags=["hide-input"]
row = geo.table.iloc[0]
ct.say(
    "Before and after says {before:+.0%}: it takes the spring for the campaign. With and without says {across:+.0%}: it "
    "takes the size of the towns for the campaign. The truth that we put in is {truth:+.0%}. *Difference in differences* "
    "asks how much more the chosen towns grew than the others. It takes out both mistakes at once, and finds "
    "{lift:+.1%}, with an interval from {low:.1%} to {high:.1%}, which {verdict} the truth.",
    before=here[True] / here[False] - 1, across=here[True] / there[True] - 1, truth=true_lift, lift=row["lift"],
    low=row["lift_low"], high=row["lift_high"],
    verdict="holds" if row["lift_low"] <= true_lift <= row["lift_high"] else "misses",
)

# %% [markdown]
# It rests on one assumption: without the campaign, both groups would have grown alike. Nobody can see that. But we can see
# whether they grew alike *before*, by pretending that the campaign had begun in the middle of the quiet weeks. That is the
# placebo again.

# %% tags=["hide-input"]
ct.say("{placebo.sentence}", placebo=geo.checks[0])

# %% [markdown]
# Now let a manager choose the towns, one who has looked at the first eight weeks and takes the eight that are growing
# fastest, since that is where the money should go. The campaign does the same as before.

# %%
early = panel[~panel["since"]].assign(half=lambda t: t["date"] >= days[28])
by_half = early.pivot_table(index="geo", columns="half", values="outcome", aggfunc="mean")
fastest = (by_half[True] / by_half[False]).nlargest(8).index.tolist()
favoured = ct.experiments.geo_lift(run_campaign(fastest), fastest, start)

# %% tags=["hide-input"]
row = favoured.table.iloc[0]
ct.say(
    "It finds {lift:+.1%}, with an interval from {low:.1%} to {high:.1%}, which {verdict} the truth. {placebo} Those "
    "towns would have outgrown the others without any campaign. When a placebo fails, do not believe the answer, however "
    "well you like it.",
    lift=row["lift"], low=row["lift_low"], high=row["lift_high"], placebo=favoured.checks[0].sentence,
    verdict="holds" if row["lift_low"] <= true_lift <= row["lift_high"] else "misses",
)

# %% [markdown]
# So chance should choose the towns as well. There are few of them, so a geo test is coarse. People commute, and see
# the poster on the way to work. And a placebo that passes is no proof that nothing was wrong, only that nothing was seen.
#
# ## Hold attribution against the experiment
#
# Back to the shop. We have two kinds of answers for one channel: the models, which are sharp and may be about the wrong
# thing, and the holdout, which is about the right thing and blunt. To compare them, the models have to share out the
# conversions that the holdout counts: those of the treated arm, after assignment.

# %% tags=["hide-input"]
if isinstance(holdout, ct.Gap):
    in_arm = holdout

# %%
won = in_arm.merge(conversions, on="visitor_id")
won = won[won["conversion_time"] > won["assigned_time"]]
touches = in_arm[["visitor_id"]].merge(ct.find_touches(shop.events, shop.touches))
journeys = ct.build_journeys(touches, won, shop.lookback_days, lookbacks=shop.lookbacks)

# %%
models = ["last_touch", "linear", "markov", "shapley"]
rng = np.random.default_rng(seed)
credited = ct.compare(journeys, models, resamples, rng).table

# %% tags=["hide-input"]
if credited[credited["channel"] == channel].empty:
    credited = ct.Gap(f"No model credits {channel} with anything, so there is nothing to calibrate.")

# %%
calibrated = ct.experiments.calibrate(credited, channel, holdout)
lines = calibrated.table
mine = lines[(lines["channel"] == channel) & (lines["outcome"] == "conversions")]
ct.show(mine.drop(columns=["outcome", "basis"]), name="calibrated",
        kinds={name: "share" for name in ("factor", "factor_low", "factor_high")})

# %%
ends = ["conversions", "low", "high"]
by_model = credited[credited["channel"] == channel].set_index("model")[ends]
asked = found.loc[["conversions"], ["incremental", "incremental_low", "incremental_high"]]
asked = asked.set_axis(ends, axis=1).rename({"conversions": "the holdout"})
answers = by_model.reindex([*models, "the holdout"]).fillna(asked)
answers = answers.rename(plain_name)
ct.plots.bars(answers, "model", low="low", high="high",
              title="Credit has narrow intervals, and the experiment an honest one")

# %% tags=["hide-input"]
ct.say("{calibrated.sentence}", calibrated=calibrated)

# %% tags=["hide-input"]
ct.say(
    "More than the experiment allows: {above:words}. Still possible: {rest:words}. Experiments seldom prove a model right. They "
    "speak by ruling some of them out.",
    above=mine.loc[mine["credited"] > mine["high"], "model"],
    rest=mine.loc[mine["credited"].between(mine["low"], mine["high"]), "model"],
)

# %% [markdown]
# The *factor* is what is left of the credit. Carry its whole interval with you, and not its middle. Above all, do not
# multiply the other channels by it. The tempting thought is that a model which flatters one channel flatters them all
# alike. But credit adds up to a fixed total, so whoever gets too much has taken it from somebody. The other channels stay
# *not calibrated* until each has had an experiment of its own.
#
# ## We open the envelope
#
# On real data the lesson would end here. This shop is simulated, and beside its data lies an envelope with what each
# channel truly brought: the same people went through the same quarter once more, with the channel switched off. First,
# was the holdout right?

# %%
truth = shop.envelope("truth").rename(
    columns={"incremental_conversions": "conversions", "incremental_value": "value"})
real = truth.set_index("channel").reindex([channel]).iloc[0]

# %% tags=["hide-input"]
row = found.loc["conversions"]
inside = (row["incremental_low"] <= real["conversions"]) & (real["conversions"] <= row["incremental_high"])
last = mine.set_index("model").loc["last_touch"]
ct.say(
    "Truly {channel} brought {real:,.0f} conversions. The holdout said {low:,.0f} to {high:,.0f}, so its interval "
    "{verdict}. Last click credited {credited:,.0f}, which is {times:.1f} times the truth.",
    channel=channel, real=real["conversions"], low=row["incremental_low"], high=row["incremental_high"],
    verdict="covers the truth" if inside else "misses the truth, as one in twenty does", credited=last["credited"],
    times=last["credited"] / real["conversions"],
)

# %% [markdown]
# Then the others, which had no experiment. We take all journeys of the quarter, and lay what two models credit beside
# what is true. The truths do not add up to all conversions, because two channels can be needed for the same one. Nobody
# can switch off people who type the address or find the shop by searching, and there it says what those visits are worth.

# %%
claimed = ct.compare(ct.journeys_of(shop), ["last_touch", "shapley"]).table
truth = truth.assign(model="truth")
columns = ["model", "channel", "conversions", "value"]
both = truth if isinstance(truth, ct.Gap) else pd.concat([claimed[columns], truth[columns]])
ct.plots.dots(both, title="What is credited, and what would be lost without the channel")

# %% tags=["hide-input"]
wide = both.pivot(index="channel", columns="model", values="conversions").fillna(0.0)
if isinstance(shop.spend, ct.Gap):
    wide = shop.spend
error = wide["last_touch"] - wide["truth"]
if not isinstance(error, ct.Gap):
    error = error[error.index.isin(shop.spend["channel"])]
ct.say(
    "Among the channels that cost money, last click flatters {up} most, with {up_claimed:,.0f} credited for "
    "{up_true:,.0f} true, and wrongs {down} most, with {down_claimed:,.0f} for {down_true:,.0f}.",
    up=error.idxmax(), up_claimed=wide["last_touch"][error.idxmax()], up_true=wide["truth"][error.idxmax()],
    down=error.idxmin(), down_claimed=wide["last_touch"][error.idxmin()], down_true=wide["truth"][error.idxmin()],
)

# %% [markdown]
# The pattern is the one that field experiments have found. Channels that stand near the sale get what they did not bring:
# advertisements on the shop's own name, and those that follow visitors. Channels that are seen and not clicked get
# nothing for the searches and visits that they set off. A cleverer model of the same journeys shares the credit more
# evenly, but it cannot credit what was never on a journey.
#
# What does that mean for the owner, who had to cut one line? Here is the return on advertising spend, as credited and as
# it is.

# %%
returns = ct.metrics.roas_by_model(shop.spend, both)
ct.show(returns, name="returns", rows=20,
        caption="Value per unit of cost: credited by two models, and true")

# %% tags=["hide-input"]
spent_on = shop.spend.groupby("channel")["cost"].sum()
cut, should = returns["last_touch"].idxmin(), returns["truth"].idxmin()
lost = (returns["truth"] * margin - 1) * (1 if isinstance(returns, ct.Gap) else spent_on.reindex(returns.index))
ct.say(
    "With a margin of {margin:.0%} a line pays from {line:.2f} on. For {wrong:,} of {n} lines last click gets that "
    "verdict wrong. Its worst line is {cut}, and cutting it would change the quarter's profit by {currency} "
    "{cut_gain:+,.0f}. The line with the worst true return is {should}, number {place:.0f} by last click, and cutting "
    "that one would change the profit by {should_gain:+,.0f}.",
    margin=margin, line=1 / margin, wrong=((returns["last_touch"] >= 1 / margin) != (returns["truth"] >= 1 / margin)).sum(),
    cut=cut, currency=shop.currency, cut_gain=-lost[cut], should=should, should_gain=-lost[should],
    place=returns["last_touch"].rank(ascending=False)[should], n=returns["last_touch"].count(),
)

# %% [markdown]
# Remember what you needed to learn this: a world that can be run twice. In yours there is no envelope. There is a coin,
# and the patience to plan a test that is large enough before you throw it. Lesson 10 spends money on what you know by
# then, and lesson 11 asks which models come close to the truth, in many worlds.
#
# ## You can now
#
# - show why the buyers among those who saw an advertisement prove nothing about it;
# - read a holdout: check its split, compare its arms, and say what its interval rules out;
# - work out before a test how many visitors it needs, and what it could ever find;
# - look at a running test without fooling yourself;
# - compare means with heavy tails, and sharpen them with what was known before the test;
# - run a geo test where visitors cannot be divided, and check it with a placebo;
# - hold attribution against an experiment, and say which channels stay uncalibrated.
#
# What this cannot tell you: what the channel would do with twice the money, for other people, or next year. An
# experiment answers the question that was asked, where and when it was asked.
#
# ## Exercises
#
# **One.** The owner would hold back half of the visitors next quarter, if that settles something. Which lift would such a
# holdout find? And what does it cost, if the agency is right and last click is the truth?
#
# **Two.** Suppose that retargeting truly raises conversions by a tenth. Simulate a thousand holdouts of the shop's size
# and split. How many find an effect? How large is the lift that those report, on average?
#
# **Three.** A redirect is slow in the control arm, and one in ten of its visitors who do not buy leaves before being
# counted. What does that do to the lift? Does the sample ratio notice?
#
# **Four.** A test was planned so that it finds a lift with the usual power, and the lift is there. Look five times by
# O'Brien and Fleming's bounds instead of once. How often do you still find it, and how many visitors do you save?
#
# **Five.** One draw of towns may be luck. Make the twenty towns anew a hundred times. How often does the interval hold the
# truth if chance chooses the towns, and how often if the manager does? How often does the placebo warn?
#
# Worked solutions are in `exercises/09_test_incrementality_solutions.ipynb`.
#
# ## Further reading
#
# Kohavi, Tang and Xu (2020), *Trustworthy Online Controlled Experiments*, is the book to own. Johnson, Lewis and
# Nubbemeyer (2017), in the *Journal of Marketing Research*, introduce ghost ads. Lewis and Rao (2015), in the *Quarterly
# Journal of Economics*, show how little most advertising tests can tell. Deng, Xu, Kohavi and Walker (2013), at the
# conference WSDM, introduce CUPED. Gordon, Zettelmeyer, Bhargava and Chapsky (2019), in *Marketing Science*, hold methods
# without randomisation against experiments.
