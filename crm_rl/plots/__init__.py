"""Every figure of the book that more than one place draws. Nothing else in the package draws.

Functions draw on the axes they are given, or on new ones, and return them.
"""

from crm_rl.plots.audit import factor_in_two, mixture, room
from crm_rl.plots.budgets import shares_of_bound, spending_by_price
from crm_rl.plots.comparison import share_dots
from crm_rl.plots.data import against_chance, parts_by_month
from crm_rl.plots.dqn import shares_by_group, shares_by_roughness
from crm_rl.plots.email import calibration, promised_and_delivered
from crm_rl.plots.explosion import arch_by_rows, met_and_unseen
from crm_rl.plots.fair_match import arms_at_both_ends
from crm_rl.plots.logs import coverage_by_horizon, estimates_beside_truth, false_alarms, learned_from_logs
from crm_rl.plots.names import on_noise, two_labellings
from crm_rl.plots.offers import reward_and_profit, shares_of_learners
from crm_rl.plots.policies import (
    feature_visibility,
    full_comparison,
    plans_by_week,
    values_of_policies,
)
from crm_rl.plots.study import published_and_repeated
from crm_rl.plots.style import BLUE, GREEN, GREY, ORANGE, PALETTE, RED, ROW_NAMES, SKY, YELLOW, use_style
from crm_rl.plots.tour import tables_and_network
from crm_rl.plots.training import (
    climb_to_optimum,
    share_by_setting,
    training_comparison,
    training_stability,
)
from crm_rl.plots.twin import cell_by_cell, reached_by_week

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PALETTE",
    "RED",
    "ROW_NAMES",
    "SKY",
    "YELLOW",
    "against_chance",
    "arch_by_rows",
    "arms_at_both_ends",
    "calibration",
    "cell_by_cell",
    "climb_to_optimum",
    "coverage_by_horizon",
    "estimates_beside_truth",
    "factor_in_two",
    "false_alarms",
    "feature_visibility",
    "full_comparison",
    "learned_from_logs",
    "met_and_unseen",
    "mixture",
    "on_noise",
    "parts_by_month",
    "plans_by_week",
    "promised_and_delivered",
    "published_and_repeated",
    "reached_by_week",
    "reward_and_profit",
    "room",
    "share_by_setting",
    "share_dots",
    "shares_by_group",
    "shares_by_roughness",
    "shares_of_bound",
    "shares_of_learners",
    "spending_by_price",
    "tables_and_network",
    "training_comparison",
    "training_stability",
    "two_labellings",
    "use_style",
    "values_of_policies",
]
