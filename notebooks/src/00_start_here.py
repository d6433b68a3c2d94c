# ---
# jupyter:
#   convtrack:
#     minutes: 30
#     needs: {events.event_name: any goal}
#     uses:
#       events.channel: which channel a conversion came from
#       events.interaction: example of the mailing
#       spend: cost of a purchase
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A conversion is something that you wanted people to do, and that they did
#
# *Lesson 00 · about 30 minutes · before step 1*
#
# When you have worked through this lesson, you will be able to
#
# - say what a conversion is, and give one small and one large example;
# - explain how a conversion is tracked, and point at the row that it leaves behind;
# - follow three businesses, a shop, a subscription and a wholesale desk, from a question to a number;
# - find your way through the rest of the course.
#
# You need nothing but curiosity and a web browser. If you have never seen Python, read the sentences before and after
# each piece of code, and let the code be.

# %% tags=["parameters"]
study: str = "../data/larkspur/study.yaml"  # the study file, which says where the data is

# %% [markdown]
# ## Somebody asked, and somebody acted
#
# You send a mailing to your readers. In it is a link to the special offer of the month. What would make you say that the mailing
# worked? Not that it was sent. Not even that it was read. You wanted people to follow the link, and every reader who does is a
# conversion. That is the whole idea: **a conversion is an action that you asked for, taken**.
#
# Larkspur sells tea online, and this course follows its data through one quarter. Here is how its mailings did.

# %%
import convtrack as ct

shop = ct.open_study(study)
sent = ct.find_touches(shop.events, ("delivery", "click"))
mail = sent[sent["channel"] == "Email"]

# %% tags=["hide-input"]
count = mail["interaction"].value_counts()
ct.say(
    "The shop delivered {sent:,} e-mails, and {clicks:,} visits followed a link in one of them. If the link is the goal, the conversion rate "
    "of the mailings is {rate:.1%}.",
    sent=int(count["delivery"]) if "delivery" in count else ct.Gap("This data records no deliveries of e-mails."),
    clicks=int(count["click"]) if "click" in count else ct.Gap("This data records no clicks in e-mails."),
    rate=count["click"] / count["delivery"] if {"click", "delivery"} <= set(count.index) else ct.Gap("There is no click rate to compute."),
)

# %% [markdown]
# Was that a success? It depends on what the mailing was for. Had it been sent to sell tea, following a link would be one step on the
# way, and the conversion would be the sale. The same click is a goal in one campaign and a detail in the next.
#
# So conversions come in all sizes. Somebody arriving on a page can be one, if bringing people there was the aim. A sale is
# one, and a signed contract is a very large one. People often call the small ones *micro conversions* and the large ones *macro
# conversions*. The words matter less than the habit of saying which one you mean.

# %%
conversions = ct.find_conversions(shop.events, shop.goals)
worth = conversions.groupby("goal")["value"]
sizes = worth.agg(conversions="size", average_value="mean").reset_index()
sizes = sizes.sort_values("conversions", ascending=False, ignore_index=True, kind="stable")
ct.show(sizes, name="conversions", rows=20)

# %% tags=["hide-input"]
ordered = sizes.sort_values("conversions", kind="stable")
ct.say(
    "These are the actions that this shop asked for. The most frequent one, {often}, happened {many:,} times. The rarest, "
    "{rare}, happened {few:,} times. Where the last column is empty, the action brings no money by itself, which does not mean that it "
    "is worth nothing.",
    often=ordered["goal"].iloc[-1], many=int(ordered["conversions"].iloc[-1]), rare=ordered["goal"].iloc[0],
    few=int(ordered["conversions"].iloc[0]),
)

# %% [markdown]
# ## Conversions stand on every layer of the funnel
#
# Step back from the single action. Marketers picture the way to a sale as a funnel: many people notice a shop, fewer look around, fewer
# still put something in the basket, and a few pay. Each layer has its own small conversion, the action that carries
# somebody to the next one.
#
# Not everyone enters at the top. Some people arrive with their minds made up, some land in the middle, and some are only beginning to
# wonder whether they like oolong. Those last ones are not lost. They need a reason to come back, such as a newsletter, and a good
# deal of marketing consists of such gentle pushes from one layer to the next.

# %%
last_step = shop.goals[shop.main_goal].event
steps = ["session_start", "view_item", "add_to_cart", "begin_checkout", last_step]
steps = ct.funnels.steps_there(shop.events, steps)
funnel = ct.funnels.count_funnel(shop.events, steps, by="visitor")
ct.plots.funnel(funnel, what="visitors")

# %% tags=["hide-input"]
ct.say(
    "Of every hundred visitors on the first layer, {buy:.1f} reach the last. The largest loss lies after {worst}, where {lost:.0%} of the people "
    "do not go on. A conversion rate tells you whether a layer does its work, and a funnel of them tells you which one does not.",
    buy=100 * funnel["rate_from_start"].iloc[-1], lost=funnel["drop_off"].max(), worst=funnel["step"].iloc[funnel["drop_off"].argmax()],
)

# %% [markdown]
# ## Tracking means that an action leaves a row behind
#
# How does anybody know? Three small devices do most of the work.
#
# A **tracking code** is a piece of script in the page. When somebody puts tea in the basket, it sends a message: this
# happened, at this time, on this page. A **pixel** is the same message sent in a simpler way. The page asks a server for an
# invisible image, and the request itself carries the news. That is why a pixel also works in an e-mail, where scripts do not run. A
# **cookie** is a note that the browser keeps, with a number on it. It is the reason why the message today and the message
# next week can be put down to the same visitor.
#
# Every message becomes a row in a table of events. Here are the rows of one visitor on the way to a conversion.

# %%
someone = shop.conversions_of(shop.main_goal)["visitor_id"].iloc[0]
rows = shop.events[shop.events["visitor_id"] == someone]
rows = rows.sort_values("event_time", ignore_index=True, kind="stable")
columns = ["event_time", "event_name", "channel", "page_url", "value"]
ct.show(rows.filter(columns).head(20), name="one_visitor", rows=20)

# %% tags=["hide-input"]
ct.say(
    "Read it from top to bottom and it becomes a story, with a beginning, an end, and {n:,} rows between. There is no name in it, only a number from a cookie. "
    "Should the visitor delete the cookie, or pick up the phone instead of the laptop, a second number appears, and for the table that is "
    "a second person. Remember this when a report speaks of visitors.",
    n=len(rows),
)

# %% [markdown]
# Advertising platforms, newsletter tools and social networks bring tracking of their own. Each counts in its own way. One mailing
# tool, for example, books an order to an e-mail if it was opened in the five days before, and to a text message within one day. Those were its
# defaults for accounts from before October 2024. None of this is wrong. But it means that "conversions" in two tools are two
# different things, and lesson 08 is about nothing else.
#
# ## Three businesses, three questions
#
# Why go to this trouble? Because without conversions, all you know about advertising is what it costs. With them you can see
# what came back, put the money where it does something, and correct what does not work. Three examples show the pattern. We find them all at
# Larkspur, which is three businesses under one roof.
#
# **A shop asks: which advertisements lead to purchases?** The pixel on the thank-you page knows about the purchase, and the tag in
# the advertisement's link knows where the visitor came from. We join the two. For now we credit the last channel that brought the
# buyer to the shop, except for typing the address.

# %%
touches = ct.find_touches(shop.events, shop.touches)

def credit_of(goal):
    journeys = ct.build_journeys(touches, shop.conversions_of(goal), shop.lookback_days)
    return ct.compare(journeys, ["last_non_direct"])

bought = credit_of(shop.main_goal)
ct.plots.bars(bought.table, unit="conversions")

# %%
bill = ct.metrics.ad_metrics(shop.spend, bought.table)
paid = bill.dropna(subset="cost")[["channel", "cost", "conversions", "cpa"]]
paid = paid.sort_values("cpa", ignore_index=True, kind="stable")
ct.show(paid, name="cost_per_acquisition", rows=20)

# %% tags=["hide-input"]
ct.say(
    "The last column is the cost of one conversion. By this reckoning {cheap} pays {currency} {low:,.2f} for one, and {dear} "
    "{high:,.2f}. It would be easy to move the money now. Lesson 07 shows how much of that table is the channel, and how much is the "
    "rule by which we credited it.",
    cheap=paid["channel"].iloc[0], low=paid["cpa"].iloc[0], dear=paid["channel"].iloc[paid["cpa"].argmax()], high=paid["cpa"].max(),
    currency=shop.currency,
)

# %% [markdown]
# **A subscription business asks: which channel brings most new customers?** A company that sells software by the month lives on sign-ups, and
# tracks where each came from. Larkspur's tea subscription is the same business with another product.

# %%
signed_up = credit_of("subscription")
ct.show(signed_up.wide(), name="subscriptions", rows=20)

# %% tags=["hide-input"]
sign_ups = signed_up.wide()["last_non_direct"]
purchases = bought.wide()["last_non_direct"]
ct.say(
    "{first} brings most subscribers, {n:,.0f} of {all:,.0f}. The channel that brings most conversions of the main goal is {main}. Whether "
    "those are the same is worth knowing before one budget serves both.",
    first=sign_ups.index[0], n=sign_ups.iloc[0], all=sign_ups.sum(), main=purchases.index[0],
)

# %% [markdown]
# **A wholesale desk asks: which tactic brings leads?** Cafés and hotels do not click on "buy". They fill in a form, or they call, and somebody
# talks to them. The form reports itself. The call has to be written down, with the number of the visitor who made it.

# %%
forms, calls = credit_of("lead_form"), credit_of("phone_call")
ct.show(forms.wide(), name="forms", rows=20)

# %% tags=["hide-input"]
ct.say(
    "There are {forms:,.0f} forms and {calls:,.0f} calls in the quarter. Few, next to the purchases. One signed contract, though, is worth as much as "
    "{times:,.0f} average purchases, so the desk's few rows may be the most valuable in the whole table.",
    forms=forms.conversions, calls=calls.conversions,
    times=shop.conversions_of("wholesale_contract")["value"].mean() / shop.conversions_of(shop.main_goal)["value"].mean(),
)

# %% [markdown]
# ## The course goes in seven steps, and one that people forget
#
# | lesson | step | the question it answers |
# |---|---|---|
# | 00 Start here | | What is a conversion? |
# | 01 Define goals | 1 | What do we count, and what is it worth? |
# | 02 Map conversion flows | 2 | Which ways lead there, and where do people leave? |
# | 03 Choose metrics | 3 | Which number answers which question? |
# | 04 Enable tracking | 4 | How does a click become a row? *(in preparation)* |
# | 05 Test tracking | the forgotten one | Does the tracking count what we think it counts? *(in preparation)* |
# | 06 Gather and analyse | 5 and 6 | Which channels, segments and weeks differ, beyond chance? |
# | 07 Compare attribution models | 6 | Which channel gets the credit, and who decided that? |
# | 08 Reconcile platforms | 6 | Why do two tools report two totals? *(in preparation)* |
# | 09 Test incrementality | 7 | What did advertising cause? *(in preparation)* |
# | 10 Optimise | 7 | What should we do differently? *(in preparation)* |
# | 11 The study | | Which attribution model can you trust, and when? *(in preparation)* |
# | 12 Your own data | | What does all this say about your business? *(in preparation)* |
#
# Every lesson runs on your own export as well as on the shop's, with one command, which the README shows. Where your data lacks something, the
# lesson says so and goes on.
#
# ## Words you will meet
#
# **Analytics** is the practice of collecting such rows and reading them, and also the name of the tools for it. An **attribution model** is a
# rule that shares out the credit for a conversion among the channels that came before it. A **channel** is a way by which people
# reach you, such as search or e-mail. The **click-through rate** is the share of views of an advertisement that led to a
# click. The **conversion rate** is the share of people, visits or clicks that converted; which of the three has to be said. A
# **journey** is all that tracking saw of one visitor before a conversion. A **lookback window** is how long before the conversion a touch
# still counts. The **return on investment** is what came back, less what it cost, divided by what it cost. A **session** is one
# visit, which ends after 30 minutes of silence. A **touchpoint**, or touch, is a moment at which a visitor met one of your channels.
#
# ## You can now
#
# - say what a conversion is, with one small and one large example;
# - explain how a conversion is tracked, and point at the row that it leaves behind;
# - follow a shop, a subscription and a wholesale desk from a question to a number;
# - find your way through the rest of the course.
#
# ## Exercises
#
# **One.** Choose a campaign that you have seen this week. Write down the action it asked for, and the next larger action it may
# have hoped for. Then do the same for Larkspur's newsletter: what share of its readers went on to the main goal, and in what order?
#
# **Two.** Find the visitor with the most rows who never converted. How many visits were that? Is it a person?
#
# **Three.** Change the funnel so that it counts sessions and not visitors. Which of the two has the higher rate at the end, and why
# must it be so?
#
# Worked solutions are in `exercises/00_start_here_solutions.ipynb`.
#
# ## Further reading
#
# Google's documentation of GA4's recommended events lists the names that this course uses for what visitors do. Klaviyo's
# help pages on conversion tracking describe the windows mentioned above. The next lesson turns wishes into goals.
