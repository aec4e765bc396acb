# %% [markdown]
# (ch-whiteboard-values)=
# # At the whiteboard: values
#
# An interviewer who says "derive it" wants to see three things: that you define your symbols, that you know which assumption carries which step, and
# that you can say what breaks without it. This page practises four derivations about values; [the next one](17_derivations_policies.ipynb) has four about
# policies, logs and budgets. Each hides one step for you to find, checks the result with a few lines of NumPy, and ends with the two questions that
# usually follow.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to prove that value iteration converges, and how fast
#   - to say why Q-learning converges, and when it does not
#   - to derive maximisation bias, and what a second table changes
#   - to derive DQN's gradient, and what "semi" leaves out
#
# You need
# : [Q-learning](04_q_learning.ipynb) and [deep Q-networks](06_dqn.ipynb); paper and pencil.
#
# Time
# : 23 minutes to read, 5 seconds to run.
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
# How to practise: read the claim and what is given, close the page, and write the proof. Ten minutes each are enough. Then compare, open the hidden step, and answer
# the two questions aloud.
#
# All four share one setting. An {term}`MDP` has finitely many states $s$ and actions $a$, probabilities $p(s' \mid s, a)$, expected rewards $r(s, a)$,
# and a {term}`discount` $\gamma < 1$. For a vector of values $v$, one number a state, let $\|v\| = \max_s |v(s)|$ be its largest entry in size.

# %%
import numpy as np

# %% [markdown]
# ## 1. The Bellman operator is a contraction
#
# **Claim.** Let the operator $T$ turn values $v$ into
#
# $$
# (Tv)(s) = \max_a \Big[ r(s, a) + \gamma \sum_{s'} p(s' \mid s, a) \, v(s') \Big] .
# $$ (wb-bellman)
#
# Then $\|Tu - Tv\| \le \gamma \, \|u - v\|$ for all $u$ and $v$. So there is exactly one $v_*$ with $Tv_* = v_*$, and value iteration reaches it from
# any start: $\|T^k v - v_*\| \le \gamma^k \, \|v - v_*\|$.
#
# **Step 1: a maximum moves no further than its entries.** For any $f$ and $g$, $\; |\max_a f(a) - \max_a g(a)| \le \max_a |f(a) - g(a)|$.
#
# ::::{dropdown} Your step: prove this inequality
# :class-container: interview
#
# For each $a$ we have $f(a) \le g(a) + |f(a) - g(a)| \le \max_b g(b) + \max_b |f(b) - g(b)|$. The right-hand side does not depend on $a$, so it also bounds
# $\max_a f(a)$. This gives $\max f - \max g \le \max |f - g|$. Swap $f$ and $g$ for the other sign.
# ::::
#
# **Step 2: apply it in one state.** Take for $f$ the bracket of {eq}`wb-bellman` with $u$, and for $g$ the bracket with $v$. The rewards cancel:
#
# $$
# |(Tu)(s) - (Tv)(s)| \le \max_a \gamma \, \Big| \sum_{s'} p(s' \mid s, a) \, \big(u(s') - v(s')\big) \Big| .
# $$
#
# **Step 3: an average is no larger than the largest entry.** The probabilities are not negative and add up to 1, so the sum is at most $\|u - v\|$ in size. The bound
# $\gamma \|u - v\|$ holds in every state, hence for the norm.
#
# **Step 4: Banach's fixed-point theorem.** Vectors with this norm form a complete space, in which a contraction has exactly one fixed point, and iterating it converges there at the rate $\gamma$.
#
# **Step 5: the fixed point is the optimal value.** Let $T_\pi$ be $T$ with the action of a policy $\pi$ in place of the maximum. By the same steps it is a contraction, with fixed point $v_\pi$. Since
# $v_\pi = T_\pi v_\pi \le T v_\pi$, and $T$ keeps inequalities, $v_\pi \le T v_\pi \le T^2 v_\pi \le \dots \to v_*$: no such policy
# is worth more than $v_*$. (With an average over actions in $T_\pi$, the steps cover random policies too; for policies that remember the past see {cite:t}`puterman1994`.) The policy $\pi$ that is greedy for $v_*$ satisfies $T_\pi v_* = T v_* = v_*$, and $T_\pi$ has one fixed point only, so
# $v_\pi = v_*$: the bound is attained {cite:p}`puterman1994`.

# %%
rng = np.random.default_rng(0)
p = rng.dirichlet(np.ones(5), size=(5, 3))  # p[s, a, s']: 5 states, 3 actions
r, gamma = rng.normal(size=(5, 3)), 0.9


def T(v):
    return (r + gamma * p @ v).max(axis=1)


pairs = rng.normal(size=(1000, 2, 5))
shrunk = [np.abs(T(u) - T(v)).max() / np.abs(u - v).max() for u, v in pairs]
best, v = np.zeros(5), np.zeros(5)
for _ in range(1000):
    best = T(best)  # the fixed point, but for rounding
for _ in range(50):
    v = T(v)
error, bound = np.abs(v - best).max(), 0.9**50 * np.abs(best).max()
print(f"largest ratio in 1,000 pairs: {max(shrunk):.2f} (at most 0.90)")
print(f"error after 50 steps: {error:.3f} (at most {bound:.3f})")

# %% tags=["remove-cell"]
assert max(shrunk) <= 0.9 and error <= bound + 1e-9

# %% [markdown]
# ::::{dropdown} What follows: our funnel has γ = 1. Is everything lost?
# :class-container: interview
#
# No. With a finite {term}`horizon` the week is part of the state, and {term}`backward induction` applies the operator exactly twelve times, with nothing left to converge. Without a
# horizon, if every policy reaches the end of the episode with probability 1, $T$ is a contraction in a weighted maximum norm
# {cite:p}`bertsekas1996`. If some policy can go on for ever at no cost, uniqueness can fail.
# ::::
# ::::{dropdown} What follows: when may you stop, and how good is the greedy policy then?
# :class-container: interview
#
# If the last step changed no value by more than $\delta$, then $v_*$ is at most $\gamma \delta / (1 - \gamma)$ away, because the steps still to come form a geometric series. The greedy policy loses
# at most twice that, $2 \gamma \delta / (1 - \gamma)$ {cite:p}`puterman1994`. With $\gamma = 0.99$ the factor is 198, so "the values hardly move" is no proof of a good policy.
# ::::
#
# ## 2. Why Q-learning converges, and when not
#
# **Claim** {cite:p}`watkins1992`. Let rewards be bounded, $|R| \le R_{\max}$. At each step one entry moves:
#
# $$
# Q(s, a) \leftarrow Q(s, a) + \alpha \, \big[ R + \gamma \max_{a'} Q(S', a') - Q(s, a) \big] .
# $$ (wb-q)
#
# where $Q$ is 0 after a terminal state, and the step size is fixed before the target is seen. If every pair $(s, a)$ is updated infinitely often, and its step sizes $\alpha_1, \alpha_2, \dots \in [0, 1]$ satisfy
#
# $$
# \sum_k \alpha_k = \infty \quad \text{and} \quad \sum_k \alpha_k^2 < \infty ,
# $$ (wb-robbins)
#
# then $Q \to q_*$ with probability 1.
#
# **Step 1: split the target into a mean and noise.** Let $(HQ)(s, a) = r(s, a) + \gamma \sum_{s'} p(s' \mid s, a) \max_{a'} Q(s', a')$. Given the past and $(s, a)$, the
# target in {eq}`wb-q` has the mean $(HQ)(s, a)$, because reward and next state are drawn from the MDP. So it is $(HQ)(s, a) + W$, and the noise $W$ has mean zero. Each update is
# $Q \leftarrow Q + \alpha \, [HQ - Q + W]$: a noisy step of value iteration in one entry.
#
# **Step 2: without noise it would converge.** By derivation 1, written for $Q$, $H$ is a contraction, and its fixed point is $q_*$.
#
# **Step 3: the noise is bounded.** If no entry of the first table exceeds $R_{\max} / (1 - \gamma)$ in size, none ever does.
#
# ::::{dropdown} Your step: why can no entry grow beyond this?
# :class-container: interview
#
# Call the bound $M = R_{\max} / (1 - \gamma)$. If all entries are within it, the target is at most $R_{\max} + \gamma M = M$ in size. The new entry is
# $(1 - \alpha)$ times the old one plus $\alpha$ times the target, an average of two numbers within the bound. By induction it holds for ever, and $W$, a difference of bounded numbers, has a bounded variance.
# ::::
#
# **Step 4: what the two sums do.** Take one entry with a fixed mean target $m$, and noise of variance $\sigma^2$. Its error $e = Q - m$ follows $e_{k+1} = (1 - \alpha_k) \, e_k + \alpha_k W_k$.
#
# - The error of the start is multiplied by $\prod_k (1 - \alpha_k)$. With $\alpha_k < 1$ this goes to zero exactly if $\sum_k \alpha_k = \infty$: steps must not shrink too fast.
# - The variance follows $V_{k+1} = (1 - \alpha_k)^2 V_k + \alpha_k^2 \sigma^2$. With a constant $\alpha$ it settles where both sides agree, at $V = \alpha \sigma^2 / (2 - \alpha)$,
#   and never vanishes. If $\alpha_k \to 0$ and the first sum is infinite, it vanishes. {cite:t}`robbins1951` proved convergence in mean square; with the finite sum of squares, almost every single run converges {cite:p}`blum1954`.
#
# **Step 5: put both together.** A maximum-norm contraction, updated entry by entry with such noise and such steps, converges with probability 1. This is the theorem
# of {cite:t}`jaakkola1994` and {cite:t}`tsitsiklis1994`, and we cite it rather than prove it.
#
# The check follows step 4 with a mean of 10, a noise of $\sigma = 5$ and a start at 0:

# %%
rates = {
    "1/(k+1)": lambda k: 1 / (k + 1),
    "0.1": lambda k: 0.1,
    "1/(k+1)^2": lambda k: 1 / (k + 1) ** 2,
}
for name, rate in rates.items():
    rng = np.random.default_rng(1)
    x = np.zeros(2000)  # 2,000 runs side by side
    for k in range(1, 3001):
        x += rate(k) * (rng.normal(10, 5, size=2000) - x)
    print(f"rate {name:9}  mean {x.mean():5.2f}, standard deviation {x.std():.2f}")
print(f"predicted for 0.1: {5 * np.sqrt(0.1 / 1.9):.2f}")

# %% [markdown]
# The first rate arrives. The second hovers, as predicted. The third stops half-way: its steps add up to less than 1, and $\prod_k \big(1 - 1 / (k+1)^2\big) = 1/2$, so half of the start's error stays for ever.
#
# **When not.** A pair that is never tried has no reason to be right. A state that hides what matters breaks step 1, since the mean of the target then depends on the behaviour {cite:p}`singh1994`. And with
# {term}`function approximation` one update moves many entries, so that step 2 can fail. Take two states with the values $w$ and $2w$, all rewards zero, and update only the
# first, which leads to the second: $w \leftarrow w + \alpha \, (2 \gamma w - w)$. For $\gamma > 1/2$ the weight grows without limit, although $w = 0$ is exact (section 11.2 of {cite:t}`sutton2018`). Function approximation,
# bootstrapping and {term}`off-policy learning` together are the {term}`deadly triad`.
#
# ::::{dropdown} What follows: does ε-greedy with a fixed ε satisfy the conditions?
# :class-container: interview
#
# The one on visits, yes, if every state can be reached again and again, since then every action has at least probability $\varepsilon / |A|$ at each visit. The behaviour never becomes greedy, but
# the table converges to $q_*$ all the same, because the target takes the maximum whatever is done next. The one on step sizes has nothing to do with $\varepsilon$: a constant $\alpha$ still hovers.
# ::::
# ::::{dropdown} What follows: so is DQN guaranteed to converge?
# :class-container: interview
#
# No. It has all three parts of the triad. Guarantees exist nearby: linear TD that evaluates a policy on its own data converges {cite:p}`tsitsiklis1997`, and so does fitted iteration when the regression is itself a kind of averaging {cite:p}`gordon1995`. Replay and a target
# network make divergence rare in practice, they do not rule it out. So I judge a network against a known optimum or a simple rival, as in {numref}`fig-match-all`.
# ::::
#
# ## 3. Maximisation bias, and the second table
#
# **Claim.** Let $X_1, \dots, X_n$ estimate the values $q_1, \dots, q_n$ of $n$ actions without bias. Then $\mathbb{E}[\max_i X_i] \ge \max_i q_i$. If a second, independent set $Y_1, \dots, Y_n$ is also unbiased, and
# $A = \arg\max_i X_i$, then $\mathbb{E}[Y_A] \le \max_i q_i$ {cite:p}`hasselt2010`.
#
# **Step 1: the single estimate is too high.** For each $j$, $\max_i X_i \ge X_j$. Take means: $\mathbb{E}[\max_i X_i] \ge q_j$. This holds for every $j$, so also for the largest $q_j$. The inequality is strict
# as soon as another action comes out strictly ahead of the best one with positive probability.
#
# **Step 2: by how much.** Suppose all $q_i$ are equal, and the errors $X_i - q_i$ are normal with standard deviation $\sigma$, dependent or not. Then the bias is at most $\sigma \sqrt{2 \ln n}$.
#
# ::::{dropdown} Your step: derive this bound (hint: exponentiate, and use Jensen's inequality)
# :class-container: interview
#
# Let $Z_i = X_i - q_i$ and $\lambda > 0$. By Jensen's inequality, and because a maximum of positive numbers is at most their sum,
#
# $$
# e^{\lambda \, \mathbb{E}[\max_i Z_i]} \le \mathbb{E}\big[ e^{\lambda \max_i Z_i} \big] \le \sum_i \mathbb{E}\big[ e^{\lambda Z_i} \big] = n \, e^{\lambda^2 \sigma^2 / 2} .
# $$
#
# So $\mathbb{E}[\max_i Z_i] \le \ln(n) / \lambda + \lambda \sigma^2 / 2$. The best choice, $\lambda = \sqrt{2 \ln n} / \sigma$, gives $\sigma \sqrt{2 \ln n}$.
# ::::
#
# **Step 3: the error is handed on.** The target $R + \gamma \max_{a'} Q(S', a')$ contains such a maximum, so the estimate one step earlier inherits $\gamma$ times its bias, adds its own, and so on.
#
# **Step 4: choose with one, evaluate with the other.** $A$ depends on the $X_i$ alone, and the $Y_i$ are independent of them. So $\mathbb{E}[Y_A \mid A] = q_A$, and
#
# $$
# \mathbb{E}[Y_A] = \sum_i \Pr(A = i) \, q_i \le \max_i q_i .
# $$
#
# This is never too high on average, and too low whenever a worse action is sometimes chosen: the bias has changed its sign, not vanished.
#
# **Step 5: the algorithm.** Double Q-learning keeps two tables. At each step a coin decides which of them learns; if it is $Q_1$, the target is
# $R + \gamma \, Q_2\big(S', \arg\max_{a'} Q_1(S', a')\big)$. (The tables are not fully independent, since each is the other's target.) {term}`Double DQN <double DQN>` lets the network choose and the target network evaluate {cite:p}`vanhasselt2016`. Those two are copies, so
# step 4 holds only in part.
#
# The check has six emails, each sent to 100 customers, and 5,000 dollars for a sale:

# %%
rng = np.random.default_rng(2)
for chances in ([0.010] * 6, [0.012] + [0.010] * 5):
    half = rng.binomial(50, chances, size=(2, 100_000, 6)) / 50 * 5000
    single = half.mean(axis=0).max(axis=1)
    # distinct means are 100 apart, so a number below 1 only breaks ties
    chosen = (half[0] + rng.random(half[0].shape)).argmax(axis=1)
    double = half[1][np.arange(100_000), chosen]
    best = 5000 * max(chances)
    print(f"best {best:.0f}: single {single.mean():.0f}, double {double.mean():.0f}")

# %% tags=["remove-cell"]
assert single.mean() > 60 > double.mean() > 50

# %% [markdown]
# With six equal emails the double estimate is right and the single one is far too high. With one better email the double estimate is too low.
#
# ::::{dropdown} What follows: does the bias hurt the policy, or only the reported value?
# :class-container: interview
#
# If all actions of all states were too high by the same amount, no greedy action would change (apart from the ends of episodes). The bias is uneven, between actions and between states: actions with few tries and rare, large rewards have the largest $\sigma$, look best, and
# draw the agent. In chapter 4 a table with sampled rewards promised far more than it earned. I report an evaluation of the policy, never the highest Q-value.
# ::::
# ::::{dropdown} What follows: would more data not solve it?
# :class-container: interview
#
# In the end, yes: $\sigma$ falls like one over the root of the tries, and the bias at least as fast. But a reward of 5,000 dollars with a chance of 1% has $\sigma \approx 500$ per try, so an estimate with an error of 5 dollars takes 10,000 tries
# in *each* state and action. With rare rewards I first reduce the noise, for example by sharing strength between customers, and then worry about the second table.
# ::::
#
# ## 4. The gradient of DQN's loss, and what "semi" means
#
# **Claim.** DQN follows the gradient of a squared error whose target is held fixed. This is not the gradient of the mean squared TD error $\tfrac12 \mathbb{E}[\delta^2]$, and in a stochastic MDP it should not be.
#
# **Given.** A network $Q(s, a; w)$, differentiable in its weights $w$; the weights $w^-$ of the {term}`target network`; transitions $(s, a, r, s')$ drawn from the {term}`replay buffer`; and $d = 1$ if $s'$ is terminal,
# otherwise 0 {cite:p}`mnih2015`.
#
# **Step 1: differentiate.** With the target $y = r + \gamma \, (1 - d) \max_{a'} Q(s', a'; w^-)$, which does not depend on $w$:
#
# $$
# \begin{aligned}
# L(w) &= \tfrac12 \, \mathbb{E}\big[ (y - Q(s, a; w))^2 \big] , \\
# \nabla L(w) &= - \mathbb{E}\big[ (y - Q(s, a; w)) \, \nabla Q(s, a; w) \big] .
# \end{aligned}
# $$ (wb-dqn)
#
# A step of stochastic gradient descent is $w \leftarrow w + \alpha \, \delta \, \nabla Q(s, a; w)$, with $\delta = y - Q(s, a; w)$.
#
# ::::{dropdown} Your step: show that a table is the special case
# :class-container: interview
#
# Let $w$ have one entry for each pair, $Q(s, a; w) = w_{s,a}$. Its gradient is 1 in the entry $(s, a)$ and 0 elsewhere. So the step changes this entry alone, by $\alpha \delta$. With $w^- = w$, renewed after each step, this is {eq}`wb-q`.
# ::::
#
# **Step 2: what is left out.** If $w^-$ were $w$, the target would depend on $w$ too. With $a^*$ the (unique) best next action, the full gradient of $\tfrac12 \mathbb{E}[\delta^2]$ (often miscalled the Bellman error) would be
#
# $$
# \mathbb{E}\big[ \delta \, \big( \gamma \, (1 - d) \, \nabla Q(s', a^*; w) - \nabla Q(s, a; w) \big) \big] .
# $$ (wb-residual)
#
# DQN and Q-learning drop the first term. This is a {term}`semi-gradient`: the estimate moves towards the target, and the target does not move towards the estimate.
#
# **Step 3: why not the full gradient?** Write $Y$ for the target of a given $(s, a)$. A mean square is a squared mean plus a variance:
#
# $$
# \mathbb{E}\big[ \delta^2 \mid s, a \big] = \big( \mathbb{E}[\delta \mid s, a] \big)^2 + \operatorname{Var}(Y \mid s, a) .
# $$
#
# The first part is the squared Bellman error, which we want to be zero. The second is a property of the world plus *our values of the next states*, and the full gradient lowers it by making those values alike, whether or not they are. An unbiased
# gradient of the first part alone would need two independent next states for the same $(s, a)$ {cite:p}`baird1995`.
#
# The check is the smallest example (11.2 in {cite:t}`sutton2018`): A leads to B or C with equal chances; then B pays 1 and C pays 0. The values are obviously 1/2, 1 and 0.

# %%
A, B, C, END = range(4)
moves = [(A, B, 0, 0.5), (A, C, 0, 0.5), (B, END, 1, 0.5), (C, END, 0, 0.5)]


def descend(full, alpha=0.1, steps=2000):
    v = np.zeros(4)
    for _ in range(steps):
        change = np.zeros(4)
        for state, following, reward, chance in moves:
            delta = reward + v[following] - v[state]
            change[state] += chance * delta
            change[following] -= full * chance * delta  # the term that DQN drops
        change[END] = 0
        v += alpha * change
    return v[:3].round(2) + 0.0


print("semi-gradient:", descend(full=False))
print("full gradient:", descend(full=True))

# %% [markdown]
# ::::{dropdown} What follows: is DQN then gradient descent on anything?
# :class-container: interview
#
# Between two renewals of the target network, yes: on the regression loss {eq}`wb-dqn` with fixed targets. Over renewals it is approximate value iteration, as in {term}`fitted Q iteration`, and no single function falls. That is why a DQN's loss curve says little: it can rise
# while the policy improves, because the targets grow.
# ::::
# ::::{dropdown} What follows: what do the target network and the Huber loss change?
# :class-container: interview
#
# The target network makes each stretch an ordinary regression, so a step no longer moves its own target. It does not cure the divergence of derivation 2: there, each stretch ends at $w = 2 \gamma w^-$, which still grows. The {term}`Huber loss`
# replaces $\delta$ in the step by $\delta$ clipped to $[-1, 1]$ {cite:p}`huber1964`, which tames outliers; its minimum is no longer the mean of the targets. With a sale of 5,000 dollars in one case of a hundred
# that matters, so scale the rewards first.
# ::::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - Value iteration converges because a maximum moves no further than its entries, and an average no further than its largest.
# - Q-learning is value iteration with noise. It needs visits without end, steps with an infinite sum and a finite sum of squares, a full state, and a table.
# - The maximum of unbiased estimates is too high; choosing with one set and evaluating with another is too low or right.
# - DQN's gradient treats the target as a constant. The full gradient would make different next states look alike.
# :::
