# %% [markdown]
# (ch-code-tasks)=
# # Code at the whiteboard
#
# Interviewers rarely ask for a whole agent. They ask for ten lines, and then for the case that those ten lines forgot: a tie, the end of an episode, a customer type with no data. These
# twelve tasks are such lines. Each has starting code that runs, with a mistake that people make under pressure; `check` finds out, and gives you a hint instead of the answer.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to write twelve pieces of code that interviews ask for, from memory
#   - to look for the edge case before somebody else does
#   - to say what each piece costs, and what comes next
#
# You need
# : Python and NumPy. Each task names the chapter or derivation that explains it.
#
# Time
# : 25 minutes to read, 5 seconds to run.
# ::::

# %% tags=["remove-cell"]
# On Google Colab this cell fetches the project and installs it; anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess

    home, url = "/content/book", "https://github.com/crm-rl/q-tables-to-dqn"
    if not os.path.isdir(home):
        subprocess.run(["git", "clone", "--depth=1", url, home], check=True)
        pip = [sys.executable, "-m", "pip"]
        subprocess.run([*pip, "install", "-q", "-e", home], check=True)
    sys.path.insert(0, home)
    os.chdir(home + "/notebooks")

# %% [markdown]
# How to practise: open this page as a notebook, set a clock to the minutes of the task, talk while you write, and run `check` when you think that you are done, not earlier. Name an edge case aloud before
# the check does. All twelve together take an hour and a half.

# %%
import numpy as np

# %% tags=["remove-cell"]
import textwrap
import warnings

CHECKS = {}


def task(function):
    """Keep a function as the check of the task that it is named after."""
    CHECKS[function.__name__.removeprefix("check_")] = function
    return function


def check(attempt) -> str:
    """Try a reader's function or class, and hint at what is wrong."""
    try:
        with warnings.catch_warnings(action="ignore"):
            hint = CHECKS[attempt.__name__](attempt) or "Right."
    except Exception as error:
        hint = f"It stops with {type(error).__name__}: {error}"
    return textwrap.fill(hint, 80)

# %% [markdown]
# ## 1. Epsilon-greedy with ties
#
# ::::{exercise} ★ 5 minutes
# :label: ex-code-greedy
#
# Return an action: with probability `epsilon` any of them, all equally likely, otherwise one with the highest value. At the start of training all values are 0, so ties are the
# normal case, and breaking them by position means that the first action is tried most. ([Chapter 4](04_q_learning.ipynb))
# ::::


# %% tags=["remove-cell"]
@task
def check_epsilon_greedy(epsilon_greedy):
    rng, values = np.random.default_rng(0), np.array([1.0, 2.0, 2.0])
    share = np.bincount([epsilon_greedy(values, 0.3, rng) for _ in range(6000)], minlength=3) / 6000
    if share[0] == 0:
        return "With epsilon 0.3 it never took the worst action. Does it explore?"
    if min(share[1:]) < 0.2:
        return "Two actions share the highest value, but one of them gets nearly all. Draw among the best."
    if abs(share[0] - 0.1) > 0.02:
        return f"With epsilon 0.3 the worst of three actions came in {share[0]:.0%} of all tries. 10% are right."
    if not np.allclose(share[1:], 0.45, atol=0.03):
        return "The two best actions should come equally often."


# %%
def epsilon_greedy(values, epsilon, rng):
    """Return the number of an action; values has one entry for each."""
    return values.argmax()  # your turn


print(check(epsilon_greedy))

# %% [markdown]
# :::{solution-start} ex-code-greedy
# :class: dropdown
# :::


# %%
def epsilon_greedy(values, epsilon, rng):
    if rng.random() < epsilon:
        return rng.integers(len(values))
    return rng.choice(np.flatnonzero(values == values.max()))


print(check(epsilon_greedy))

# %% [markdown]
# Asked next: with values that come from a network, exact ties hardly occur; then only the exploration matters. A single greedy action has the probability $1 - \varepsilon + \varepsilon / n$, not $1 - \varepsilon$; each of $m$ tied ones has $(1 - \varepsilon) / m + \varepsilon / n$.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 2. A replay ring buffer
#
# ::::{exercise} ★★ 5 minutes
# :label: ex-code-buffer
#
# A buffer keeps the last `capacity` rows, of `width` numbers each, in one array and never grows. When it is full, the next row overwrites the oldest. `sample` draws rows with replacement, and only rows that
# were written; from an empty buffer it raises a `ValueError` that says so. ([Chapter 6](06_dqn.ipynb))
# ::::


# %% tags=["remove-cell"]
@task
def check_ReplayBuffer(ReplayBuffer):
    buffer, rng = ReplayBuffer(3, 1), np.random.default_rng(0)
    try:
        buffer.sample(2, rng)
        empty = "nothing"
    except ValueError as error:
        empty = "" if "empty" in str(error).lower() else f'a ValueError, "{error}"'
    except Exception as error:
        empty = f"{type(error).__name__}"
    buffer.add([1.0])
    drawn = buffer.sample(50, rng)
    if np.shape(drawn) != (50, 1):
        return f"sample(50, rng) has the shape {np.shape(drawn)}; (50, 1) is right here."
    if (drawn == 0).any():
        return "After one row, sample also returns rows that nobody wrote."
    for number in range(2, 6):
        buffer.add([float(number)])
    held = sorted(set(buffer.sample(200, rng)[:, 0].tolist()))
    if held == [1, 2, 3]:
        return "After five rows it holds the first three. Overwrite the oldest instead of refusing the new."
    if held != [3, 4, 5]:
        return f"After rows 1 to 5, a buffer of three holds {held}; 3, 4 and 5 are right."
    if empty:
        return f"Sampling from an empty buffer raises {empty}. Raise a ValueError that says that it is empty."
    wide = ReplayBuffer(2, 3)
    wide.add([1.0, 2.0, 3.0])
    if np.shape(wide.sample(4, rng)) != (4, 3):
        return "With width 3 a row has three numbers, and four rows have the shape (4, 3)."


# %%
class ReplayBuffer:
    def __init__(self, capacity, width):
        self.rows = np.zeros((capacity, width))
        self.added = 0

    def add(self, row):
        if self.added < len(self.rows):  # your turn: and when it is full?
            self.rows[self.added] = row
        self.added += 1

    def sample(self, size, rng):
        """Return an array of shape (size, width)."""
        return self.rows[rng.integers(len(self.rows), size=size)]  # your turn


print(check(ReplayBuffer))

# %% [markdown]
# :::{solution-start} ex-code-buffer
# :class: dropdown
# :::


# %%
class ReplayBuffer:
    def __init__(self, capacity, width):
        self.rows = np.zeros((capacity, width))
        self.added = 0

    def add(self, row):
        self.rows[self.added % len(self.rows)] = row
        self.added += 1

    def sample(self, size, rng):
        filled = min(self.added, len(self.rows))
        if filled == 0:
            raise ValueError("the buffer is empty: add a row before sampling")
        return self.rows[rng.integers(filled, size=size)]


print(check(ReplayBuffer))

# %% [markdown]
# Asked next: both methods take a time that does not depend on the capacity, and the memory is allocated once. A list with `pop(0)` would move all rows at each step.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 3. The n-step return
#
# ::::{exercise} ★★ 8 minutes
# :label: ex-code-nstep
#
# An episode has the rewards `rewards[0]`, `rewards[1]`, ...; `values[k]` estimates the state in which reward `k` was earned. Return the {term}`n-step return` from step `t`: the next `n` rewards, discounted, and then the
# discounted value of the state reached. If the episode ends before, there is no such value.
# ::::


# %% tags=["remove-cell"]
@task
def check_n_step_return(n_step_return):
    rewards, values = [1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]

    def ask(t, n):
        return n_step_return(rewards, values, t, n, 0.5)

    if not np.isclose(ask(0, 1), 11):
        return f"From step 0 with n = 1 it is 1 + 0.5 x 20 = 11, not {ask(0, 1):g}."
    if np.isclose(ask(0, 2), 11):
        return "n = 2 gives the same as n = 1."
    if np.isclose(ask(0, 2), 17):
        return "The value at the end must be discounted by gamma to the power n."
    if not np.isclose(ask(0, 2), 9.5):
        return f"From step 0 with n = 2 it is 1 + 0.5 x 2 + 0.25 x 30 = 9.5, not {ask(0, 2):g}."
    try:
        last, far = ask(3, 1), ask(1, 10)
    except IndexError:
        return "It fails at the end of the episode, after which there is neither reward nor value."
    if not np.isclose(last, 4):
        return f"The last step earns 4 and ends the episode: the return is 4, not {last:g}."
    if not np.isclose(far, 4.5):
        return f"From step 1 with n = 10 it is 2 + 0.5 x 3 + 0.25 x 4 = 4.5, not {far:g}."


# %%
def n_step_return(rewards, values, t, n, gamma):
    """Return one number; the episode ends after the last reward."""
    return rewards[t] + gamma * values[t + 1]  # your turn: this is n = 1


print(check(n_step_return))

# %% [markdown]
# :::{solution-start} ex-code-nstep
# :class: dropdown
# :::


# %%
def n_step_return(rewards, values, t, n, gamma):
    end = min(t + n, len(rewards))
    total = sum(gamma ** (k - t) * rewards[k] for k in range(t, end))
    if end < len(rewards):
        total += gamma**n * values[end]
    return total


print(check(n_step_return))

# %% [markdown]
# Asked next: a larger $n$ trusts the estimates less and varies more. Off-policy, the rewards in between belong to the behaviour, so Q-learning with $n > 1$ needs a correction or a small $n$. And if the episode was only *cut* by a time limit, the value of the last state does belong there, so `values` needs one entry more than `rewards`.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 4. Value iteration
#
# ::::{exercise} ★★ 10 minutes
# :label: ex-code-values
#
# Given `p[s, a, s']` and `r[s, a]`, return the best values and a greedy policy. The values must be within `tolerance` of the exact ones, which is not the same as "the last sweep changed less than `tolerance`". ([Derivation 1](14_derivations.ipynb))
# ::::


# %% tags=["remove-cell"]
@task
def check_value_iteration(value_iteration):
    p = np.zeros((2, 2, 2))
    p[0, 0, 0] = p[0, 1, 1] = 1  # in state 0: stay, or go to state 1
    p[1, :, 1] = 1
    v, policy = value_iteration(p, np.array([[1.0, 0.0], [2.0, 2.0]]), 0.9, 0.1)
    exact, told = np.array([18, 20]), np.round(v, 2)
    if np.allclose(v, [1, 2]):
        return "These are the values after one sweep. Repeat it."
    if np.isclose(v[0], 10, atol=0.5):
        return "State 0 is worth more than staying for ever, 10. Does the maximum see the next state?"
    if np.abs(v - exact).max() > 1.5:
        return f"The values are {told}; 18 and 20 are right."
    if np.abs(v - exact).max() > 0.1:
        return f"{told} is more than 0.1 from 18 and 20: how far can v be off if the last change was small?"
    if policy[0] != 1:
        return "The values are right, but the policy stays in state 0."


# %%
def value_iteration(p, r, gamma, tolerance):
    """Return v and the policy, both with shape (states,).

    gamma must be below 1, and tolerance above 0.
    """
    v = np.zeros(len(r))
    q = r + gamma * p @ v  # your turn: once is not enough
    return q.max(axis=1), q.argmax(axis=1)


print(check(value_iteration))

# %% [markdown]
# :::{solution-start} ex-code-values
# :class: dropdown
# :::


# %%
def value_iteration(p, r, gamma, tolerance):
    v = np.zeros(len(r))
    while True:
        q = r + gamma * p @ v
        change = np.abs(q.max(axis=1) - v).max()
        v = q.max(axis=1)
        if gamma * change <= tolerance * (1 - gamma):
            return v, q.argmax(axis=1)


print(check(value_iteration))

# %% [markdown]
# Asked next: a sweep costs states² × actions with a dense `p`, which is the state-space explosion in one formula. If $\gamma$ is 1 and there is a horizon, go backwards once instead.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 5. The Wilson interval
#
# ::::{exercise} ★ 5 minutes
# :label: ex-code-wilson
#
# Return the 95% {term}`Wilson interval` of a rate. With $\hat p = s / n$ its centre is $(\hat p + z^2 / 2n) / (1 + z^2 / n)$, and it reaches $\frac{z}{1 + z^2 / n} \sqrt{\hat p (1 - \hat p) / n + z^2 / 4 n^2}$ to either side. The code below has the textbook interval,
# which fails when successes are rare. No trials say nothing: return 0 and 1. Rounding must not lead out of [0, 1].
# ::::


# %% tags=["remove-cell"]
@task
def check_wilson(wilson):
    low, high = wilson(0, 10)
    if low == high:
        return "0 successes in 10 gives an interval without width. Are you sure that the rate is exactly 0?"
    if not np.allclose([low, high], [0, 0.2775], atol=5e-4):
        return f"0 of 10 gives {low:.3f} to {high:.3f}; 0 to 0.278 is right."
    low, high = wilson(3, 10)
    if not np.allclose([low, high], [0.1078, 0.6032], atol=5e-4):
        return f"3 of 10 gives {low:.3f} to {high:.3f}; 0.108 to 0.603 is right."
    if not np.allclose(wilson(0, 0), [0, 1]):
        return "Without trials every rate is possible: from 0 to 1."
    if min(wilson(0, n)[0] for n in range(1, 200)) < 0 or max(wilson(n, n)[1] for n in range(1, 200)) > 1:
        return "For some numbers of trials, rounding leads a little below 0 or above 1. Cut it off."


# %%
def wilson(successes, trials, z=1.96):
    share = successes / trials
    half = z * np.sqrt(share * (1 - share) / trials)  # your turn
    return share - half, share + half


print(check(wilson))

# %% [markdown]
# :::{solution-start} ex-code-wilson
# :class: dropdown
# :::


# %%
def wilson(successes, trials, z=1.96):
    if trials == 0:
        return 0.0, 1.0
    share, extra = successes / trials, z**2 / trials
    centre = (share + extra / 2) / (1 + extra)
    half = z / (1 + extra) * np.sqrt(share * (1 - share) / trials + extra / (4 * trials))
    return max(centre - half, 0.0), min(centre + half, 1.0)


print(check(wilson))

# %% [markdown]
# Asked next: it solves $|\hat p - p| \le z \sqrt{p (1 - p) / n}$ for $p$, that is, it takes the standard error at the unknown rate instead of at the estimate. No interval repairs a sample in which customers appear twice.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 6. Bootstrap of a difference
#
# ::::{exercise} ★★ 8 minutes
# :label: ex-code-bootstrap
#
# Two independent groups of customers, of different sizes, have spent `first` and `second` dollars each. Return the 95% {term}`bootstrap` interval of the mean of `first` minus the mean of `second`. (For pairs, see [chapter 7](07_fair_match.ipynb).)
# ::::


# %% tags=["remove-cell"]
@task
def check_bootstrap_difference(bootstrap_difference):
    rng = np.random.default_rng(3)
    first, second = rng.exponential(3, 60) + 1, rng.exponential(2, 40)
    low, high = bootstrap_difference(first, second, np.random.default_rng(0))
    right = 2 * 1.96 * np.sqrt(first.var() / 60 + second.var() / 40)
    ratio, difference = (high - low) / right, first.mean() - second.mean()
    if not np.allclose((low, high), bootstrap_difference(first, second, np.random.default_rng(0))):
        return "The same seed gave two intervals. Draw with the rng that is passed in."
    if ratio < 0.05:
        return "All draws are alike. Draw customers anew each time, with replacement."
    if not low < difference < high:
        return f"It misses the difference itself, {difference:.2f}. Which group comes first?"
    if ratio > 2:
        return "Far too wide: an interval of means, not of single customers, is asked for."
    if abs(ratio - 1) > 0.1:
        return f"It is {ratio:.2f} times as wide as it should be. Draw each group in its own size; ends at 2.5 and 97.5."


# %%
def bootstrap_difference(first, second, rng, draws=2000):
    """Return the interval's two ends."""
    differences = np.zeros(draws)
    for draw in range(draws):
        differences[draw] = first.mean() - second.mean()  # your turn
    return np.percentile(differences, [2.5, 97.5])


print(check(bootstrap_difference))

# %% [markdown]
# :::{solution-start} ex-code-bootstrap
# :class: dropdown
# :::


# %%
def bootstrap_difference(first, second, rng, draws=2000):
    differences = np.zeros(draws)
    for draw in range(draws):
        one = rng.choice(first, size=len(first))
        other = rng.choice(second, size=len(second))
        differences[draw] = one.mean() - other.mean()
    return np.percentile(differences, [2.5, 97.5])


print(check(bootstrap_difference))

# %% [markdown]
# Asked next: draw whatever would be drawn anew in a repetition. If customers have several orders, draw customers, not orders. With few successes or few units the percentile bootstrap is too short.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 7. Target encoding without a leak
#
# ::::{exercise} ★★★ 10 minutes
# :label: ex-code-encoding
#
# Replace each row's name by the rate of its name, seen from the *other* folds only, and smoothed: $(s + m \bar p) / (n + m)$, with the other folds' successes $s$ and trials $n$ of this name, and their overall rate $\bar p$. A name that
# the other folds never saw gets $\bar p$. ([Chapter 2](02_education_column.ipynb))
# ::::


# %% tags=["remove-cell"]
@task
def check_target_encode(target_encode):
    names = np.array(["a", "a", "a", "b", "b", "c"])
    target, fold = np.array([1, 0, 1, 0, 1, 1]), np.array([0, 1, 2, 0, 1, 2])
    codes = np.asarray(target_encode(names, target, fold, 2), dtype=float)
    flipped = target.copy()
    flipped[0] = 0
    after = np.asarray(target_encode(names, flipped, fold, 2), dtype=float)
    if codes[0] != after[0]:
        return "A leak: the first row's own target changes its code. Its fold may see only the other folds."
    if np.isnan(codes).any():
        return "nan: the other folds have never seen the name c."
    if np.isclose(codes[0], 0.5) and np.isclose(codes[1], 1):
        return "The rates are those of the other folds, but they are not smoothed."
    if not np.isclose(codes[5], 0.5):
        return f"The name c is unknown to the other folds, whose overall rate is 0.5. Its code is {codes[5]:.3f}."
    if not np.isclose(codes[0], (1 + 2 * 0.75) / 4):
        return f"The first row's code is (1 + 2 x 0.75) / (2 + 2) = 0.625, not {codes[0]:.3f}."
    if not np.allclose(codes, [0.625, 0.875, 0.5, 5 / 6, 0.5, 0.5]):
        return f"The first row is right, but not all others: {codes.round(3)}."


# %%
def target_encode(names, target, fold, m=10):
    """Return a number for each row; the arrays have one entry a row."""
    codes = np.zeros(len(names))
    for k in np.unique(fold):
        here = fold == k
        seen = np.ones(len(names), dtype=bool)  # your turn: too many
        for name in np.unique(names[here]):
            same = seen & (names == name)
            codes[here & (names == name)] = target[same].mean()  # your turn
    return codes


print(check(target_encode))

# %% [markdown]
# :::{solution-start} ex-code-encoding
# :class: dropdown
# :::


# %%
def target_encode(names, target, fold, m=10):
    codes = np.zeros(len(names))
    for k in np.unique(fold):
        here = fold == k
        overall = target[~here].mean()
        for name in np.unique(names[here]):
            same = ~here & (names == name)
            rate = (target[same].sum() + m * overall) / (same.sum() + m)
            codes[here & (names == name)] = rate
    return codes


print(check(target_encode))

# %% [markdown]
# Asked next: new customers get the rates of *all* training rows. With time in the data, "other folds" must become "earlier rows".
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 8. Inverse propensity
#
# ::::{exercise} ★ 5 minutes
# :label: ex-code-ips
#
# A log has rewards, and for each logged action its probability under the old policy (`behaviour`) and under the new one (`target`). Return two estimates of the new policy's mean reward: inverse propensity, and self-normalised. ([Derivation 6](17_derivations_policies.ipynb) and [chapter 13](13_logs.ipynb))
# ::::


# %% tags=["remove-cell"]
@task
def check_inverse_propensity(inverse_propensity):
    log = np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.5, 0.25]), np.array([1.0, 0.25, 0.5])
    ips, normalised = (float(each) for each in inverse_propensity(*log))
    if np.isclose(ips, 2 / 3):
        return "The first estimate is the plain mean of the rewards. Where are the weights?"
    if np.isclose(ips, 1 / 3):
        return "The weights are upside down: the new policy's probability is on top."
    if np.isclose(ips, 8 / 9) and np.isclose(normalised, 4 / 3):
        return "Both are right, but in the other order."
    if not np.isclose(ips, 4 / 3):
        return f"With the weights 2, 0.5 and 2 the first estimate is 4 / 3, not {ips:.3f}."
    if not np.isclose(normalised, 8 / 9):
        return f"Divide by the sum of the weights, 4.5: the second estimate is 0.889, not {normalised:.3f}."


# %%
def inverse_propensity(rewards, behaviour, target):
    """Return both estimates; the arrays have one entry a logged action."""
    return rewards.mean(), rewards.mean()  # your turn


print(check(inverse_propensity))

# %% [markdown]
# :::{solution-start} ex-code-ips
# :class: dropdown
# :::


# %%
def inverse_propensity(rewards, behaviour, target):
    weights = target / behaviour
    return (weights * rewards).mean(), (weights * rewards).sum() / weights.sum()


print(check(inverse_propensity))

# %% [markdown]
# Asked next: in the check, the first estimate is 1.33 although no reward exceeds 1. The second can't leave the range of the rewards. Print the effective sample size, $(\sum \rho)^2 / \sum \rho^2$, beside both.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 9. LinUCB
#
# ::::{exercise} ★★★ 10 minutes
# :label: ex-code-linucb
#
# One arm of LinUCB keeps $A = I + \sum x x^\top$ and $b = \sum r x$ over the contexts $x$ and rewards $r$ that it has seen. Its score in context $x$ is $\hat\theta^\top x + \alpha \sqrt{x^\top A^{-1} x}$ with $\hat\theta = A^{-1} b$: the estimate, and a bonus for what is
# not known yet {cite:p}`li2010`. ([Chapter 11](11_offers.ipynb))
# ::::


# %% tags=["remove-cell"]
@task
def check_LinUCB(LinUCB):
    arm, one, other = LinUCB(2), np.array([1.0, 0.0]), np.array([0.0, 1.0])
    if np.isclose(arm.score(one, 1.0), 0):
        return "An arm that has seen nothing scores 0, so nobody will try it. Add the bonus."
    if not np.isclose(arm.score(2 * one, 1.0), 2):
        return f"A new arm scores 2 in context (2, 0), not {arm.score(2 * one, 1.0):.2f}. Is there a root?"
    arm.update(2 * one, 3.0)  # now A is diagonal, 5 and 1, and b is (6, 0)
    if not np.isclose(arm.score(one, 0.0), 1.2):
        return f"After context (2, 0) with reward 3, the estimate in (1, 0) is 6 / 5, not {arm.score(one, 0.0):.2f}."
    if not np.isclose(arm.score(one, 1.0), 1.2 + 0.2**0.5):
        return "The estimate is right, but the bonus has not shrunk where the arm has experience."
    if not np.isclose(arm.score(other, 1.0), 1):
        return "In context (0, 1) the arm still knows nothing: its score is 1."
    slant = LinUCB(2)
    slant.update(one + other, 3.0)  # now A is 2, 1, 1, 2, and theta is (1, 1)
    if not np.isclose(slant.score(one - other, 1.0), 2**0.5):
        return "After context (1, 1) the arm knows nothing of (1, -1). Does A have what lies off its diagonal?"
    if not np.isclose(slant.score(one, 0.0), 1):
        return f"After context (1, 1) with reward 3, the estimate in (1, 0) is 1, not {slant.score(one, 0.0):.2f}."


# %%
class LinUCB:
    def __init__(self, dimensions):
        self.A, self.b = np.eye(dimensions), np.zeros(dimensions)

    def update(self, x, reward):
        self.b += reward  # your turn: A learns too

    def score(self, x, alpha):
        theta = np.linalg.solve(self.A, self.b)
        return theta @ x  # your turn: the bonus


print(check(LinUCB))

# %% [markdown]
# :::{solution-start} ex-code-linucb
# :class: dropdown
# :::


# %%
class LinUCB:
    def __init__(self, dimensions):
        self.A, self.b = np.eye(dimensions), np.zeros(dimensions)

    def update(self, x, reward):
        self.A += np.outer(x, x)
        self.b += reward * x

    def score(self, x, alpha):
        theta = np.linalg.solve(self.A, self.b)
        return theta @ x + alpha * np.sqrt(x @ np.linalg.solve(self.A, x))


print(check(LinUCB))

# %% [markdown]
# Asked next: to solve costs $d^3$; the Sherman-Morrison formula updates $A^{-1}$ itself in $d^2$. LinUCB is deterministic, so its propensities are 0 and 1, and there is no overlap; Thompson sampling draws $\theta$ instead.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 10. The double-Q target
#
# ::::{exercise} ★ 5 minutes
# :label: ex-code-double
#
# Return the targets of a batch for {term}`double DQN`: the online network chooses the next action, the target network says what it is worth. `done` is 1 where the episode has ended. ([Derivation 3](14_derivations.ipynb))
# ::::


# %% tags=["remove-cell"]
@task
def check_double_q_target(double_q_target):
    reward, done = np.array([1.0, 1.0, 1.0]), np.array([0, 0, 1])
    online, target = np.array([[5.0, 1], [1, 5], [5, 1]]), np.array([[2.0, 8], [6, 4], [2, 8]])
    got = np.asarray(double_q_target(reward, done, online, target, 0.5))
    if got.shape != (3,):
        return f"The result has the shape {got.shape}; one number for each of the three rows is right."
    if np.allclose(got[:2], [5, 4]):
        return "This is the target of plain DQN: the target network chooses and evaluates."
    if np.allclose(got[:2], [1.5, 1.5]):
        return "The roles are swapped: the online network chooses."
    if np.allclose(got[:2], [3.5, 3.5]):
        return "Here the online network also evaluates."
    if not np.allclose(got[:2], [2, 3]):
        return f"The first two targets are 1 + 0.5 x 2 = 2 and 1 + 0.5 x 4 = 3, not {got[:2]}."
    if got[2] != 1:
        return "In the third row the episode has ended, so nothing comes after the reward."


# %%
def double_q_target(reward, done, online_next, target_next, gamma):
    """Return shape (batch,); the values have shape (batch, actions)."""
    return reward + gamma * target_next.max(axis=1)  # your turn


print(check(double_q_target))

# %% [markdown]
# :::{solution-start} ex-code-double
# :class: dropdown
# :::


# %%
def double_q_target(reward, done, online_next, target_next, gamma):
    chosen = online_next.argmax(axis=1)
    following = target_next[np.arange(len(chosen)), chosen]
    return reward + gamma * (1 - done) * following


print(check(double_q_target))

# %% [markdown]
# Asked next: `done` must not be set when a time limit cut the episode. If some actions are not allowed, set their online values to minus infinity before the argmax.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 11. Softmax and PPO's clipped loss
#
# ::::{exercise} ★★ 8 minutes
# :label: ex-code-ppo
#
# Return PPO's loss for a batch, to be *minimised*: minus the mean of the clipped objective {eq}`wb-clip`. `logits` has shape (batch, actions), `old` the log-probabilities that the actions had when they were taken.
# ::::


# %% tags=["remove-cell"]
@task
def check_ppo_loss(ppo_loss):
    def ask(ratio, advantage, shift=0.0):
        logits = np.log([[0.5, 0.5]]) + shift
        old = np.log([0.5 / ratio])
        return float(ppo_loss(logits, np.array([0]), old, np.array([advantage])))

    if np.isclose(ask(1.1, 1.0), 1.1):
        return "The sign: a good action that became more likely should lower the loss."
    if not np.isclose(ask(1.1, 1.0), -1.1):
        return f"With the ratio 1.1 and the advantage 1 the loss is -1.1, not {ask(1.1, 1.0):.2f}."
    if np.isclose(ask(1.5, 1.0), -1.5):
        return "A good action is 1.5 times as likely as before, and the loss still rewards it. Clip."
    if not np.isclose(ask(1.5, 1.0), -1.2):
        return f"With the ratio 1.5 and the advantage 1 the loss is -1.2, not {ask(1.5, 1.0):.2f}."
    if not np.isclose(ask(1.5, -1.0), 1.5):
        return "A bad action became more likely, and the clip hides it. What is the minimum for?"
    if not np.isclose(ask(0.5, -1.0), 0.8):
        return "A bad action is half as likely as before, and the loss still rewards it. The clip has a lower end, too."
    if not np.isclose(ask(0.5, 1.0), -0.5):
        return f"With the ratio 0.5 and the advantage 1 the loss is -0.5, not {ask(0.5, 1.0):.2f}."
    if not np.isclose(ask(1.1, 1.0, shift=1000.0), -1.1):
        return "Logits of 1,000 overflow. The softmax does not change if you subtract the largest one."
    logits, old = np.log([[0.5, 0.5], [0.2, 0.8]]) + [[0.0], [1000.0]], np.log([0.5 / 1.1, 0.8 / 0.9])
    both = float(ppo_loss(logits, np.array([0, 1]), old, np.array([1.0, 2.0])))
    if np.isclose(both, -2.9):
        return "With two rows it adds them up. The loss is their mean."
    if not np.isclose(both, -1.45):
        return f"The mean of two rows, -1.1 and -1.8, is -1.45, not {both:.2f}. Is each row a softmax of its own?"


# %%
def ppo_loss(logits, action, old, advantage, clip=0.2):
    """Return one number; action, old and advantage have shape (batch,)."""
    likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    ratio = likely[np.arange(len(action)), action] / np.exp(old)
    return -(ratio * advantage).mean()  # your turn


print(check(ppo_loss))

# %% [markdown]
# :::{solution-start} ex-code-ppo
# :class: dropdown
# :::


# %%
def ppo_loss(logits, action, old, advantage, clip=0.2):
    logits = logits - logits.max(axis=1, keepdims=True)
    log_likely = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    ratio = np.exp(log_likely[np.arange(len(action)), action] - old)
    clipped = np.clip(ratio, 1 - clip, 1 + clip)
    return -np.minimum(ratio * advantage, clipped * advantage).mean()


print(check(ppo_loss))

# %% [markdown]
# Asked next: subtract log-probabilities and exponentiate once, instead of dividing two small numbers. Masked actions get a logit of minus infinity, in the old policy as well as in the new.
#
# :::{solution-end}
# :::

# %% [markdown]
# ## 12. Offers within a budget
#
# ::::{exercise} ★★★ 15 minutes
# :label: ex-code-budget
#
# Choose one offer for each customer, so that the total value is high, the total cost at most `budget`, and nobody gets an offer that is not `allowed`. Offer 0 is "nothing": it costs 0, is worth 0, and is always allowed; all other offers cost more than 0. Find the price at which the budget just suffices, and mind customers who are alike. ([Derivation 8](17_derivations_policies.ipynb) and [chapter 12](12_budgets.ipynb))
# ::::


# %% tags=["remove-cell"]
@task
def check_choose_within(choose_within):
    rng = np.random.default_rng(7)
    cost = np.array([0, 1.3, 2.9, 6.1])
    value = rng.gamma(2, 1, (200, 1)) * np.sqrt(cost) * rng.uniform(0.5, 1.5, (200, 4))
    allowed = rng.random((200, 4)) < 0.8
    allowed[:, 0] = True
    chosen = np.asarray(choose_within(value, cost, allowed, 250.0))
    if not allowed[range(200), chosen].all():
        return f"{(~allowed[range(200), chosen]).sum()} customers get an offer that they are not allowed."
    if cost[chosen].sum() > 250:
        return f"It spends {cost[chosen].sum():.0f} of 250. What would each offer be worth if money had a price?"
    bound = min(
        price * 250 + np.where(allowed, value - price * cost, -np.inf).max(axis=1).sum()
        for price in np.linspace(0, 4, 401)
    )
    if (share := value[range(200), chosen].sum() / bound) < 0.97:
        return f"Within the budget, but it gets only {share:.0%} of the bound. Is the price the lowest that suffices?"
    if np.any(choose_within(value, cost, allowed, 0.0)):
        return "With a budget of 0 everybody gets nothing."
    alike = np.tile([0.0, 2.0], (10, 1))
    chosen = np.asarray(choose_within(alike, np.array([0.0, 1.0]), np.ones((10, 2), dtype=bool), 5.0))
    if chosen.sum() < 5:
        return f"Ten customers are alike, and there is money for five. {chosen.sum()} get an offer. Switch one at a time."
    if chosen.sum() > 5:
        return f"Ten customers are alike, and there is money for five, but {chosen.sum()} get an offer."


# %%
def choose_within(value, cost, allowed, budget):
    """Return an offer for each customer.

    value and allowed have shape (customers, offers), cost (offers,).
    """
    return value.argmax(axis=1)  # your turn


print(check(choose_within))

# %% [markdown]
# :::{solution-start} ex-code-budget
# :class: dropdown
# :::


# %%
def choose_within(value, cost, allowed, budget):
    def choose(price):
        return np.where(allowed, value - price * cost, -np.inf).argmax(axis=1)

    low, high = 0.0, value.max() / cost[1:].min()
    rich, best = choose(low), np.zeros(len(value), dtype=int)
    for _ in range(50):
        price = (low + high) / 2
        chosen = choose(price)
        if cost[chosen].sum() > budget:
            low, rich = price, chosen
        else:
            high, best = price, chosen
    left = budget - cost[best].sum()
    rows = np.flatnonzero(rich != best)  # indifferent at this price
    extra = cost[rich[rows]] - cost[best[rows]]
    gain = value[rows, rich[rows]] - value[rows, best[rows]]
    for k in np.argsort(-gain / extra):
        if extra[k] <= left:
            best[rows[k]] = rich[rows[k]]
            left -= extra[k]
    return best


print(check(choose_within))

# %% [markdown]
# Asked next: 50 passes over customers × offers, and each pass can run on a different machine for each part of the customers, since only the spending has to be added up. The loop at the end sees only customers who are indifferent at the last price.
#
# :::{solution-end}
# :::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - State the shapes, then the edge cases, then write. Ten right lines with a named limit beat thirty clever ones.
# - The edge cases repeat: ties, an empty or a full container, the end of an episode, a group without data, a number too large for `exp`.
# - Pass the random generator in. A result that you can repeat is one that you can debug.
# - Test on an answer known by hand. Two states, three rows or one customer are enough.
# :::
