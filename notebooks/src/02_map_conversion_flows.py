# ---
# jupyter:
#   convtrack:
#     minutes: 45
#     needs: {events.event_name: steps of the funnel}
#     uses:
#       events.channel: paths and flows
#       events.interaction: touches that were only seen, set apart from those that were clicked
#       events.page_url: landing and exit pages
#       events.device: drop-off by device
#       events.country: drop-off by country
#       orders: share of the orders that have a journey
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # People come by many paths: map them before you mend one
#
# *Lesson 02 · about 45 minutes · step 2 of 7: map the flows*
#
# When you have worked through this lesson, you will be able to
#
# - read one visitor's journey aloud, from the first interaction to the conversion;
# - outline the main paths, and say how many conversions they leave out;
# - count a funnel, and say whom it counts and where people may enter it;
# - locate where people get stuck, without reading too much into small numbers;
# - measure how long a conversion takes, and say why the answer comes out too short.
#
# You need the goals of lesson 01.
#
# The owner of Larkspur has drawn the customer journey on a whiteboard. Somebody finds the shop through a paid search
# ad, signs up by a form, and buys later, after a promotional message. It is a good story, and the budget follows it.
# She asks: *is this how people come to buy, and where do we lose the others?*

# %% tags=["parameters"]
study: str = "../data/larkspur/study.yaml"  # the study file, which says where the data is
steps: str = "session_start,view_item,add_to_cart,begin_checkout,purchase"  # events, separated by commas; the funnel
lookback_days: int = 30  # 1 to 90; how long before a conversion a touch still counts
top: int = 8  # 3 to 20; how many paths and pages are listed
found_by: str = "Paid Search Brand,Paid Search Generic"  # channels, separated by commas; how the owner's story begins
signs_up_by: str = "newsletter_opt_in,sms_opt_in"  # events, separated by commas; the forms in the story
returns_by: str = "Email,SMS"  # channels, separated by commas; the messages in the story

# %%
import pandas as pd
import convtrack as ct

shop = ct.open_study(study)

# %% [markdown]
# Maps are drawn from what customers did, so the shop's own staff must not be on them. We leave out the events that are
# marked as tests, and make sure that every event on the site belongs to a session.

# %%
unmarked = pd.Series(False, index=shop.events.index)
is_test = shop.events.get("is_test", unmarked).fillna(False).astype(bool)
events = ct.assign_sessions(shop.events[~is_test])

# %% [markdown]
# A **touch** is a contact between a visitor and a channel. A **journey** is one visitor's touches in order, from the
# first within the lookback window to the conversion. Visitors who have not converted have journeys too, which end, for
# the time being, at their last touch.

# %%
conversions = ct.find_conversions(events, shop.goal)
touches = ct.find_touches(events, shop.touches)
journeys = ct.build_journeys(touches, conversions, lookback_days)

# %% tags=["hide-input"]
ct.say(
    "That gives {won:,.0f} journeys to the goal {goal}, and {rest:,.0f} that have not reached it.",
    won=journeys["converted"].sum(), rest=(~journeys["converted"]).sum(), goal=shop.main_goal,
)

# %% [markdown]
# ## Before you count journeys, read one aloud
#
# It is tempting to go straight to the totals. But a total hides what its parts look like, so we start with one
# person. To keep us from picking a pretty one, we take a journey of median length: in touches first, then in days.

# %%
won = journeys[journeys["converted"]]
lengths = won["path"].map(len)
middling = won[lengths == lengths[lengths > 0].quantile(interpolation="lower")]
days = middling["hours"].str[0] / 24
one = middling[days == days.quantile(interpolation="lower")].head(1)

# %% [markdown]
# Here is what tracking recorded of that visitor from the first touch to the conversion. Only the page views are left
# out, to keep the table short.

# %%
told = one[["visitor_id", "hours", "end_time"]].merge(events, on="visitor_id").sort_values("event_time", kind="stable")
told = told.assign(days_before=(told["end_time"] - told["event_time"]).dt.total_seconds() / 86_400)
told = told[told["days_before"].between(0, told["hours"].str[0] / 24 + 1e-6) & (told["event_name"] != "page_view")]
told = told.filter(["days_before", "event_name", "channel", "interaction"]).reset_index(drop=True)
ct.show(told, name="one_visitor", rows=15)

# %% tags=["hide-input"]
def ago(hours):
    for unit, length in (("days", 24), ("hours", 1)):
        if hours >= 2 * length:
            return f"{hours / length:.0f} {unit} before"
    return f"{hours * 60:.0f} minutes before"


chosen = ct.Gap("No conversion here has a touch before it.") if one.empty else one
said = chosen.apply(lambda row: "; then ".join(f"{c}, {ago(h)}" for c, h in zip(row["path"], row["hours"])), axis=1)
kinds = events.get("interaction", pd.Series(dtype="str"))
no_kinds = ct.Gap("The events do not say how a touch happened, so contacts that were only seen cannot be set apart.",
                  "Map a column to `interaction` in study.yaml.")
aside = no_kinds if kinds.isna().all() else chosen
if not isinstance(aside, ct.Gap):
    aside = told["interaction"].notna() & ~told["interaction"].isin(shop.touches)
ct.say("Read aloud: *{said}; and then the {goal}.*", said=said.iloc[0], goal=shop.main_goal)
ct.say(
    "Those were the touches. This study takes only {kinds} for one. Other contacts, such as ads that were shown and messages "
    "that arrived, are among the rows if there were any, and not on the path. Here there {aside}.",
    aside=aside if isinstance(aside, ct.Gap) else "was one" if aside.sum() == 1 else f"were {aside.sum():,}",
    kinds=" and ".join(shop.touches),
)

# %% [markdown]
# What is such a reading good for? It tests your definitions. If a row that you would call a touch is missing from the
# path, or the path begins in the middle of the story, you find out here. It supports no decision about money, because one
# person is an anecdote.
#
# ## Do not take the most common path for the customer journey
#
# Now all of them. We count the distinct paths, and list those with the most conversions. The last column says how often
# a journey of that shape ended in one.

# %%
paths = ct.count_paths(journeys)
ranked = ct.funnels.top_paths(paths, n=paths["path"].size)
ct.show(ranked.head(top), name="top_paths", rows=20)

# %% tags=["hide-input"]
ct.say(
    "The tempting way is to put the first row on the whiteboard as *the* customer journey: {path}. It is the most common "
    "path, with {n:,.0f} conversions. That is {share:.1%} of them. Whoever plans for this journey alone plans past the "
    "other {rest:.1%}.",
    path=ranked if isinstance(ranked, ct.Gap) else " → ".join(ranked["path"].iloc[0]) or "no known touch",
    n=ranked["conversions"].iloc[0], share=ranked["share"].iloc[0], rest=1 - ranked["share"].iloc[0],
)

# %% [markdown]
# How many paths would you have to know in order to know most of the business? Line them up from the most common to the
# rarest, and add up what they cover.

# %%
covered = ranked.assign(paths=ranked.index + 1, share_of_conversions=ranked["share"].cumsum())
half = (covered["share_of_conversions"] < 0.5).sum() + 1
ct.plots.trend(covered, "paths", "share_of_conversions", kind="share",
               title=f"Half of the conversions need the {half} most common paths")

# %% tags=["hide-input"]
alone = (ranked["conversions"] == 1).sum()
ct.say(
    "There are {n:,.0f} distinct paths to the goal. The {top:,.0f} in the table cover {covered:.0%} of the conversions. At the "
    "other end, {alone:,.0f} paths were taken exactly once, and together they carry {tail:.0%}. {tail_words}",
    n=ranked["path"].size, top=ranked.head(top)["share"].size, covered=ranked.head(top)["share"].sum(), alone=alone,
    tail=alone / ranked["conversions"].sum(),
    tail_words="This is the long tail, and no whiteboard has room for it." if alone > top else
    "Here the tail is short, and most of the map fits on a whiteboard.",
)

# %% [markdown]
# Rare paths are often variations: one visit more, two channels swapped. To outline the key pathways we therefore keep
# only the first touch and the last, and let the width of a band say how many journeys went that way.

# %%
links = ct.funnels.flow_links(journeys, stages=2, top=5)
links = links.rename(columns={"stage_1": "first_touch", "stage_2": "last_touch", "count": "journeys"})
ct.plots.flow(links, weight="journeys")

# %% [markdown]
# A band has the colour of the channel that it comes from. Where it arrives at its own colour, people began and ended
# with the same channel. Where it arrives at another, they found the shop in one way and came back in a different one.

# %% tags=["hide-input"]
several = journeys[journeys["path"].map(len) > 1]
ct.say(
    "Of the journeys with more than one touch, {moved:.0%} end with another channel than they began with. Of all "
    "journeys the strip called *converted* holds {converted:.1%}.",
    moved=(several["path"].str[0] != several["path"].str[-1]).mean(), converted=journeys["converted"].mean(),
)

# %% [markdown]
# A strip is hard to compare by eye. How often was each last touch followed by a conversion? For that we need numbers,
# and an interval beside each.

# %%
ends = journeys.assign(last_touch=journeys["path"].str[-1]).groupby("last_touch")["converted"].agg(["size", "sum"])
rates = ends.apply(lambda row: ct.metrics.rate(row["sum"], row["size"]), axis=1, result_type="reduce").astype("object")
ends = ends.assign(rate=rates.str[0], low=rates.str[1], high=rates.str[2]).sort_values("rate", ascending=False)
ends = ends.rename(columns={"size": "journeys", "sum": "converted"})
ct.show(ends, name="last_touches", kinds={"low": "share", "high": "share"})

# %% tags=["hide-input"]
if not isinstance(ends, ct.Gap) and len(ends) < 2:
    ends = ct.Gap("There are not two last touches to compare.")
first_row, last_row = ends.iloc[0], ends.iloc[-1]
apart = first_row["low"] > last_row["high"]
ct.say(
    "Journeys that end with {best} convert most often, in {high:.1%} of the cases, and those that end with {rest} least, in "
    "{low:.1%}. {verdict} Neither number says what the channel *did*. Somebody who types the address of the shop may have "
    "made up their mind long before.",
    best=first_row.name, high=first_row["rate"], rest=last_row.name, low=last_row["rate"],
    verdict="The intervals of the two do not overlap, so chance alone does not explain the difference." if apart else
    "Their intervals overlap, so the order of the two could be chance.",
)

# %% [markdown]
# This map supports decisions about handover: if many people come in by one channel and return by another, the two
# should know of each other, show the same offer, and not be judged apart. How to share the credit between them is the
# question of lesson 07.
#
# ## A story on the whiteboard has a share, and it can be counted
#
# Back to the owner's story. Its middle step, the form, is no marketing channel, so it is on no path yet. We put the
# sign-ups between the touches, as if they were touches, and build the journeys again.

# %%
flow = [[name.strip() for name in part.split(",")] for part in (found_by, signs_up_by, returns_by)]
forms = events[events["event_name"].isin(flow[1])].rename(columns={"event_time": "touch_time"})
forms = forms[["visitor_id", "touch_time"]].assign(channel=forms["event_name"])
with_forms = touches.merge(forms, how="outer")

# %% tags=["hide-input"]
unknown = [part for part in flow if not with_forms["channel"].isin(part).any()]
if unknown and not isinstance(with_forms, ct.Gap):
    with_forms = ct.Gap(f"No touch and no form here is called {' or '.join(unknown[0])}, so this story cannot be looked for.",
                        "Set the parameters found_by, signs_up_by and returns_by to names that the data have.")

# %% [markdown]
# The tempting test is to look for the three ingredients anywhere on the journey. The stricter one asks for them in
# the order of the story, with anything else allowed in between. It walks along the path once, and ticks off a step when it
# meets it.

# %%
def has_all(path):
    return all(set(path) & set(step) for step in flow)

def in_order(path):
    ahead = iter(path)
    return all(any(touch in step for touch in ahead) for step in flow)

stories = ct.build_journeys(with_forms, conversions, lookback_days)
stories = stories.assign(has_all=stories["path"].map(has_all), in_order=stories["path"].map(in_order))
bought = stories[stories["converted"]]

# %% tags=["hide-input"]
all_three, ordered = bought["has_all"].sum(), bought["in_order"].sum()
followed = stories["in_order"].sum()
ct.say(
    "All three ingredients are on {all:,.0f} of the {n:,.0f} journeys to the goal. In the order of the story they are on "
    "{ordered:,.0f}, which is {share:.1%}. {lesson}",
    all=all_three, n=bought["path"].size, ordered=ordered, share=ordered / bought["path"].size,
    lesson="The others met the same three things in another order, and their story is not the one on the whiteboard."
    if all_three > ordered else "Here the loose test does no harm.",
)
ct.say(
    "{verdict} And it has other endings: {followed:,.0f} journeys follow the story, and {rest:,.0f} of them have not reached "
    "the goal.",
    verdict="Nobody who reached the goal took this way." if ordered == 0 else "The story is true, then, and rare."
    if ordered / bought["path"].size < 0.2 else "The story is common here.",
    followed=followed, rest=followed - ordered,
)

# %% [markdown]
# Should the owner wipe the whiteboard? Not quite. A flow that you designed is worth a place on the map, because you can
# change its parts: the ad, the form, the message. It should stand there with its share beside it, next to flows
# that nobody designed. The share supports a decision about how much of the budget may hang on one story.
#
# ## A funnel gives another number for every way of counting
#
# A path says by which channels people came. A funnel says how far they got. Its layers are often called awareness,
# interest, decision and action. For a shop each has its events: a session starts, an item is looked at, something goes into the
# cart, the checkout begins, and at the end there is the purchase. Reaching a layer is a small conversion by itself, and the
# rate from one layer to the next says whether that part of the funnel works.
#
# The tempting way to count is by session, since sessions are what a report lists first.

# %%
layers = [name.strip() for name in steps.split(",") if name.strip()]
by_session = ct.funnels.count_funnel(events, layers, by="session")
ct.plots.funnel(by_session, what="sessions")

# %% tags=["hide-input"]
ct.say(
    "The funnel by session says: {rate:.1%} buy. Taken as a statement about people it is wrong, because it fails everybody "
    "who goes home to think and comes back. Each of their visits but the last counts as a loss.",
    rate=by_session["rate_from_start"].iloc[-1],
)

# %% [markdown]
# So we count visitors instead. A step now counts once for each visitor who reached it, in this visit or in a later one,
# as long as the steps come in order.

# %%
by_visitor = ct.funnels.count_funnel(events, layers, by="visitor")
ct.show(by_visitor[["step", "count", "rate_from_previous", "rate_from_start"]], name="funnel_by_visitor")

# %% tags=["hide-input"]
whole = by_visitor["rate_from_start"].iloc[-1]
reached_at = conversions.groupby("visitor_id")["conversion_time"].min().reset_index()
visits = ct.sessionize(events).merge(reached_at)
visits = visits[visits["start_time"] <= visits["conversion_time"]].groupby("visitor_id").size()
ct.say(
    "By visitor the same events give {rate:.1%}, which is {times:.1f} times as much. The visits explain it: up to "
    "their first conversion people made {visits:.1f} of them on average, and by session all but the last are failures. Neither "
    "number is a mistake. A rate that does not say *of whom* is one.",
    rate=whole, times=whole / by_session["rate_from_start"].iloc[-1], visits=visits.mean(),
)

# %% [markdown]
# A second choice hides behind a switch in many products: *closed* or *open*. A closed funnel counts
# people at a step only if they did all the steps before it. An open funnel counts them wherever they come in. Suppose
# that somebody adds the form to the funnel as a step, because it stands on the whiteboard, and leaves the switch at closed.

# %%
detour = list(dict.fromkeys([*layers[:2], flow[1][0], *layers[2:]]))
closed = ct.funnels.count_funnel(events, detour, by="visitor")
opened = ct.funnels.count_funnel(events, detour, by="visitor", closed=False)
ct.show(closed[["step"]].assign(closed=closed["count"], open=opened["count"]), name="closed_and_open")

# %% tags=["hide-input"]
plain_open = ct.funnels.count_funnel(events, layers, by="visitor", closed=False)
gone = plain_open["count"].iloc[-1] - by_visitor["count"].iloc[-1]
ct.say(
    "In the closed funnel {closed:,.0f} visitors reach the last step, and in the open one {open:,.0f}. {between} A closed "
    "funnel with a step that people may skip reports its own design as a loss. For the funnel without the form the switch "
    "{matters}.",
    closed=closed["count"].iloc[-1], open=opened["count"].iloc[-1],
    between="Between the two numbers are people who got there without filling in the form on the way, which nobody had to."
    if opened["count"].iloc[-1] > closed["count"].iloc[-1] else "Here nobody skipped the form.",
    matters=f"hides {gone:,} of those who reached the last step" if gone > 0 else
    "makes no difference at the last step, since everybody who got there had passed the others",
)

# %% [markdown]
# ## Not everybody who comes in is ready to buy
#
# Where do people enter the funnel? Compare how far visitors got on their very first visit with how far they got in
# the end.

# %%
sessions = ct.sessionize(events)
first = sessions.drop_duplicates("visitor_id")[["visitor_id", "session_id"]]
at_first = ct.funnels.count_funnel(first.merge(events), layers)
depth = by_visitor[["step"]].assign(first_visit=at_first["count"], in_the_end=by_visitor["count"])
depth = depth.assign(stay_here=depth["in_the_end"] - depth["in_the_end"].shift(-1, fill_value=0))
ct.show(depth, name="depth")

# %% tags=["hide-input"]
small = [name for name, goal in shop.goals.items() if name != shop.main_goal and goal.kind in ("site", "opt_in", "app")]
earlier = ct.find_conversions(events, {name: shop.goals[name] for name in small}) if small else ct.Gap(
    "The study has no smaller goal on the site.", "Define one in study.yaml.")
bought_at = conversions.groupby("visitor_id")["conversion_time"].min()
small_at = earlier.groupby("visitor_id")["conversion_time"].min()
nudged = (small_at.reindex(bought_at.index) < bought_at).mean()
now = at_first["count"].iloc[-1] / by_visitor["count"].iloc[-1]
only_look = 1 - at_first["count"].iloc[1:2].sum() / at_first["count"].iloc[0]
ct.say(
    "On their first visit {look:.0%} of the visitors stay at the top layer. The others go deeper at once, so people do not all "
    "begin at the starting line. And of the visitors who went all the way, {now:.0%} did so on the first visit. {others}",
    look=only_look, now=now, others="Everybody else had to come back." if now < 1 else "Nobody had to come back.",
)
ct.say(
    "Conversions happen on several layers. Of the people who reached the goal {goal}, {share:.0%} had reached another goal "
    "before it: {small}. The rest went without.",
    goal=shop.main_goal, share=nudged, small=", ".join(small[:-1]) + " or " + small[-1] if len(small) > 1 else "".join(small),
)

# %% [markdown]
# The last column is the useful one. Down to the last row but one it says how many visitors stand on each layer and have
# not gone on. They are leads, and each layer calls for another nudge to the next. Somebody who only looked around wants a
# reason to look closer; an item that was viewed can be shown again; a full cart can be remembered in a message, if there
# is permission to write. The size of the group tells you which nudge is worth building first. Whether the nudge works is
# for a test to say, in lesson 09.
#
# ## The page where most people leave need not be the page that drives them away
#
# So far we know how far people get, and not where on the site they turn round. For that we need pages: those on which
# sessions begin, and those on which they end.

# %%
pages = ct.funnels.landing_and_exit(events)
pages = pages.assign(page=pages["page"].str.replace(r"^\w+://", "", regex=True))
ct.show(pages.head(top), name="landing_pages", rows=20, caption="Where people enter")

# %% tags=["hide-input"]
doors, enough = pages["entries"], 100
often = pages[pages["views"] >= enough].sort_values("exit_rate", ascending=False)
often = ct.Gap(f"No page was seen {enough} times, which is too little for an exit rate.") if often.empty else often
worst = often.iloc[0]
ct.say(
    "People enter on {doors:,.0f} different pages, and {share:.0%} of them on {first}. The other pages with entries are front "
    "doors as well. It is worth asking of each whether it was built as one.",
    doors=(doors > 0).sum(), share=doors.iloc[0] / doors.sum(), first=pages["page"].iloc[0],
)
ct.say(
    "For the leavers it is tempting to sort by exit rate, exits per view, and to repair the page on top. Among the pages with at "
    "least {enough} views that is {page}, where {rate:.0%} of the views are the last of the session.",
    page=worst["page"], rate=worst["exit_rate"], enough=enough,
)

# %% [markdown]
# Look at what kind of page that is before you repair it. A page that says thank you has a high exit rate because the
# visit has done its work. The question is where sessions end that did *not* convert.

# %%
left = ct.funnels.drop_off_pages(events, conversions)
left = left.assign(page=left["page"].str.replace(r"^\w+://", "", regex=True))
ct.show(left.head(top), name="drop_off_pages", rows=20, caption="Where sessions without a conversion end")

# %% tags=["hide-input"]
seen = left.merge(pages[["page", "views"]], on="page")
ct.say(
    "The longest row belongs to {page}, with {share:.0%} of these exits. It also had {views:,.0f} views. Popular pages collect "
    "exits as they collect everything else, and a visit that ends there may have ended for reasons that lie elsewhere.",
    page=left["page"].iloc[0], share=left["share"].iloc[0], views=seen["views"].iloc[0],
)

# %% [markdown]
# A list of pages is therefore a list of suspects. It becomes evidence where leaving is expensive and the intention was
# clear, near the bottom of the funnel. Somebody who began to pay and stopped had a reason, and it may well be the page:
# a confusing form, a slow answer, a cost that appears late.
#
# ## Slice the checkout finely enough, and chance finds a culprit
#
# Take the sessions that reached the last step but one, and see how many of them converted. First the tempting way:
# slice until something looks terrible.

# %%
reached = events.loc[events["event_name"] == layers[-2:][0], ["visitor_id", "session_id"]].drop_duplicates()
checkouts = sessions.merge(reached)

# %% tags=["hide-input"]
if checkouts.empty:
    checkouts = ct.Gap(f"No session has the step {layers[-2:][0]}, so there is nothing to slice.", "Set the parameter steps.")

# %%
by_country = ct.metrics.segment_rates(checkouts, conversions, "country")
ct.show(by_country.sort_values("rate", ignore_index=True), name="checkout_by_country", kinds={"low": "share", "high": "share"})

# %% tags=["hide-input"]
overall = by_country["converting_sessions"].sum() / by_country["sessions"].sum()
named = by_country.dropna(subset="country").sort_values("rate")
if not isinstance(named, ct.Gap) and len(named) < 2:
    named = ct.Gap("There are not two countries to compare.")
low = named.iloc[0]
inside = low["low"] <= overall <= low["high"]
ct.say(
    "{country} comes last: only {rate:.0%} went through. Before anybody rebuilds the checkout for {country}, look at the number of "
    "sessions, {n:,.0f}, and at the interval, {a:.0%} to {b:.0%}. The rate of all sessions together is {all:.0%}. {verdict}",
    country=low["country"], rate=low["rate"], n=low["sessions"], a=low["low"], b=low["high"], all=overall,
    verdict="It lies inside the interval, so a perfectly ordinary country could have produced this row." if inside else
    "It lies outside the interval, so this row deserves a second look, on new data.",
)

# %% [markdown]
# Some row always comes last, and it tends to be a small one, because small numbers swing widest. A division that you
# chose for a reason *before* you looked is another matter. Here is one: forms are harder to fill in on a small screen.

# %%
by_device = ct.metrics.segment_rates(checkouts, conversions, "device").rename(columns={"rate": "completion_rate"})
ct.plots.bars(by_device, x="device", y="completion_rate", low="low", high="high")

# %% tags=["hide-input"]
big = by_device.dropna(subset="device").nlargest(2, "sessions").sort_values("completion_rate")
two = big["device"].size == 2
pair = big if two or isinstance(big, ct.Gap) else ct.Gap("There are not two devices to compare.")
clear = pair["high"].iloc[0] < pair["low"].iloc[-1]
ct.say(
    "The two with the most sessions are {worse} and {better}. On {worse} {low:.0%} go through, of {n_low:,.0f}, and on {better} "
    "{high:.0%}, of {n_high:,.0f}. {verdict}",
    worse=pair["device"].iloc[0], better=pair["device"].iloc[-1], low=pair["completion_rate"].iloc[0], high=pair["completion_rate"].iloc[-1],
    n_low=pair["sessions"].iloc[0], n_high=pair["sessions"].iloc[-1],
    verdict="Their intervals lie clear of each other, so this is a place where people get stuck, and a good one to mend first." if clear else
    "Their intervals overlap, so there is no case yet for mending one of them first.",
)
ct.say(
    "If {worse} did as well as {better}, there would be about {more:,.0f} more conversions in the same time. Take that as a hope "
    "and not as a forecast, since people on the two devices differ in other ways too.",
    worse=pair["device"].iloc[0], better=pair["device"].iloc[-1],
    more=pair["sessions"].iloc[0] * (pair["completion_rate"].iloc[-1] - pair["completion_rate"].iloc[0]),
)

# %% [markdown]
# ## Time to convert comes out too short
#
# The last map has no places on it, only time. How long is it from the first touch to the conversion? The answer decides
# how long to wait before you call a campaign a failure, and when a reminder comes too early.

# %%
times = ct.funnels.time_to_convert(journeys)
ct.plots.lag(times)

# %% tags=["hide-input"]
lag = ct.funnels.lag_quantiles(times, (0.5, 0.9))["days"]
steps_taken = ct.funnels.path_lengths(journeys)
at_once = (times["days"].dropna() < 1 / 24).mean()
single = steps_taken.loc[steps_taken["length"] == 1, "share"].sum()
many = steps_taken.loc[steps_taken["length"] >= 5, "share"].sum()
ct.say(
    "Half of the conversions come within {half:.1f} days of the first touch, and nine in ten within {most:.1f}. The line begins "
    "at a height because {at_once:.0%} come within the hour. In touches: {single:.0%} took a single one, and {many:.0%} took "
    "five or more.",
    half=lag.iloc[0], at_once=at_once, most=lag.iloc[1], single=single, many=many,
)

# %% [markdown]
# It is tempting to write the first number into the plan. But we chose the answer ourselves, at least in part, when we chose
# the lookback window: a first touch that lies before the window cannot be seen. Try other windows on the same
# conversions.

# %%
rows = []
for days in (7, 14, 30, 60, 90):
    seen_in = ct.build_journeys(touches, conversions, days)
    within = ct.funnels.lag_quantiles(ct.funnels.time_to_convert(seen_in), (0.5, 0.9))["days"]
    rows.append({"lookback_days": days, "half_within": within[0], "most_within": within[1]})
ct.show(pd.DataFrame(rows), name="windows", caption="Days from the first touch, for half and for nine in ten")

# %% tags=["hide-input"]
ct.say(
    "With a window of {a} days half of the conversions seem to take {x:.1f} days, and with {b} days {y:.1f}. {verdict}",
    a=rows[0]["lookback_days"], b=rows[-1]["lookback_days"], x=rows[0]["half_within"], y=rows[-1]["half_within"],
    verdict="The shorter the window, the more decided the customers look." if rows[0]["half_within"] < rows[-1]["half_within"] else
    "Here even the short window holds most of what there is.",
)

# %% [markdown]
# The wider windows hit another edge: no touch is known from before the data begin. And there is a cut that is less
# visible. Only people who *have* converted are in the figure. Whoever came last week and will buy next month is missing,
# and the slow ones are missing most. Statisticians call this right-censoring: the observation ends before the event.
#
# The remedy is to start from everybody, and to follow them. Each row below holds the visitors first seen in one week,
# and the share who had converted one week later, two weeks later and so on. A cell stays empty until all of the row
# have had that much time. The first row also holds people who knew the shop before the data begin.

# %%
followed_up = ct.metrics.cohorts(sessions, conversions, shop.time_zone)
ct.show(followed_up.head(4).iloc[:, :8], name="cohorts", kinds={f"week_{k}": "share" for k in range(1, 7)})

# %% tags=["hide-input"]
weeks = followed_up.iloc[0].drop(["first_week", "visitors"]).dropna()
late_share = 1 - weeks.iloc[0] / weeks.iloc[-1] if weeks.iloc[-1] else ct.Gap("Nobody in the first row has converted.")
ct.say(
    "Of the {n:,.0f} visitors in the first row, {early:.1%} had converted within one week, and {late:.1%} within {k:,.0f} weeks. "
    "So {share:.0%} of those who converted did so after the first week. {verdict}",
    n=followed_up["visitors"].iloc[0], early=weeks.iloc[0], late=weeks.iloc[-1], k=weeks.size,
    share=late_share, verdict="A report that closes after seven days would have filed them under lost." if late_share > 0 else
    "Here a week was enough.",
)

# %% [markdown]
# ## A path is what tracking saw, and nothing else
#
# Every map in this lesson was drawn from touches, and a touch is what somebody decided to record. Count the ads that were
# shown and the messages that arrived as well, and see what becomes of the paths.

# %%
everything = ct.find_touches(events, ("view", "click", "visit", "open", "delivery"))
wider = ct.build_journeys(everything, conversions, lookback_days)
pairs = won.merge(wider, on="journey_id", suffixes=("", "_wider"))

# %% tags=["hide-input"]
pairs = no_kinds if kinds.isna().all() and not isinstance(pairs, ct.Gap) else pairs
known = pairs[pairs["path"].map(len) > 0]
ct.say(
    "The average path to the goal grows from {a:.1f} touches to {b:.1f}, and {share:.0%} of the journeys now begin with another "
    "channel. The same people bought the same things at the same hour. If views are no touches, whoever was first moved by one "
    "seems to have come by themselves.",
    a=known["path"].map(len).mean(), b=known["path_wider"].map(len).mean(),
    share=(known["path"].str[0] != known["path_wider"].str[0]).mean(),
)
paid = shop.orders[shop.orders["status"] != "test"]
on_map = paid["transaction_id"].isin(conversions["transaction_id"].dropna())
ct.say(
    "Some journeys are not on the map at all. Of {n:,.0f} orders in the books, {missing:,.0f} have no journey, because "
    "tracking never saw them.", n=on_map.count(), missing=on_map.count() - on_map.sum(),
)

# %% [markdown]
# Other parts of a journey leave no row anywhere. Somebody looks on the telephone and buys on the laptop, and turns into two
# visitors, one of whom never converts. A friend recommends the shop over lunch, and the result is called Direct.
#
# And where a path *was* seen, it is no cause. One last temptation shows it. Do longer journeys convert more often?

# %%
by_length = journeys.assign(touches=journeys["path"].map(len).clip(upper=5)).groupby("touches")["converted"]
ct.show(by_length.agg(journeys="size", conversion_rate="mean"), name="rate_by_length", caption="5 stands for five and more")

# %% tags=["hide-input"]
length_rates = by_length.mean().drop(0, errors="ignore")
length_rates = ct.Gap("No journey has a touch.") if length_rates.empty else length_rates
longer = length_rates.iloc[-1] / length_rates.iloc[0]
ct.say(
    "The longest journeys convert {times:.1f} times as often as those with a single touch. {verdict}",
    times=longer, verdict="Should the shop then chase everybody until they have been back often enough? No. People who want "
    "something come back for it, and people who want something buy it. The visits are a sign of the wish, and not its cause." if longer > 1 else
    "That does not make visits harmful: people who buy at once have no reason to come back.",
)

# %% [markdown]
# ## Each map supports its own decision
#
# | map | the decision it supports | what it cannot say |
# |---|---|---|
# | one journey, read aloud | whether your definition of a touch is the right one | how common anything is |
# | top paths and flows | which channels must know of each other; how much to stake on one story | which channel brought the sale |
# | funnel by visitor | which layer to work on, and how many people a nudge could reach | whether the nudge will work |
# | pages and devices | which page to test first | why people left |
# | time to convert | how long to wait before judging; when to remind | how long the slowest will take |
#
# So, back to the owner's question. Her story is one way among others. It may stay on the whiteboard, with its share
# written beside it. What deserves the first free week is the place where people who wanted to buy got stuck, if the intervals
# say that there is one.
#
# ## You can now
#
# - read one visitor's journey aloud, and check your definition of a touch against it;
# - outline the main paths, and say how long the tail is that they leave out;
# - count a funnel by session or by visitor, closed or open, and explain why the numbers differ;
# - locate where people get stuck, with an interval that keeps you from blaming a small cell;
# - measure how long a conversion takes, and say what the window and the unfinished journeys have cut off.
#
# ## Exercises
#
# **One.** The owner wants to write to everybody who left a full cart behind. How many visitors put something into the cart
# and have not bought since? Decide first whether you count carts, sessions or visitors.
#
# **Two.** Which landing page should a new campaign lead to? Compare the landing pages by the share of sessions that
# converted, with intervals. Which differences would you bet on?
#
# **Three.** Tell another story: found by organic search, came back directly, bought. How many journeys contain it in that
# order, and how many if the two may come in any order? Which of the two numbers would you put on the whiteboard?
#
# Worked solutions are in `exercises/02_map_conversion_flows_solutions.ipynb`. Try first; a wrong answer that you can explain is
# worth more than a right one that you read.
#
# ## Further reading
#
# Google's help page on *funnel exploration* describes closed and open funnels in GA4. Lemon and Verhoef, "Understanding
# customer experience throughout the customer journey" (Journal of Marketing, 2016), sort touches by who owns them. Kaplan
# and Meier, "Nonparametric estimation from incomplete observations" (Journal of the American Statistical Association,
# 1958), show how to use those who have not converted yet. In the next lesson we choose the metrics that go with these maps.
