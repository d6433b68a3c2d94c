# ---
# jupyter:
#   convtrack:
#     minutes: 30
#     needs: {events.event_name: any goal, events.channel: which channel each visit came from}
#     uses:
#       events.campaign: campaigns of the social channels
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to lesson 06: a winner, a weekday and an alarm
#
# Each solution begins with the answer that most people give first, and with the reason why it looks right. Two of
# the three here have the same root: somebody looked at several numbers and kept the one that stood out.

# %% tags=["parameters"]
study: str = "../../data/larkspur/study.yaml"  # the study file: where the data is
social: str = "Paid Social, Organic Social"  # the social channels
least: int = 100  # 1 to 100000; visits that a campaign must have to be compared
weeks_before: int = 4  # 3 to 26; weeks that each week is compared with
seed: int = 6  # 0 to 1000000; where the random draws begin

# %%
import numpy as np
import pandas as pd
from scipy.stats import t as student
import convtrack as ct

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goal)
sessions = ct.sessionize(shop.events)
rng = np.random.default_rng(seed)

# %% [markdown]
# ## One: a winner among few conversions has to win twice
#
# *Which content works best in the social channels? Compare the campaigns by their rate, and let the winner win again.
# What do you tell the person who makes the videos?*
#
# The tempting answer is the first row of this table. It is tempting because somebody asked for a winner, and a sorted
# table always has one.

# %%
in_social = sessions[sessions["channel"].isin(social.split(", "))]
campaigns = ct.metrics.segment_rates(in_social, conversions, "campaign")
campaigns = campaigns.dropna(subset="campaign")
campaigns = campaigns.sort_values("rate", ascending=False, ignore_index=True, kind="stable")
ct.show(campaigns, name="campaigns", kinds={"low": "share", "high": "share"})

# %% [markdown]
# So we let one half of the visitors choose, and ask the other half, as in the lesson.

# %%
draws = ct.metrics.winner_again(in_social, conversions, "campaign", rng, least)
chosen, again = draws["rate_when_chosen"].mean(), draws["rate_again"].mean()

# %% tags=["hide-input"]
crowned = draws["winner"].value_counts()
ct.say("{first[campaign]} stands first with {first[rate]:.2%}, from {first[converting_sessions]:,} conversions, and its interval reaches from "
       "{first[low]:.1%} to {first[high]:.1%}. When half of the visitors choose, the winner has {chosen:.2%} on average. Asked again, it has "
       "{again:.2%}, and all campaigns together have {overall:.2%}. The crown went to {name} in {times:.0%} of the divisions.",
       first=campaigns.iloc[0], chosen=chosen, again=again, name=crowned.index[0], times=crowned.iloc[0] / crowned.sum(),
       overall=campaigns["converting_sessions"].sum() / campaigns["sessions"].sum())

# %% [markdown]
# What the winner keeps above the rate of all, when it is asked again, is as much of the lead as you may believe in.
#
# What do you tell the person who makes the videos? The width of an interval shrinks with the square root of the visits.
# To halve it takes four times as many. So the useful message is not which video won. It is how long it would take to
# know, and whether the difference would be worth the wait.
#
# ## Two: the best weekday has to be compared with the best weekday of chance
#
# *A colleague says that the mailing on one weekday sells, because that weekday has the most conversions. Compare the
# weekdays, count how many days of each there are, and judge the best one by chance.*
#
# The tempting answer counts conversions by weekday and takes the largest. It forgets that some weekdays came more often
# than others, and that one of seven is always the largest.

# %%
local = conversions["conversion_time"].dt.tz_convert(shop.time_zone).dt.tz_localize(None)
ends = shop.events["event_time"].agg(["min", "max"]).dt.tz_convert(shop.time_zone)
first, last = ends.dt.tz_localize(None).dt.normalize()
calendar = pd.Series(pd.date_range(first, last).day_name()).value_counts().to_frame("days")
weekdays = calendar.assign(conversions=local.dt.day_name().value_counts()).fillna(0)
weekdays["per_day"] = weekdays["conversions"] / weekdays["days"]
weekdays = weekdays.sort_values("per_day", ascending=False, kind="stable")
ct.show(weekdays.rename_axis("weekday"), name="weekdays")

# %% [markdown]
# Now we let chance do it. We throw the same number of conversions on the calendar, where every day is as likely as any
# other, and note how good the best weekday is. Then we throw again, many times.

# %%
chances = weekdays["days"] / weekdays["days"].sum()
throws = rng.choice(len(chances), size=(5000, len(conversions)), p=chances)
thrown = np.array([(throws == day).sum(axis=1) for day in range(len(chances))]).T
best_by_chance = (thrown / weekdays["days"].to_numpy()).max(axis=1)
as_good = (best_by_chance >= weekdays["per_day"].iloc[0]).mean()

# %% tags=["hide-input"]
ct.say("{day} has {best[conversions]:,.0f} conversions. That is {best[per_day]:.1f} on each such day, against {mean:.1f} on an average day. When "
       "only chance is at work, the best weekday has {chance:.1f} on average, and in {share:.1%} of the throws it is at least as good as "
       "{day}. {reading}",
       day=weekdays.index[0], best=weekdays.iloc[0], mean=weekdays["conversions"].sum() / weekdays["days"].sum(), chance=best_by_chance.mean(),
       share=as_good, reading="That is rare enough to look for a reason." if as_good < 0.05 else "So a best weekday like this needs no reason.")

# %% [markdown]
# And if there is a reason, is it the mailing? More people may have time for tea on that day. The colleague can find
# out: send the letter on another day for half of the readers, chosen by chance.
#
# ## Three: an alarm that rings too often is not listened to
#
# *Repeat the Monday page as it would have looked on each Monday before. How often did it ring an alarm for conversions?
# Is that more often than it should?*
#
# The tempting answer takes the mean of the earlier weeks and allows twice their standard deviation on either side. It
# is in every textbook, and it is meant for a mean and a deviation that are known. Ours come from a few weeks.

# %%
weeks = pd.period_range(first, last, freq="W")
weeks = weeks[(weeks.start_time >= first) & (weeks.end_time.normalize() <= last)]
weekly = local.dt.to_period("W").value_counts().reindex(weeks, fill_value=0)
earlier = weekly.rolling(weeks_before)
distance = ((weekly - earlier.mean().shift()) / earlier.std().shift()).dropna().abs()

# %% [markdown]
# The distance is how many standard deviations a week lies from the mean of the weeks before it. The right limit is
# wider, as in the lesson: it knows that both were estimated.

# %%
limit = student.ppf(0.975, weeks_before - 1) * np.sqrt(1 + 1 / weeks_before)
expected_at_two = 2 * student.sf(2 / np.sqrt(1 + 1 / weeks_before), weeks_before - 1)

# %% tags=["hide-input"]
ct.say("There were {n:,} Mondays with enough weeks before them. With twice the deviation, {twice:,} of them rang, and where nothing happens at all, "
       "{expected:.0%} would. With the limit of {limit:.1f} deviations, {right:,} rang, where {fair:.1f} are to be expected.",
       n=distance.count() or ct.Gap("The data hold too few complete weeks for this exercise."), twice=(distance > 2).sum(),
       expected=expected_at_two, limit=limit, right=(distance > limit).sum(), fair=0.05 * distance.count())

# %% [markdown]
# So few Mondays cannot prove that the limit is right. What they show is the price of it: a limit that rarely cries wolf
# also overlooks all but large changes. For smaller ones there is no better alarm. There is only more data, or an
# experiment.
