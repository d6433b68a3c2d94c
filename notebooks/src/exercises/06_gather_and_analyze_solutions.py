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
campaigns = ct.metrics.segment_rates(in_social, conversions, "campaign").dropna(subset="campaign")
campaigns = campaigns.sort_values("rate", ascending=False, ignore_index=True)
ct.show(campaigns, name="campaigns", kinds={"low": "share", "high": "share"})

# %% [markdown]
# So we let one half of the visitors choose, and ask the other half, as in the lesson.

# %%
draws = ct.metrics.winner_again(in_social, conversions, "campaign", rng, least)
chosen, again = draws["rate_when_chosen"].mean(), draws["rate_again"].mean()

# %% tags=["hide-input"]
overall = campaigns["converting_sessions"].sum() / campaigns["sessions"].sum()
crowned = draws["winner"].value_counts()
ct.say(
    "{first} stands first with {rate:.2%}, from {n:,} conversions, and its interval reaches from {low:.1%} to {high:.1%}. When half of the visitors "
    "choose, the winner has {chosen:.2%}. Asked again, it has {again:.2%}, and all campaigns together have {overall:.2%}. The crown went to "
    "{name} in {times:.0%} of the divisions. {reading}",
    first=campaigns["campaign"].iloc[0], rate=campaigns["rate"].iloc[0], n=campaigns["converting_sessions"].iloc[0],
    low=campaigns["low"].iloc[0], high=campaigns["high"].iloc[0], chosen=chosen, again=again, overall=overall,
    name=crowned.index[0], times=crowned.iloc[0] / crowned.sum(),
    reading="The lead does not survive a second look." if again <= overall + (chosen - overall) / 4 else
    "Part of the lead survives a second look.",
)

# %% [markdown]
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
local = conversions["conversion_time"].dt.tz_convert(shop.time_zone).dt.tz_localize(None).dt.normalize()
span = shop.events["event_time"].agg(["min", "max"]).dt.tz_convert(shop.time_zone).dt.tz_localize(None).dt.normalize()
calendar = pd.Series(pd.date_range(span["min"], span["max"]).day_name()).value_counts()
weekdays = calendar.to_frame("days").assign(conversions=local.dt.day_name().value_counts()).fillna(0)
weekdays = weekdays.assign(per_day=weekdays["conversions"] / weekdays["days"]).sort_values("per_day", ascending=False)
ct.show(weekdays.rename_axis("weekday"), name="weekdays")

# %% [markdown]
# Now we let chance do it. We throw the same number of conversions on the calendar, where every day is as likely as any
# other, and note how good the best weekday is. Then we throw again, many times.

# %%
thrown = rng.multinomial(weekdays["conversions"].sum(), weekdays["days"] / weekdays["days"].sum(), size=5000)
best_by_chance = (thrown / weekdays["days"].to_numpy()).max(axis=1)
as_good = (best_by_chance >= weekdays["per_day"].iloc[0]).mean()

# %% tags=["hide-input"]
ct.say(
    "{day} has {n:,} conversions. That is {best:.1f} on each such day, against {mean:.1f} on an average day. When only chance is at work, the best weekday has "
    "{chance:.1f} on average, and in {share:.1%} of the throws it is at least as good as {day}. {reading}",
    day=weekdays.index[0], n=int(weekdays["conversions"].iloc[0]), best=weekdays["per_day"].iloc[0], mean=weekdays["conversions"].sum() / weekdays["days"].sum(),
    chance=best_by_chance.mean(), share=as_good,
    reading="That is rare enough to look for a reason." if as_good < 0.05 else "So a best weekday like this needs no reason at all.",
)

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
every_week = pd.period_range(span["min"], span["max"], freq="W")
weekly = local.dt.to_period("W").value_counts().reindex(every_week, fill_value=0)
weekly = weekly[(weekly.index.start_time >= span["min"]) & (weekly.index.end_time.normalize() <= span["max"])]
earlier = weekly.rolling(weeks_before)
distance = ((weekly - earlier.mean().shift()) / earlier.std().shift()).dropna().abs()

# %% [markdown]
# The distance is how many standard deviations a week lies from the mean of the weeks before it. The right limit is
# wider, as in the lesson: it knows that both were estimated.

# %%
limit = student.ppf(0.975, weeks_before - 1) * np.sqrt(1 + 1 / weeks_before)
expected_at_two = 2 * student.sf(2 / np.sqrt(1 + 1 / weeks_before), weeks_before - 1)

# %% tags=["hide-input"]
ct.say(
    "There were {n:,} Mondays with enough weeks before them. With twice the deviation, {twice:,} of them rang, and where nothing happens "
    "at all, {expected:.0%} would. With the limit of {limit:.1f} deviations, {right:,} rang, where {fair:.1f} are to be expected. {reading}",
    n=distance.count() or ct.Gap("The data hold too few complete weeks for this exercise."), twice=int((distance > 2).sum()),
    expected=expected_at_two, limit=limit, right=int((distance > limit).sum()), fair=0.05 * distance.count(),
    reading="That is as it should be." if (distance > limit).sum() <= 0.05 * distance.count() + 1 else
    "That is more than it should be, so these weeks differ by more than their neighbours suggest.",
)

# %% [markdown]
# So few Mondays cannot prove that the limit is right. What they show is the price of it: a limit that rarely cries wolf
# also overlooks all but large changes. For smaller ones there is no better alarm. There is only more data, or an
# experiment.
