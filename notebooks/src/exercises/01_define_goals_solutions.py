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
# # Solutions to lesson 01: a rule, a worth, and a goal of your own
#
# Each solution begins with the answer that most people give first. If it is yours, you are in good company, and the
# sentences after it say what it leaves out.

# %% tags=["parameters"]
study: str = "../../data/larkspur/study.yaml"  # the study file: where the data is
seed: int = 1  # 0 to 1000000; where the random draws behind the intervals begin

# %%
import numpy as np
import convtrack as ct

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goals)

# %% [markdown]
# ## One: once per visitor, and the customers who come back disappear
#
# *The owner wants to count the main goal only once per visitor. How many conversions disappear, and how much value with
# them? Is that the right rule for a shop whose customers come back?*
#
# The tempting answer drops every visitor who appears twice. That throws the first conversion away along with the second.

# %%
bought = conversions[conversions["goal"] == shop.main_goal]
appears_twice = bought["visitor_id"].duplicated(keep=False)

# %% [markdown]
# The rule keeps the first one. So we change the goal, count again, and let the library apply the rule.

# %%
once = shop.goals[shop.main_goal].model_copy(update={"once_per": "visitor"})
kept = ct.find_conversions(shop.events, {shop.main_goal: once})
lost_value = bought["value"].sum() - kept["value"].sum()

# %% tags=["hide-input"]
ct.say(
    "{lost:,} of {all:,} conversions disappear, with {currency} {value:,.2f} of value, which is {share:.0%} of the total. The tempting "
    "answer would have dropped {twice:,}. Is the rule right? A customer who comes back has paid twice, and the tea leaves "
    "the shop twice. Once per visitor is right for a permission. It is wrong for a sale.",
    lost=len(bought) - len(kept), all=len(bought), value=lost_value, share=lost_value / bought["value"].sum(),
    currency=shop.currency, twice=int(appears_twice.sum()),
)

# %% [markdown]
# ## Two: two worths of the same contract do not add up
#
# *Estimate the worth of a phone call in the way in which we estimated the worth of a form. Then add the two. Why is the sum
# too high?*

# %%
rng = np.random.default_rng(seed)
deal = "wholesale_contract"
form = ct.metrics.step_worth(conversions, "lead_form", deal, rng).set_index("metric")
call = ct.metrics.step_worth(conversions, "phone_call", deal, rng).set_index("metric")
ct.show(call.reset_index(), name="worth_of_a_call")

# %% [markdown]
# Adding them is tempting, because both numbers are correct. To see what is wrong with the sum, multiply each worth by how often
# its step was taken, and hold the total against the contracts that were signed.

# %%
def promised(worth):
    return worth.loc["worth of a step", "value"] * worth.loc["worth of a step", "visitors"]

signed = conversions.loc[conversions["goal"] == "wholesale_contract", "value"].sum()

# %% tags=["hide-input"]
ct.say(
    "The forms promise {currency} {form:,.0f}, and the calls {call:,.0f}. Together that is {ratio:.1f} times the {signed:,.0f} that was signed. Each "
    "contract has been given away whole, once to the form and once to the call. If both steps are to carry a value, they have to share it. "
    "How to share is the question of lesson 07.",
    currency=shop.currency, form=promised(form), call=promised(call), ratio=(promised(form) + promised(call)) / signed,
    signed=signed,
)

# %% [markdown]
# ## Three: a product page is a goal, but a weak one
#
# *Write a goal of your own: a visit of at least one product page, once per session. Which event is it, of which kind, and how
# many are there? Would you make it the main goal of a campaign?*
#
# The tempting answer counts the rows of the event. One visitor who compares five teas then counts as five.

# %%
looked = ct.Goal(event="view_item", kind="site", value="none", once_per="session")
firings = ct.count_firings(shop.events, {"product_page": looked})
ct.show(firings, name="product_pages")

# %%
sessions = ct.sessionize(shop.events)
share = ct.metrics.rate(firings["counted"].iloc[0], len(sessions))

# %% tags=["hide-input"]
ct.say(
    "The event fired {fired:,} times, and {counted:,} sessions saw a product page, which is {share:.0%} of them. As the main goal of a "
    "campaign it would be easy to please: any advertisement that sends people to a product page reaches it at once, whether "
    "they want tea or not. It serves well as an early sign beside a goal that costs the visitor something. Alone, it rewards "
    "clicks.",
    fired=int(firings["fired"].iloc[0]), counted=int(firings["counted"].iloc[0]), share=share.value,
)
