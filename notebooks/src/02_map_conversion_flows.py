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
steps: str = "session_start,view_item,add_to_cart,begin_checkout,purchase"  # events; funnel
lookback_days: int = 30  # 1 to 90; how long before a conversion a touch still counts
top: int = 8  # 3 to 20; how many paths and pages are listed
found_by: str = "Paid Search Brand,Paid Search Generic"  # channels; how the story begins
signs_up_by: str = "newsletter_opt_in,sms_opt_in"  # events; the forms in the story
returns_by: str = "Email,SMS"  # channels; the messages in the story

# %%
import convtrack as ct

shop = ct.open_study(study)

# %% [markdown]
# Maps are drawn from what customers did, so the shop's own staff must not be on them. We leave out the events that are
# marked as tests, and make sure that every event on the site belongs to a session.

# %%
staff = shop.events.filter(["is_test"]).eq(True).any(axis=1)
events = ct.assign_sessions(shop.events[~staff])
sessions = ct.sessionize(events)

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
# person. To keep us from picking a pretty one, we take the first in the list with three touches or more, on three channels.
# Here is what tracking recorded of that visitor. Only the page views are left out, to keep the table short.

# %%
one = ct.funnels.pick_journey(journeys, touches=3, channels=3)
told = ct.funnels.read_journey(one, events)
ct.show(told, name="one_visitor", rows=15)

# %% tags=["hide-input"]
ct.say(
    "Read aloud: *first {path}; and then the {goal}*, all within {days:.1f} days. This study takes only {kinds} for a touch. Other contacts, "
    "such as ads that were shown and messages that arrived, are among the rows if there were any, and not on the path.",
    path=one["path"].str.join("; then ").iloc[0], days=told["days_before"].max(), goal=shop.main_goal, kinds=" and ".join(shop.touches),
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
    "The tempting way is to put the first row on the whiteboard as *the* customer journey: {path}. No path has more conversions. It has "
    "{first[conversions]:,.0f}, or {first[share]:.1%}. Whoever plans for this journey alone plans past the other {rest:.1%}.",
    path=ranked["path"].str.join(" → ").replace("", "no known touch").iloc[0], first=ranked.iloc[0], rest=1 - ranked["share"].iloc[0],
)

# %% [markdown]
# How many paths would you have to know in order to know most of the business? Line them up from the most common to the
# rarest, and add up what they cover.

# %%
covered = ranked.assign(paths=ranked.index + 1, share_covered=ranked["share"].cumsum())
half = (covered["share_covered"] < 0.5).sum() + 1
title = f"Half of the conversions need the {half} most common paths"
ct.plots.trend(covered, "paths", "share_covered", kind="share", title=title)

# %% tags=["hide-input"]
alone, listed = (ranked["conversions"] == 1).sum(), ranked["share"].head(top)
ct.say(
    "There are {n:,.0f} distinct paths to the goal, and the {top:,.0f} in the table cover {covered:.0%} of the conversions. At the other end, "
    "{alone:,.0f} were taken exactly once, and those carry {tail:.0%}. This is the long tail: the more it carries, the less fits on a whiteboard.",
    n=ranked["path"].size, top=listed.size, covered=listed.sum(), alone=alone, tail=alone / ranked["conversions"].sum(),
)

# %% [markdown]
# Rare paths are often variations: one visit more, two channels swapped. To outline the key pathways we therefore keep
# only the first touch and the last, and let the width of a band say how many journeys went that way.

# %%
links = ct.funnels.flow_links(journeys, stages=2, top=5)
links = links.set_axis(["first_touch", "last_touch", "outcome", "journeys"], axis="columns")
ct.plots.flow(links, weight="journeys")

# %% [markdown]
# A band has the colour of the channel that it comes from. Where it arrives at its own colour, people began and ended
# with the same channel. Where it arrives at another, they found the shop in one way and came back in a different one.

# %% tags=["hide-input"]
several = journeys[journeys["path"].map(len) > 1]["path"]
ct.say(
    "Of the journeys with more than one touch, {moved:.0%} end with another channel than they began with. Of all journeys the strip called "
    "*converted* holds {converted:.1%}.", moved=(several.str[0] != several.str[-1]).mean(), converted=journeys["converted"].mean(),
)

# %% [markdown]
# A strip is hard to compare by eye. How often was each last touch followed by a conversion? For that we need numbers,
# and an interval beside each.

# %%
ends = ct.funnels.last_touch_rates(journeys)
ct.show(ends, name="last_touches", kinds={"low": "share", "high": "share"})

# %% tags=["hide-input"]
ct.say(
    "The highest rate is that of {best[last_touch]}, {best[rate]:.1%}, with an interval that begins at {best[low]:.1%}. The lowest is that of "
    "{rest[last_touch]}, {rest[rate]:.1%}, with an interval that ends at {rest[high]:.1%}.", best=ends.iloc[0], rest=ends.iloc[-1],
)

# %% [markdown]
# Where two intervals overlap, the order of the two channels could be chance. And even where they do not, a rate does not
# say what the channel *did*. Somebody who types the address of the shop may have made up their mind long before.
#
# This map supports decisions about handover: if many people come in by one channel and return by another, the two
# should know of each other, show the same offer, and not be judged apart. How to share the credit between them is the
# question of lesson 07.
#
# ## A story on the whiteboard has a share, and it can be counted
#
# Back to the owner's story. Its middle step, the form, is no marketing channel, so it is on no path yet. We set the
# sign-ups between the touches, as if they were touches, and build the journeys again.
#
# The tempting test is to look for the three ingredients anywhere on the journey. The stricter one asks for them in
# the order of the story, with anything else allowed in between. It walks along the path once, and ticks off a step when it
# meets it.

# %%
story = [found_by, signs_up_by, returns_by]
followed = ct.funnels.follow_story(touches, events, conversions, story, lookback_days)
bought = followed[followed["converted"]]

# %% tags=["hide-input"]
ct.say(
    "All three ingredients are on {all:,.0f} of the {n:,.0f} journeys to the goal. In the order of the story they are on {ordered:,.0f}, which is "
    "{share:.1%}. And the story has another ending: {open:,.0f} more journeys follow it and have not reached the goal.",
    all=bought["has_all"].sum(), n=bought["path"].size, ordered=bought["in_order"].sum(), share=bought["in_order"].mean(),
    open=followed["in_order"].sum() - bought["in_order"].sum(),
)

# %% [markdown]
# Whoever met the same three things in another order has another story. Should the owner wipe hers off the whiteboard? Not
# quite. A flow that you designed is worth a place on the map, because you can change its parts: the ad, the form, the
# message. It should stand there with its share beside it, which tells how much of the budget may hang on one story.
#
# ## A funnel gives another number for every way of counting
#
# A path says by which channels people came. A funnel says how far they got. Its layers are often called awareness,
# interest, decision and action. For a shop each has its events: a session starts, an item is looked at, something goes into the
# cart, the checkout begins, and at the end there is the purchase. Steps that the data does not know are left out. Reaching a
# layer is a small conversion by itself, and the rate from one layer to the next says whether that part of the funnel works.
#
# The tempting way to count is by session, since sessions are what a report lists first.

# %%
wanted = [name.strip() for name in steps.split(",")]
layers = ct.funnels.steps_there(events, wanted)
by_session = ct.funnels.count_funnel(events, layers, by="session")
ct.plots.funnel(by_session, what="sessions")

# %% [markdown]
# The rate at the bottom is true of sessions. Taken as a statement about people it is wrong, because it fails everybody who
# goes home to think and comes back. Each of their visits but the last counts as a loss.
#
# So we count visitors instead. A step now counts once for each visitor who reached it, in this visit or in a later one,
# as long as the steps come in order.

# %%
by_visitor = ct.funnels.count_funnel(events, layers, by="visitor")
ct.show(by_visitor.drop(columns="drop_off"), name="funnel_by_visitor")

# %% tags=["hide-input"]
ct.say(
    "By session {session:.1%} go all the way, and by visitor {visitor:.1%}. The events are the same. Neither number is a mistake; a rate that "
    "does not say *of whom* is one.", session=by_session["rate_from_start"].iloc[-1], visitor=by_visitor["rate_from_start"].iloc[-1],
)

# %% [markdown]
# A second choice hides behind a switch in many products: *closed* or *open*. A closed funnel counts
# people at a step only if they did all the steps before it. An open funnel counts them wherever they come in. Suppose
# that somebody adds the form to the funnel as a step, because it stands on the whiteboard, and leaves the switch at closed.

# %%
form = signs_up_by.split(",")[:1]
detour = ct.funnels.steps_there(events, layers[:2] + form + layers[2:])
closed = ct.funnels.count_funnel(events, detour, by="visitor")
opened = ct.funnels.count_funnel(events, detour, by="visitor", closed=False)

# %% tags=["hide-input"]
ct.say("In the closed funnel {closed:,.0f} visitors reach the last step, and in the open one {open:,.0f}.",
       closed=closed["count"].iloc[-1], open=opened["count"].iloc[-1])

# %% [markdown]
# Whoever is in the second number only has left out a step on the way, or taken it later. That is no fault of theirs: nobody
# has to fill in a form in order to buy. A closed funnel with a step that people may skip reports its own design as a loss.
#
# ## Not everybody who comes in is ready to buy
#
# Where do people enter the funnel? Compare how far visitors got on their very first visit with how far they got in
# the end.

# %%
first = sessions.drop_duplicates("visitor_id")[["visitor_id", "session_id"]]
early = ct.funnels.count_funnel(first.merge(events), layers)
depth = early[["step"]].assign(first_visit=early["count"], in_the_end=by_visitor["count"])
ct.show(depth.assign(stay_here=depth["in_the_end"].diff(-1)), name="depth")

# %% tags=["hide-input"]
rest = {name: goal for name, goal in shop.goals.items() if name != shop.main_goal}
others = ct.find_conversions(events, rest or ct.Gap("The study has no other goal.", "Define a smaller one in study.yaml."))
both = others.merge(conversions, on="visitor_id", suffixes=("", "_main"))
before = both[both["conversion_time"] < both["conversion_time_main"]]["visitor_id"].nunique()
ct.say(
    "On their first visit {look:.0%} of the visitors stay at the top layer. The others go deeper at once, so people do not all begin at the starting "
    "line. And of the visitors who went all the way, {now:.0%} did so on the first visit. The rest needed more than one.",
    look=early["drop_off"].iloc[0], now=(early["count"] / by_visitor["count"]).iloc[-1],
)
ct.say(
    "Conversions happen on several layers. Of the people who reached the goal {goal}, {share:.0%} had reached another goal of the study before.",
    goal=shop.main_goal, share=before / (conversions["visitor_id"].nunique() or ct.Gap("Nobody has reached the goal.")),
)

# %% [markdown]
# The last column says how many visitors stand on each layer and have not gone on. They are leads, and each layer calls
# for another nudge to the next. Somebody who only looked around wants a reason to look closer; an item that was viewed
# can be shown again; a full cart can be remembered in a message, if there is permission to write. The size of the group
# tells you which nudge to build first, and a test, as in lesson 09, whether it works.
#
# ## The page where most people leave need not be the page that drives them away
#
# So far we know how far people get, and not where on the site they turn round. For that we need pages: those on which
# sessions begin, and those on which they end.

# %%
pages = ct.funnels.landing_and_exit(events)
ct.show(pages.head(top), name="landing_pages", rows=20, caption="Where people enter")

# %% tags=["hide-input"]
doors, enough = pages["entries"], 100
ranking = pages.assign(exit_rate=pages["exit_rate"].where(pages["views"] >= enough)).sort_values("exit_rate", ascending=False, kind="stable")
ct.say(
    "People enter on {doors:,.0f} different pages, and {share:.0%} of them on {first}. Each is a front door. Was it built as one?",
    doors=(doors > 0).sum(), share=doors.iloc[0] / doors.sum(), first=pages["page"].iloc[0].removeprefix("https://"),
)
ct.say(
    "For the leavers it is tempting to sort by exit rate, exits per view, and to repair the page on top. Among the pages with at least "
    "{enough} views that is {page}, where {rate:.0%} of the views are the last of the session.",
    enough=enough, page=ranking["page"].iloc[0].removeprefix("https://"), rate=ranking["exit_rate"].iloc[0],
)

# %% [markdown]
# Look at what kind of page that is before you repair it. A page that says thank you has a high exit rate because the
# visit has done its work. The question is where sessions end that did *not* convert.

# %%
left = ct.funnels.drop_off_pages(events, conversions)
ct.show(left.head(top), name="drop_off_pages", rows=20, caption="Exits without conversion")

# %% tags=["hide-input"]
most = left.merge(pages, on="page").iloc[0]
ct.say(
    "The first row is {page}, with {most[share]:.0%} of these exits. It also had {most[views]:,.0f} views. Popular pages collect exits as "
    "they collect everything else, and a visit that ends there may have ended for reasons that lie elsewhere.",
    page=most["page"].removeprefix("https://"), most=most,
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
step = str(layers[-2])
reached = events[events["event_name"] == step][["visitor_id", "session_id"]]
checkouts = sessions.merge(reached.drop_duplicates())

# %% tags=["hide-input"]
checkouts = layers and (ct.Gap("No session has the last step but one.") if checkouts.empty else checkouts)

# %%
by_country = ct.metrics.segment_rates(checkouts, conversions, "country")
by_country = by_country.sort_values("rate", ignore_index=True, kind="stable")
ct.show(by_country, name="checkout_by_country", kinds={"low": "share", "high": "share"})

# %% tags=["hide-input"]
ct.say(
    "The lowest rate is that of {low[country]}: only {low[rate]:.0%} went through. Before anybody rebuilds the checkout for that country, look at "
    "the number of sessions, {low[sessions]:,.0f}, and at the interval, {low[low]:.0%} to {low[high]:.0%}. The rate of all together is {all:.0%}.",
    low=by_country.dropna(subset="country").iloc[0], all=by_country["converting_sessions"].sum() / by_country["sessions"].sum(),
)

# %% [markdown]
# If the rate of all lies inside the interval, a perfectly ordinary country could have produced this row. If it lies outside,
# the row deserves a second look, on new data. Some row always comes last, and it tends to be a small one, because small
# numbers swing widest.
#
# A division that you chose for a reason *before* you looked is another matter. Here is one: forms are harder to fill in
# on a small screen.

# %%
by_device = ct.metrics.segment_rates(checkouts, conversions, "device")
by_device = by_device.rename(columns={"rate": "completion_rate"})
ct.plots.bars(by_device, x="device", y="completion_rate", low="low", high="high")

# %% tags=["hide-input"]
pair = by_device.dropna(subset="device").nlargest(2, "sessions").sort_values("completion_rate", kind="stable")
pair = ct.Gap("There are not two devices to compare.") if pair["device"].size == 1 else pair
worse, better = pair.iloc[0], pair.iloc[-1]
ct.say(
    "Take the two with the most sessions. On {a[device]} {a[completion_rate]:.0%} of {a[sessions]:,.0f} go through, with an interval that ends at "
    "{a[high]:.0%}. On {b[device]} {b[completion_rate]:.0%} of {b[sessions]:,.0f} do, with one that begins at {b[low]:.0%}. If {a[device]} did as "
    "well as {b[device]}, there would be about {more:,.0f} more conversions in the same time.",
    a=worse, b=better, more=worse["sessions"] * (better["completion_rate"] - worse["completion_rate"]),
)

# %% [markdown]
# Where the two intervals lie clear of each other, people get stuck at the lower one, and it is a good place to mend first.
# Where they overlap, there is no case yet. And take the last number as a hope and not as a forecast, since the people on the
# two devices differ in other ways too.
#
# ## Time to convert comes out too short
#
# The last map has no places on it, only time. How long is it from the first touch to the conversion? The answer decides
# how long to wait before you call a campaign a failure, and when a reminder comes too early.

# %%
times = ct.funnels.time_to_convert(journeys)
ct.plots.lag(times)

# %% [markdown]
# It is tempting to write the day by which half have converted into the plan. But we chose that answer ourselves, at least
# in part, when we chose the lookback window: a first touch that lies before the window cannot be seen. Try a window of
# one week on the same conversions.

# %%
narrow = ct.build_journeys(touches, conversions, lookback_days=7)
narrow_times = ct.funnels.time_to_convert(narrow)

# %% tags=["hide-input"]
ct.say(
    "With a window of {wide:,.0f} days half of the conversions come within {x:.1f} days of the first touch, and with one of a week within {y:.1f}.",
    wide=lookback_days, x=ct.funnels.lag_quantiles(times)["days"].iloc[0], y=ct.funnels.lag_quantiles(narrow_times)["days"].iloc[0],
)

# %% [markdown]
# A narrower window can only make the customers look more decided. And there is a cut that is less visible. Only people
# who *have* converted are in the figure. Whoever came last week and will buy next month is missing, and the slow ones are
# missing most. Statisticians call this right-censoring: the observation ends before the event.
#
# The remedy is to start from everybody, and to follow them. Each row below holds the visitors first seen in one week,
# and the share who had converted one week later, two weeks later and so on. A cell stays empty until all of the row
# have had that much time. The first row also holds people who knew the shop before the data begin.

# %%
followed_up = ct.metrics.cohorts(sessions, conversions, shop.time_zone)
weeks = {f"week_{k}": "share" for k in range(1, 7)}
ct.show(followed_up.iloc[:4, :8], name="cohorts", kinds=weeks)

# %% tags=["hide-input"]
shares = followed_up.iloc[0, 2:].dropna()
ct.say(
    "Of the {n:,.0f} visitors in the first row, {early:.1%} had converted within one week, and {late:.1%} within {k:,.0f} weeks. A report that "
    "closes after seven days files the difference under lost.",
    n=followed_up["visitors"].iloc[0], early=shares.iloc[0], late=shares.iloc[-1], k=shares.size,
)

# %% [markdown]
# ## A path is what tracking saw, and nothing else
#
# Every map in this lesson was drawn from touches, and a touch is what somebody decided to record. Count the ads that were
# shown and the messages that arrived as well, and see what becomes of the paths.

# %%
kinds = ("view", "click", "visit", "open", "delivery")
everything = ct.find_touches(events, kinds)
wider = ct.build_journeys(everything, conversions, lookback_days)

# %% tags=["hide-input"]
silent = everything["interaction"].isin(["view", "open", "delivery"]).sum() == 0
wider = ct.Gap("The data does not set apart what was only seen.", "Map a column to `interaction` in study.yaml.") if silent else wider
pairs = wider.merge(journeys[journeys["converted"]], on="journey_id", suffixes=("_wider", ""))
known = pairs[pairs["path"].map(len) > 0]
ct.say(
    "The average path to the goal grows from {a:.1f} touches to {b:.1f}, and {share:.0%} of the journeys now begin with another channel. The same "
    "people bought the same things at the same hour. If views are no touches, whoever was first moved by one seems to have come by themselves.",
    a=known["path"].map(len).mean(), b=known["path_wider"].map(len).mean(), share=(known["path"].str[0] != known["path_wider"].str[0]).mean(),
)
ids, paid = conversions["transaction_id"].dropna(), shop.orders[shop.orders["status"] != "test"]
on_map = ct.Gap("No conversion carries an order number to look up in the books.") if ids.empty else paid["transaction_id"].isin(ids)
ct.say(
    "Some journeys are not on the map at all. Of {n:,.0f} orders in the books, {missing:,.0f} have no journey, because tracking never saw them.",
    n=on_map.count(), missing=on_map.count() - on_map.sum(),
)

# %% [markdown]
# Other parts of a journey leave no row anywhere. Somebody looks on the telephone and buys on the laptop, and turns into two
# visitors, one of whom never converts. A friend recommends the shop over lunch, and the result is called Direct.
#
# And where a path *was* seen, it is no cause. Long journeys may well convert more often than short ones, and yet it would be
# wrong to chase everybody until they have been back often enough. People who want something come back for it, and people
# who want something buy it. The visits are a sign of the wish, and not its cause.
#
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
