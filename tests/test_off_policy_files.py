"""Logs as files and on the command line."""

import numpy as np
import pandas as pd
import pytest

from crm_rl.cli import main
from crm_rl.data.problems import DataError
from crm_rl.evaluation.log_file import read_log, to_table
from crm_rl.evaluation.off_policy import evaluate_decisions
from crm_rl.experiments.logs_study import signed_up, today
from crm_rl.worlds.logs import play_episodes


@pytest.fixture(scope="module")
def world():
    return signed_up(weeks=3)


@pytest.fixture(scope="module")
def log(world):
    return play_episodes(today(0.5), world, 50, np.random.default_rng(0))


def test_a_log_comes_back_as_it_was(world, log, tmp_path):
    path = tmp_path / "log.csv"
    to_table(log).sample(frac=1, random_state=0).to_csv(path, index=False)
    again, there = read_log(path, world._replace(params=world.params._replace(weeks=12)))
    assert there.params.weeks == 3
    np.testing.assert_array_equal(again.going, log.going)
    for name in ("actions", "propensities", "rewards", "observations"):
        np.testing.assert_allclose(getattr(again, name)[log.going], getattr(log, name)[log.going], err_msg=name)


def test_all_faults_of_a_file_are_named(world, log, tmp_path):
    table = to_table(log).astype(object)
    table.loc[2, "propensity"], table.loc[3, "action"] = 0, "shout"
    table.loc[4, "week"], table.loc[5, "reward"] = 9, "much"
    table.to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(DataError) as error:
        read_log(tmp_path / "bad.csv", world)
    text = str(error.value)
    for wanted in ("propensity: 1 wrong, the first in row 4", "action: 1", "column week", "column reward", "Remedy"):
        assert wanted in text


@pytest.mark.parametrize("content", ["", "episode,week\n1,2\n", "\x00\xff"])
def test_no_file_is_a_traceback(content, tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_text(content)
    assert main(["logs", "evaluate", str(path), "--policy", "wait"]) == 1
    assert "Remedy" in capsys.readouterr().err


def test_make_and_evaluate(tmp_path, capsys):
    path = tmp_path / "log.csv"
    assert main(["logs", "make", "--out", str(path), "--customers", "300", "--weeks", "2"]) == 0
    assert set(pd.read_csv(path)["week"]) == {0, 1}
    assert main(["logs", "evaluate", str(path), "--policy", "best"]) == 0
    said, waiting = capsys.readouterr()
    assert waiting.count("Solving the world") == 2, "it says what takes its time, apart from what it prints"
    assert "doubly robust" in said and "Effective sample size" in said and "is below 100" in said
    assert "effective winners" in said, "three hundred customers have few"
    assert main(["logs", "evaluate", str(path), "--policy", str(tmp_path / "none.npz")]) == 1
    assert main(["logs", "evaluate", str(tmp_path / "none.csv"), "--policy", "best"]) == 1
    assert main(["logs", "make", "--out", str(path), "--explore", "2", "--weeks", "13"]) == 1
    error = capsys.readouterr().err
    for part in ("none.npz", "none.csv: no such file. Remedy", "--explore 2", "--weeks 13"):
        assert part in error


@pytest.mark.parametrize(
    ("actions", "rewards", "says"),
    [
        ([0, 1, 1], [1.0, np.nan, 2.0], "1 rewards are not known.*window_days"),
        ([0, 1, 2], [1.0, 0.0, 2.0], "places in the 2 columns"),
        ([0, -1, 1], [1.0, 0.0, 2.0], "places in the 2 columns"),
        (["call", "wait", "call"], [1.0, 0.0, 2.0], "places in the 2 columns"),
    ],
)
def test_a_log_of_decisions_with_gaps_is_refused(actions, rewards, says):
    with pytest.raises(DataError, match=says):
        evaluate_decisions(actions, [0.5] * 3, rewards, np.full((3, 2), 0.5))
