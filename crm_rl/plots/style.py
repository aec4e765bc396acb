"""The look of the book's figures: colours that the colour-blind tell apart, white background, light grid."""

import matplotlib.pyplot as plt
import seaborn as sns

PALETTE = sns.color_palette("colorblind").as_hex()
BLUE, ORANGE, GREEN, RED, PURPLE, BROWN, PINK, GREY, YELLOW, SKY = PALETTE

#: The rows of the study's table, in words.
ROW_NAMES = {
    "random": "random",
    "q_learning": "Q-learning",
    "q_learning_selection": "Q-learning, selection",
    "dqn": "DQN",
    "dqn_selection": "DQN, selection",
}


def use_style() -> None:
    """Set the book's style: white background, light grid, text that stays legible on a phone."""
    sns.set_theme(style="whitegrid", palette="colorblind", font_scale=1.0)
    plt.rcParams |= {
        "figure.figsize": (7, 3.4),
        "figure.dpi": 144,
        "figure.constrained_layout.use": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 11,
    }
