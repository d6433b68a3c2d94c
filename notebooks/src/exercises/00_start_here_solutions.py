# ---
# jupyter:
#   convtrack:
#     minutes: 15
#     needs: {events.event_name: any goal}
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to lesson 00: an order of events, a curious visitor, and two funnels
#
# Each solution begins with the answer that most people give first.

# %% tags=["parameters"]
study: str = "../../data/larkspur/study.yaml"  # the study file: where the data is

# %%
import pandas as pd
import convtrack as ct

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goals)

# %% [markdown]
# ## One: readers who bought are not all buyers who read first
#
# *What share of the newsletter's readers went on to the main goal, and in what order?*
#
# The tempting answer takes everybody who did both. It forgets that some people buy first, and tick the box for the newsletter
# at the end of the checkout.

# %%
first = conversions.groupby(["goal", "visitor_id"])["conversion_time"].min().unstack("goal")
readers = first.dropna(subset="newsletter_opt_in")
did_both = readers[shop.main_goal].notna()
went_on = readers[shop.main_goal] > readers["newsletter_opt_in"]

# %% tags=["hide-input"]
ct.say(
    "Of {n:,} readers, {both:.1%} also reached the goal, and that is the tempting answer. Only {on:.1%} reached it *after* they had opted in. The "
    "others came the other way round, and the newsletter cannot have had a part in a sale that was over before it began.",
    n=len(readers), both=did_both.mean(), on=went_on.mean(),
)

# %% [markdown]
# ## Two: the busiest visitor who never converts is worth a second look
#
# *Find the visitor with the most rows who never converted. How many visits were that? Is it a person?*
#
# The tempting answer looks at the number of rows alone, and calls whoever has most of them a robot.

# %%
idle = shop.events[~shop.events["visitor_id"].isin(conversions["visitor_id"])]
busiest = idle["visitor_id"].value_counts().index[0]
visits = ct.sessionize(idle[idle["visitor_id"] == busiest])

# %%
kinds = idle.loc[idle["visitor_id"] == busiest, "event_name"].value_counts()
ct.show(kinds, name="busiest_visitor")

# %% tags=["hide-input"]
ct.say(
    "The visitor {who} has {rows:,} rows, in {visits:,} visits on {days:,} days. A robot would show many pages in little time, or visits at even "
    "intervals. Look at which rows there are most of: advertisements that were *shown* to somebody also count as rows, and being shown banners "
    "is something that happens to people.",
    who=busiest, rows=int(kinds.sum()), visits=len(visits), days=int(visits["start_time"].dt.date.nunique()),
)

# %% [markdown]
# ## Three: visitors convert more often than sessions, and have to
#
# *Change the funnel so that it counts sessions and not visitors. Which of the two has the higher rate at the end, and why must it
# be so?*

# %%
last_step = shop.goals[shop.main_goal].event
steps = ["session_start", "view_item", "add_to_cart", "begin_checkout", last_step]
rates = pd.DataFrame({by: ct.funnels.count_funnel(shop.events, steps, by)["rate_from_start"]
                      for by in ["visitor", "session"]}).set_axis(steps).rename_axis("step")
ct.show(rates, name="two_funnels", kinds={"visitor": "share", "session": "share"})

# %% tags=["hide-input"]
ct.say(
    "{visitor:.2%} of the visitors reach the end, and {session:.2%} of the sessions. The tempting explanation is that sessions are harder to "
    "win. In truth it is arithmetic. A visitor has one session or more, and needs only one good one. The buyers' other sessions, in which "
    "they only looked around, are all counted against the session rate.",
    visitor=rates["visitor"].iloc[-1], session=rates["session"].iloc[-1],
)
