# ---
# jupyter:
#   convtrack:
#     minutes: 40
#     needs: {events.channel: which channel each touch came from, events.session_id: visits to the site}
#     uses:
#       assignments: arms that lose visitors
#       events.value: cost of a larger holdout
#       spend: cost of a larger holdout
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions to lesson 09: a larger holdout, a lucky one, a broken one, five looks and a hundred springs
#
# Each solution begins with the answer that most people give first.

# %% tags=["parameters"]
study: str = "../../data/larkspur/study.yaml"  # the study file: where the data is
channel: str = "Retargeting"  # the channel whose effect is in question
experiment: str = "retargeting_holdout"  # its experiment in the table `assignments`
treated: str = "ads"  # the arm that got the channel
control: str = "no_ads"  # the arm that did not
planned: float = 0.85  # 0.01 to 0.99; share of visitors that were to be treated
lift: float = 0.1  # 0.01 to 1; the lift that is really there, in what is simulated
margin: float = 0.45  # 0.01 to 1; share of revenue that is left to pay for advertising
seed: int = 9  # 0 to 1000000; where all random draws begin

# %%
import numpy as np
import pandas as pd
from scipy.stats import binom
import convtrack as ct

shop = ct.open_study(study)
conversions = ct.find_conversions(shop.events, shop.goal)
visitors = ct.sessionize(shop.events)["visitor_id"].drop_duplicates()
base = visitors.isin(conversions["visitor_id"]).mean()
arms = shop.assignments
arms = arms[(arms["experiment"] == experiment) & arms["arm"].isin([treated, control])]

# %% [markdown]
# ## One: a larger holdout cannot tell whether the channel pays, but it can test the agency
#
# *The owner would hold back half of the visitors next quarter, if that settles something. Which lift would such a holdout
# find? And what does it cost, if the agency is right and last click is the truth?*
#
# The tempting answer is that a control arm more than three times as large finds a lift less than a third as large. But
# the other arm shrinks, and precision grows only with the root of the crowd.

# %%
as_it_was = ct.experiments.detectable_lift(base, len(visitors), share=planned)
half = ct.experiments.detectable_lift(base, len(visitors), share=0.5)

# %% tags=["hide-input"]
ct.say(
    "Half and half finds a lift of {half:.0%}, where {planned:.0%} treated found {was:.0%}. That is {less:.0%} less, and "
    "it is far from the lift at which the channel pays for itself.",
    half=half.lift, was=as_it_was.lift, less=1 - half.lift / as_it_was.lift, planned=planned,
)

# %% [markdown]
# Now the cost. If last click were the truth, each treated visitor would bring what last click credits, and each visitor
# who is held back would fail to bring it. What is not spent on showing advertisements is saved.

# %%
credit = ct.compare(ct.journeys_of(shop), ["last_touch"]).table
mine = credit[credit["channel"] == channel][["conversions", "value"]].sum()
spent = shop.spend[shop.spend["channel"] == channel]["cost"].sum()
held_back = 0.5 / planned
lost = held_back * (mine["value"] * margin - spent)

# %%
in_arm = arms[arms["arm"] == treated].merge(conversions, on="visitor_id")
claimed = mine["conversions"] / (in_arm["visitor_id"].count() - mine["conversions"])
chance = ct.experiments.find_power(base, claimed, len(visitors))

# %% tags=["hide-input"]
ct.say(
    "By last click {credited:,.0f} conversions hang on those who were treated. Holding back half of all visitors would "
    "forgo {fewer:,.0f} of them, and {currency} {lost:,.0f} of profit. But look at what the agency claims: that many "
    "conversions are a lift of {claimed:.0%}, and a holdout of half the visitors sees that with a chance of "
    "{chance:.0%}. So the money buys an answer to the claim, though not to the question of what the channel earns. And "
    "if the claim is wrong, the money was never there to be lost.",
    credited=mine["conversions"], fewer=held_back * mine["conversions"], currency=shop.currency, lost=lost,
    claimed=claimed, chance=chance,
)

# %% [markdown]
# ## Two: the small tests that find something exaggerate it
#
# *Suppose that retargeting truly raises conversions by a tenth. Simulate a thousand holdouts of the shop's size and
# split. How many find an effect? How large is the lift that those report, on average?*
#
# The tempting answer to the last question is a tenth. On average over *all* tests that is so. But nobody reports all
# tests.

# %%
rng = np.random.default_rng(seed)
of, of_control = round(planned * len(visitors)), round((1 - planned) * len(visitors))
won = binom.ppf(rng.random(1000), of, base * (1 + lift))
won_control = binom.ppf(rng.random(1000), of_control, base)
tests = ct.experiments.rate_effects(won, of, won_control, of_control)
found = tests[tests["p_value"] < 0.05]

# %% tags=["hide-input"]
ct.say(
    "Over all tests the mean lift is {all:.0%}, close to the truth. Only {share:.0%} of them find an effect, and those "
    "report {mean:.0%} on average, {times:.1f} times the truth. Among these {n:,} discoveries, those with the wrong sign "
    "number {wrong:,}. A test that is too small is not only likely to miss. When it hits, it hits too high, because only "
    "exaggerated results get over the bar.",
    all=tests["lift"].mean(), share=len(found) / len(tests), mean=found["lift"].abs().mean(),
    times=found["lift"].abs().mean() / lift,
    n=len(found), wrong=(found["lift"] < 0).sum(),
)

# %% [markdown]
# This is called the winner's curse. When somebody shows you a splendid lift, ask how large the test was, and how many
# others there were.
#
# ## Three: a few lost visitors are worth more than the effect
#
# *A redirect is slow in the control arm, and one in ten of its visitors who do not buy leaves before being counted. What
# does that do to the lift? Does the sample ratio notice?*
#
# The tempting answer is that it does nothing, since those who left would not have bought. But they stood in the
# denominator.

# %%
plan = {treated: planned, control: 1 - planned}
without = arms[~arms["visitor_id"].isin(conversions["visitor_id"])]
losable = without[without["arm"] == control]

# %%
rows = []
for loss in (0.0, 0.02, 0.05, 0.1):
    gone = losable.sample(frac=loss, random_state=np.random.default_rng(seed)).index
    effect = ct.experiments.holdout_lift(
        arms.drop(gone), conversions, experiment, plan, treated, control)
    row, check = effect.table.iloc[0], effect.checks[0]
    rows.append([loss, row["lift"], row["lift_low"], row["lift_high"], check.status])
broken = pd.DataFrame(rows, columns=["lost_share", "lift", "low", "high", "sample_ratio"])
ct.show(broken, name="lost_visitors", kinds=dict.fromkeys(["lift", "low", "high"], "share"))

# %% tags=["hide-input"]
noticed = broken.loc[broken["sample_ratio"] == "failed", "lost_share"]
ct.say(
    "With one in ten lost, the lift goes from {before:.1%} to {after:.1%}. The fewer are counted who did not buy, the "
    "better the arm looks. {noticed}",
    before=broken["lift"].iloc[0], after=broken["lift"].iloc[-1],
    noticed="The sample ratio does not notice, for the experiment is too small." if noticed.empty else
            f"The sample ratio fails from a loss of {noticed.min():.0%} on. A smaller one passes unnoticed, and moves the "
            f"lift all the same.",
)

# %% [markdown]
# Do not repair it by throwing away as many visitors of the other arm. Nobody knows which. Find the redirect, and start
# again.
#
# ## Four: five looks cost almost no power, and save some of the visitors
#
# *A test was planned so that it finds a lift with the usual power, and the lift is there. Look five times by O'Brien and
# Fleming's bounds instead of once. How often do you still find it, and how many visitors do you save?*
#
# Two answers are tempting. One says that stricter bounds must cost a good part of the power. The other says that whoever
# may stop early saves most of the visitors.

# %%
needed = ct.experiments.visitors_needed(base, lift)
step = needed.visitors // 10  # a fifth of an arm
rng = np.random.default_rng(seed)
chance, chance_other = rng.random((2, 2000, 5))
one = binom.ppf(chance, step, base * (1 + lift)).cumsum(axis=1)
other = binom.ppf(chance_other, step, base).cumsum(axis=1)
seen = np.tile(step * np.arange(1, 6), (2000, 1))

# %%
effects = ct.experiments.rate_effects(
    one.ravel(), seen.ravel(), other.ravel(), seen.ravel())
p = effects["p_value"].to_numpy().reshape(2000, 5)
crossed = p < ct.experiments.stopping_bounds(5)["p_value"].to_numpy()
stop = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 4)

# %% tags=["hide-input"]
lifts = effects["lift"].to_numpy().reshape(2000, 5)
early = crossed.any(axis=1) & (stop < 4)
ct.say(
    "Looked at once, {once:.0%} of the tests find it. Looked at five times, {five:.0%} do, so the bounds cost almost "
    "nothing. On average the tests stop after {used:.0%} of the {n:,} visitors. Those that stopped early report a lift "
    "of {early:.1%}, where {lift:.0%} is true: a little of the winner's curse, which is the price of stopping at a good "
    "moment.",
    once=(p[:, -1] < 0.05).mean(), five=crossed.any(axis=1).mean(), used=(stop + 1).mean() / 5, n=needed.visitors,
    early=lifts[np.arange(2000), stop][early].mean(), lift=lift,
)

# %% [markdown]
# ## Five: chance keeps its promise, and the manager does not
#
# *One draw of towns may be luck. Make the twenty towns anew a hundred times. How often does the interval hold the truth if
# chance chooses the towns, and how often if the manager does? How often does the placebo warn?*
#
# The tempting answer is that with enough repetitions the manager's mistakes average out. They do not, because they all
# point the same way.

# %%
days = pd.date_range("2026-01-05", periods=84, name="date")
towns = np.array([f"Town {letter}" for letter in "ABCDEFGHIJKLMNOPQRST"])
start, true_lift = days[56], 0.12

def test_in(chosen, before, usual, rng):
    after = rng.poisson(usual * (1 + true_lift * chosen))
    wide = pd.DataFrame(np.vstack([before, after]), days, pd.Index(towns, name="geo"))
    panel = wide.stack().rename("outcome").reset_index()
    return ct.experiments.geo_lift(panel, towns[chosen], start)

# %%
rows, rng = [], np.random.default_rng(seed)
for spring in range(100):
    size, growth = rng.lognormal(4.5, 0.7, 20), rng.normal(0.4, 0.2, 20)
    usual = size * (1 + growth * np.linspace(0, 1, 84)[:, None])
    before = rng.poisson(usual[:56])
    grown = before[28:].sum(axis=0) / before[:28].sum(axis=0)
    for who, order in [("chance", rng.permutation(20)), ("manager", np.argsort(-grown))]:
        effect = test_in(np.isin(np.arange(20), order[:8]), before, usual[56:], rng)
        row, check = effect.table.iloc[0], effect.checks[0]
        holds = row["lift_low"] <= true_lift <= row["lift_high"]
        rows.append([who, row["lift"], holds, check.status == "failed"])

# %%
names = ["chosen_by", "mean_lift", "holds_truth", "placebo_failed"]
springs = pd.DataFrame(rows, columns=names)
springs = springs.groupby("chosen_by").mean()
ct.show(springs, name="springs", kinds=dict.fromkeys(springs.columns, "share"),
        caption="Over a hundred springs")

# %% tags=["hide-input"]
by_chance, by_manager = springs.loc["chance"], springs.loc["manager"]
ct.say(
    "When chance chooses, the mean lift is {fair:.1%}, the truth is {truth:.0%}, and the interval holds it in {held:.0%} "
    "of the springs. When the manager chooses, the mean lift is {unfair:.1%}, and the interval holds the truth in "
    "{lost:.0%}. The placebo warns in {warned:.0%} of the manager's springs, and for nothing in {alarm:.0%} of those of "
    "chance. Averaging many wrong answers gives one wrong answer with a narrow interval.",
    fair=by_chance["mean_lift"], truth=true_lift, held=by_chance["holds_truth"], unfair=by_manager["mean_lift"],
    lost=by_manager["holds_truth"], warned=by_manager["placebo_failed"], alarm=by_chance["placebo_failed"],
)
