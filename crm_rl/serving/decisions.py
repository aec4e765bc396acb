"""The log of decisions: what was decided for whom, how likely that was, and what came of it.

A decision is committed before its answer leaves. Commits are slow and requests many, so those that arrive during one
commit share the next (group commit).
"""

import asyncio
import datetime
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from crm_rl.data.problems import DataError
from crm_rl.files import PROJECT

#: Where decisions go unless told otherwise.
DEFAULT = f"sqlite:///{PROJECT / 'data' / 'decisions' / 'decisions.db'}"

#: Seconds to wait for a database that another process has locked.
PATIENCE = 2.0

#: So many decisions may wait for their commit; more are refused.
MOST_WAITING = 10_000

DECISIONS = sa.Table(
    "decisions",
    sa.MetaData(),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("endpoint", sa.String(40), nullable=False),
    sa.Column("context", sa.JSON, nullable=False),
    sa.Column("action", sa.String(200), nullable=False),
    sa.Column("propensity", sa.Float, nullable=False),
    sa.Column("policy", sa.String(200), nullable=False),
    sa.Column("reward", sa.Float),
    sqlite_with_rowid=False,  # rows stand in the order of their ids, so a commit touches one page of one tree
)


class LogUnavailable(Exception):
    """A decision cannot be recorded now; it may be later."""


class Decision(NamedTuple):
    """One decision.

    Attributes:
        endpoint: which question was asked, such as "get-next-action".
        context: what was known, in JSON; no names of persons.
        action: what was decided.
        propensity: the probability with which the policy takes this action here, above 0 and at most 1.
        policy: which policy decided.
    """

    endpoint: str
    context: Any
    action: str
    propensity: float
    policy: str


class Decisions(NamedTuple):
    """A log as arrays, each of shape (decisions,), in order of time (UTC): what off-policy evaluation starts from."""

    id: np.ndarray
    time: np.ndarray
    context: list
    action: np.ndarray
    propensity: np.ndarray
    policy: np.ndarray
    reward: np.ndarray


class DecisionLog:
    """Writes decisions to a database, from one thread.

    Args:
        url: of the database, as SQLAlchemy has it. An SQLite file is made if it is not there.

    Raises:
        DataError: there is no such database, or it cannot be opened.
    """

    def __init__(self, url: str = DEFAULT):
        self.engine = _open(url)
        self._writer = ThreadPoolExecutor(1, "decisions")
        self._waiting: list[tuple[dict, asyncio.Future]] = []
        self._writing: asyncio.Task | None = None
        self._last = 0

    async def add(self, *decisions: Decision) -> list[str]:
        """Record decisions, and return once they are committed.

        Returns:
            Their ids, which rise with time.

        Raises:
            LogUnavailable: they are not recorded.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise LogUnavailable("more decisions arrive than the log can take")
        now, done = datetime.datetime.now(datetime.UTC), asyncio.get_running_loop().create_future()
        rows = [{"id": self._new_id(), "time": now, "reward": None, **decision._asdict()} for decision in decisions]
        self._waiting += [(row, done) for row in rows]
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await done
        return [row["id"] for row in rows]

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._in_writer(self._insert, [row for row, _ in batch])
                failure = None
            except Exception as error:  # whatever it is, those who wait must hear of it
                failure = error
            for future in {future for _, future in batch}:
                if not future.done():  # as one is whose client has left
                    future.set_exception(failure) if failure else future.set_result(None)

    async def reward(self, identifier: str, reward: float) -> bool:
        """Record what came of a decision; a later report takes the place of an earlier one.

        Returns:
            Whether there is such a decision.

        Raises:
            LogUnavailable: it is not recorded.
        """
        return await self._in_writer(self._set_reward, identifier, reward)

    async def check(self) -> None:
        """Raise LogUnavailable if the database does not answer."""
        await self._in_writer(self._check)

    def close(self) -> None:
        """Finish what was begun."""
        self._writer.shutdown()
        self.engine.dispose()

    def _new_id(self) -> str:
        """32 hexadecimal digits: the time in nanoseconds, later than the last, and chance."""
        self._last = max(self._last + 1, time.time_ns())
        return f"{_first_id(self._last)}{secrets.token_hex(8)}"

    async def _in_writer(self, work: Callable, *arguments) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writer, work, *arguments)
        except (SQLAlchemyError, OSError) as error:
            raise LogUnavailable(str(getattr(error, "orig", error)).strip()) from error

    def _insert(self, rows: list[dict]) -> None:
        with self.engine.begin() as connection:
            connection.execute(DECISIONS.insert(), rows)

    def _set_reward(self, identifier: str, reward: float) -> bool:
        with self.engine.begin() as connection:
            changed = DECISIONS.update().where(DECISIONS.c.id == identifier).values(reward=reward)
            return connection.execute(changed).rowcount == 1

    def _check(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(sa.select(DECISIONS.c.id).limit(1))


def read_decisions(url: str = DEFAULT, endpoint: str | None = None, window_days: float | None = None) -> Decisions:
    """Read a log.

    Args:
        url: of the database.
        endpoint: only the decisions of this one.
        window_days: how long outcomes may take. Younger decisions are left out, reported or not, because those that
            pay early are reported early; in the others, a reward that nobody reported is 0.

    Returns:
        The decisions; without a window, a reward that nobody reported is nan.

    Raises:
        DataError: there is no such database, or it cannot be opened.
    """
    if url.startswith("sqlite:///") and not Path(sa.make_url(url).database or "").exists():
        raise DataError(f"{url}: there is no log here. Remedy: start the service, or name another database.")
    columns = [DECISIONS.c[name] for name in Decisions._fields if name != "time"]  # an id begins with its time
    query = sa.select(*columns).order_by(DECISIONS.c.id)
    if endpoint is not None:
        query = query.where(DECISIONS.c.endpoint == endpoint)
    if window_days is not None:
        query = query.where(DECISIONS.c.id < _first_id(time.time_ns() - round(window_days * 86_400e9)))
    engine = _open(url)
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    engine.dispose()
    identifier, context, action, propensity, policy, reward = zip(*rows, strict=True) if rows else [()] * len(columns)
    times = np.array([int(each[:16], 16) for each in identifier], dtype="datetime64[ns]")
    rewards = np.array(reward, dtype=float)
    if window_days is not None:
        rewards = np.nan_to_num(rewards, nan=0.0)
    numbers = np.array(propensity, dtype=float), np.array(policy, dtype=str), rewards
    return Decisions(np.array(identifier, dtype=str), times, list(context), np.array(action, dtype=str), *numbers)


def _first_id(nanoseconds: int) -> str:
    """The least id of a time: its nanoseconds in 16 hexadecimal digits, with which ids begin."""
    return f"{max(nanoseconds, 0):016x}"


def _open(url: str) -> sa.Engine:
    try:
        sqlite = sa.make_url(url).get_backend_name() == "sqlite"
        if sqlite:
            Path(sa.make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url, pool_pre_ping=not sqlite, connect_args={"timeout": PATIENCE} if sqlite else {})
        if sqlite:
            sa.event.listen(engine, "connect", _prepare_sqlite)
        DECISIONS.metadata.create_all(engine)
    except (SQLAlchemyError, ImportError, OSError, TypeError) as error:  # TypeError: a Postgres in SQL_ASCII
        reason = str(getattr(error, "orig", None) or error).strip()
        raise DataError(
            f"{url.split('@')[-1]}: the log of decisions cannot be opened ({reason}). Remedy: give --decisions the "
            "address of a database, such as sqlite:///decisions.db, whose folder can be written."
        ) from error
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Readers and the writer keep out of each other's way; a commit outlives the process, if not a power cut."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
