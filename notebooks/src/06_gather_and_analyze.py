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
platforms: str = "facebook, instagram, pinterest"  # social platforms, as sources and referrers spell them
least: int = 200  # 1 to 100000; visits that a segment must have to be compared
splits: int = 100  # 5 to 2000; how often visitors are divided in two halves
account_zone: str = "America/Los_Angeles"  # the time zone that an advertising account might be set to
quantile: float = 0.95  # 0.5 to 0.99; share of the conversions that a day must have had time for
steps: str = "session_start, view_item, add_to_cart, begin_checkout, purchase"  # the way through the site
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
visitors = sessions.groupby("channel")["visitor_id"].nunique().rename("visitors")
value = placed.groupby("channel")["value"].sum(min_count=1)
rates = ct.metrics.segment_rates(sessions, conversions, "channel").rename(columns={"rate": "conversion_rate"})
channels = rates.join(visitors, on="channel").join(value, on="channel")
by_count = channels.sort_values("converting_sessions", ascending=False, ignore_index=True)
ct.show(by_count, name="channels", rows=20, kinds=shares)

# %% tags=["hide-input"]
ct.say(
    "{most} is at the top, with a conversion in {n:,} visits. It also had {visits:,} visits to make them from, {place} of all "
    "channels. Of the {all:,} conversions, {placed:,} happened during a visit and are in the table. A visitor who came through two "
    "channels is counted in both, so the visitors add up to more than there are.",
    most=by_count["channel"].iloc[0], n=by_count["converting_sessions"].iloc[0], visits=by_count["sessions"].iloc[0],
    place="the most" if by_count["sessions"].iloc[0] == by_count["sessions"].max() else "though not the most", all=len(conversions),
    placed=placed["goal"].count(),
)

# %% [markdown]
# A count mostly says how large a channel is. Divide it by the visits, and you see how well they turn out. Where visits
# are few the rate is unsure, so it gets its interval, as in lesson 03. The interval takes visits as independent. Some
# belong to the same person, so it is a little too narrow.

# %%
ct.plots.bars(channels, y="conversion_rate", low="low", high="high")

# %% tags=["hide-input"]
by_rate = channels.sort_values("conversion_rate", ascending=False, ignore_index=True)
touching = by_rate["high"].iloc[1:] >= by_rate["low"].iloc[0]
ct.say(
    "Now {best} leads, with {rate:.1%} of its visits. Of the other {others:,} channels, {touching:,} have an interval that "
    "reaches into that of {best}, so the data does not rule out that they are as good.",
    best=by_rate["channel"].iloc[0], rate=by_rate["conversion_rate"].iloc[0], others=touching.count(), touching=touching.sum(),
)

# %% tags=["hide-input"]
per_visit = channels.assign(worth=channels["value"] / channels["sessions"]).sort_values("worth", ascending=False, ignore_index=True)
no_value = ct.Gap("No conversion here has a value, so there is no value by channel.", "Map a column to `value` in study.yaml.")
per_visit = per_visit.dropna(subset="worth") if conversions["value"].notna().any() else no_value
ct.say(
    "By value, as far as values are known, a visit through {first} brought {currency} {worth:.2f} on average, and one through {last} "
    "{least:.2f}.",
    first=per_visit["channel"].iloc[0], worth=per_visit["worth"].iloc[0], currency=shop.currency,
    last=per_visit["channel"].iloc[-1], least=per_visit["worth"].min(),
)

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
ct.say(
    "Together the platforms claim {claimed:,.0f} conversions. Tracking on the site saw {all:,} in all, from every channel, paid or "
    "not. The claims cannot be shares of one whole, because each platform looks back over its own span of days, counts views or does "
    "not, and knows nothing of the others.",
    claimed=claimed.sum(), all=len(conversions),
)

# %% [markdown]
# Lesson 08 takes such reports apart. To *compare* platforms you do not need them. Your own events know where each visit
# came from, by the tag in the link or by the page that it was on, and they count every platform by the same rule. So we
# search source, referrer and channel of each visit for the names of the platforms.

# %%
arrived = shop.events.dropna(subset=["session_id", "channel"]).sort_values("event_time")
arrived = arrived.drop_duplicates(["visitor_id", "session_id"])
tags = arrived.reindex(columns=["utm_source", "referrer", "channel"], fill_value="").fillna("")
words = (tags["utm_source"] + " " + tags["referrer"] + " " + tags["channel"]).str.lower()

# %% [markdown]
# Each visit then carries the platform that was found, and keeps its channel.

# %%
wanted = "|".join(platforms.lower().replace(" ", "").split(","))
named = arrived[["visitor_id", "session_id"]].assign(platform=words.str.extract(f"({wanted})", expand=False))
known = sessions.merge(named, how="left")
known = known.assign(social_visit=known["channel"] + " on " + known["platform"])
none = ct.Gap("No visit names one of the platforms in source, referrer or channel.", "Set the lesson's parameter `platforms`.")
social = ct.metrics.segment_rates(known if known["platform"].notna().any() else none, conversions, "social_visit")
social = social.dropna(subset="social_visit")
ct.show(social.sort_values("rate", ascending=False, ignore_index=True), name="social", rows=15, kinds=shares)

# %% tags=["hide-input"]
ordered = social.sort_values("rate", ascending=False, ignore_index=True)
clear = ordered["low"].iloc[0] > ordered["high"].iloc[1:]
ct.say(
    "First comes {first}, with {rate:.1%}. It is ahead of {clear:,} of the other {others:,} rows by more than their intervals. Where "
    "intervals overlap, the table does not tell which platform to prefer.",
    first=ordered["social_visit"].iloc[0], rate=ordered["rate"].iloc[0], clear=clear.sum(), others=clear.count(),
)

# %% [markdown]
# The rows keep paid and organic visits apart, and retargeting apart from both. A platform's own total mixes
# advertisements shown to strangers with those shown to people who have just looked at the shop. For the question which
# platform to prefer, and what to publish there, that mixture is useless. The campaigns within a platform, one for each
# kind of content, can be compared in the same way (exercise one).
#
# Where does this fail? Your events see visits. Whoever looked at an advertisement, did not click, and came later through
# another door is counted at the other door.
#
# ## A segment tells you what to tailor
#
# An average visitor does not exist, so nobody can write for one. Segments show who differs: by device, by country, by
# whether they have been here before. Where the rate differs, look at what that group sees, and fit it to them: a
# shorter form on the telephone, the price of postage for a country, a reason to come back for those who are new.

# %%
parts = ct.metrics.segment_rates(sessions, conversions, segment).dropna(subset=segment)
parts = parts.sort_values("rate", ascending=False, ignore_index=True)
ct.show(parts, name="segments", rows=15, kinds=shares)

# %% tags=["hide-input"]
ct.say(
    "{high} converts at {top:.1%}, and {low} at {bottom:.1%}. Their intervals {overlap}.",
    high=parts[segment].iloc[0], top=parts["rate"].iloc[0],
    low=parts[segment].iloc[-1], bottom=parts["rate"].iloc[-1],
    overlap="overlap, so this may be chance" if parts["low"].iloc[0] <= parts["high"].iloc[-1] else
    "do not overlap, so chance is a poor explanation",
)

# %% [markdown]
# Whether somebody is new here is a segment as well.

# %%
first_visit = sessions.groupby("visitor_id")["start_time"].transform("min")
visits = sessions.assign(visit=np.where(sessions["start_time"] == first_visit, "new", "returning"))
again = ct.metrics.segment_rates(visits, conversions, "visit")
ct.show(again, name="new_and_returning", kinds=shares)

# %% tags=["hide-input"]
by_visit = again.set_index("visit")["rate"]
ct.say(
    "A visit by somebody who comes back converts at {old:.2%}, a first visit at {new:.2%}. Does coming back make people buy? Those who are "
    "interested come back, and those who are interested buy. Also, *new* means only that this cookie was not seen before the data began.",
    old=by_visit.get("returning", np.nan), new=by_visit.get("new", np.nan),
)

# %% [markdown]
# ## The best of many small segments is partly luck
#
# If three segments are good, a hundred must be better. So we cross channel, device and country, sort by the rate, and
# look for the hidden gem.

# %%
device, country = (sessions[name].astype("str").fillna("unknown") for name in ["device", "country"])
cells = sessions.assign(cell=sessions["channel"] + ", " + device + ", " + country)
small = ct.metrics.segment_rates(cells, conversions, "cell")
ct.show(small.sort_values("rate", ascending=False, ignore_index=True).head(5), name="small_segments", kinds=shares)

# %% tags=["hide-input"]
gem = small.sort_values("rate", ascending=False, ignore_index=True)
ct.say(
    "The gem is {cell}, at {rate:.0%}: {won:,} of {n:,} visits. Its interval begins at {low:.0%} and ends at {high:.0%}. {reading}",
    cell=gem["cell"].iloc[0], rate=gem["rate"].iloc[0], won=gem["converting_sessions"].iloc[0], n=gem["sessions"].iloc[0],
    low=gem["low"].iloc[0], high=gem["high"].iloc[0],
    reading="Small segments crowd at the top of such a list, and at the bottom as well, because their rates swing the most."
    if gem["sessions"].iloc[0] < least else "In this data it is not even a small segment, which is rare in such a list.",
)

# %% [markdown]
# So we ask for a least number of visits. That helps, and it leaves a second problem: whoever looks at many segments and
# picks the best one picks luck along with merit.

# %% tags=["hide-input"]
large = small[small["sessions"] >= least]
ct.say(
    "Of {all:,} segments, {large:,} have at least {least:,} visits. Their intervals do not protect us. At 95 %, one interval in twenty "
    "leaves out the truth, so about {wrong:.1f} of these do, and nobody knows which.",
    all=small["rate"].count(), least=least, wrong=0.05 * large["rate"].count(),
    large=large["rate"].count() or ct.Gap("No segment here has enough visits to be compared.", "Set the lesson's parameter `least`."),
)

# %% [markdown]
# The cure is to look again. We divide the visitors in two halves by chance, let one half choose the winner, and ask the
# other half for its rate. Then we divide again, many times.

# %%
rng = np.random.default_rng(seed)
draws = ct.metrics.winner_again(cells, conversions, "cell", rng, least, splits)
ct.show(draws[["rate_when_chosen", "rate_again"]].mean().rename("mean_rate"), name="winner_again")

# %% tags=["hide-input"]
overall = small["converting_sessions"].sum() / small["sessions"].sum()
chosen, repeated = draws["rate_when_chosen"].mean(), draws["rate_again"].mean()
ct.say(
    "In the half that chose it, the winner converted at {chosen:.1%}. In the other half the same segment came to {again:.1%}, while all visits "
    "together lie at {overall:.1%}. Of its lead, {lost:.0%} is gone as soon as it has to win again. In {splits} divisions the crown went to "
    "{winners:,} different segments.",
    chosen=chosen, again=repeated, overall=overall, lost=ct.metrics.ratio(chosen - repeated, chosen - overall), splits=splits,
    winners=draws["winner"].nunique(),
)

# %% [markdown]
# This is called *regression to the mean*, and it is behind many a campaign that "stopped working" as soon as somebody
# noticed it. Before you tailor anything to a winner, ask it to win again on data that did not choose it. Next month
# will do.
#
# ## A day begins in one time zone, and somewhere else it began earlier
#
# Now to time. Events are stored in UTC, and counting days takes one line if we leave it at that. It is the wrong line.
# A customer's evening belongs to the customer's day.

# %%
times = conversions["conversion_time"]
days = {zone: times.dt.tz_convert(zone).dt.date for zone in [shop.time_zone, "UTC", account_zone]}
moved = {zone: int((day != days[shop.time_zone]).sum()) for zone, day in days.items()}

# %% tags=["hide-input"]
ct.say(
    "In UTC, {utc:,} of {all:,} conversions fall on another day than in {zone}. That depends on how far the shop is from Greenwich. An "
    "advertising account set to {account} would put {account_moved:,} on another day, and {differ:,} of its daily numbers would differ from "
    "ours. The totals agree. Look at the time zone of a report before you look for a fault.",
    utc=moved["UTC"], all=len(times), zone=shop.time_zone, account=account_zone, account_moved=moved[account_zone],
    differ=int(days[shop.time_zone].value_counts().sub(days[account_zone].value_counts(), fill_value=0).ne(0).sum()),
)

# %% [markdown]
# Days are not even all of one length. So we lay out the midnights of the shop's own time zone, and count between them.

# %%
start, end = (shop.events["event_time"].agg(which).tz_convert(shop.time_zone) for which in ["min", "max"])
midnights = pd.date_range(start.normalize(), end.normalize() + pd.DateOffset(days=1), freq="D")
hours = (midnights[1:] - midnights[:-1]) / pd.Timedelta(hours=1)
daily = times.dt.tz_convert(shop.time_zone).dt.tz_localize(None).dt.normalize().value_counts()
daily = daily.reindex(midnights[:-1].tz_localize(None), fill_value=0).rename_axis("date").rename("conversions")

# %% tags=["hide-input"]
odd = hours != 24
ct.say(
    "The data covers {n:,} local days. {odd} Whoever adds twenty-four hours to find the next midnight is wrong from there on.",
    n=len(hours), odd="Because the clock changed, not all of them had twenty-four hours. The exception had "
    f"{', '.join(f'{length:.0f}' for length in hours[odd])}." if odd.any() else
    "Each of them had twenty-four hours. In a longer span, a change of the clock makes a day shorter or longer.",
)

# %% [markdown]
# The last line of the code matters more than it seems. A day without conversions has no row in a count. It has to be
# put back as a zero, or the average of the days comes out too high.

# %%
ct.plots.trend(daily.reset_index(), x="date", y="conversions")

# %% tags=["hide-input"]
spread = ct.metrics.ratio(daily.var(), daily.mean())
most = 1 + 2 * np.sqrt(2 / (len(daily) - 1))
ct.say(
    "Every peak in this line invites a story. Compare its unrest with chance first. If conversions came independently, at the same pace "
    "every day, the variance of the daily counts would equal their mean, and dividing one by the other would give a number near one, at "
    "most {most:.2f}. Here it is {spread:.2f}. {reading}",
    spread=spread, most=most, reading="What moves from day to day can all be chance, and yesterday is not news." if spread <= most else
    "So the days differ by more than chance, and a rhythm or a trend is worth looking for.",
)

# %% [markdown]
# A rule for the back of an envelope: a count swings by about twice its square root. A hundred conversions mean anything
# from eighty to a hundred and twenty.
#
# ## A week that is not over is compared with the same days
#
# Visits are more numerous than conversions, so a rhythm shows in them first. How do the days of the week differ?

# %%
visit_days = sessions["start_time"].dt.tz_convert(shop.time_zone).dt.day_name().value_counts()
rhythm = (visit_days / daily.index.day_name().value_counts()).sort_values(ascending=False)

# %% tags=["hide-input"]
ct.say(
    "An average {first} has {most:,.0f} visits, and an average {last} {least:,.0f}. So two stretches of time can be compared if they hold "
    "the same days of the week. Ten days against the ten before do not.",
    first=rhythm.index[0], most=rhythm.iloc[0], last=rhythm.index[-1], least=rhythm.iloc[-1],
)

# %% [markdown]
# A week holds each day once, and the tempting comparison is this week against last week.

# %%
so_far = end.day_of_week + 1
this_week, last_week = daily.iloc[-so_far:].sum(), daily.iloc[-so_far - 7 : -so_far].sum()
same_days = daily.iloc[-so_far - 7 : -7].sum()
share = ct.metrics.rate(this_week, this_week + same_days)

# %% tags=["hide-input"]
enough = len(daily) >= so_far + 7
too_short = ct.Gap("The data hold less than two weeks, so no week can be compared with the one before.")
ct.say(
    "This week has {now:,} conversions and the last one had {last:,}, a change of {naive:+.0%}. But this week is {so_far} days old. The "
    "same {so_far} days of last week had {same:,}, so the change is {fair:+.0%}.",
    now=int(this_week), last=int(last_week) if enough else too_short, naive=ct.metrics.ratio(this_week, last_week) - 1, so_far=so_far,
    same=int(same_days), fair=ct.metrics.ratio(this_week, same_days) - 1,
)

# %% tags=["hide-input"]
low, high = (ct.metrics.ratio(bound, 1 - bound) - 1 for bound in (share.low, share.high))
ct.say(
    "Is that larger than chance? If nothing had changed, each conversion of the two weeks would be as likely to fall into one as into the "
    "other. The interval of that share says that the true change lies between {low:+.0%} and {high:+.0%}. {reading}",
    low=low if enough else too_short, high=high,
    reading="No change at all is among the possibilities." if low <= 0 <= high else "Chance alone hardly explains it.",
)

# %% [markdown]
# Two weeks are too few to show anything but a large change. A slow trend comes out of the noise when more whole weeks
# are added up. So take about a quarter of the days, from the beginning and from the end.

# %%
quarter = len(daily) // 4 // 7 * 7
early, late = daily.iloc[:quarter].sum(), daily.iloc[len(daily) - quarter :].sum()
trend = ct.metrics.rate(late, early + late)

# %% tags=["hide-input"]
low, high = (ct.metrics.ratio(bound, 1 - bound) - 1 for bound in (trend.low, trend.high))
ct.say(
    "The first {quarter} days had {early:,} conversions and the last {quarter} had {late:,}. That is a change of {change:+.0%}, with an "
    "interval from {low:+.0%} to {high:+.0%}. {reading}",
    quarter=quarter, late=int(late), change=ct.metrics.ratio(late, early) - 1, low=low, high=high,
    early=int(early) if quarter else ct.Gap("The data hold less than four weeks, so there is no slow trend to see."),
    reading="Even so it could be chance." if low <= 0 <= high else
    "This is more than chance. What no single day could show, the weeks together do.",
)

# %% [markdown]
# The same care is due to months, which have unequal lengths and unequal numbers of weekends. And no arithmetic knows
# that Easter was in another week last year.
#
# ## The last weeks look worse because they are not finished
#
# Some reports book a conversion on the day when it happened, others on the day of the click that led to it. Google
# Analytics does the first, Google Ads the second. The second suits the judging of a campaign, and it has a trap in it.
# Let us take each touch and see whether a conversion followed within the lookback window.

# %%
window = pd.Timedelta(days=shop.lookback_days)
too_young = ct.Gap("The data span no longer than the lookback window, so no touch has had all of its time.")
touches = ct.find_touches(shop.events, shop.touches) if end - start > window else too_young
won = conversions[["visitor_id", "conversion_time"]].sort_values("conversion_time")

# %% [markdown]
# For each touch we look up the next conversion of the same visitor, and how many days it took.

# %%
followed = touches.pipe(pd.merge_asof, won, left_on="touch_time", right_on="conversion_time", by="visitor_id",
                        direction="forward", tolerance=window)
followed = followed.assign(days=lambda t: (t["conversion_time"] - t["touch_time"]) / pd.Timedelta(days=1),
                           week=lambda t: ct.metrics.week_of(t["touch_time"], shop.time_zone))

# %% [markdown]
# A report knows only what had happened when it was made. This function plays that ignorance for any moment we like.

# %%
def report_on(moment):
    seen = followed[followed["touch_time"] <= moment]
    return (seen["conversion_time"] <= moment).groupby(seen["week"]).mean()

then = end - window
old, new = report_on(then), report_on(end)

# %% tags=["hide-input"]
share_of_old = followed[followed["touch_time"] <= then]["conversion_time"].notna().mean()
ct.say(
    "Of the touches in the latest week, {last:.1%} have been followed by a conversion. Of those that are older than the window it was "
    "{before:.1%}. {reading}",
    reading="Whoever started a campaign in that week will hear that it fails." if new.iloc[-1] < share_of_old else
    "Here the latest week looks no worse, which is rare.", last=new.iloc[-1], before=share_of_old,
)

# %% [markdown]
# Before you stop that campaign, go back in time. Here is the same report as it looked one lookback window ago, when its
# latest weeks were as young as the latest weeks are now. A conversion that came later was not in it.
#
# How much time does a touch need? We measure it on the touches that have had all of theirs, and mark the span at the
# end that has had less.

# %%
lag = ct.funnels.lag_quantiles(followed[followed["touch_time"] <= then], (0.5, quantile))
immature = ct.funnels.immature_from(followed[followed["touch_time"] <= then], end, quantile)
since = immature.tz_localize(None).to_period("W").start_time
names = [f"seen on {then:%d %b}", f"seen on {end:%d %b}"]
reports = old.to_frame(names[0]).join(new.rename(names[1]), how="outer")
reports = reports.melt(ignore_index=False, var_name="report", value_name="followed_share")
ct.plots.trend(reports, x="week", y="followed_share", series="report", immature_from=since,
               title="The same weeks, as two reports showed them")

# %% tags=["hide-input"]
full = old.iloc[-2:]
ct.say(
    "Of the conversions that follow a touch, {quantile:.0%} do so within {days:.0f} days. So every touch since {since:%d %B} is immature, "
    "and the shaded weeks can still rise. In the older report the week of {week:%d %B} stood at {before:.1%}, and in the newer one it stands "
    "at {after:.1%}. Nobody went back to improve that week. It was only given time.",
    quantile=quantile, days=lag["days"].iloc[-1], since=immature, week=full.index[0], before=full.iloc[0], after=new[full.index[0]],
)

# %% [markdown]
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
ages = ages.rename(columns=lambda name: int(name.removeprefix("week_"))).rename_axis(columns="weeks since the first visit")
ct.plots.heat(ages, what="share converted", title="Read down a column: weeks compared at the same age")

# %% tags=["hide-input"]
young = ages[1].dropna()
size = table.set_index("first_week")["visitors"]
newest = ct.metrics.rate((young.iloc[-1] * size[young.index[-1]]).round(), size[young.index[-1]])
earlier = (young * size.reindex(young.index)).iloc[:-1].sum() / size.reindex(young.index).iloc[:-1].sum()
ct.say(
    "The youngest cohort with a full week behind it was first seen in the week of {week:%d %B}. Of its {n:,} visitors {share:.2%} converted "
    "within seven days. The cohorts before it had {earlier:.2%} at that age, which lies {where} the interval of the "
    "youngest, {low:.2%} to {high:.2%}.",
    week=young.index[-1], n=size[young.index[-1]], share=newest.value, earlier=earlier, low=newest.low, high=newest.high,
    where="within" if newest.low <= earlier <= newest.high else "outside",
)

# %% [markdown]
# The empty corner is not a fault. Those ages have not happened yet, and a zero there would be a false number. The fault
# is at the other end: whoever was known before the data began looks new in the first week. Distrust the top row.
#
# ## A low rate says where to look
#
# A rate that is lower than it should be is a signal that something on the way is wrong. It might be a call to action
# that nobody sees, a checkout that asks too much, or a page that loads too slowly. The rate of the whole way does not
# say which, so divide it by step and by segment.

# %%
way = ct.funnels.steps_there(shop.events, steps.replace(" ", "").split(","))
funnel = ct.funnels.funnel_by(shop.events, way, segment)
going_on = funnel.dropna(subset=segment).pivot(index=segment, columns="step", values="rate_from_previous")[way[1:]]
ct.plots.heat(going_on, what="share that went on", title="Of those at the previous step, the share that went on")

# %% tags=["hide-input"]
reached = funnel.dropna(subset=segment).assign(previous=lambda t: t.groupby(segment)["count"].shift())
of_all = reached.groupby("step")[["count", "previous"]].sum().rename(columns=lambda name: f"{name}_of_all")
stuck = reached.dropna(subset="previous").join(of_all, on="step").assign(average=lambda t: t["count_of_all"] / t["previous_of_all"])
to_the_end = of_all["count_of_all"][way[-1]] / stuck["count_of_all"]
stuck = stuck.assign(short=(stuck["previous"] * stuck["average"] - stuck["count"]) * to_the_end)
stuck = stuck.sort_values("short", ascending=False, ignore_index=True)
average = stuck["average"].iloc[0]
its_rate = ct.metrics.rate(stuck["count"].iloc[0], stuck["previous"].iloc[0])
ct.say(
    "Look first at {where}, on the way to {step}: {rate:.0%} of the visits at the step before went on, with an interval from {low:.0%} to "
    "{high:.0%}, against {average:.0%} of all. At the average rate, and going on from there like everybody else, about {short:,.0f} more of "
    "these visits would have reached {end}. No other cell of the figure costs as many. {reading}",
    where=stuck[segment].iloc[0], step=stuck["step"].iloc[0], rate=its_rate.value, low=its_rate.low, high=its_rate.high,
    average=average, short=stuck["short"].iloc[0], end=way[-1],
    reading="But the average lies within that interval, so there may be nothing to find." if its_rate.low <= average <= its_rate.high else
    "The average lies outside that interval.",
)

# %% [markdown]
# The lowest rate alone may lead astray. It can belong to a tiny segment, or to a step at which most people only look
# around. So the sentence ranks by what is lost at the end. Now go through that step yourself, on that device or from
# that country, and time it. The number cannot tell a broken form from people who look things up on the telephone and
# buy at the desk, where tracking takes them for somebody else. Lesson 10 repairs a leak and checks that it is closed.
#
# ## One page every Monday is enough
#
# All this fits on a page. At its head stands one row a week, with a handful of numbers.

# %%
weekly = sessions.assign(week=lambda t: ct.metrics.week_of(t["start_time"], shop.time_zone)).groupby("week")
weekly = weekly.agg(visitors=("visitor_id", "nunique"), sessions=("session_id", "size"))
sold = conversions.groupby(ct.metrics.week_of(times, shop.time_zone))["value"]
weekly = weekly.join(sold.size().rename("conversions")).join(sold.sum(min_count=1)).fillna({"conversions": 0})
weekly = weekly.assign(conversions_per_session=lambda t: t["conversions"] / t["sessions"])

# %% [markdown]
# The first and the last week may have been cut short. They are left out.

# %%
complete = weekly.loc[daily.index[0] : daily.index[-1] - pd.Timedelta(days=6)]
too_few = ct.Gap("The data hold too few complete weeks to say what a usual week is.", "Set the lesson's parameter `weeks_before`.")
complete = complete if complete.shape[0] > weeks_before else too_few
ct.show(complete.tail(weeks_before + 1), name="weeks", rows=14, kinds={"conversions_per_session": "share"})

# %% [markdown]
# Is the last row unusual? The square root was a rule for chance alone. Real weeks also differ by weather, holidays and
# mailings, so we let the earlier weeks say how much weeks differ. From their spread follows a 95 % range for the next
# week, provided that it is a week like the others. Few earlier weeks make the range wide. Many make it steadier, and
# reach back into times that may have been different.

# %%
before = complete.iloc[-1 - weeks_before : -1]
factor = student.ppf(0.975, weeks_before - 1) * np.sqrt(1 + 1 / weeks_before)
check = (complete.iloc[-1] / before.mean() - 1).to_frame("change").assign(usual_swing=factor * before.std() / before.mean())
check = check.dropna().assign(unusual=lambda t: t["change"].abs() > t["usual_swing"])
ct.show(check.rename_axis("metric"), name="monday", kinds={"change": "share", "usual_swing": "share"})

# %% tags=["hide-input"]
ct.say(
    "Which of these movements mean anything? Of {n} numbers, {unusual} outside the usual swing. A week would have to differ in conversions "
    "by {swing:.0%} before this page takes notice. If the rows were independent, {alarm:.0%} of all Mondays would ring a false alarm, so one "
    "unusual row is a reason to look, and not yet a reason to act.",
    n=check["change"].count(), unusual={0: "none lies", 1: "one lies"}.get(check["unusual"].sum(), f"{check['unusual'].sum()} lie"),
    swing=check["usual_swing"]["conversions"], alarm=1 - 0.95 ** check["change"].count(),
)

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
# Galton (1886), "Regression towards mediocrity in hereditary stature", is where the mean got its pull, and it is about
# parents and children. Wainer (2007), "The most dangerous equation", in *American Scientist*, shows what people have
# done to small schools and small counties by forgetting the square root. Wheeler (1993), *Understanding Variation*, is
# a short book about meetings on Monday.
