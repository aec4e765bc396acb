"""What a practitioner would try before deep reinforcement learning, in the responsive world (chapter 10).

Each rival is a function of a world, the weeks of experience and a seed that returns a policy; a policy is a function of
a population that returns how likely it takes each action in each state, as `planning.evaluate` wants it. Three rivals
need no experience. Two learn from a log of random actions: one looks a week ahead, the other to the end (fitted Q
iteration, Ernst, Geurts and Wehenkel 2005). Feature selection and stage rewards are not for them.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from crm_rl.agents.responsive_tables import DIAL, DICE, told
from crm_rl.planning.exact import all_observations, always, best_of, evaluate, optimal, starts_of, types_of
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.attributes import place_among
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import N_PATTERNS, Population, Rules, State
from crm_rl.worlds.responsive_world import ResponsiveWorld

Policy = Callable[[Population], np.ndarray]

SIGNUP = 3  # the place of this milestone's bit

#: The boosted trees, chosen for fitted Q iteration on validation customers of the twin with 100,000 steps and expected
#: reward: 8 to 31 leaves of at least 20 to 150 examples; a model a week, one for all weeks, one for each action.
TREES = {"max_iter": 100, "max_leaf_nodes": 16, "min_samples_leaf": 60}

#: In dollars, added to every target: a Poisson model cannot learn from zeros alone.
TINY = 1e-6


def shape_of(population: Population, rules: Rules) -> tuple[int, int, int, int]:
    """The shape of a table with a place for every state: (customers, weeks, 32, contacts)."""
    return len(population.start), rules.weeks, N_PATTERNS, rules.most_contacts + 1


# --- without experience


def always_email(world: ResponsiveWorld, steps: int, seed: int) -> Policy:
    """An email a week for everybody."""
    return lambda people: np.broadcast_to(always(Action.EMAIL), (*shape_of(people, world.rules), N_ACTIONS))


def two_emails(inbound, country, milestones, contacts) -> np.ndarray:
    """Two emails, then leave him alone."""
    return np.where(contacts < 2, Action.EMAIL, Action.WAIT)


def playbook(inbound, country, milestones, contacts) -> np.ndarray:
    """Who came by himself gets what leads to the first thing he has not done yet; the others get two emails."""
    next_step = np.full(milestones.shape, Action.WAIT)
    steps = (Action.CALL, Action.DEMO, Action.SURVEY, Action.EMAIL, Action.MANAGER)
    for milestone, action in reversed(list(enumerate(steps))):
        next_step = np.where(milestones >> milestone & 1, next_step, action)
    return np.where(inbound, next_step, two_emails(inbound, country, milestones, contacts))


def demo_after_signup(inbound, country, milestones, contacts) -> np.ndarray:
    """An email a week; who came by himself and has signed up gets a demo a week instead."""
    return np.where(inbound & (milestones >> SIGNUP & 1), Action.DEMO, Action.EMAIL)


def survey_elsewhere(inbound, country, milestones, contacts) -> np.ndarray:
    """An email a week; a survey instead for the half of the customers whose countries subscribe least."""
    return np.where(country < 0.5, Action.SURVEY, Action.EMAIL)


#: Rules that fit on a card. Each takes inbound, the country's standing, the milestones and the contacts, as arrays that
#: broadcast, and returns actions. Seventeen were tried on the twin's training customers; these are two that a sales
#: team might begin with and the two that were best, one in the smooth world and one in the rough.
CARDS = (two_emails, playbook, demo_after_signup, survey_elsewhere)


def playing(card: Callable, rules: Rules) -> Policy:
    """The policy of doing what a card says."""

    def policy(people: Population) -> np.ndarray:
        inbound, country = (x[:, None, None, None] for x in (people.inbound, people.country))
        actions = card(inbound, country, np.arange(N_PATTERNS)[:, None], np.arange(rules.most_contacts + 1))
        return np.eye(N_ACTIONS)[np.broadcast_to(actions, shape_of(people, rules))]

    return policy


def rule_of_thumb(world: ResponsiveWorld, steps: int, seed: int) -> Policy:
    """The card, of `CARDS`, that is worth most to the training customers; nothing else is learned."""
    return max((playing(card, world.rules) for card in CARDS), key=lambda policy: worth(policy, world))


def one_plan_for_everybody(world: ResponsiveWorld, steps: int, seed: int) -> Policy:
    """A plan that knows the world exactly and goes by milestones, week and contacts, but not by who the customer is.

    `shared_policy` may stop short of the best such plan, so it starts from several; the training customers choose.
    """
    people, which = starts_of(world.population)
    averaged = np.average(optimal(people, world.rules).q, axis=0, weights=np.bincount(which)).argmax(axis=-1)
    constant = [np.full_like(averaged, action) for action in (Action.EMAIL, Action.DEMO, Action.WAIT)]
    nobody_differs = np.zeros(len(which), dtype=np.int64)
    plans = [
        shared_policy(first[None], nobody_differs, world.population, world.rules) for first in (averaged, *constant)
    ]
    policies = [for_all(np.eye(N_ACTIONS)[plan]) for plan in plans]
    return max(policies, key=lambda policy: worth(policy, world))


def plan_for_groups(setting: str, world: ResponsiveWorld, steps: int, seed: int) -> Policy:
    """What a table with this setting of the dial could express: a plan for its groups that knows the world exactly.

    The groups are those of the training customers, and the plan is made for these. It is improved twice from the
    average of what is best for each, so a better one may exist. Who looks like nobody in training gets any action.
    """
    groups, group = np.unique(told(world.population, setting), axis=0, return_inverse=True)
    people, which = starts_of(world.population)
    total = np.zeros((len(groups), *shape_of(people, world.rules)[1:], N_ACTIONS))
    group_of = np.empty(len(people.start), dtype=np.int64)
    group_of[which] = group
    np.add.at(total, group_of, optimal(people, world.rules).q * np.bincount(which)[:, None, None, None, None])
    plans = shared_policy(total.argmax(axis=-1), group, world.population, world.rules, rounds=2)
    chances = np.concatenate([np.eye(N_ACTIONS)[plans], np.broadcast_to(DICE, (1, *total.shape[1:]))])
    return lambda people: chances[place_among(told(people, setting), groups)]


def for_all(probabilities: np.ndarray) -> Policy:
    """The policy that treats all customers alike; probabilities broadcast to (customers, weeks, 32, contacts, 6)."""
    return lambda people: np.broadcast_to(probabilities, (len(people.start), *probabilities.shape[1:]))


def worth(policy: Policy, world: ResponsiveWorld) -> float:
    """The exact value of a policy to all customers of a world together, in dollars."""
    people, which = starts_of(world.population)
    return evaluate(policy(people), people, world.rules).at_start(people)[which].sum()


# --- from a log of random actions


class Log(NamedTuple):
    """Weeks of experience, in no particular order.

    Attributes:
        seen, after: shape (steps, 15), float32: what was seen before and after the week.
        weeks: shape (steps,): which week of its episode it was, from 0.
        actions: shape (steps,): what was done.
        rewards: shape (steps,): in dollars.
        ended: shape (steps,): whether the episode was over.
    """

    seen: np.ndarray
    weeks: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    after: np.ndarray
    ended: np.ndarray


def random_log(world: ResponsiveWorld, steps: int, rng: np.random.Generator) -> Log:
    """So many weeks of whole episodes in which every action is equally likely; the last few may be cut."""
    parts, left = [], steps
    while left > 0:
        customers = np.zeros(-(-left // world.rules.weeks), dtype=np.int64)
        world.draw(rng, customers)
        states = world.start(customers)
        while len(states.customer) and left > 0:
            actions = rng.integers(0, N_ACTIONS, len(states.customer))
            done = world.step(states, actions, rng.random((len(actions), world.chances)))
            seen, after = world.observe(states), world.observe(done.state)
            week = (seen, states.steps, actions, done.reward, after, done.terminated)
            parts.append([column[:left] for column in week])
            left -= len(actions)
            states = State(*(field[~done.terminated] for field in done.state))
    return Log(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class Model:
    """What an action is worth in dollars, learned by boosted trees from examples.

    The costs of the actions are known. What is left is never negative, small for most and large for few: the trees add
    up to its logarithm, and the Poisson deviance takes the mean for what is to be learned but minds errors relative to
    it more than the squared error does.
    """

    def __init__(self, seen: np.ndarray, actions: np.ndarray, dollars: np.ndarray, rules: Rules, seed: int):
        """Learn from n examples: seen of shape (n, 15), actions and dollars of shape (n,)."""
        self.costs = np.array(rules.action_cost)
        self.trees = HistGradientBoostingRegressor(loss="poisson", early_stopping=False, random_state=seed, **TREES)
        self.trees.fit(_with_action(seen, actions), dollars + self.costs[actions] + TINY)

    def __call__(self, seen: np.ndarray) -> np.ndarray:
        """What each action is worth, shape (n, 6), in dollars."""
        each = [self.trees.predict(_with_action(seen, np.full(len(seen), action))) for action in range(N_ACTIONS)]
        return np.column_stack(each) - self.costs


def _with_action(seen: np.ndarray, actions: np.ndarray) -> np.ndarray:
    return np.column_stack([seen, np.eye(N_ACTIONS, dtype=np.float32)[actions]])


def greedy(models: list[Model], rules: Rules) -> Policy:
    """The policy that takes in each week the action that is worth most by the model of that week."""

    def policy(population: Population) -> np.ndarray:
        people, which = types_of(population)
        customers, weeks, *states = shape_of(people, rules)
        seen = all_observations(people, rules).reshape(customers, weeks, np.prod(states), -1)
        q = np.array([model(np.concatenate(seen[:, week])) for week, model in enumerate(models)])
        return best_of(q.reshape(weeks, customers, *states, N_ACTIONS)).swapaxes(0, 1)[which]

    return policy


def one_step_greedy(world: ResponsiveWorld, steps: int, seed: int) -> Policy:
    """Predict this week's reward and take the action that promises most: what comes later does not count."""
    log = random_log(world, steps, np.random.default_rng(seed))
    model = Model(log.seen, log.actions, log.rewards, world.rules, seed)
    return greedy([model] * world.rules.weeks, world.rules)


def fitted_q_iteration(world: ResponsiveWorld, steps: int, seed: int) -> Policy:
    """Fitted Q iteration (Ernst et al. 2005) for a known end: a model a week, from the last week to the first.

    Each learns the reward of its week plus what the next week's model says of the best action then.
    """
    log = random_log(world, steps, np.random.default_rng(seed))
    models: list[Model] = []
    for week in reversed(range(world.rules.weeks)):
        seen, _, actions, rewards, after, ended = (column[log.weeks == week] for column in log)
        if models:
            rewards[~ended] += models[0](after[~ended]).max(axis=1)
        models.insert(0, Model(seen, actions, rewards, world.rules, seed))
    return greedy(models, world.rules)


RIVALS: dict[str, Callable[[ResponsiveWorld, int, int], Policy]] = {
    "always email": always_email,
    "rule of thumb": rule_of_thumb,
    "one plan for everybody": one_plan_for_everybody,
    "one-step greedy": one_step_greedy,
    "fitted Q iteration": fitted_q_iteration,
}

#: No rivals: what the tables' states could hold if there were nothing to learn.
CEILINGS: dict[str, Callable[[ResponsiveWorld, int, int], Policy]] = {
    f"plan for groups: {setting}": partial(plan_for_groups, setting) for setting in DIAL
}
