# ---
# jupyter:
#   convtrack:
#     minutes: 20
#     needs: {events.event_name: steps of the funnel}
#     uses:
#       events.channel: paths
#       events.page_url: landing pages
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to lesson 02: people come by many paths
#
# Try the exercises first. Each solution begins with an answer that is easy to arrive at and wrong, because seeing
# why it tempts teaches more than the right number does.

# %% tags=["parameters"]
study: str = "../../data/larkspur/study.yaml"  # the study file: where the data is
cart: str = "add_to_cart"  # the event that fills a cart
bought: str = "purchase"  # the event that empties it
forms: str = "newsletter_opt_in,sms_opt_in"  # events; what gives permission to write
found_by: str = "Organic Search"  # the channel that the story begins with
back_by: str = "Direct"  # the channel that it goes on with
lookback_days: int = 30  # 1 to 90; how long before a conversion a touch still counts

# %%
import convtrack as ct

shop = ct.open_study(study)
staff = shop.events.filter(["is_test"]).eq(True).any(axis=1)
events = ct.assign_sessions(shop.events[~staff])
conversions = ct.find_conversions(events, shop.goal)
sessions = ct.sessionize(events)

# %% [markdown]
# ## One: full carts are left by people, not by sessions
#
# *How many visitors put something into the cart and have not bought since?*
#
# The tempting answer is a subtraction in the funnel by session: those with a cart, less those with a purchase.

# %%
by_session = ct.funnels.count_funnel(events, [cart, bought])

# %% tags=["hide-input"]
subtracted = by_session["count"].iloc[0] - by_session["count"].iloc[-1]
ct.say("That gives {n:,.0f} carts left behind.", n=subtracted)

# %% [markdown]
# It tempts because both numbers stand in the same figure. But a message goes to a person. Somebody who filled three carts
# on three evenings would get it three times, and somebody who left a cart on Monday and paid on Tuesday would get
# it too. So we ask each visitor two questions: when was the last cart, and was there a purchase after it?

# %%
last = events.groupby(["visitor_id", "event_name"])["event_time"].max().unstack()

# %% tags=["hide-input"]
last = last if {cart, bought} <= set(last.columns) else ct.Gap(f"There is no event {cart}, or no {bought}.")

# %%
waiting = last[last[cart].notna() & ~(last[bought] >= last[cart])]
permits = [name.strip() for name in forms.split(",")]
allowed = waiting.filter(permits).notna().any(axis=1)

# %% tags=["hide-input"]
count = waiting[cart].size
by_visitor = ct.funnels.count_funnel(events, [cart, bought], by="visitor")
layer = by_visitor["count"].iloc[0] - by_visitor["count"].iloc[-1]
if not events["event_name"].isin(permits).any():
    allowed = ct.Gap("No event here gives permission to write.", "Set the parameter forms to one that does.")
ct.say(
    "{n:,.0f} visitors are waiting with a cart, which is {share:.0%} of the first answer. If you found {wrong:,.0f}, you counted "
    "sessions; the question is per visitor. If you found {layer:,.0f}, you took the difference of two layers in the funnel by visitor, "
    "and customers who bought once and have filled another cart since are missing.",
    n=count, share=count / subtracted, wrong=subtracted, layer=layer,
)
ct.say(
    "And of those, {allowed:,.0f} have filled in a form that gives permission to write, or {share:.0%}. This is the number that the "
    "owner needs before she orders the message.",
    allowed=allowed.sum(), share=allowed.mean(),
)

# %% [markdown]
# The number is still generous. Carts of the last hours are in it, and their owners may be on the way to the
# checkout.
#
# ## Two: the landing page with the best rate may only have the best visitors
#
# *Which landing page should a new campaign lead to?*
#
# The tempting answer is the page behind the most conversions. It is the first row when you sort by them.

# %%
pages = sessions["landing_page"].astype("str").str.removeprefix("https://")
landed = sessions.assign(landing_page=pages).dropna(subset="landing_page")
doors = ct.metrics.segment_rates(landed, conversions, "landing_page")
doors = doors.sort_values("converting_sessions", ascending=False, kind="stable")

# %% tags=["hide-input"]
most = doors.iloc[0]
place = (doors["rate"] > most["rate"]).sum() + 1
ct.say(
    "The page with the most conversions is {page}, with {n:,.0f}. It also has {sessions:,.0f} sessions. By rate it comes in place "
    "{place:,.0f} of {all:,.0f}: a page can lead the list by being the door that most people use.",
    page=most["landing_page"], n=most["converting_sessions"], sessions=most["sessions"], place=place,
    all=doors["landing_page"].size,
)

# %% [markdown]
# The rate is the better measure, and it needs its interval, because some doors are narrow.

# %%
doors = doors.rename(columns={"rate": "conversion_rate"})
ct.plots.bars(doors, x="landing_page", y="conversion_rate", low="low", high="high", top=10)

# %% tags=["hide-input"]
overall = doors["converting_sessions"].sum() / doors["sessions"].sum()
above, below = (doors["low"] > overall).sum(), (doors["high"] < overall).sum()
best = doors.sort_values("conversion_rate", ascending=False, kind="stable").iloc[0]
ct.say(
    "All together {overall:.1%} of the sessions convert. {above:,.0f} of the pages lie above that with their whole interval, "
    "{below:,.0f} below it, and for the other {rest:,.0f} the data does not say. Only the first two groups are worth a bet.",
    overall=overall, above=above, below=below, rest=doors["low"].size - above - below,
)
ct.say(
    "The best rate belongs to {page}, {rate:.1%} with an interval from {low:.1%} to {high:.1%}. Before you send a campaign there, "
    "ask who lands on it now.",
    page=best["landing_page"], rate=best["conversion_rate"], low=best["low"], high=best["high"],
)

# %% [markdown]
# This is where the right way fails. A page such as a basket is reached by people who have filled one, so its rate belongs to
# them and would not come along to strangers. Only a test that sends the same people to two pages at random compares the
# pages, and nothing else. Lesson 09 does that.
#
# ## Three: the same two channels in another order are another story
#
# *Found by one channel, came back by another, bought: how many journeys contain it in that order?*
#
# The tempting answer asks whether both channels are on the path. For the order, it is enough to look at what comes after
# the first time that the story's beginning occurs. And "found by" can be meant more strictly still: that channel has to be
# the very first touch.

# %%
touches = ct.find_touches(events, shop.touches)
story = [found_by, back_by]
followed = ct.funnels.follow_story(touches, events, conversions, story, lookback_days)
won = followed[followed["converted"]]
strict = won["in_order"] & (won["path"].str[0] == found_by)

# %% tags=["hide-input"]
ct.say(
    "Both channels, {found} and {back}, are on {both:,.0f} of {total:,.0f} journeys to the goal. In the order of the story they are on "
    "{ordered:,.0f}, and with the first of them as the very first touch on {strict:,.0f}, or {share:.1%}.",
    found=found_by, back=back_by, both=won["has_all"].sum(), total=won["path"].size, ordered=won["in_order"].sum(),
    strict=strict.sum(), share=strict.mean(),
)

# %% [markdown]
# The first number tempts because it is the largest and the quickest to compute. But "found by" is a claim about order,
# and the set of channels has forgotten the order. The last number is the one that matches the sentence on the
# whiteboard. If you put the middle one there, write the sentence that goes with it: "at some time by the one, later by the
# other".
#
# None of the three says that the first channel made anybody come back. For that, somebody would have to stay away from it.
