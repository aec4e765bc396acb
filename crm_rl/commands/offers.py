"""The offer recommender's commands: generate, features, train, recommend."""

import argparse
from pathlib import Path

from crm_rl.arguments import check_file, count, seed
from crm_rl.files import write_whole

NOTHING = "Nothing was written."

#: The log that is used where none is named: so many users, numbered from 1, of the generator's seed 0.
USERS = 1_000


def add(commands: argparse._SubParsersAction) -> None:
    """Add these commands to the command line."""
    offers = commands.add_parser("offers", help="the offer recommender: generate, features, train, recommend")
    parts = offers.add_subparsers(required=True, metavar="PART")
    log_help = f"a .csv or .xlsx log of events (default: one that is generated, with {USERS:,} users)"

    generate = parts.add_parser("generate", help="make a log of events of customers with known preferences")
    generate.add_argument("--out", type=Path, required=True, help="a .csv file to write")
    generate.add_argument("--users", type=count, default=USERS, help="how many (default: %(default)s)")
    generate.add_argument("--seed", type=seed, default=0)
    generate.set_defaults(run=_generate, failed=NOTHING, stopped=NOTHING)

    features = parts.add_parser("features", help="compute the ten features of every user of a log")
    features.add_argument("log", type=Path, help="a .csv or .xlsx log of events")
    features.add_argument("--out", type=Path, help="a .csv file to write (default: print the first 20)")
    features.set_defaults(run=_features, failed=NOTHING, stopped=NOTHING)

    train = parts.add_parser("train", help="train PPO on the users of a log, who respond as the response model says")
    train.add_argument("--log", type=Path, help=log_help)
    train.add_argument("--catalogue", type=Path, help="a .yaml catalogue with every combination (default: the 144)")
    train.add_argument("--weeks", type=count, default=50_000, help="customer-weeks (default: %(default)s)")
    train.add_argument("--seed", type=seed, default=0)
    train.add_argument("--out", type=Path, required=True, help="an .npz file to write")
    train.set_defaults(run=_train, failed=NOTHING, stopped=NOTHING)

    recommend = parts.add_parser("recommend", help="recommend an offer for one user, with a reason and alternatives")
    recommend.add_argument("--user", type=count, required=True, help="a user_id of the log")
    recommend.add_argument("--log", type=Path, help=log_help)
    recommend.add_argument("--policy", type=Path, help="what `offers train` wrote (default: the exact plan)")
    recommend.add_argument("--catalogue", type=Path, help="a .yaml catalogue (default: the 144 published actions)")
    recommend.add_argument("--week", type=int, default=0, help="weeks of the plan that are over, 0 to 11")
    recommend.add_argument("--fatigue", type=int, default=0, help="0 (no message lately) to 3")
    recommend.add_argument("--habit", type=int, default=0, help="0 (does not wait for price cuts) to 2")
    recommend.set_defaults(run=_recommend)


def _table(log: Path | None):
    """The features of a log's users, by user_id."""
    from crm_rl.case_studies.offers.features import features_of

    if log is None:
        return features_of(_generated(USERS, 0))
    from crm_rl.case_studies.offers.log_files import load_log

    return features_of(load_log(log))


def _generated(users: int, number: int):
    import numpy as np

    from crm_rl.case_studies.offers.events import draw_preferences, generate

    rng = np.random.default_rng(number)
    return generate(draw_preferences(users, rng), rng)


def _generate(options: argparse.Namespace) -> str:
    check_file(options.out, ".csv", ())
    log = _generated(options.users, options.seed)
    write_whole(options.out, log.to_csv(index=False, lineterminator="\n"))
    told = f"{options.out}: {len(log):,} events of {options.users:,} users"
    return f"{told}\nNext: python -m crm_rl offers features {options.out}"


def _features(options: argparse.Namespace) -> str:
    if options.out is not None:
        check_file(options.out, ".csv", (options.log,))
    table = _table(options.log)
    if options.out is None:
        return f"{len(table):,} users; the first:\n\n{table.head(20).round(2).T.to_string()}"
    write_whole(options.out, table.to_csv(float_format="%.6g", lineterminator="\n"))
    return f"{options.out}: the ten features of {len(table):,} users"


def _catalogue(path: Path | None):
    from crm_rl.case_studies.offers.catalogue import CATALOGUE, load_catalogue

    return load_catalogue(path or CATALOGUE)


def _train(options: argparse.Namespace) -> str:
    check_file(options.out, ".npz", [path for path in (options.log, options.catalogue) if path])

    from crm_rl.case_studies.offers.networks import ppo
    from crm_rl.case_studies.offers.response import optimal, share_of_gain
    from crm_rl.case_studies.offers.simulator import customers_of, greedy_actions, make_world, values_of

    world = make_world(_catalogue(options.catalogue), customers_of(_table(options.log).to_numpy()))
    network = ppo(world, options.weeks, options.seed, factored=True)
    network.save(options.out)
    best = optimal(world.response).argmax(axis=4)[:, world.customers.types]
    plans = (greedy_actions(world, network), 0 * best + world.n_actions - 1, best)
    values = [values_of(world, actions) for actions in plans]
    return (
        f"{options.out}: PPO, {options.weeks:,} customer-weeks. By the response model its plan is worth "
        f"${values[0].mean():.2f} a customer in {world.response.weeks} weeks; nothing sent ${values[1].mean():.2f}, "
        f"the best plan ${values[2].mean():.2f}; share of the attainable gain {share_of_gain(*values):.2f}\n"
        f"Next: python -m crm_rl offers recommend --user 42 --policy {options.out}"
    )


def _recommend(options: argparse.Namespace) -> str:
    from crm_rl.case_studies.offers.recommend import recommend_offer
    from crm_rl.data.problems import DataError

    catalogue, table = _catalogue(options.catalogue), _table(options.log)
    if options.user not in table.index:
        where = options.log or "the generated log"
        raise DataError(f"user {options.user}: not in {where}. Remedy: one of {table.index[0]} to {table.index[-1]}.")
    features, scores = table.loc[options.user], None
    if options.policy is not None:
        from crm_rl.case_studies.offers.networks import load_scores

        scores = load_scores(options.policy, len(catalogue.actions) + 1)
    places = {"week": options.week, "fatigue": options.fatigue, "habit": options.habit}
    answer = recommend_offer(features.to_numpy(), **places, catalogue=catalogue, scores=scores)
    lines = [f"Recommendation for User {options.user}:", "", "State Features:", *_shown(features), ""]
    lines += ["Recommended Action:", f"{answer.action or 'no offer this week'}", "", f"Why: {answer.reason}"]
    lines += [f"In 12 weeks it earns {_dollars(answer.gain)} against sending nothing this week.", "", "Alternatives:"]
    others = enumerate(answer.alternatives, 1)
    lines += [f"{place}. {action or 'no offer this week'}: {_dollars(gain)}" for place, (action, gain) in others]
    lines += [""]
    log = options.log or f"generated, {len(table):,} users"
    policy = options.policy or "the exact plan of the response model"
    return "\n".join([*lines, f"Log: {log}. Policy: {policy}. Dollars are the response model's, which is assumed."])


def _dollars(gain: float) -> str:
    return f"{'-' if round(gain, 2) < 0 else '+'}${abs(gain):.2f}"


def _shown(features) -> list[str]:
    """The published card's lines."""
    from crm_rl.case_studies.offers.catalogue import CHANNELS
    from crm_rl.case_studies.offers.features import RESPONSIVENESS

    own = CHANNELS[features[list(RESPONSIVENESS)].to_numpy().argmax()]
    return [
        f"- Recency: {features['recency']:.2f} days",
        f"- Frequency: {features['frequency']:.0f} sessions",
        f"- Monetary Value: ${features['monetary']:.2f}",
        f"- Engagement Score: {features['engagement']:.2f}",
        f"- Discount Sensitive: {'Yes' if features['discount_sensitivity'] > 0.5 else 'No'}",
        f"- Preferred Channel: {own}",
    ]
