"""How torch counts while networks train; outside the arithmetic of the process stays as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: more are slower for networks so small, and another number may change the last bits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def tiny_numbers_are_zero() -> Iterator[None]:
    """Numbers below 1e-38 count as 0, in here and nowhere else: Adam is full of them, and they are slow."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
