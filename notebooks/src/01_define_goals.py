# ---
# jupyter:
#   convtrack:
#     minutes: 35
#     needs: {events.event_name: any goal}
#     uses:
#       orders: check of the tracked purchases against the books
#       events.value: values of conversions
#       events.transaction_id: removal of repeated orders
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A goal is a decision: say what counts before you count
#
# *Lesson 01 · about 35 minutes · step 1 of 7: set your goals*
#
# When you have worked through this lesson, you will be able to
#
# - turn a business goal into a conversion event with a value and a counting rule;
# - tell the five kinds of conversion apart, and place your own events among them;
# - count a conversion once, even when its event fires twice;
# - give a value to a conversion that brings no money by itself, and say how sure of it you are.
#
# You need lesson 00 and nothing else. Knowing Python helps, but every line of code stands between two sentences that
# say what it does and what came out.
#
# Larkspur sells tea on the web, by subscription, through an app, and by phone to cafés. Its owner asks a plain
# question: *did the quarter go well?* Before we can answer, we have to agree on what "well" would look like in the
# data. That agreement is a list of goals, and writing it is what this lesson is about.

# %% tags=["parameters"]
study: str = "../data/larkspur/study.yaml"  # the study file, which says where the data is
step: str = "lead_form"  # a goal without a value of its own
outcome: str = "wholesale_contract"  # the goal with a value that it leads to
seed: int = 1  # 0 to 1000000; where the random draws behind the intervals begin

# %% [markdown]
# The library is called `convtrack`, and we shorten it to `ct`. A study file says where the tables are, which goals
# there are, and in which currency and time zone to report. Opening it takes one line.

# %%
import numpy as np
import convtrack as ct

shop = ct.open_study(study)

# %% [markdown]
# ## Adding up everything that fires answers no question
#
# The tempting start is to count every event that anybody ever called a goal, and to report the sum. It is quick, and
# the number is large, which makes for a pleasant meeting.

# %%
firings = ct.count_firings(shop.events, shop.goals)
most_first = firings.sort_values("fired", ascending=False, kind="stable")
ct.show(most_first[["fired"]], name="firings")

# %% tags=["hide-input"]
ct.say(
    "Together that makes {total:,} “conversions”, and {share:.0%} of them are a single goal, {most}. A quarter with more "
    "of those and fewer sales would look like a success. The sum adds things that are not alike, so it cannot say "
    "whether anything went well.",
    total=int(firings["fired"].sum()), share=firings["fired"].max() / firings["fired"].sum(), most=firings["fired"].idxmax(),
)

# %% [markdown]
# The other direction works better. Start from what the business wants, and ask of each wish: *which event tells us
# that it happened?* Then ask two more questions, which are easily skipped. *What is one of them worth?* And *how often
# may the same person count?*
#
# The study file holds one answer a row. The last column gives the reason, so that a colleague can disagree with it.

# %%
ct.show(ct.goal_table(shop.goals), name="goals", rows=20)

# %% [markdown]
# Read a row aloud and it becomes a sentence. "A purchase is the event of that name. It is worth what the customer paid,
# without tax and shipping. Every order counts." If nobody could object to the sentence, the goal does not say anything
# yet.
#
# ## Conversions come in five kinds
#
# A purchase is the obvious conversion, and for a shop it is usually the one that pays. Much of what people do before
# and after it deserves a goal as well. It helps to sort goals by kind, because each kind is recorded in a different
# place, and breaks in a different way.

# %%
ct.show(ct.kind_table(shop.goals), name="kinds")

# %% [markdown]
# **Actions on the site** are what most people mean: a purchase, a sign-up, a form. The page that shows the action
# reports it. **Interactions with an advertisement** happen earlier, often elsewhere: somebody clicks on a search result
# that you paid for. **Opt-ins** give you permission to write or to text, which is worth something long after the visit.
# **App** conversions, an install or a first order in the app, are reported by the phone. **Offline** conversions, such
# as a signed contract, happen on paper or on the telephone, and reach the data only if somebody books them there.
#
# Which of these is *the* goal? That depends on what you are trying to achieve this quarter, and on nothing else. A
# campaign to fill the mailing list has done its work when people opt in, even if nobody buys. This shop has chosen one
# main goal for the questions about money.

# %%
conversions = ct.find_conversions(shop.events, shop.goals)
main = conversions[conversions["goal"] == shop.main_goal]

# %% tags=["hide-input"]
ct.say(
    "The main goal is {goal}. There are {n:,} such conversions, and what they are worth together is {currency} "
    "{value:,.2f}, as far as the values are known.",
    goal=shop.main_goal, n=len(main), value=main["value"].sum(min_count=1), currency=shop.currency,
)

# %% [markdown]
# ## A reloaded page is not a second order
#
# That number is not simply how often the event fired. The thank-you page reports a purchase each time it is
# loaded, and some people load it again: they come back to a bookmark, or restore a browser with all its tabs. Other
# firings come from the shop's own staff, who place test orders. The table shows what became of every firing.

# %%
ct.show(firings, name="accounting")

# %% [markdown]
# Every row adds up: fired = counted + test + repeat + again. A *repeat* has an order number that was counted before.
# *Again* is a firing beyond what the goal allows, such as a visitor who signs up for the same newsletter twice.
#
# What would the tempting way have cost us? Let us add up the value of every firing of the main goal, and compare it
# with the value of the conversions that count.

# %%
marked = ct.mark_conversions(shop.events, shop.goal)
fired_value = marked["value"].sum(min_count=1)
too_much = fired_value - main["value"].sum(min_count=1)

# %% tags=["hide-input"]
ct.say(
    "Every firing added up gives {currency} {fired:,.2f}. That is {extra:,.2f} too much, or {share:.2%} of the revenue that "
    "counts.",
    fired=fired_value, extra=too_much, share=too_much / main["value"].sum(min_count=1), currency=shop.currency,
)

# %% [markdown]
# A small excess is easy to shrug off. It does not stay small: a tag that is installed twice doubles every purchase, and
# the same rule catches it, as long as each order carries its number. That is why the order number belongs into
# the event from the first day.
#
# Where does this rule fail? It cannot see an order that never reached the data. A visitor who declines tracking, or whose
# browser blocks it, buys without leaving an event. Only the shop's own books know.

# %%
books = shop.orders
paid = books[books["status"] != "test"]
tracked = paid["transaction_id"].isin(main["transaction_id"].dropna())

# %% tags=["hide-input"]
ct.say(
    "The books hold {orders:,.0f} orders. Tracking has seen {share:.1%} of them and missed {missed:,.0f}. No cleaning of events "
    "brings those back; we only know that they are missing because somebody keeps books.",
    orders=tracked.count(), share=tracked.mean(), missed=tracked.count() - tracked.sum(),
)

# %% [markdown]
# ## Once per event, per session or per visitor is a choice that moves the number
#
# An order is an order: if one person buys twice, the shop sends two parcels, and both count. A newsletter is
# different, because a second sign-up by the same reader adds nobody to the list. Here is the main goal under all three
# rules, so that you can see how far the choice alone moves a number.

# %%
rules = {}
for once_per in ["event", "session", "visitor"]:
    goal = shop.goal[shop.main_goal].model_copy(update={"once_per": once_per})
    rules[once_per] = len(ct.find_conversions(shop.events, {shop.main_goal: goal}))

# %% tags=["hide-input"]
ct.say(
    "Once per event there are {event:,} conversions, once per session {session:,}, and once per visitor {visitor:,}. The events are "
    "the same in all three. Whoever reports a conversion count without its rule reports a number that can be "
    "{spread:.0%} larger or smaller at will.",
    **rules, spread=rules["event"] / rules["visitor"] - 1,
)

# %% [markdown]
# Google Analytics calls the first two rules *once per event* and *once per session*; Google Ads says *every* and *one*.
# When two systems disagree about a total, compare their rules before you suspect their tracking.
#
# ## A goal without revenue can still have a value
#
# Half of the goals in the table bring no money when they happen. A café that fills in a form has paid nothing yet. If
# we give the form no value, every comparison by value will treat it as worthless, and the campaign that brings cafés
# will be the first to be cut.
#
# So we estimate: what did people bring who took this step? That is the share of them who reached the outcome, times what
# the outcome was worth to us on average.

# %%
rng = np.random.default_rng(seed)
worth = ct.metrics.step_worth(conversions, step, outcome, rng)
ct.show(worth, name="step_worth")

# %% tags=["hide-input"]
row = worth.set_index("metric")
ct.say(
    "Of the people who took the step {step}, {share:.1%} went on to {outcome}, which brought {value:,.0f} on "
    "average. So one {step} is worth about {currency} {worth:,.0f}. That makes it {times:,.1f} times as valuable as "
    "the average {main}.",
    step=step, outcome=outcome, share=row.loc["share that reached the outcome"]["value"],
    value=row.loc["value of those"]["value"], worth=row.loc["worth of a step"]["value"], currency=shop.currency,
    times=row.loc["worth of a step"]["value"] / main["value"].mean(), main=shop.main_goal,
)

# %% [markdown]
# Two warnings belong to this number, and you should never give it away without them.
#
# The first is about chance. The estimate rests on as many outcomes as the second row of the table says, and with
# other luck it would have come out differently. The interval shows by how much: we drew the same number of visitors again
# and again from those we have, with replacement, and looked at where the middle 95 % of the answers fell.

# %% tags=["hide-input"]
ct.say(
    "The interval runs from {low:,.0f} to {high:,.0f}. The upper end is {ratio:.1f} times the lower one, so a decision that "
    "turns on the difference between those two should wait for more data.",
    low=row.loc["worth of a step"]["low"], high=row.loc["worth of a step"]["high"],
    ratio=row.loc["worth of a step"]["high"] / row.loc["worth of a step"]["low"],
)

# %% [markdown]
# The second warning is about cause. The number says what *followed* the step, and not what the step *brought about*. For
# a form that leads to a contract the two are close, since there is no contract without one. For a newsletter they can
# be far apart. Watch what happens when we use the same reasoning there, with the tempting formula "subscribers buy more
# often, so the difference is what a subscription does".

# %%
buyers = set(main["visitor_id"])
readers = set(conversions.loc[conversions["goal"] == "newsletter_opt_in", "visitor_id"])
everyone = set(shop.events["visitor_id"])
among_readers = ct.metrics.rate(len(buyers & readers), len(readers))
among_others = ct.metrics.rate(len(buyers - readers), len(everyone - readers))

# %% tags=["hide-input"]
times = among_readers.value / among_others.value
tempting = "people who opt in are {times:.1f} times as likely to buy, so that is what the newsletter does"
even = "the newsletter does nothing, since {times:.1f} times as many is as good as the same"
ct.say(
    "Of the newsletter's readers {readers:.1%} bought, and of everyone else {others:.1%}. It is tempting to say that "
    + (tempting if times > 1.2 else even) + ". But people opt in *because* they are interested, and people who are interested "
    "buy. Both have the same cause, and this data cannot take them apart.",
    readers=among_readers.value, others=among_others.value, times=times,
)

# %% [markdown]
# Only an experiment can take them apart, and lesson 09 runs one. Until then the honest entry for the
# newsletter is *none*: we count opt-ins, and we do not pretend to know their worth.
#
# A value that you do trust goes into the study file as a number, for example `value: 240`. From then on each such
# conversion carries it, and everything in the later lessons that adds up money includes it.
#
# ## You can now
#
# - turn a business goal into a conversion event with a value and a counting rule, as in the table of goals;
# - tell the five kinds of conversion apart, and say where each of them is recorded;
# - count a conversion once, and account for every firing that you did not count;
# - give a value to a goal that brings no money by itself, with its interval, and refuse to where the data cannot carry it.
#
# ## Exercises
#
# **One.** The shop's owner wants to count the main goal only once per visitor. How many conversions disappear, and how much
# value with them? Is that the right rule for a shop whose customers come back?
#
# **Two.** Estimate the worth of a `phone_call` in the way in which we estimated the worth of a form. Then add the two
# worths. Why is the sum too high?
#
# **Three.** Write a goal of your own: a visit of at least one product page, once per session. Which event is it, of which kind,
# and how many are there? Would you make it the main goal of a campaign?
#
# Worked solutions are in `exercises/01_define_goals_solutions.ipynb`. Try first; a wrong answer that you can explain is
# worth more than a right one that you read.
#
# ## Further reading
#
# Google's help pages on *key events* describe counting once per event and once per session. Segment's specification of the
# event "Order Completed" is a good model for what a purchase event should carry. In the next lesson we follow the
# visitors on their way to these goals.
