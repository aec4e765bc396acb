"""What may be offered: a catalogue of actions, each an offer, a value, a channel and a timing (chapter 11).

The published catalogue has 144 actions. Anybody may write another one, as a grid or as a list, in YAML.
"""

import functools
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from crm_rl.data.problems import DataError
from crm_rl.files import shipped

CATALOGUE = shipped("worlds/offers_catalogue.yaml")

OFFERS = ("discount", "free_shipping", "recommendation", "bundle")
CHANNELS = ("email", "sms", "push")
TIMINGS = ("immediate", "delay_1hour", "delay_6hours")

#: The largest value, in percent off the price.
MOST = 50

#: The parts of an action, and what they are called in a catalogue that is a grid.
PARTS = ("offer", "value", "channel", "timing")
GRID = ("offers", "values", "channels", "timings")
WORDS = {"offer": OFFERS, "channel": CHANNELS, "timing": TIMINGS}


class Offer(NamedTuple):
    """One action of a catalogue; `value` is in percent off the price, 0 for none."""

    offer: str
    value: int
    channel: str
    timing: str

    def __str__(self) -> str:
        extra = f" with {self.value}% off" if self.value else ""
        when = {
            "immediate": "immediate delivery",
            "delay_1hour": "after 1 hour",
            "delay_6hours": "after 6 hours",
        }[self.timing]
        what = {
            "discount": f"{self.value}% discount" if self.value else "reminder without a discount",
            "free_shipping": f"free shipping{extra}",
            "recommendation": f"product recommendation{extra}",
            "bundle": f"bundle{extra}",
        }[self.offer]
        return f"{what} via {self.channel} ({when})"


class Catalogue(NamedTuple):
    """The actions of a catalogue as arrays, an entry an action.

    Attributes:
        actions: the actions in words; the index of one is its number.
        offer, channel, timing: shape (actions,): places in `OFFERS`, `CHANNELS` and `TIMINGS`.
        value: shape (actions,): percent off the price.
    """

    actions: tuple[Offer, ...]
    offer: np.ndarray
    value: np.ndarray
    channel: np.ndarray
    timing: np.ndarray


def catalogue_of(actions: tuple[Offer, ...]) -> Catalogue:
    """The catalogue of these actions, which are known to be right."""
    places = [[OFFERS.index(a.offer), a.value, CHANNELS.index(a.channel), TIMINGS.index(a.timing)] for a in actions]
    return Catalogue(actions, *np.array(places).T)


@functools.cache
def load_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """Read a catalogue.

    Args:
        path: a YAML file that has either `offers`, `values`, `channels` and `timings`, which are crossed, or
            `actions`, a list of `{offer, value, channel, timing}`. In both, `impossible` may list combinations that
            cannot be had, such as `{offer: bundle, channel: sms}`: they are left out of a grid, and refused in a list.

    Raises:
        DataError: the file cannot be read or the catalogue not be used: unknown words, values out of range, duplicates,
            combinations that are impossible, nothing left. All problems at once.
    """
    try:
        written = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}. Remedy: name a catalogue in YAML.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not YAML ({' '.join(str(error).split())}). Remedy: correct the file.") from error
    problems: list[str] = []
    actions = _actions(written, problems)
    if problems:
        listed = "".join(f"\n    {problem}" for problem in problems)
        remedy = f"Remedy: correct these places; {CATALOGUE} is one that works."
        raise DataError(f"{path}: this catalogue cannot be used:{listed}\n{remedy}")
    return catalogue_of(actions)


def _actions(written, problems: list[str]) -> tuple[Offer, ...]:
    """The actions of a catalogue as it is written; what is wrong with it goes into `problems`."""
    if not isinstance(written, dict) or not ({"actions"} & set(written) or set(GRID) & set(written)):
        problems.append(f"it has neither `actions` nor {', '.join(f'`{name}`' for name in GRID)}")
        return ()
    as_list = "actions" in written
    known = {"impossible", *(("actions",) if as_list else GRID)}
    kind = "list" if as_list else "grid"
    problems += [f"{name}: no such part of a catalogue that is a {kind}" for name in written if name not in known]
    barred = _entries(written, "impossible", problems, some=True)
    if as_list:
        entries = _entries(written, "actions", problems)
        problems += [
            f"actions, number {place}: {_shown(entry)} is impossible, as {_shown(rule)} says"
            for place, entry in enumerate(entries, 1)
            for rule in barred
            if _matches(entry, rule)
        ]
    else:
        lists = [_words(written, name, part, problems) for name, part in zip(GRID, PARTS, strict=True)]
        entries = [dict(zip(PARTS, each, strict=True)) for each in itertools.product(*lists)]
        unused = [rule for rule in barred if entries and not any(_matches(entry, rule) for entry in entries)]
        problems += [f"impossible: {_shown(rule)} rules out nothing" for rule in unused]
        entries = [entry for entry in entries if not any(_matches(entry, rule) for rule in barred)]
    if not entries and not problems:
        problems.append("it is empty: no action is left")
    return () if problems else tuple(Offer(**entry) for entry in entries)


def _words(written: dict, name: str, part: str, problems: list[str]) -> list:
    """One part of a grid, checked."""
    words = written.get(name)
    if not isinstance(words, list) or not words:
        problems.append(f"{name}: needs a list of at least one {part}")
        return []
    problems += [f"{name}: {fault}" for word in words if (fault := _fault(part, word))]
    problems += [f"{name}: {word!r} stands there twice" for word in _twice(words)]
    return words


def _entries(written: dict, name: str, problems: list[str], some: bool = False) -> list[dict]:
    """A list of actions, or of `some` of their parts, checked; only what is an action comes back."""
    entries = written.get(name)
    if not isinstance(entries, list):
        if entries is not None or not some:
            problems.append(f"{name}: needs a list")
        return []
    good = []
    for place, entry in enumerate(entries, 1):
        faults = _faults(entry, some)
        problems += [f"{name}, number {place}: {fault}" for fault in faults]
        good += [] if faults else [entry]
    problems += [f"{name}: {_shown(entry)} stands there twice" for entry in _twice(good)]
    return good


def _faults(entry, some: bool) -> list[str]:
    if not isinstance(entry, dict) or not entry:
        return [f"{entry!r} has no {', '.join(PARTS)}"]
    lacking = [] if some else [f"no {part}" for part in PARTS if part not in entry]
    other = [f"{name!r} is no part of an action" for name in entry if name not in PARTS]
    return lacking + other + [fault for part in PARTS if part in entry and (fault := _fault(part, entry[part]))]


def _fault(part: str, word) -> str:
    """What is wrong with a word of an action; "" if nothing."""
    if part == "value":
        right = isinstance(word, int) and not isinstance(word, bool) and 0 <= word <= MOST
        return "" if right else f"{word!r} is no value: a whole number from 0 to {MOST}, in percent"
    known = WORDS[part]
    return "" if word in known else f"{word!r} is an unknown {part}: choose from {', '.join(known)}"


def _twice(items: list) -> list:
    return [item for place, item in enumerate(items) if item in items[:place]]


def _matches(entry: dict, rule: dict) -> bool:
    return all(entry[part] == word for part, word in rule.items())


def _shown(entry: dict) -> str:
    return " ".join(str(entry[part]) for part in PARTS if part in entry)
