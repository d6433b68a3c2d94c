# ---
# jupyter:
#   convtrack:
#     minutes: 45
#     needs: {events.event_name: any goal}
#     uses:
#       events.channel: rates, assists and costs by channel
#       events.interaction: clicks that arrived on the site
#       events.value: what conversions and clicks are worth
#       spend: cost per click and per acquisition, return on advertising spend
#       spend.impressions: click-through rate
#       spend.clicks: rates and values per click
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A metric answers one question: choose the question first
#
# *Lesson 03 · about 45 minutes · step 3 of 7: choose metrics*
#
# When you have worked through this lesson, you will be able to
#
# - compute a conversion rate per visitor, per session and per click, and say which question each of them answers;
# - put an interval beside a rate or a mean, and say what it means;
# - work out what conversions and clicks are worth and what they cost, and tell a return that earns money from one that loses it;
# - recognise two metrics that mislead, and show why with the same data;
# - choose one metric for a goal, and a guard to stand beside it.
#
# You need the goals of lesson 01 and the journeys of lesson 02.
#
# Larkspur's owner asked how well the shop converts. The advertising agency, the web analyst and the editor of the
# newsletter came to the meeting with three different rates, and each of them had done the sum correctly. *Which one is
# right,* the owner asks, *and which channel should get my next pound?* This lesson answers the first question. It also
# shows why so many confident answers to the second are wrong.

# %% tags=["parameters"]
study: str = "../data/larkspur/study.yaml"  # the study file, which says where the data is
margin: float = 0.45  # 0.01 to 1; share of revenue that is left to pay for advertising
other_model: str = "linear"  # one of: linear, first_touch, position_based, time_decay
seed: int = 3  # 0 to 1000000; where the random draws behind the intervals begin

# %% [markdown]
# We open the study and find what the first two lessons built: sessions, and conversions of the main goal. Some exports do
# not say which events form one session, so `assign_sessions` fills that in where it is missing.

# %%
import numpy as np
import convtrack as ct

shop = ct.open_study(study)
events = ct.assign_sessions(shop.events)
sessions = ct.sessionize(events)
conversions = ct.find_conversions(events, shop.goal)

# %% [markdown]
# ## A conversion rate means nothing until its denominator has a name
#
# The conversion rate is the first metric that anybody asks for: the share of the people you reached who converted. A low
# one says that something is in the way, perhaps a weak call to action or a tiresome checkout, and lesson 02 showed how to
# find the place. The definition sounds complete. But whom have you reached?
#
# The agency counts clicks, because clicks are what it sells. The analyst counts sessions, because that is what the
# analytics tool shows. Each divides the quarter's conversions by its own count.

# %%
rates = ct.metrics.conversion_rates(sessions, conversions).set_index("metric")
per_session = rates.loc["conversion rate per session", "value"]
clicks = ct.metrics.ad_metrics(shop.spend)["clicks"].sum()
per_click = ct.metrics.ratio(len(conversions), clicks)

# %% tags=["hide-input"]
ct.say(
    "The agency reports {per_click:.2%}, the analyst {per_session:.2%}. The tempting conclusion is that a paid click is "
    "{times:.1f} times as likely to end in a conversion as an ordinary session, and that the shop should buy more clicks.",
    per_click=per_click, per_session=per_session, times=per_click / per_session,
)

# %% [markdown]
# Two things are wrong here. The denominators differ, and the agency's numerator holds everybody's conversions, also those
# of people who never clicked on an advertisement. We repair the numerator first. Let each conversion belong to the last
# channel that was met before it, and keep those of channels that cost money.

# %%
touches = ct.find_touches(events, shop.touches)
journeys = ct.build_journeys(touches, conversions, shop.lookback_days)
credit = ct.compare(journeys, ["last_touch", other_model])
last = credit.table[credit.table["model"] == "last_touch"]

# %%
ads = ct.metrics.ad_metrics(shop.spend, last, margin).set_index("channel")
paid = ads.dropna(subset=["cost"])
their_own = ct.metrics.ratio(paid["conversions"].sum(), paid["clicks"].sum())

# %% [markdown]
# Now the denominator. A platform counts a click when it happens on the platform's own page. Some of those people close the
# window before ours has loaded, some do not let us see them, and some are robots or fingers that slipped. A click is
# *qualified* when it brought somebody to the site, and we can count those ourselves.

# %%
arrived = touches[touches["interaction"] == "click"].groupby("channel").size()
paid = paid.assign(qualified=arrived)
ct.show(paid[["clicks", "qualified", "conversions"]], name="qualified_clicks", rows=20)

# %%
totals = paid[["conversions", "value", "clicks", "qualified", "cost"]].sum(min_count=1)
per_qualified = ct.metrics.ratio(totals["conversions"], totals["qualified"])

# %% tags=["hide-input"]
ct.say(
    "Of {totals[clicks]:,.0f} clicks that the platforms counted, {totals[qualified]:,.0f} arrived. With the paid channels' own conversions on top, the rate "
    "is {their_own:.2%} per click and {per_qualified:.2%} per qualified click. The factor of {before:.1f} over a session has become "
    "{after:.1f}. Nothing about the shop has changed, only the fraction.",
    totals=totals, their_own=their_own, per_qualified=per_qualified, before=per_click / per_session, after=per_qualified / per_session,
)

# %% [markdown]
# The editor of the newsletter thinks in people, and people come more than once. Here are the rates per visitor and per
# session, each with the name of what it is divided by.

# %%
named = ["numerator", "numerator_name", "denominator", "denominator_name", "value"]
two = rates.drop("conversions per session")[named]
ct.show(two, name="conversion_rates", kinds={"value": "share"})

# %%
buyers, reached = conversions["visitor_id"].nunique(), events["visitor_id"].nunique()
per_person = ct.metrics.rate(buyers, reached)

# %% tags=["hide-input"]
visitor = rates.loc["conversion rate per visitor"]
ct.say(
    "Per visitor the rate is {times:.1f} times the rate per session, because a visitor came for {sessions:.1f} sessions on average. If "
    "“reached” is to include everyone the data knows of, even those who were only shown an advertisement, it is {reached:.2%}.",
    times=visitor["value"] / per_session, sessions=sessions.groupby("visitor_id").size().mean(), reached=per_person.value,
)

# %% [markdown]
# So the owner's first question has an answer. All of them are right, and they answer different questions. *Per visitor*
# asks whether people buy in the end, however often they come back to think. *Per session* asks whether a visit leads to
# something, which suits a page or a checkout. *Per click* asks what you get for what you pay for. Google Ads divides by
# clicks and other interactions, Google Analytics offers sessions and users. Choose by the question, write the denominator
# next to the number, and never compare across.
#
# ## A rate without an interval hides how little it rests on
#
# The analyst goes on to rank the channels by their rate per session. With other luck each rate would have come out
# differently. The textbook answer is the rate plus or minus about two standard errors. Let us try it on the channel with
# the fewest conversions.

# %%
by_channel = ct.metrics.segment_rates(sessions, conversions, "channel").set_index("channel")
if events["channel"].isna().all():
    by_channel = touches  # which is a named gap then, and so is everything by channel
thin = by_channel.loc[by_channel["converting_sessions"].idxmin()]
half = 1.96 * (thin["rate"] * (1 - thin["rate"]) / thin["sessions"]) ** 0.5

# %% tags=["hide-input"]
verdict = "Here it may pass. With fewer conversions it would reach below zero."
if thin["rate"] == 0:
    verdict = "It has no width at all, as if we knew for certain that nobody there ever converts."
elif thin["rate"] < half:
    verdict = "It begins below zero, and a negative conversion rate does not exist."
ct.say(
    "{thin.name} has {thin[converting_sessions]:,.0f} converting sessions of {thin[sessions]:,.0f}, and the textbook interval runs from {low:.2%} "
    "to {high:.2%}. {verdict}", thin=thin, low=thin["rate"] - half, high=thin["rate"] + half, verdict=verdict,
)

# %% [markdown]
# The library uses Wilson's interval, which asks the question the other way round: *which true rates would make a count like
# ours unsurprising?* It stays between nothing and everything, and it behaves with few conversions.

# %%
ct.plots.bars(by_channel, y="rate", low="low", high="high", unit="of sessions")

# %% [markdown]
# Read a whisker like this. If the same quarter could be played many times over, with different luck, intervals made this
# way would hold the true rate in about nineteen quarters of twenty. They speak of luck alone. A tag that is missing on the
# checkout page shifts bar and whisker together, and nothing in the figure tells you.

# %%
all_channels = by_channel[["converting_sessions", "sessions"]].sum()
overall = ct.metrics.rate(all_channels["converting_sessions"], all_channels["sessions"])
apart = (by_channel["low"] > overall.value) | (by_channel["high"] < overall.value)

# %% tags=["hide-input"]
rest = "With this much data even small differences show." if apart.all() else "The next quarter may well put the others in another order."
ct.say(
    "The rate over all sessions is {overall.value:.2%}, with an interval from {overall.low:.2%} to {overall.high:.2%}. Channels that lie "
    "clearly above or below it: {settled} of {n}. {rest}", overall=overall, settled=apart.sum(), n=apart.count(), rest=rest,
)

# %% [markdown]
# One caution: the interval treats each session as a person of its own. Sessions of one visitor have much in common, so the
# true uncertainty is a little larger.
#
# ## Only the mean adds up to the total
#
# Rates count heads. The *total conversion value* adds up what the conversions are worth. Where values are not known,
# because a conversion is a form or a phone call, you estimate: conversions times the average revenue per conversion.
#
# Which average? The tempting one is the typical order, the median, since half of the orders are smaller and half are
# larger.

# %%
rng = np.random.default_rng(seed)
worth = ct.metrics.value_summary(conversions, rng).set_index("metric")
in_money = worth.drop("share with a known value")[["value", "low", "high"]]
ct.show(in_money, name="conversion_values")

# %%
mean, median = worth.loc["value per conversion"], worth.loc["median value", "value"]
by_median, by_mean = len(conversions) * median, len(conversions) * mean["value"]

# %% tags=["hide-input"]
direction = "too little" if by_median < by_mean else "too much"
ct.say(
    "By the median the quarter was worth {currency} {by_median:,.0f}, and by the mean {by_mean:,.0f}. The values that are known add up to "
    "{total:,.0f}. The median reports {size:.0%} {direction}, although nothing is wrong with it as a description of a typical order.",
    currency=shop.currency, by_median=by_median, by_mean=by_mean, total=worth.loc["total conversion value", "value"],
    size=abs(by_median / by_mean - 1), direction=direction,
)

# %% [markdown]
# The mean can be multiplied back into the total, and it pays for that by listening to every large order. How much of the
# value do those carry?

# %%
known = conversions["value"].dropna().sort_values(ascending=False, kind="stable")
top_tenth = known.head(int(np.ceil(len(known) / 10)))
share = ct.metrics.ratio(top_tenth.sum(), known.sum())

# %% tags=["hide-input"]
ct.say(
    "The largest tenth of the conversions brings {share:.0%} of the value. That is why the mean, at {mean[value]:,.2f}, is {times:.1f} times the "
    "median, and why its interval runs from {mean[low]:,.2f} to {mean[high]:,.2f}. The estimated total inherits that width: {total_low:,.0f} to "
    "{total_high:,.0f}.",
    share=share, mean=mean, times=mean["value"] / median, total_low=mean["low"] * len(conversions), total_high=mean["high"] * len(conversions),
)

# %% [markdown]
# The interval comes from a bootstrap, as in lesson 01: values drawn again from those we have, and the middle 95 % of the
# means. For orders the mean is called the *average order value*. Report it with the median beside it, and when it jumps,
# look for a single order before you look for a trend.
#
# ## Each step of an advertisement has a metric of its own
#
# An advertisement is shown, clicked, and sometimes followed by a conversion. The *click-through rate*, CTR, is the share of
# those shown the advertisement who clicked. The *cost per click*, CPC, is cost divided by clicks, and *value per click* is
# the value that came back divided by clicks. *Cost per acquisition*, CPA, is cost divided by conversions; if only new
# customers count, it is called customer acquisition cost. *Return on ad spend*, ROAS, is value divided by cost.

# %%
columns = ["impressions", "clicks", "cost", "ctr", "cpc", "value_per_click", "cpa", "roas"]
ct.show(paid[columns], name="ad_metrics", rows=20, kinds={"ctr": "share"})

# %% tags=["hide-input"]
ct.say(
    "Values are known for {share:.0%} of the conversions. Where one is not, it adds nothing to value per click and to ROAS, and both come "
    "out too low.",
    share=worth.loc["share with a known value", "value"],
)

# %% [markdown]
# Which line is best? Many reports stop at the click-through rate.

# %%
clicked = paid["ctr"].fillna(-1).idxmax()
cheapest = paid["cpc"].fillna(np.inf).idxmin()
returned = paid["roas"].fillna(-1).idxmax()

# %%
places = paid[["ctr", "roas"]].rank(ascending=False, method="min")
flattered = (places["roas"] - places["ctr"]).fillna(0).idxmax()

# %% tags=["hide-input"]
verdict = "They do not agree, and need not, for each answers its own question."
if clicked == cheapest == returned:
    verdict = ("One channel wins all three, which proves less than it seems: people who were looking for the shop anyway would make all "
               "three look good.")
ct.say(
    "The highest CTR is {clicked}'s, with {best[ctr]:.1%}. The cheapest clicks are {cheapest}'s, at {currency} {cpc:.2f}. The highest ROAS is "
    "{returned}'s, with {best[roas]:.2f}. {verdict} The channel that CTR flatters most is {flattered}, number {place[ctr]:.0f} by CTR and number "
    "{place[roas]:.0f} by ROAS.",
    clicked=clicked, cheapest=cheapest, returned=returned, best=paid[["ctr", "roas"]].max(), currency=shop.currency, cpc=paid["cpc"].min(),
    verdict=verdict, flattered=flattered, place=places.loc[flattered],
)

# %% [markdown]
# CTR judges the picture and the words, and not what the visitor did next. A cheap click is no bargain if nobody buys. Value
# per click can be held against its price, if it is computed well. The wrong way divides all the shop's value by all the
# clicks.

# %%
all_by_all = ct.metrics.ratio(known.sum(min_count=1), totals["clicks"])
per_click_value = ct.metrics.ratio(totals["value"], totals["clicks"])
per_qualified_value = ct.metrics.ratio(totals["value"], totals["qualified"])

# %% tags=["hide-input"]
ct.say(
    "All value over all clicks is {currency} {all_by_all:.2f}. The value of the paid channels' own conversions is {per_click:.2f} per click, and "
    "{per_qualified:.2f} per qualified click. Use the middle one to decide on a bid, because you pay for unqualified clicks too. Use the last "
    "one to judge your pages, which can do nothing for people who never saw them.",
    currency=shop.currency, all_by_all=all_by_all, per_click=per_click_value, per_qualified=per_qualified_value,
)

# %%
ct.plots.scatter(paid, "cpc", "value_per_click", x_unit=shop.currency, y_unit=shop.currency,
                 equal="a click brings back its cost",
                 title="Above the line, a click brings in more than it costs")

# %% [markdown]
# ## A return above one can still lose money
#
# A channel above that line has a ROAS above one: more comes in than goes out. It is tempting to call that a profit. But
# what comes in is revenue, and the tea has to be bought, packed and posted. What is left of a pound is the margin. *Return
# on investment*, ROI, is net profit divided by cost, where net profit is value times margin, minus cost. It is zero when
# ROAS equals one divided by the margin.

# %%
break_even = 1 / margin
deceptive = paid[(paid["roas"] > 1) & (paid["roi"] < 0)]
together = ct.metrics.ratio(totals["value"] * margin - totals["cost"], totals["cost"])
ct.plots.bars(paid, y="roi", kind="share", title="Only the bars to the right earn money")

# %% tags=["hide-input"]
ct.say(
    "With a margin of {margin:.0%}, advertising breaks even at a ROAS of {break_even:.2f}. Of {n} paid channels, {above} have a ROAS above one, "
    "and {losing} of those still lose money. All paid channels together cost {currency} {cost:,.0f} and return {roi:+.0%}.",
    margin=margin, break_even=break_even, n=paid["cost"].count(), above=(paid["roas"] > 1).sum(), losing=deceptive["cost"].count(),
    currency=shop.currency, cost=totals["cost"], roi=together,
)

# %% [markdown]
# An ROI without its margin assumes that goods cost nothing. A loss on the first order may also be a choice, if customers
# come back. Then say so, and count what they brought when they did.
#
# ## Cost per acquisition depends on who gets the acquisition
#
# Every number since the agency's has rested on one quiet decision: a conversion belongs to the last channel before it.
# Channels that help earlier get nothing. *Assisted conversions* are the usual remedy. A channel assists a conversion when
# it is on the path anywhere before the last touch, once per conversion, and also if it is the last touch as well.

# %%
assists = ct.metrics.assisted_conversions(journeys)
ct.show(assists, name="assisted_conversions", rows=20)
ct.plots.scatter(assists, "last", "assisted", equal="as many assisted as closed", top=10,
                 title="Above the line, a channel prepares more than it closes")

# %% tags=["hide-input"]
ct.say(
    "The ratio of assisted to closed conversions is highest for {opener[channel]} ({opener[assisted]:,.0f} to {opener[last]:,.0f}) and lowest for "
    "{closer[channel]} ({closer[assisted]:,.0f} to {closer[last]:,.0f}). The tempting mistake is to add the column up: {sum:,.0f} assists, for {n:,} conversions. "
    "One conversion has as many assistants as there were channels on its way.",
    opener=assists.loc[assists["assisted_to_last"].idxmax()], closer=assists.loc[assists["assisted_to_last"].idxmin()],
    sum=assists["assisted"].sum(), n=len(conversions),
)

# %% [markdown]
# A ratio near zero marks a closer, about one a channel that does both, and more than one a channel that mostly prepares.
# Trust it only where both counts are large, and remember that to be on the path is not to have helped.
#
# What happens to the cost per acquisition if we share the credit by the other model?

# %%
by_other = credit.table[credit.table["model"] == other_model]
other = ct.metrics.ad_metrics(shop.spend, by_other).set_index("channel")
change = other["cpa"].reindex(paid.index) / paid["cpa"] - 1
moved = change.abs().fillna(0).idxmax()

# %%
by_model = ads[["cost"]].dropna().reset_index().merge(credit.table, on="channel")
by_model = by_model.assign(cpa=ct.metrics.ratio(by_model["cost"], by_model["conversions"]))
ct.plots.dots(by_model, of="cpa", unit=shop.currency,
              title="What an acquisition costs depends on who gets the credit")

# %% tags=["hide-input"]
ct.say(
    "{channel} costs {currency} {last:,.2f} per acquisition by last touch, and {other:,.2f} by {model}: {change:+.0%}, for the same money and "
    "the same sales. Neither number is a fact about the channel alone.",
    channel=moved, currency=shop.currency, last=paid.loc[moved]["cpa"], other=other.loc[moved]["cpa"], model=other_model.replace("_", " "),
    change=change.loc[moved],
)

# %% [markdown]
# ROAS moves in the same way, since it has the same credit in it. Name the model with the number, keep it from month to
# month, and do not rest a decision on a difference that another model would undo. Lesson 07 compares the models properly.
#
# ## Session duration measures page openings, not attention
#
# Here is the first metric that misleads. *Session duration* is the average time that visitors spend on the site, and *pages
# per visit* is the number of page views divided by the number of sessions. Both are supposed to show interest.

# %%
time = ct.metrics.engagement(sessions).set_index("metric")
shown = time.drop("single-page share")[["numerator", "denominator", "value"]]
ct.show(shown, name="engagement", kinds={"value": ""})

# %% [markdown]
# Nobody holds a stopwatch. A page tells us when it opens, and not when the visitor leaves. So the duration runs from the
# first event to the last one, as Universal Analytics had it. The last page adds nothing, however long it was read. And a
# visit of a single page?

# %%
single = sessions[sessions["pages"] == 1]
longer = sessions[sessions["pages"] > 1]
means = single["duration_seconds"].mean(), longer["duration_seconds"].mean()

# %% tags=["hide-input"]
ct.say(
    "Sessions of a single page are {share:.0%} of all, and their mean duration is {single:,.0f} seconds. Those of several pages last {longer:,.0f} "
    "seconds. The average over both is {average:,.0f}. Cut an article into two pages, and the average rises although nobody has read a word more.",
    share=(sessions["pages"] == 1).mean(), single=means[0], longer=means[1], average=time.loc["mean session duration", "value"],
)

# %% [markdown]
# The next temptation is stronger. Sessions that convert are compared with the others, and the difference looks like advice.

# %%
converting = ct.has_conversion(sessions, conversions)
lengths = sessions.groupby(converting)[["duration_seconds", "pages"]].mean()
lengths = lengths.reindex([True, False])
won, lost = lengths.iloc[0], lengths.iloc[1]

# %% tags=["hide-input"]
ct.say(
    "Converting sessions last {won[duration_seconds]:,.0f} seconds, the others {lost[duration_seconds]:,.0f}. “Keep people on the site for longer and they will buy” is how that is "
    "usually read. But a checkout takes pages, and pages take time: {won[pages]:.1f} of them, where the average session has {pages:.1f}. "
    "People may well stay because they buy.",
    won=won, lost=lost, pages=time.loc["pages per session", "value"],
)

# %% [markdown]
# GA4 measures *engagement time*, in which the page was in the foreground, and calls a session *engaged* if
# it lasted longer than ten seconds, saw at least two pages, or held a key event. Foreground time needs a tracker that
# reports it. The engaged session we can compute.

# %%
engaged = (sessions["duration_seconds"] > 10) | (sessions["pages"] >= 2) | converting
engaged_rate = ct.metrics.rate(engaged.sum(), engaged.count())

# %% tags=["hide-input"]
ct.say(
    "By that rule {engaged:.1%} of the sessions are engaged. A reader of one long page is still not among them, unless the tracker reports "
    "more than page views.",
    engaged=engaged_rate.value,
)

# %% [markdown]
# Use duration and pages per visit to compare a page with its own past. More pages may mean interest, or that people cannot
# find the price.
#
# ## The best rate may belong to a channel that meets people who have decided
#
# The second metric that misleads is the most respected of all. The owner has a pound to spend, and the rates by channel
# seem to say where. We take the channel whose interval lies highest, so that it is not a lucky handful.

# %%
best = by_channel["low"].idxmax()
lead = by_channel["rate"] / overall.value
visits_before = sessions.groupby("visitor_id").cumcount()

# %% tags=["hide-input"]
ct.say(
    "That is {best}. A session that it brings is {lead:.1f} times as likely to convert as the average session. Give it the pound?",
    best=best, lead=lead.loc[best],
)

# %% [markdown]
# First ask whom it brings. Some channels speak to strangers. Others speak only to people who were here before: an e-mail
# needs an address, and an advertisement that follows visitors needs visitors. How many sessions of each channel are return
# visits?

# %%
again = sessions[visits_before > 0]
mix = by_channel[["sessions"]].assign(returning=again.groupby("channel").size()).fillna(0)
mix = mix.assign(returning_share=mix["returning"] / mix["sessions"])
mix = mix.sort_values("returning_share", ascending=False, kind="stable")
ct.show(mix, name="return_visits", rows=20)

# %% tags=["hide-input"]
share, all_share = mix.loc[best]["returning_share"], ct.metrics.ratio(mix["returning"].sum(), mix["sessions"].sum())
ct.say(
    "Of {best}'s sessions, {share:.0%} are return visits, against {all_share:.0%} of all. Its rate was held against that of a crowd of "
    "which {new:.0%} seem never to have seen the shop. {verdict}",
    best=best, share=share, all_share=all_share, new=1 - all_share,
    verdict="That is no fair race." if share > all_share else "In this respect the race was fair.",
)

# %% [markdown]
# People who knew the shop before the data begin count as new here, so the true share is higher still. Let us compare like
# with like, and keep the return visits of every channel and nothing else.

# %%
like = ct.metrics.segment_rates(again, conversions, "channel").set_index("channel")
like_overall = ct.metrics.rate(like["converting_sessions"].sum(), like["sessions"].sum())
fair_leads = like["rate"] / like_overall.value
fair = fair_leads.get(best, ct.Gap("That channel brings no return visits."))

# %% tags=["hide-input"]
outcome = "has shrunk" if fair < lead.loc[best] else "has not shrunk, so return visits do not explain it"
ct.say(
    "Among return visits, {best}'s sessions are {fair:.2f} times as likely to convert as the average one, where the factor was {lead:.2f} before. "
    "The lead {outcome}. We have taken account of one difference between the crowds, the one that we could see.",
    best=best, fair=fair, lead=lead.loc[best], outcome=outcome,
)

# %% [markdown]
# Where does this repair fail? Return visitors are not alike either. A platform prefers to follow those who look likely to
# buy. We cannot see that choice, so we cannot undo it. A high rate may be the work of the channel or of the people it was
# shown to, and the rate does not say which. Only leaving the channel out for some people, chosen by chance, would show what
# it adds: lesson 09. And even that is an average. The next pound usually buys less than the last one did, which is the
# business of lesson 10.
#
# ## One metric for the goal, and a guard beside it
#
# A metric that people are paid for will rise. So choose one for each goal and channel, and beside it a *guard*: the number
# that would get worse if somebody improved the first one in the wrong way.
#
# | You want to know | Metric | Guard beside it |
# |---|---|---|
# | do visitors become customers | conversion rate per visitor | value per conversion, which falls if discounts did it |
# | does this page or checkout work | conversion rate per session | conversion rate per visitor |
# | what was the quarter worth | total conversion value | share with a known value, and refunds |
# | what may a click cost | value per click times margin | qualified clicks among all clicks |
# | did this campaign pay | ROI, by a named model | CPA by a second model |
# | does the advertisement speak to people | click-through rate | value per click |
# | does a channel that opens journeys matter | assisted conversions | the shop's total conversions |
# | does the mailing list grow | opt-ins per visitor | share of readers who unsubscribe |
# | do wholesale forms lead anywhere | cost per form | share of forms that become contracts |
# | does an article interest people | engaged sessions | conversion rate per visitor of its readers |
#
# Each metric has a card that says how it is computed, and what it misleads about.

# %%
ct.show(ct.metrics.cards()[["metric", "formula", "misleads"]], name="metric_cards", rows=30)

# %% [markdown]
# The owner's second question stays open. Averages of the past have told us what channels cost and whom they met. To learn
# what another pound would do, somebody has to spend it differently and watch.
#
# ## You can now
#
# - compute a conversion rate per visitor, per session and per click, and say which question each of them answers;
# - put an interval beside a rate or a mean, and say that it speaks of luck and not of mistakes;
# - work out what conversions and clicks are worth and what they cost, and find the ROAS below which a channel loses money;
# - recognise two metrics that mislead, session duration and the rate per session of a channel, and show why;
# - choose one metric for a goal, and a guard to stand beside it.
#
# ## Exercises
#
# **One.** The supplier raises prices, and the margin falls by a third. Which ROAS does a channel need now, and which
# channels that paid for themselves no longer do? Do not forget that the model decides too.
#
# **Two.** A stricter rule says that a channel assists a conversion only if it does not close it as well. Count the assists
# by that rule. Which channel loses most, and does any of them change from preparing to closing?
#
# **Three.** Go a step further with the best channel. Compare its sessions only with sessions of people who had put
# something into their basket on an earlier visit. What is left of the lead, and what does that prove?
#
# Worked solutions are in `exercises/03_choose_metrics_solutions.ipynb`. Work out your own answer first, and see where the
# two part ways.
#
# ## Further reading
#
# Wilson's interval is from his paper of 1927, "Probable inference, the law of succession, and statistical inference", in
# the *Journal of the American Statistical Association*. Efron (1979), in the *Annals of Statistics*, introduced the
# bootstrap. Lewis and Rao (2015), in the *Quarterly Journal of Economics*, show how wide an honest interval around an
# advertising return is, even for very large advertisers. Lesson 06 puts these
# metrics to work on channels, segments and weeks.
