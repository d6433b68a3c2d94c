# ---
# jupyter:
#   convtrack:
#     minutes: 60
#     needs: {events.event_name: any goal, events.channel: which channel each visit came from}
#     uses:
#       events.value: value by channel and by week
#       events.device: rates and steps by device
#       events.country: rates by country
#       events.utm_source: social platforms side by side
#       events.referrer: social platforms side by side
#       platform_reports: what the platforms claim for themselves
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Compare like with like, or chance and the calendar will write your report
#
# *Lesson 06 · about 60 minutes · step 6 of 7: gather and analyse*
#
# When you have worked through this lesson, you will be able to
#
# - put channels, social platforms and segments side by side, each with an interval;
# - recognise a winner that was only lucky;
# - compare days and weeks that are alike, and say whether a change is larger than chance;
# - mark the days that are not complete yet, and read a cohort table;
# - find the step at which a segment gets stuck, and fill in one page of checks every week.
#
# You need the funnel of lesson 02 and the rates of lesson 03.
#
# The goals are set, the tracking works, and the events come in. Every Monday the people of Larkspur look at last week's
# numbers, and every Monday something has moved. Somebody is pleased, somebody is worried, and a budget is changed. The
# owner has begun to doubt these meetings, and asks: *which of these movements mean anything?*

# %% tags=["parameters"]
study: str = "../data/larkspur/study.yaml"  # the study file, which says where the data is
segment: str = "device"  # one of: device, country, channel; what to divide the visits by
platforms: str = "facebook, instagram, pinterest"  # social platforms, by the names in links
least: int = 200  # 1 to 100000; visits that a segment must have to be compared
splits: int = 100  # 5 to 2000; how often visitors are divided in two halves
account_zone: str = "America/Los_Angeles"  # time zone that an ad account might have
steps: str = "session_start, view_item, add_to_cart, begin_checkout, purchase"  # the way
weeks_before: int = 4  # 3 to 26; weeks that the last one is compared with
seed: int = 6  # 0 to 1000000; where the random divisions begin

# %%
import numpy as np
import pandas as pd
from scipy.stats import t as student
import convtrack as ct

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goal)
sessions = ct.sessionize(shop.events)
shares = {"low": "share", "high": "share"}  # how tables write the ends of an interval

# %% [markdown]
# ## Most conversions, best rate and most value are three different questions
#
# Start where everybody starts. Which channel brings the most conversions: e-mail, text messages, social media, search,
# or people who simply type the address? The tempting way is to count, sort, and put more effort into the top row.

# %%
placed = sessions.merge(conversions, on=["visitor_id", "session_id"])
channels = ct.metrics.segment_rates(sessions, conversions, "channel")
channels = channels.rename(columns={"rate": "conversion_rate"})
channels = channels.join(placed.groupby("channel")["value"].sum(min_count=1), on="channel")
channels = channels.assign(value_per_visit=channels["value"] / channels["sessions"])
by_count = channels.sort_values("converting_sessions", ascending=False, kind="stable")
ct.show(by_count.reset_index(drop=True), name="channels", rows=20, kinds=shares)

# %% tags=["hide-input"]
ct.say("{top[channel]} is at the top: {top[converting_sessions]:,} of its visits had a conversion. It also had {top[sessions]:,} of all {visits:,} "
       "visits. Of the {all:,} conversions, {placed:,} happened during a visit, and only those can be in the table.",
       top=by_count.iloc[0], visits=channels["sessions"].sum(), all=len(conversions), placed=len(placed))

# %% [markdown]
# A count mostly says how large a channel is. Divide it by the visits, and you see how well they turn out. Where visits
# are few the rate is unsure, so it gets its interval, as in lesson 03. The interval takes visits as independent. Some
# belong to the same person, so it is a little too narrow.

# %%
ct.plots.bars(channels, y="conversion_rate", low="low", high="high")

# %% tags=["hide-input"]
best = channels.sort_values("conversion_rate", ascending=False, kind="stable").iloc[0]
ct.say("By rate, {best[channel]} leads, with {best[conversion_rate]:.1%} of its visits. Of the other {others:,} channels, {touching:,} have an "
       "interval that reaches into that of {best[channel]}, so the data does not rule out that they are as good.",
       best=best, others=channels["conversion_rate"].count() - 1, touching=(channels["high"] >= best["low"]).sum() - 1)

# %% tags=["hide-input"]
ct.say("By value, as far as values are known, {best[channel]} comes first. A visit through it brought {currency} {best[value_per_visit]:.2f} on "
       "average, and a visit through any channel {mean:.2f}.",
       best=channels.sort_values("value_per_visit", ascending=False, kind="stable").iloc[0],
       mean=channels["value"].sum() / channels["sessions"].sum(),
       currency=shop.currency if placed["value"].notna().any() else ct.Gap("No conversion has a value.", "Map a column to `value` in study.yaml."))

# %% [markdown]
# Use the three together: the count for size, the rate for fit, the value for what it is worth. Then stop, because this
# is where the table fails. It gives a conversion to the channel of the visit in which it happened. And a rate says whom
# a channel *reaches*. The readers of a newsletter chose to be written to, so they would buy more often than strangers
# if the letter were blank. What a channel *causes* needs other tools (lessons 07 and 09).
#
# ## Each platform has its own ruler, and you have one for all
#
# Social platforms come with their own tools for counting conversions. Each has features of its own, and some are very
# good. The tempting way is to copy the numbers from their screens into one table.

# %%
claimed = shop.platform_reports.groupby("platform")["conversions"].sum()
ct.show(claimed, name="claimed")

# %% tags=["hide-input"]
ct.say("Together the platforms claim {claimed:,.0f} conversions. Tracking on the site saw {all:,} in all, from every channel, paid or not. The "
       "claims cannot be shares of one whole, because each platform looks back over its own span of days, counts views or does not, and knows "
       "nothing of the others.", claimed=claimed.sum(), all=len(conversions))

# %% [markdown]
# Lesson 08 takes such reports apart. To *compare* platforms you do not need them. Your own events know where each visit
# came from, by the tag in the link or by the page that it was on, and they count every platform by the same rule. So we
# search source, referrer and channel of each visit for the names of the platforms.

# %%
arrived = shop.events.dropna(subset=["session_id", "channel"])
arrived = arrived.sort_values("event_time", kind="stable")
arrived = arrived.drop_duplicates(["visitor_id", "session_id"])
tags = arrived.reindex(columns=["utm_source", "referrer"], fill_value="").fillna("")
words = (tags["utm_source"] + " " + tags["referrer"] + " " + arrived["channel"]).str.lower()
names = platforms.lower().replace(", ", "|")

# %% [markdown]
# Each visit that names a platform carries it from now on, beside its channel.

# %%
named = arrived["channel"] + " on " + words.str.extract(f"({names})", expand=False)
named = arrived[["visitor_id", "session_id"]].assign(social_visit=named).dropna()
none = ct.Gap("No visit names one of the platforms.", "Set the parameter `platforms`.")
visits = sessions.merge(named) if len(named) else none
social = ct.metrics.segment_rates(visits, conversions, "social_visit")
social = social.sort_values("rate", ascending=False, ignore_index=True, kind="stable")
ct.show(social, name="social", rows=15, kinds=shares)

# %% tags=["hide-input"]
ct.say("First comes {first[social_visit]}, with {first[rate]:.1%}. It is ahead of {clear:,} of the other {others:,} rows by more than their "
       "intervals. Where intervals overlap, the table does not tell which platform to prefer.",
       first=social.iloc[0], clear=(social["high"] < social["low"].iloc[0]).sum(), others=social["rate"].count() - 1)

# %% [markdown]
# The rows keep paid and organic visits apart, and retargeting apart from both. A platform's own total mixes
# advertisements shown to strangers with those shown to people who have just looked at the shop. For the question which
# platform to prefer, and what to publish there, that mixture is useless. The campaigns within a platform, one for each
# kind of content, can be compared in the same way (exercise one).
#
# Where does this fail? Your events see visits. Whoever looked at an advertisement, did not click, and came later
# through another door is counted at the other door.
#
# ## A segment tells you what to tailor
#
# An average visitor does not exist, so nobody can write for one. Segments show who differs: by device, by country, by
# whether they have been here before. Where the rate differs, look at what that group sees, and fit it to them: a
# shorter form on the telephone, the price of postage for a country, a reason to come back for those who are new.

# %%
parts = ct.metrics.segment_rates(sessions, conversions, segment).dropna(subset=segment)
parts = parts.sort_values("rate", ascending=False, ignore_index=True, kind="stable")
ct.show(parts, name="segments", rows=15, kinds=shares)

# %% tags=["hide-input"]
ct.say("The top row, {top}, converts at {first[rate]:.1%}, with an interval from {first[low]:.1%} to {first[high]:.1%}. The bottom row, {bottom}, "
       "converts at {last[rate]:.1%}, with one from {last[low]:.1%} to {last[high]:.1%}. If the two intervals do not touch, chance is a poor "
       "explanation.", top=parts[segment].iloc[0], bottom=parts[segment].iloc[-1], first=parts.iloc[0], last=parts.iloc[-1])

# %% [markdown]
# Whether somebody is new here is a segment as well.

# %%
first = sessions.groupby("visitor_id")["start_time"].transform("min")
seen = sessions.assign(visit=np.where(sessions["start_time"] == first, "new", "returning"))
new_or_not = ct.metrics.segment_rates(seen, conversions, "visit")
ct.show(new_or_not, name="new_and_returning", kinds=shares)

# %% [markdown]
# Suppose that the visits of those who come back do better, as in most shops. Does coming back make people buy? Those
# who are interested come back, and those who are interested buy. Also, *new* means only that this cookie was not seen
# before the data began.
#
# ## The best of many small segments is partly luck
#
# If three segments are good, a hundred must be better. So we cross channel, device and country, sort by the rate, and
# look for the hidden gem.

# %%
known = sessions[["channel", "device", "country"]].astype("str").fillna("unknown")
cells = sessions.assign(cell=known.agg(", ".join, axis=1))
small = ct.metrics.segment_rates(cells, conversions, "cell")
small = small.sort_values("rate", ascending=False, ignore_index=True, kind="stable")
ct.show(small.head(5), name="small_segments", kinds=shares)

# %% tags=["hide-input"]
ct.say("The gem is {gem[cell]}, at {gem[rate]:.0%}: {gem[converting_sessions]:,} of {gem[sessions]:,} visits. Its interval begins at {gem[low]:.0%} "
       "and ends at {gem[high]:.0%}.", gem=small.iloc[0])

# %% [markdown]
# Small segments crowd at the top of such lists, and at the bottom as well, because their rates swing the most. So we
# ask for a least number of visits. That helps, and it leaves a second problem: whoever looks at many segments and
# picks the best one picks luck along with merit. The intervals do not protect us. At 95 %, one in twenty leaves out
# the truth, and nobody knows which.
#
# The cure is to look again. We divide the visitors in two halves by chance, let one half choose the winner, and ask the
# other half for its rate. Then we divide again, many times.

# %%
rng = np.random.default_rng(seed)
draws = ct.metrics.winner_again(cells, conversions, "cell", rng, least, splits)
mean = draws[["rate_when_chosen", "rate_again"]].mean()

# %% tags=["hide-input"]
ct.say("In the half that chose it, the winner converted at {mean[rate_when_chosen]:.1%} on average. In the other half the same segment came to "
       "{mean[rate_again]:.1%}, while all visits together lie at {overall:.1%}. What lies between the first two numbers was luck. In {splits} "
       "divisions the crown went to {winners:,} of the {all:,} segments.", mean=mean, splits=splits, winners=draws["winner"].nunique(),
       overall=small["converting_sessions"].sum() / small["sessions"].sum(), all=small["rate"].count())

# %% [markdown]
# This is called *regression to the mean*, and it is behind many a campaign that "stopped working" as soon as somebody
# noticed it. Before you tailor anything to a winner, ask it to win again on data that did not choose it. Next month
# will do.
#
# ## A day begins in one time zone, and somewhere else it began earlier
#
# Now to time. A customer's evening belongs to the customer's day, and events are stored in UTC. The tempting way is to
# take the days as each report gives them. An advertising account may be set to another time zone than the shop.

# %%
times = conversions["conversion_time"]
here, there = (times.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
               for zone in [shop.time_zone, account_zone])

# %% tags=["hide-input"]
ct.say("By the clock of {account}, {moved:,} of {all:,} conversions fall on another day than by the clock of {zone}. The totals agree. So look at "
       "the time zone of a report before you look for a fault.", account=account_zone, zone=shop.time_zone,
       moved=(here != there).sum(), all=len(times))

# %% [markdown]
# We count by the shop's own days. Where clocks change twice a year, one day is an hour short and one an hour long, so
# whoever adds twenty-four hours to find the next midnight is wrong from there on.

# %%
start, end = shop.events["event_time"].agg(["min", "max"]).dt.tz_convert(shop.time_zone)
every_day = pd.date_range(start.date(), end.date(), name="date")
daily = here.value_counts().reindex(every_day, fill_value=0).rename("conversions")
ct.plots.trend(daily.reset_index(), x="date", y="conversions")

# %% [markdown]
# The third line matters more than it seems. A day without conversions has no row in a count. It has to be put back as a
# zero, or the average of the days comes out too high.

# %% tags=["hide-input"]
ct.say("Every peak in this figure invites a story. Compare its unrest with chance first. If conversions came independently, at the same pace every "
       "day, the variance of the daily counts divided by their mean would be near one, and rarely more than {most:.2f}. Here it is {spread:.2f}. "
       "Below that limit, what moves from day to day can all be chance, and yesterday is not news. Above it, look for a rhythm or a trend.",
       most=1 + 2 * ct.metrics.ratio(2, len(daily) - 1) ** 0.5, spread=ct.metrics.ratio(daily.var(), daily.mean()))

# %% [markdown]
# A rule for the back of an envelope: a count swings by about twice its square root. A hundred conversions mean anything
# from eighty to a hundred and twenty.
#
# ## A week that is not over is compared with the same days
#
# People behave differently on different days of the week. So two stretches of time can be compared if they hold the
# same days of the week. Ten days against the ten before do not. A week holds each day once, and the tempting comparison
# is this week against last week.
#
# How large a change could chance alone make? If nothing had changed, each conversion of two equal stretches would be
# as likely to fall into one as into the other. So we take the interval of that share, and turn it into a change.

# %%
def change(new, old):
    share = ct.metrics.rate(new, new + old)
    ends = share.value, share.low, share.high
    return [ct.metrics.ratio(end, 1 - end) - 1 for end in ends]

# %% [markdown]
# Now the conversions of this week, of the last one, and of its same days.

# %%
so_far = end.day_of_week + 1
too_short = ct.Gap("The data hold less than two weeks: there is no week to compare with.")
days = daily if len(daily) >= so_far + 7 else too_short
this_week, last_week = days.iloc[-so_far:].sum(), days.iloc[-so_far - 7 : -so_far].sum()
same_days = days.iloc[-so_far - 7 : -7].sum()

# %% tags=["hide-input"]
ct.say("This week has {now:,} conversions and the last one had {last:,}, a change of {naive:+.0%}. When the data end, this week is {so_far} days "
       "old. The same days of last week had {same:,}. So, like with like, the change is {fair[0]:+.0%}, with an interval from {fair[1]:+.0%} to "
       "{fair[2]:+.0%}.",
       now=this_week, last=last_week, naive=change(this_week, last_week)[0], so_far=so_far, same=same_days, fair=change(this_week, same_days))

# %% [markdown]
# An interval that reaches from a loss to a gain does not even say which of the two it was. Two weeks are too few to
# show anything but a large change. A slow trend comes out of the noise when more whole weeks are added up. So take
# about a quarter of the days, from the beginning and from the end.

# %%
quarter = len(daily) // 4 // 7 * 7
early, late = daily.iloc[:quarter].sum(), daily.iloc[len(daily) - quarter :].sum()

# %% tags=["hide-input"]
ct.say("The first {quarter} days had {early:,} conversions and the last {quarter} had {late:,}. That is a change of {trend[0]:+.0%}, with an "
       "interval from {trend[1]:+.0%} to {trend[2]:+.0%}.", quarter=quarter, late=late, trend=change(late, early),
       early=early if quarter else ct.Gap("The data hold less than four weeks, so there is no slow trend to see."))

# %% [markdown]
# If this interval leaves out no change at all, the weeks together show what no single day could. The same care is due
# to months, which have unequal lengths and unequal numbers of weekends. And no arithmetic knows that Easter was in
# another week last year.
#
# ## The last weeks look worse because they are not finished
#
# Some reports book a conversion on the day when it happened, others on the day of the click that led to it. Google
# Analytics does the first, Google Ads the second. The second suits the judging of a campaign, and it has a trap in it.
# Let us look up, for each touch, the next conversion of the same visitor within the lookback window.

# %%
window = pd.Timedelta(days=shop.lookback_days)
touches = ct.find_touches(shop.events, shop.touches)
too_young = ct.Gap("No touch is older than the lookback window, so none has had its time.")
touches = too_young if (touches["touch_time"] > end - window).all() else touches
won = conversions[["visitor_id", "conversion_time"]]
won = won.sort_values("conversion_time", kind="stable")
followed = touches.pipe(
    pd.merge_asof, won, left_on="touch_time", right_on="conversion_time", by="visitor_id",
    direction="forward", tolerance=window)
followed = followed.assign(
    week=lambda table: ct.metrics.week_of(table["touch_time"], shop.time_zone))

# %% [markdown]
# A report knows only what had happened when it was made. So we make two of them: the one at the end of the data, and
# the one that was to be had a lookback window before, when its latest weeks were as young as the latest weeks are now.

# %%
reports = followed.merge(pd.DataFrame({"seen_on": [end - window, end]}), how="cross")
reports = reports[reports["touch_time"] <= reports["seen_on"]]
reports = reports.assign(followed_share=reports["conversion_time"] <= reports["seen_on"])
reports = reports.groupby(["seen_on", "week"])["followed_share"].mean().reset_index()
reports = reports.assign(report=reports["seen_on"].dt.strftime("seen on %d %b"))

# %% [markdown]
# How much time does a touch need? We measure it on the touches that have had all of theirs, and mark the weeks at the
# end that have had less.

# %%
settled = followed[followed["touch_time"] <= end - window]
lags = (settled["conversion_time"] - settled["touch_time"]) / pd.Timedelta(days=1)
immature = ct.funnels.immature_from(lags.to_frame("days"), end)
since = immature.tz_localize(None).to_period("W").start_time
ct.plots.trend(reports, x="week", y="followed_share", series="report", immature_from=since,
               title="The same weeks, as two reports showed them")

# %% tags=["hide-input"]
both = reports.pivot(index="week", columns="seen_on", values="followed_share")
young = both.dropna().tail(2).reset_index().set_axis(["week", "then", "now"], axis=1).iloc[0]
ct.say("In the newer report, {last:.1%} of the touches in the latest week have been followed by a conversion, against {settled:.1%} of those that "
       "have had all their time. For the week of {young[week]:%d %B}, the older report showed {young[then]:.1%}, and the newer one shows "
       "{young[now]:.1%}.", last=both.iloc[-1, -1], settled=lags.notna().mean(), young=young)

# %% tags=["hide-input"]
ct.say("Of the conversions that follow a touch, {lag[quantile]:.0%} do so within {lag[days]:.0f} days. So every touch since {since:%d %B} is "
       "immature, and the shaded weeks can still rise.", lag=ct.funnels.lag_quantiles(lags.to_frame("days")).iloc[-1], since=immature)

# %% [markdown]
# Where a week has risen between the reports, nobody went back to improve it. It was only given time. Whoever judges a
# new campaign by its latest week judges its age.
#
# In a weekly report, leave out the immature days or shade them, and never compare them with the rest. Where does this
# fail? The lag comes from the past. If a new campaign sells something that takes longer to decide, its touches are
# immature for longer than the figure says.
#
# ## A cohort compares people at the same age
#
# There is a way to judge young weeks after all: compare them with older weeks *when those were as young*. A cohort is
# everybody who was first seen in the same week. Each row of the table is a cohort, and each column is an age.

# %%
table = ct.metrics.cohorts(sessions, conversions, shop.time_zone, end)
ages = table.set_index("first_week").drop(columns="visitors")
ages = ages.rename(columns=lambda name: int(name.removeprefix("week_")))
ages = ages.rename_axis(columns="weeks since the first visit")
ct.plots.heat(ages, what="share converted",
              title="Read down a column: weeks compared at the same age")

# %% tags=["hide-input"]
young = ages[1].dropna()
ct.say("The youngest cohort with a full week behind it was first seen in the week of {week:%d %B}. Of those visitors {share:.2%} converted "
       "within seven days. In the cohorts before it, that share lay between {least:.2%} and {most:.2%} at the same age.",
       week=young.index[-1], share=young.iloc[-1], least=young.iloc[:-1].min(), most=young.iloc[:-1].max())

# %% [markdown]
# A young cohort within the range of the older ones is no reason to act. The empty corner is not a fault. Those ages
# have not happened yet, and a zero there would be a false number. The fault is at the other end: whoever was known
# before the data began looks new in the first week. Distrust the top row.
#
# ## A low rate says where to look
#
# A rate that is lower than it should be is a signal that something on the way is wrong. It might be a call to action
# that nobody sees, a checkout that asks too much, or a page that loads too slowly. The rate of the whole way does not
# say which, so divide it by step and by segment.

# %%
way = ct.funnels.steps_there(shop.events, steps.replace(" ", "").split(","))
funnel = ct.funnels.funnel_by(shop.events, way, segment).dropna(subset=segment)
counts = funnel.pivot(index=segment, columns="step", values="count")[way]
before = counts.shift(axis=1)
ct.plots.heat((counts / before)[way[1:]], what="share that went on",
              title="Of those at the previous step, the share that went on")

# %% [markdown]
# The lowest rate alone may lead astray. It can belong to a tiny segment, or to a step at which most people only look
# around. So we ask of each cell what it costs: how many more would have come to the end, if this step went at the
# average rate, and from there on everybody went on as usual?

# %%
total = counts.sum()
missing = (before * (total / total.shift()) - counts) * (total[way[-1]] / total)
worst = missing.stack().idxmax()
its_rate = ct.metrics.rate(counts.loc[worst], before.loc[worst])

# %% tags=["hide-input"]
ct.say("Look first at {worst[0]}, on the way to {worst[1]}: {rate.value:.0%} of the visits at the step before went on, with an interval from "
       "{rate.low:.0%} to {rate.high:.0%}, against {usual:.0%} of all. In visits that reach {end}, it costs about {cost:,.0f}, and no other "
       "cell costs more. If the average lies within the interval, there may be nothing to find.",
       worst=worst, rate=its_rate, usual=(total / total.shift())[worst[1]], cost=missing.loc[worst], end=way[-1])

# %% [markdown]
# Now go through that step yourself, on that device or from that country, and time it. The number cannot tell a broken
# form from people who look things up on the telephone and buy at the desk, where tracking takes them for somebody else.
# Lesson 10 repairs a leak and checks that it is closed.
#
# ## One page every Monday is enough
#
# All this fits on a page. At its head stands one row a week, with a handful of numbers.

# %%
weeks = ct.metrics.week_of(sessions["start_time"], shop.time_zone)
weekly = sessions.groupby(weeks.rename("week")).agg(
    visitors=("visitor_id", "nunique"), sessions=("session_id", "size"))
sold = conversions.groupby(ct.metrics.week_of(times, shop.time_zone))["value"]
weekly = weekly.assign(conversions=sold.size(), value=sold.sum(min_count=1))
weekly["conversions"] = weekly["conversions"].fillna(0)
weekly["conversions_per_session"] = weekly["conversions"] / weekly["sessions"]

# %% [markdown]
# The first and the last week may have been cut short. They are left out.

# %%
complete = weekly.loc[daily.index[0] : daily.index[-1] - pd.Timedelta(days=6)]
too_few = ct.Gap("There are too few whole weeks to say what is usual: see `weeks_before`.")
complete = complete.tail(weeks_before + 1) if len(complete) > weeks_before else too_few
ct.show(complete, name="weeks", rows=14, kinds={"conversions_per_session": "share"})

# %% [markdown]
# Is the last row unusual? The square root was a rule for chance alone. Real weeks also differ by weather, holidays and
# mailings, so we let the earlier weeks say how much weeks differ. From their spread follows a 95 % range for the next
# week, provided that it is a week like the others. Few earlier weeks make the range wide. Many make it steadier, and
# reach back into times that may have been different.

# %%
earlier = complete.iloc[:-1]
factor = student.ppf(0.975, weeks_before - 1) * np.sqrt(1 + 1 / weeks_before)
monday = (complete.iloc[-1] / earlier.mean() - 1).to_frame("change").rename_axis("metric")
monday = monday.assign(usual_swing=factor * earlier.std() / earlier.mean()).dropna()
monday = monday.assign(unusual=monday["change"].abs() > monday["usual_swing"])
ct.show(monday, name="monday", kinds={"change": "share", "usual_swing": "share"})

# %% tags=["hide-input"]
ct.say("Which of these movements mean anything? Rows outside their usual swing: {unusual} of {n}. A week would have to differ in conversions by "
       "{swing:.0%} before this page takes notice. If the rows were independent, {alarm:.0%} of all Mondays would ring a false alarm, so one unusual "
       "row is a reason to look, and not yet a reason to act.", unusual=monday["unusual"].sum(), n=monday["change"].count(),
       swing=monday["usual_swing"]["conversions"], alarm=1 - 0.95 ** monday["change"].count())

# %% [markdown]
# Read the page in the same order every week. First, is the data complete, and did the checks of lesson 05 pass? Then
# this table. Then the channels and platforms, with their intervals, and the cohorts, down the columns. Last, the steps
# by segment. End with one sentence on what you changed in the shop that week, and keep those sentences.
#
# You will need them, because here is where all of it fails. A trend has many possible causes. A price, a holiday, a
# competitor, a mailing, a new release of the site and a lost tag all bend the same line, often in the same week. These
# tables can tell you that something happened, when, and to whom. Why it happened is a question for an experiment.
#
# ## You can now
#
# - put channels, social platforms and segments side by side, each with an interval, and say what a rate does not tell;
# - recognise a lucky winner, by letting it win again;
# - compare days and weeks that are alike, in the right time zone, and hold a change against chance;
# - mark immature days, and compare young weeks with others at the same age;
# - find the step at which a segment gets stuck, and fill in one page of checks every week.
#
# ## Exercises
#
# **One.** Which content works best in the social channels? Compare the campaigns by their rate, and let the winner win
# again. What do you tell the person who makes the videos?
#
# **Two.** A colleague says that the mailing on one weekday sells, because that weekday has the most conversions.
# Compare the weekdays, count how many days of each there are, and judge the best one by chance.
#
# **Three.** Repeat the Monday page as it would have looked on each Monday before. How often did it ring an alarm for
# conversions? Is that more often than it should?
#
# Worked solutions are in `exercises/06_gather_and_analyze_solutions.ipynb`.
#
# ## Further reading
#
# Galton's paper "Regression towards mediocrity in hereditary stature" is where the mean got its pull, and it is about
# parents and children. Wainer (2007), "The most dangerous equation", in *American Scientist*, shows what people have
# done to small schools and small counties by forgetting the square root. Wheeler (1993), *Understanding Variation*, is
# a short book about meetings on Monday.
