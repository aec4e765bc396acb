"""What a table tells apart in the responsive world: what each resolution says, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_responsive import people

from crm_rl.worlds.attributes import ALL, N_MASKS, RESOLUTIONS, bought_in, coder_of, levels_of, mask_of, state_key
from crm_rl.worlds.responsive import BASELINE, N_PATTERNS, SELECTION, State

#: Standings that agree to one decimal or to halves, or in nothing.
CROWD = people(6, seed=1)._replace(
    inbound=np.array([0, 1, 0, 0, 0, 0]),
    country=np.array([0.11, 0.11, 0.12, 0.31, 0.9, 0.11]),
    bootcamp=np.array([0.52, 0.52, 0.52, 0.52, 0.52, 0.9]),
)

WEEKS = st.builds(
    State,
    customer=st.integers(0, 5),
    steps=st.integers(0, 12),
    milestones=st.integers(0, N_PATTERNS - 1),
    fatigue=st.integers(0, 2),
    channel=st.integers(0, 3),
    interest=st.integers(0, 2),
    mask=st.integers(0, N_MASKS - 1).map(mask_of),
)


def told(state: State, name: str, selects: bool) -> tuple:
    """What a resolution says of a state, by its name."""
    finer, resolution = list(RESOLUTIONS), RESOLUTIONS[name]
    attributes = (CROWD.inbound, CROWD.country, CROWD.bootcamp)
    seen = bought_in(state.mask) if selects else ALL
    who = tuple(
        round(float(column[state.customer]), decimals) if decimals is not None and seen >> bit & 1 else None
        for bit, (column, decimals) in enumerate(zip(attributes, resolution[:3], strict=True))
    )
    episode = [state.milestones, state.steps, (state.fatigue, state.channel, state.interest)]
    return who, seen, *episode[: 1 + min(2, finer.index(name))]


@pytest.mark.parametrize("params", [BASELINE, SELECTION], ids=["all visible", "selection"])
@pytest.mark.parametrize("name", RESOLUTIONS)
def test_keys_are_equal_where_what_is_told_is_equal(name, params):
    coder = coder_of(CROWD, levels_of(CROWD, params, RESOLUTIONS[name]))
    shared = params.selects_features

    @given(WEEKS, WEEKS)
    def check(one, other):
        if not shared:
            one, other = (state._replace(mask=params.first_mask) for state in (one, other))
        keys = [state_key(state, coder, params) for state in (one, other)]
        assert min(keys)[0] >= 0
        assert (keys[0] == keys[1]) == (told(one, name, shared) == told(other, name, shared))

    check()


@pytest.mark.parametrize("name", RESOLUTIONS)
def test_states_that_differ_in_one_thing_are_told_apart_where_the_resolution_says_so(name):
    """Two random weeks seldom agree in anything; here they agree in all but one."""
    coder = coder_of(CROWD, levels_of(CROWD, BASELINE, RESOLUTIONS[name]))
    begins = State(0, 3, 0b00101, 1, 2, 1, BASELINE.first_mask)
    changes = {"customer": 1, "steps": 4, "milestones": 0b00111, "fatigue": 2, "channel": 3, "interest": 0}
    for field, value in [*changes.items(), *(("customer", other) for other in (2, 3, 4, 5))]:
        other = begins._replace(**{field: value})
        same = state_key(begins, coder, BASELINE) == state_key(other, coder, BASELINE)
        assert same == (told(begins, name, False) == told(other, name, False)), field


def test_a_stranger_has_no_number():
    coder = coder_of(
        CROWD._replace(country=np.full(6, 0.7)), levels_of(CROWD, BASELINE, RESOLUTIONS["+ country x bootcamp"])
    )
    assert state_key(State(0, 0, 0, 0, 0, 2, BASELINE.first_mask), coder, BASELINE)[0] == -1


def test_levels_that_were_damaged_do_not_fit():
    levels = levels_of(CROWD, SELECTION, RESOLUTIONS["+ country x bootcamp"])
    assert levels.fits()
    for damaged in (
        levels._replace(groups=levels.groups[:, :3]),
        levels._replace(groups=levels.groups[0]),
        levels._replace(decimals=levels.decimals[:2]),
        levels._replace(episode=np.zeros(2)),
    ):
        assert not damaged.fits()
