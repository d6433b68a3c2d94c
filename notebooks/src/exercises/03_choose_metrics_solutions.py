# ---
# jupyter:
#   convtrack:
#     minutes: 20
#     needs: {events.event_name: any goal}
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to lesson 03: a line to clear, a rule to name, and a fair comparison
#
# Each answer begins with the mistake that most people make first. If you made it, compare the numbers: a mistake that you
# recognise by its value will not catch you twice.

# %% tags=["parameters"]
study: str = "../../data/larkspur/study.yaml"  # the study file: where the data is
margin: float = 0.45  # 0.01 to 1; share of revenue that is left to pay for advertising
other_model: str = "linear"  # one of: linear, first_touch, position_based, time_decay
interest: str = "add_to_cart"  # the event that shows that somebody thinks of buying

# %%
import numpy as np
import convtrack as ct

shop = ct.open_study(study)
events = ct.assign_sessions(shop.events)
sessions = ct.sessionize(events)
conversions = ct.find_conversions(events, shop.goal)
journeys = ct.build_journeys(
    ct.find_touches(events, shop.touches), conversions, shop.lookback_days
)

# %% [markdown]
# ## One: a third less margin calls for half as much return again
#
# *The supplier raises prices, and the margin falls by a third. Which ROAS does a channel need now, and which channels that paid
# for themselves no longer do? Do not forget that the model decides too.*
#
# The tempting answer reasons that a third less margin calls for a third more return.

# %%
new_margin = margin * 2 / 3
tempting = 1 / margin * 4 / 3
needed = 1 / new_margin

# %% tags=["hide-input"]
ct.say(
    "That gives a ROAS of {tempting:.2f}. At this ROAS a pound of advertising earns {back:.2f} of margin, so it still loses money. The right "
    "answer is one divided by the new margin, {needed:.2f}. Dividing by two thirds is multiplying by one and a half.",
    tempting=tempting, back=tempting * new_margin, needed=needed,
)

# %% [markdown]
# Now the channels, by both models. A channel that no longer pays has a ROAS between the old line and the new one.

# %%
credit = ct.compare(journeys, ["last_touch", other_model]).table
if conversions["value"].isna().all():
    credit = credit.assign(value=np.nan)  # a value that nobody knows is not a value of zero
last = ct.metrics.ad_metrics(shop.spend, credit[credit["model"] == "last_touch"]).set_index(
    "channel"
)
other = ct.metrics.ad_metrics(shop.spend, credit[credit["model"] == other_model]).set_index(
    "channel"
)

# %%
returns = (
    last[["roas"]]
    .rename(columns={"roas": "last_touch"})
    .join(other["roas"].rename(other_model))
    .dropna()
)
ct.show(returns, name="returns_by_model", rows=20)

# %%
pays = returns >= needed
fell = (returns >= 1 / margin) & ~pays
ct.show(fell, name="no_longer_pays", rows=20)

# %% tags=["hide-input"]
ct.say(
    "Of {n} channels, {fell_last} fall below the line by last touch and {fell_other} by {model}. Channels that clear the new line by both "
    "models: {both}. By one of the two only: {one}. If a channel pays by one model and not by the other, you do not know that it pays.",
    fell_last=fell["last_touch"].sum(), fell_other=fell[other_model].sum(), n=returns["last_touch"].count(),
    model=other_model.replace("_", " "), both=pays.all(axis=1).sum(), one=(pays.sum(axis=1) == 1).sum(),
)

# %% [markdown]
# ## Two: a rule about paths cannot be applied to totals
#
# *A stricter rule says that a channel assists a conversion only if it does not close it as well. Count the assists by that rule.
# Which channel loses most, and does any of them change from preparing to closing?*
#
# The tempting answer subtracts the closed conversions from the assisted ones, in the table that we have.

# %%
assists = ct.metrics.assisted_conversions(journeys).set_index("channel")
tempting = assists["assisted"] - assists["last"]

# %% tags=["hide-input"]
ct.say(
    "For {channel} that leaves {left:,.0f}. The subtraction takes away every conversion that the channel closed, also those in which it was "
    "there only at the end and never assisted. It can even go below zero.",
    channel=tempting.idxmin(), left=tempting.min(),
)

# %% [markdown]
# The counts do not say which conversions they share, so we have to go back to the paths. A strict assist is a channel that is on
# the path, and is not the last touch.

# %%
won = journeys[journeys["converted"] & (journeys["path"].map(len) > 0)]
strict = (
    won["path"].map(lambda path: sorted(set(path) - {path[-1]})).explode().value_counts()
)
table = assists[["assisted", "last"]].assign(strict=strict).fillna(0)
table = table.assign(lost=table["assisted"] - table["strict"])
ct.show(table, name="strict_assists", rows=20)

# %%
loser = table["lost"].idxmax()
changed = (table["assisted"] > table["last"]) & (table["strict"] <= table["last"])

# %% tags=["hide-input"]
ct.say(
    "{loser} loses most, {lost:,.0f} of {assisted:,.0f} assists: people who came by it came by it again, and bought. Channels that seemed to "
    "prepare more than they close, and no longer do: {changed} of {n}. Both rules are in use. The number is worth nothing without the rule.",
    loser=loser, lost=table.loc[loser]["lost"], assisted=table.loc[loser]["assisted"], changed=changed.sum(), n=table["last"].count(),
)

# %% [markdown]
# ## Three: what one side goes through, the other has to go through as well
#
# *Go a step further with the best channel. Compare its sessions only with sessions of people who had put something into their
# basket on an earlier visit. What is left of the lead, and what does that prove?*
#
# We begin as in the lesson, with the channel whose interval lies highest.

# %%
rates = ct.metrics.segment_rates(sessions, conversions, "channel").set_index("channel")
if events["channel"].isna().all():
    rates = ct.find_touches(events)  # a named gap
best = rates["low"].idxmax()
average = ct.metrics.rate(rates["converting_sessions"].sum(), rates["sessions"].sum())

# %% [markdown]
# Then we keep the sessions that began after the visitor's first basket.

# %%
basket = events[events["event_name"] == interest].groupby("visitor_id")["event_time"].min()
later = sessions[sessions["start_time"] > sessions["visitor_id"].map(basket)]
warm = ct.metrics.segment_rates(later, conversions, "channel").set_index("channel")
warm_average = ct.metrics.rate(warm["converting_sessions"].sum(), warm["sessions"].sum())
warm_best = warm["rate"].get(
    best, ct.Gap("The best channel has no session after an earlier basket.")
)

# %% [markdown]
# The tempting answer puts the channel's sessions through the sieve, and forgets to do so with the others.

# %% tags=["hide-input"]
lead, one_sided, fair = rates["rate"].get(best, best) / average.value, warm_best / average.value, warm_best / warm_average.value
ct.say(
    "{best}'s sessions after an earlier basket convert {one_sided:.2f} times as often as the average of all sessions, where the lead was "
    "{lead:.2f} without the sieve. The tempting conclusion is that the channel is at its best with people who had a basket.",
    best=best, one_sided=one_sided, lead=lead,
)

# %% tags=["hide-input"]
ct.say(
    "Now put all channels through it. Their sessions after an earlier basket convert at {warm:.2%}, where all sessions together convert at "
    "{average:.2%}. Held against those, the factor is {fair:.2f}. {verdict}",
    warm=warm_average.value, average=average.value, fair=fair,
    verdict="So the company that the channel keeps accounts for part of its lead." if fair < lead
    else "So earlier baskets do not explain the lead.",
)

# %% tags=["hide-input"]
ct.say(
    "And the rest? {best}'s rate after a basket rests on {n:,.0f} sessions, and its interval runs from {low:.2%} to {high:.2%}.",
    best=best, n=warm["sessions"].get(best, np.nan), low=warm["low"].get(best, np.nan), high=warm["high"].get(best, np.nan),
)

# %% [markdown]
# It proves nothing about the rest. Each sieve removes a difference that we can see, and each leaves those that we cannot: a
# person with a birthday to shop for looks in the data like any other. A lead that shrinks with every sieve is a warning, and a lead
# that stays is a question. The answer to it is in lesson 09.
