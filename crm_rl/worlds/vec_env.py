"""What all our environments for stable-baselines3 share: they are rows of arrays, not objects of their own."""

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv


class RowsVecEnv(VecEnv):
    """A `VecEnv` that steps all its rows at once; a subclass has `reset` and `step_wait`, which finds `_actions`."""

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def close(self) -> None:
        pass

    def get_attr(self, attr_name: str, indices: Any = None) -> list:
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list:
        """Call a method that answers for all rows, an array with an entry for each; of those asked for."""
        return list(getattr(self, method_name)(*method_args, **method_kwargs)[self._get_indices(indices)])

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        return [False for _ in self._get_indices(indices)]
