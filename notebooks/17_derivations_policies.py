# %% [markdown]
# (ch-whiteboard-policies)=
# # At the whiteboard: policies, logs and budgets
#
# Four more derivations, built like [the first four](14_derivations.ipynb): the claim, what is given, the steps with one left to you, a check in NumPy, and
# the two questions that usually follow. One idea runs through all of them: **rewrite what you want as something that you can sample, or solve, with what you have**.
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - to get from the policy gradient theorem to PPO's clipped loss
#   - to derive importance weights, their variance, and why doubly robust is robust
#   - to show which extra rewards leave the best policy alone
#   - to turn a budget into a price
#
# You need
# : [The first four derivations](14_derivations.ipynb) and their setting; paper and pencil.
#
# Time
# : 27 minutes to read, 10 seconds to run.
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
# ## 5. From the policy gradient to PPO's clip
#
# **Given.** Episodes $\tau = (S_0, A_0, R_1, S_1, \dots, S_T)$ of at most $T$ steps, undiscounted, with the return $G = R_1 + \dots + R_T$; a policy $\pi_\theta(a \mid s) > 0$, differentiable in $\theta$;
# finitely many states and actions, so that sums and gradients may change places; the week belongs to the state. We want to raise $J(\theta) = \mathbb{E}_\theta[G]$.
#
# **Claim.** With $G_t = R_{t+1} + \dots + R_T$ and any function $b(s)$, called a baseline,
#
# $$
# \nabla J(\theta) = \mathbb{E}_\theta \Big[ \sum_{t=0}^{T-1} \nabla \log \pi_\theta(A_t \mid S_t) \, \big( G_t - b(S_t) \big) \Big] .
# $$ (wb-gradient)
#
# **Step 1: the log trick.** Since $\nabla p_\theta = p_\theta \nabla \log p_\theta$, we have $\nabla J = \sum_\tau \nabla p_\theta(\tau) \, G = \mathbb{E}_\theta[ G \, \nabla \log p_\theta(\tau) ]$ {cite:p}`williams1992`.
#
# **Step 2: the customers drop out.** The probability of an episode is a product, $p(S_0) \prod_t \pi_\theta(A_t \mid S_t) \, p(S_{t+1}, R_{t+1} \mid S_t, A_t)$. Its logarithm is a sum, and only the policy's terms depend on
# $\theta$. So $\nabla \log p_\theta(\tau) = \sum_t \nabla \log \pi_\theta(A_t \mid S_t)$, and no model of the customers is needed.
#
# **Step 3: what came before an action, and any baseline, contribute nothing.** In each state $s$, $\; \mathbb{E}[\nabla \log \pi_\theta(A \mid s)] = 0$.
#
# ::::{dropdown} Your step: prove this, and use it to get from step 2 to the claim
# :class-container: interview
#
# $\sum_a \pi_\theta(a \mid s) \, \nabla \log \pi_\theta(a \mid s) = \sum_a \nabla \pi_\theta(a \mid s) = \nabla 1 = 0$. Given the history up to $S_t$, the rewards $R_1, \dots, R_t$ and $b(S_t)$ are known numbers. Multiplied by
# $\nabla \log \pi_\theta(A_t \mid S_t)$ they have mean zero, so they may be left out of $G$, or put in.
# ::::
#
# A good baseline is the value $v_\pi(S_t)$: then $G_t - b$ estimates the advantage $A_\pi(s, a) = q_\pi(s, a) - v_\pi(s)$, and as a rule varies less {cite:p}`sutton2000`.
#
# **Step 4: use a batch more than once.** The expectation is under $\pi_\theta$ itself, so after one step the data are old. Let $\pi_\text{old}$ have collected them, and $A_\text{old}$ be its advantage. Summed along an episode of $\pi_\theta$, the
# values in the advantages cancel pairwise, and what remains is exact {cite:p}`kakade2002`:
#
# $$
# \begin{aligned}
# J(\theta) - J(\theta_\text{old}) &= \mathbb{E}_\theta \Big[ \sum_t A_\text{old}(S_t, A_t) \Big] \\
# &\approx \mathbb{E}_\text{old} \Big[ \sum_t \rho_t(\theta) \, A_\text{old}(S_t, A_t) \Big] , \\
# \rho_t(\theta) &= \pi_\theta(A_t \mid S_t) \, / \, \pi_\text{old}(A_t \mid S_t) .
# \end{aligned}
# $$ (wb-surrogate)
#
# The ratio corrects the actions but not the *states*: the right-hand side still visits those of the old policy. At $\theta = \theta_\text{old}$ we have $\rho_t = 1$ and $\nabla \rho_t = \nabla \log \pi_\theta$, so its gradient is $\nabla J$. Far away it can be wrong
# {cite:p}`schulman2015`.
#
# **Step 5: take away the reward for going far.** With an estimate $\hat A_t$ and $\epsilon = 0.2$, PPO {cite:p}`schulman2017` raises the mean of
#
# $$
# \min \big( \rho_t \hat A_t , \; \operatorname{clip}(\rho_t, 1 - \epsilon, 1 + \epsilon) \, \hat A_t \big)
# $$ (wb-clip)
#
# If $\hat A_t > 0$, this is flat for $\rho_t > 1 + \epsilon$: nothing is gained by making the action still more likely. If $\hat A_t < 0$, it is flat for $\rho_t < 1 - \epsilon$. On the other sides the minimum
# keeps the slope, so that a ratio which moved the wrong way is pulled back ({numref}`fig-whiteboard-clip`).

# %% mystnb={"figure": {"caption": "PPO's objective for one action that was better or worse than expected, as a function of how much more likely it has become. Dashed: without the clip.", "name": "fig-whiteboard-clip"}, "image": {"alt": "Two charts. With a good action the objective rises with the ratio until 1.2 and is flat beyond. With a bad action it is flat below 0.8 and falls beyond, without end."}} tags=["hide-input"]
import matplotlib.pyplot as plt
import numpy as np

from crm_rl import plots

plots.use_style()
ratio = np.linspace(0.4, 1.6, 121)
figure, panels = plt.subplots(1, 2, figsize=(5, 2.7), layout="constrained")
for panel, advantage in zip(panels, (1, -1), strict=True):
    clipped = np.minimum(ratio * advantage, np.clip(ratio, 0.8, 1.2) * advantage)
    panel.plot(ratio, ratio * advantage, "--", color="0.55")
    panel.plot(ratio, clipped)
    kind = "better" if advantage > 0 else "worse"
    panel.set(title=f"{kind} (A = {advantage})".replace("-", "−"), xlabel="ratio ρ")
    panel.set_xticks([0.4, 0.8, 1.2, 1.6])
panels[0].set_ylabel("objective")
plt.show()

# %% [markdown]
# The check takes one state and three actions, where the exact gradient is known: $\partial J / \partial \theta_i = \pi_i \, (q_i - J)$ for a softmax.

# %%
theta, q = np.array([0.2, -0.1, 0.4]), np.array([1.0, 0.0, 3.0])
pi = np.exp(theta) / np.exp(theta).sum()
J = pi @ q
rng = np.random.default_rng(3)
action = rng.choice(3, p=pi, size=200_000)
reward = q[action] + rng.normal(size=200_000)
score = np.eye(3)[action] - pi  # the gradient of log pi(action)
print("exact           ", (pi * (q - J)).round(2))
for name, baseline in (("without baseline", 0), ("with baseline   ", J)):
    samples = score * (reward - baseline)[:, None]
    spread = samples.var(axis=0).sum()
    print(name, samples.mean(axis=0).round(2), f"variance {spread:.1f}")

# %% [markdown]
# ::::{dropdown} What follows: PPO has importance ratios. Why is it called on-policy?
# :class-container: interview
#
# The ratios correct the choice of actions within a batch that is a few passes old, not which states the policy visits, and the clip silences what has moved far in the direction of its advantage. Data from a very different policy would be mostly
# silent or wrong. So PPO throws a batch away after a few passes, which is why it needs more experience than DQN, and why it cannot learn from an old log.
# ::::
# ::::{dropdown} What follows: does the clip keep the new policy close to the old one?
# :class-container: interview
#
# No. It only takes the gradient away from a sample once its ratio is outside and the change has paid off. Other samples move the same weights and can carry the ratio further. Implementations also watch the Kullback-Leibler divergence and stop a batch early. The second
# source of error is $\hat A_t$ itself; generalised advantage estimation trades its bias against its variance with a factor $\lambda$ {cite:p}`schulman2016`.
# ::::
#
# ## 6. Importance weights, their variance, and doubly robust
#
# **Given.** A log of $n$ independent customers: context $X$, action $A$ drawn from a known {term}`behaviour policy` $\mu(a \mid X)$, reward $R$ with mean $q(X, A)$. We want the value of another policy,
# $V = \mathbb{E}_X \sum_a \pi(a \mid X) \, q(X, a)$. Assume overlap: $\mu(a \mid x) > 0$ wherever $\pi(a \mid x) > 0$. Let $\rho = \pi(A \mid X) / \mu(A \mid X)$ be the {term}`importance weight`.
#
# **Step 1: the weight undoes the behaviour.** In each context $\mathbb{E}[\rho R \mid x] = \sum_a \mu(a \mid x) \, \frac{\pi(a \mid x)}{\mu(a \mid x)} \, q(x, a)$, and $\mu$ cancels. So the mean of $\rho R$, inverse propensity scoring (IPS), is unbiased
# {cite:p}`horvitz1952`. With $R = 1$: $\mathbb{E}[\rho] = 1$.
#
# **Step 2: the price is variance.** $\operatorname{Var}(\rho R) = \mathbb{E}[\rho^2 R^2] - V^2$, where $\mathbb{E}[\rho^2] = \mathbb{E}_X \sum_a \pi(a \mid X)^2 / \mu(a \mid X)$. Over an episode the weights multiply.
#
# ::::{dropdown} Your step: what is 𝔼[ρ²] for a fixed plan, judged on random actions, with 6 actions and 12 weeks?
# :class-container: interview
#
# In one week the plan takes one action with probability 1 and the log with 1/6, so $\mathbb{E}[\rho^2] = 1^2 / (1/6) = 6$. The weeks' draws are independent: $6^{12} = 2{,}176{,}782{,}336$. All but one in two billion episodes get the weight 0. That is why long
# horizons need a model, or at least weights per decision {cite:p}`precup2000`.
# ::::
#
# **Step 3: divide by the weights.** Self-normalised IPS, $\sum \rho_i R_i / \sum \rho_i$, has a bias that shrinks like $1/n$. Adding a constant to all rewards adds the same constant to it, which is not so for IPS {cite:p}`swaminathan2015`. The effective sample size is $(\sum \rho_i)^2 / \sum \rho_i^2$.
#
# **Step 4: doubly robust.** Take a model $\hat q$ and, if they are unknown, propensities $\hat\mu > 0$, both fitted on other data. Correct the model by the weighted errors that it makes on the log {cite:p}`dudik2014`:
#
# $$
# \begin{aligned}
# \hat V &= \frac1n \sum_i \Big[ \sum_a \pi(a \mid X_i) \, \hat q(X_i, a) + \hat\rho_i \, \big( R_i - \hat q(X_i, A_i) \big) \Big] , \\
# \hat\rho_i &= \pi(A_i \mid X_i) \, / \, \hat\mu(A_i \mid X_i) .
# \end{aligned}
# $$ (wb-dr)
#
# **Step 5: its bias is a product.** Average over $R$, then over $A$, and subtract $V$:
#
# $$
# \mathbb{E}[\hat V] - V = \mathbb{E}_X \sum_a \pi(a \mid X) \, \Big( 1 - \frac{\mu(a \mid X)}{\hat\mu(a \mid X)} \Big) \, \big( \hat q - q \big)(X, a) .
# $$
#
# If the propensities are right *or* the model is right, every term is zero. If both are slightly wrong, the bias is a small number times a small number.
#
# **Step 6: its variance.** With known propensities, the law of total variance gives
#
# $$
# \begin{aligned}
# n \operatorname{Var}(\hat V) = {} & \operatorname{Var}\big(v_\pi(X)\big) + \mathbb{E}\Big[ \operatorname{Var}\big( \rho \, (q - \hat q) \mid X \big) \Big] \\
# & + \mathbb{E}\big[ \rho^2 \operatorname{Var}(R \mid X, A) \big] ,
# \end{aligned}
# $$
#
# where $v_\pi(x) = \sum_a \pi(a \mid x) \, q(x, a)$. IPS is the case $\hat q = 0$. A good model removes the middle term. Nothing removes the last one: large weights times noisy rewards.

# %%
# The chance of a sale by context and action; the log rarely took the best action.
q = np.array([[0.02, 0.05, 0.10], [0.12, 0.05, 0.02]])
mu = np.array([[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]])
pi = np.array([[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
rng = np.random.default_rng(4)
X = rng.integers(2, size=(4000, 500))  # 4,000 logs of 500 customers
A = (rng.random(X.shape)[..., None] > mu[X].cumsum(axis=-1)[..., :2]).sum(axis=-1)
R = rng.random(X.shape) < q[X, A]


def robust(q_hat, mu_hat):
    """Return the doubly robust estimate from each log, in percent."""
    model = (pi * q_hat).sum(axis=1)[X]
    return 100 * (model + (pi / mu_hat)[X, A] * (R - q_hat[X, A])).mean(axis=1)


rho, flat = (pi / mu)[X, A], np.full((2, 3), 0.05)
estimates = {
    "IPS": robust(0 * q, mu),
    "self-normalised": 100 * (rho * R).sum(axis=1) / rho.sum(axis=1),
    "DR, model right": robust(q, mu),
    "DR, model wrong": robust(flat, mu),
    "DR, propensity wrong": robust(q, np.full((2, 3), 1 / 3)),
    "DR, both wrong": robust(flat, np.full((2, 3), 1 / 3)),
}
print(f"truth {100 * (pi * q).sum(axis=1).mean():.2f}")
for name, each in estimates.items():
    print(f"{name:21} mean {each.mean():5.2f}, deviation {each.std():.2f}")

# %% tags=["remove-cell"]
truth = 100 * (pi * q).sum(axis=1).mean()
for model, name in ((0 * q, "IPS"), (q, "DR, model right")):  # step 6
    weights = pi / mu
    error = weights * (q - model)
    middle = (mu * error**2).sum(axis=1) - (mu * error).sum(axis=1) ** 2
    last = (mu * weights**2 * q * (1 - q)).sum(axis=1)
    variance = (pi * q).sum(axis=1).var() + (middle + last).mean()
    assert abs(100 * np.sqrt(variance / 500) / estimates[name].std() - 1) < 0.05
assert all(abs(each.mean() - truth) < 0.12 for name, each in estimates.items() if name != "DR, both wrong")
assert abs(estimates["DR, both wrong"].mean() - truth) > 1

# %% [markdown]
# One right ingredient is enough, none is not. (A wrong propensity has a small spread here because its wrong weights are small.) But even the right model removes little of the spread of IPS: with rare sales, most of it is the last term.
#
# ::::{dropdown} What follows: the log has no propensities, and the old rule was deterministic. What now?
# :class-container: interview
#
# Then overlap fails for every action that the rule did not take, and no weighting can help: the log does not contain the answer. What is left are assumptions (a model that extrapolates, or customers near a threshold of the rule) or an experiment. I would ask for a few percent of random
# actions, logged with their probabilities, before building any estimator ([chapter 13](13_logs.ipynb)).
# ::::
# ::::{dropdown} What follows: you cut all weights at 20. Which way does the estimate move?
# :class-container: interview
#
# With plain IPS and rewards that are never negative it moves down, because cutting only takes weight away; the variance as a rule falls. It penalises the policies that differ most from the log, so it also distorts comparisons. I would report several cuts and the effective sample size, or cut the correction of a doubly robust
# estimate, where the model stands in for what is lost.
# ::::
#
# ## 7. Potential-based shaping
#
# **Claim** {cite:p}`ng1999`. Add to every reward a bonus of the form $F(s, s') = \gamma \, \Phi(s') - \Phi(s)$, with any bounded function $\Phi$ of the state that is 0 in terminal states. Then every policy's action values fall by $\Phi(s)$:
# $q'_\pi(s, a) = q_\pi(s, a) - \Phi(s)$. So the best policies stay the same.
#
# **Given.** An MDP with $\gamma < 1$, or with $\gamma = 1$ and episodes that end. With a fixed horizon, the week belongs to the state.
#
# **Step 1: along an episode, the bonuses cancel.** Start in $S_0 = s$ and end in $S_T$.
#
# ::::{dropdown} Your step: add up the discounted bonuses
# :class-container: interview
#
# $$
# \sum_{t=0}^{T-1} \gamma^t \big( \gamma \, \Phi(S_{t+1}) - \Phi(S_t) \big) = \sum_{t=1}^{T} \gamma^t \Phi(S_t) - \sum_{t=0}^{T-1} \gamma^t \Phi(S_t) = \gamma^T \Phi(S_T) - \Phi(s) .
# $$
#
# The first term is 0, because $S_T$ is terminal. If the episode never ends, $\gamma^T \Phi(S_T) \to 0$, as $\gamma < 1$ and $\Phi$ is bounded.
# ::::
#
# **Step 2: so the new return is the old one minus $\Phi(s)$**, on every path and whatever the policy did.
#
# **Step 3: take means.** Given $S_0 = s$ and $A_0 = a$, this is the claim. Since $\Phi(s)$ does not depend on $a$, the order of the actions in each state is the same as before.
#
# **Step 4: other bonuses can change the best policy.** {cite:t}`ng1999` show that for any other bonus there are transitions and rewards under which the best policy with it is not best without it. A cycle that pays each time round is the typical case.
#
# The check is the small funnel of [chapter 3](03_funnel_mdp.ipynb), first with random potentials, then with 400 dollars for every email:

# %%
P = np.array([
    # wait, email and manager; each leads to: new, signed up, gone
    [[0.9, 0.1, 0.0], [0.5, 0.4, 0.1], [0.7, 0.2, 0.1]],  # from new
    [[0.0, 0.99, 0.01], [0.0, 0.88, 0.12], [0.0, 0.8, 0.2]],  # from signed up
    [[0.0, 0.0, 1.0]] * 3,  # gone
])  # fmt: skip
r = np.array([[0, -0.1, -20], [50, 99.9, 480], [0, 0, 0]])


def plan(bonus):
    """Return the best action values; bonus(week) has one number for each s, a, s'."""
    v, q = np.zeros(3), np.zeros((3, 3, 3))
    for week in (2, 1, 0):
        q[week] = r + (P * (bonus(week) + v)).sum(axis=2)
        v = q[week].max(axis=1)
    return q


potential = np.random.default_rng(5).normal(0, 300, size=(4, 3))
potential[3] = 0  # after week 3 the episode is over
plain = plan(lambda week: np.zeros((3, 3, 3)))
shaped = plan(lambda week: potential[week + 1] - potential[week][:, None, None])
emails = plan(lambda week: 400 * np.eye(3)[1][:, None] * np.ones((3, 3, 3)))
lowered = plain - potential[:3, :, None]
print("equal, but for the potential:", np.allclose(shaped, lowered))
print("best for signed-up customers in weeks 1 to 3:")
for name, q in (("plain", plain), ("shaped", shaped), ("400 an email", emails)):
    print(f"{name:12}", q[:, 1].argmax(axis=1))

# %% tags=["remove-cell"]
best = (plain[:, :2].argmax(axis=2), shaped[:, :2].argmax(axis=2), emails[:, :2].argmax(axis=2))
assert (best[0] == best[1]).all() and (best[2][:, 1] == 1).all() and (best[0][:, 1] == 2).all()

# %% [markdown]
# With potentials up to hundreds of dollars the plan is the same (action 2, the manager). Paid for emails, the plan sends emails (action 1).
#
# ::::{dropdown} What follows: the published study pays points for a call, a demo or a survey. Is that harmless?
# :class-container: interview
#
# Not by this theorem. As coded, points are paid for an action whenever the record has the milestone, again and again, so they are no difference of potentials and do not cancel. Chapter 9 wins on mean reward with a rule that calls whoever has a call on record. If I want to reward progress, I give the
# milestone a potential: entering pays it, and leaving takes it back, and so does the end of the episode, because $\Phi$ is 0 there.
# ::::
# ::::{dropdown} What follows: which potential would be best, and what does it do to Q-learning?
# :class-container: interview
#
# $\Phi = v_*$ would be perfect: then $q'_*(s, a) = q_*(s, a) - v_*(s)$, which is 0 for the best actions and negative for all others, and being greedy about the next reward is optimal. So any estimate of $v_*$ helps. For tabular Q-learning, shaping is the same as starting the table at $\Phi$, given the same experience, and for behaviour that depends only on differences of $Q$ within a state {cite:p}`wiewiora2003`.
# ::::
#
# ## 8. The price of a budget
#
# **Given.** Customers $i = 1, \dots, n$, each with offers $j$ of value $v_{ij}$ and cost $c_{ij} \ge 0$. One of them is "nothing", with value and cost 0. A budget $B \ge 0$. Choose one offer each to maximise the total value within $B$: the
# multiple-choice knapsack {cite:p}`sinha1979`. Let $x_{ij} = 1$ if customer $i$ gets offer $j$.
#
# **Claim.** For every price $\lambda \ge 0$, the function $L$ bounds the best total value from above:
#
# $$
# L(\lambda) = \lambda B + \sum_i \max_j \, ( v_{ij} - \lambda \, c_{ij} ) .
# $$ (wb-price)
#
# The smallest $L(\lambda)$ is the optimum of the linear relaxation. Choose each customer's best offer at that price. If ties are filled one by one, the plan loses less than the value of one offer.
#
# **Step 1: charge for the budget instead of forbidding to exceed it.** If $x$ keeps within the budget, $\lambda \, (B - \sum c_{ij} x_{ij}) \ge 0$. So
#
# $$
# \sum_{i,j} v_{ij} x_{ij} \le \lambda B + \sum_{i,j} ( v_{ij} - \lambda \, c_{ij} ) \, x_{ij} \le L(\lambda) .
# $$
#
# **Step 2: it falls apart.** Given the price, each customer's maximum is a problem of its own. This is what makes ten million customers possible.
#
# **Step 3: the best price.** Let $x_{ij} \ge 0$ with $\sum_j x_{ij} = 1$. This linear program is feasible (everybody gets nothing) and bounded, so by LP duality $\min_{\lambda \ge 0} L(\lambda)$ equals its optimum. $L$ is convex and piecewise linear, and where it is smooth its slope is $B$ minus the spending at
# price $\lambda$. If the choices cost too much, raise the price. One can bisect, because spending never rises with the price.
#
# ::::{dropdown} Your step: why does no customer choose a more expensive offer at a higher price?
# :class-container: interview
#
# Let $j$ be the customer's best offer at $\lambda$, and $k$ at $\lambda' > \lambda$. Then $v_j - \lambda c_j \ge v_k - \lambda c_k$ and $v_k - \lambda' c_k \ge v_j - \lambda' c_j$. Add the two: $(\lambda' - \lambda) \, c_j \ge (\lambda' - \lambda) \, c_k$, so $c_j \ge c_k$.
# ::::
#
# **Step 4: little is lost.** Call the best price $\lambda_*$. Let everybody take the cheapest of their best offers at it: this keeps the budget, since $L$ does not fall to the right of its minimum. Then switch the indifferent customers, one by one, to the dearest of theirs, until the next
# one does not fit. A switch leaves the customer's $v - \lambda_* c$ as it is, so each of these plans is worth $L(\lambda_*) - \lambda_* u$, where $u$ is what it leaves unspent. If a switch from $j$ to $k$ did not fit, $u < c_k - c_j$,
# and the loss is less than $\lambda_* (c_k - c_j) = v_k - v_j \le v_k$, however many customers there are. If all fit, the budget is spent, or $\lambda_* = 0$: nothing is lost.
#
# **Step 5: mind the ties.** The price alone does not say which of the indifferent customers get more. If customers are alike, as in a segment, all of them switch at the same price, and giving the cheaper offer to
# all can leave much of the budget unspent: with ten customers, an offer of value 2 and cost 1, and a budget of 5, nobody would get it ([task 12](15_code_tasks.ipynb)). In the check no two customers are alike, so one at most is indifferent, and the plan without any switch is good enough.

# %%
from scipy.optimize import linprog

rng = np.random.default_rng(6)
n, budget = 300, 400
cost = np.array([0.0, 1.3, 2.9, 6.1])
value = rng.gamma(2, 1, size=(n, 1)) * np.sqrt(cost) * rng.uniform(0.5, 1.5, size=(n, 4))


def choose(price):
    return (value - price * cost).argmax(axis=1)


low, high = 0.0, value.max()
for _ in range(60):
    price = (low + high) / 2
    low, high = (price, high) if cost[choose(price)].sum() > budget else (low, price)
chosen = choose(high)  # the lowest price that keeps the budget
bound = high * budget + (value - high * cost).max(axis=1).sum()
each_once = np.kron(np.eye(n), np.ones(4))
spent = np.tile(cost, n)[None]
lp = linprog(-value.ravel(), A_ub=spent, b_ub=[budget], A_eq=each_once, b_eq=np.ones(n))
print(f"price {high:.3f}: bound {bound:.2f}, linear program {-lp.fun:.2f}")
worth = value[range(n), chosen].sum()
print(f"the plan spends {cost[chosen].sum():.1f} of {budget}, worth {worth:.2f}")

# %% tags=["remove-cell"]
assert np.isclose(bound, -lp.fun) and cost[chosen].sum() <= budget
assert 0 <= bound - value[range(n), chosen].sum() < value.max()

# %% [markdown]
# ::::{dropdown} What follows: what does the price tell the head of marketing?
# :class-container: interview
#
# It is the worth of the last dollar of the budget: where $L$'s optimum is smooth in $B$, its derivative is $\lambda_*$. If values are margins before the cost of the offer and $\lambda_* = 1.4$, another dollar of budget brings about 1.40; if it is below 1, the last dollars lose money. (If $v$ is already net of the cost, the line is at 0, not at 1.) It is also a rule for everyone: send an offer if its
# value exceeds its cost times the larger of $\lambda_*$ and 1.
# ::::
# ::::{dropdown} What follows: customers remember, and there is a budget every week. Does the argument survive?
# :class-container: interview
#
# The bound does. Charge a price in every week; each customer becomes an MDP of their own, and the sum of their optimal values at these prices, plus prices times budgets, bounds every policy {cite:p}`hawkins2003,adelman2008`. The policy that follows is no longer nearly optimal by step 4, because choices today change the states
# tomorrow. So I measure its gap to the bound, as [chapter 12](12_budgets.ipynb) does.
# ::::
#
# ## Takeaways
#
# :::{admonition} What to keep
# :class: takeaways
# - The policy gradient needs no model, because only the policy's terms depend on its weights. PPO's clip removes the gain from going far, not the possibility.
# - Importance weights are unbiased and pay in variance. Doubly robust errs by a product of two errors.
# - Bonuses that are differences of a potential cancel along every path. Points for actions do not.
# - A budget is a price: it bounds every plan, and splits one large problem into many small ones.
# :::
