"""What a store's workers know of the deploy: read when it changes, turned into what a claim asks the database for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Engine, and_, case, false, func, literal, or_, true
from sqlalchemy.sql.elements import ColumnElement

from statemig import json_text
from statemig.store.deploy_canary import Shares
from statemig.store.deploy_records import Policy, Worker
from statemig.store.deploy_routing import RunFacts, View
from statemig.store.deploy_store import LIVE
from statemig.store.protocols import DeployStore, StoredRun
from statemig.store.tables import runs

# That somebody has died is noticed so many seconds after it is known; everything else at once.
_WORKERS_AGAIN: Final = 5.0


def read_view(deploy: DeployStore) -> View:
    """Everything that a decision depends on."""
    preferred = deploy.preferred()
    return View(
        policies=tuple(deploy.policies()),
        preferred=None if preferred is None else preferred[0],
        classes=None if preferred is None else preferred[1],
        drains=tuple(deploy.drains()),
        rollout=deploy.rollout(),
        workers=tuple(deploy.workers()),
        pins=deploy.pins_beside(),
        canary_runs=deploy.canary_beside(),
        retired=frozenset(deploy.retired()),
    )


def facts_of(row: StoredRun) -> RunFacts:
    """What a decision needs of a stored run."""
    return RunFacts(
        row.run_id,
        row.revision,
        row.started_revision,
        row.pinned_revision,
        steps_of(row.standing),
        row.canary,
    )


def steps_of(standing: str) -> tuple[str, ...]:
    """The steps in the column of that name."""
    return tuple(dict.fromkeys(place[0] for place in json_text.loads(standing)))


class Watched:
    """The view of one store's workers, which run `head` and read `known`. Any number of threads may use it: what is read is replaced
    whole."""

    def __init__(self, deploy: DeployStore, head: str, known: frozenset[str]) -> None:
        self._deploy = deploy
        self._head = head
        self._known = known
        self._seen: tuple[str | None, float, View] | None = None
        self._beats: dict[str, float] = {}

    def view(self) -> View:
        """As it is now. Where nothing was ever said this costs one look at a key."""
        generation = self._deploy.generation()
        now = self._deploy.clock()
        seen = self._seen
        if seen is not None and seen[0] == generation and (now < seen[1] or not seen[2].decides):
            return seen[2]
        view = View() if generation is None else read_view(self._deploy)
        self._seen = generation, now + _WORKERS_AGAIN, view
        return view

    def with_me(self, worker: str) -> View:
        """The view in which the worker that asks is alive, whatever its heartbeat says."""
        view = self.view()
        if any(each.name == worker and each.revision == self._head for each in view.workers):
            return view
        now = self._deploy.clock()
        me = Worker(worker, self._head, self._known, now, now, now + LIVE)
        return replace(view, workers=(*view.workers, me))

    def beat(self, worker: str, live_for: float) -> None:
        """A heartbeat, where the last one will not do for as long."""
        now = self._deploy.clock()
        # Renewed at half its time; a lease that is longer than the last beat keeps its worker alive for as long.
        if self._beats.get(worker, 0.0) - now > max(live_for, LIVE) / 2:
            return
        lasting = max(live_for, LIVE)
        self._deploy.beat(worker, self._head, self._known, live_for=lasting)
        self._beats[worker] = now + lasting


def mine(view: View, head: str, known: Iterable[str], engine: Engine) -> ColumnElement[bool]:
    """In SQL: whether `View.decide` gives a run to workers of `head`. Pins are the queue's own condition.

    It says the same as the rules, which stay the authority: whoever takes a run asks them once more.
    """
    sql = _InSql(view, head, frozenset(known), engine)
    whens: list[tuple[ColumnElement[bool], ColumnElement[bool]]] = []
    if view.pins:
        whens += [(runs.c.run_id == run, literal(to == head)) for run, to in sorted(view.pins.items())]
    whens += [(runs.c.pinned_revision.is_not(None), runs.c.pinned_revision == head)]
    whens += [
        (runs.c.run_id == each.target, sql.takes(each)) for each in view.policies if each.scope == "run"
    ]
    whens += [(sql.stands_at(each.target), sql.takes(each)) for each in view.policies if each.scope == "step"]
    whens += [(runs.c.revision == each.revision, literal(each.revision == head)) for each in view.drains]
    if view.shares is not None:
        whens += [(sql.in_canary(view.shares), sql.migrates(view.shares.revision))]
    for each in view.policies:
        if each.scope == "class":
            shapes = [shape for shape, found in (view.classes or {}).items() if found == each.target]
            whens += [(_one_of(shapes), sql.takes(each))]
    general = next((each for each in view.policies if each.scope == "workflow"), None)
    if general is not None:
        otherwise = sql.takes(general)
    elif view.preferred is not None:
        otherwise = sql.migrates(view.preferred)
    else:
        otherwise = true()
    return case(*((when, _as_number(then)) for when, then in whens), else_=_as_number(otherwise)) == 1


class _InSql:
    def __init__(self, view: View, head: str, known: frozenset[str], engine: Engine) -> None:
        self._view = view
        self._head = head
        self._known = known
        self._is_sqlite = engine.dialect.name == "sqlite"

    def stands_at(self, step: str) -> ColumnElement[bool]:
        """The standing is our own text, so a step is in it exactly as JSON writes its name at the head of an entry."""
        entry = f"[{json_text.dumps(step).decode()},"
        find: Any = func.instr if self._is_sqlite else func.strpos
        return ColumnElement.__gt__(find(runs.c.standing, entry), 0)

    def in_canary(self, shares: Shares) -> ColumnElement[bool]:
        """`View.in_canary`; a run that the view names is no row's own word."""
        if shares.parked >= 1:
            return true()
        beside = self._view.canary_runs or {}
        named = [runs.c.run_id == run for run, to in sorted(beside.items()) if to == shares.revision]
        others = [runs.c.run_id != run for run in sorted(beside)]
        return or_(*named, and_(runs.c.canary == shares.revision, *others))

    def takes(self, policy: Policy) -> ColumnElement[bool]:
        if policy.strategy == "migrate":
            to = self._view.preferred if policy.revision is None else policy.revision
            return true() if to is None else self.migrates(to)
        return self._own()

    def migrates(self, to: str) -> ColumnElement[bool]:
        head = self._head
        stay = [
            shape
            for shape in sorted(self._known | set(self._view.rollout.modes if self._view.rollout else ()))
            if shape != to and self._view.mode(to, shape) == "pin"
        ]
        if to == head:
            return or_(runs.c.revision.is_(None), and_(_one_of(self._known), ~_one_of(stay)))
        # Somebody else's; ours only where it has our shape, and has to stay or nobody is there for it.
        if head in stay or not self._view.available(to, head):
            return runs.c.revision == head
        return false()

    def _own(self) -> ColumnElement[bool]:
        head = self._head
        able = sorted({each.revision for each in self._view.workers if each.can_take(head)} - {head})
        started = runs.c.started_revision
        return or_(
            and_(started == head, or_(runs.c.revision.is_(None), _one_of(self._known))),
            and_(
                runs.c.revision == head,
                or_(started.is_(None), and_(started != head, *(started != name for name in able))),
            ),
            and_(runs.c.revision.is_(None), started.is_(None)),
        )


def _one_of(names: Iterable[str]) -> ColumnElement[bool]:
    # No IN: a list has no fixed number of parameters, and the statement is compiled once.
    found = [runs.c.revision == name for name in sorted(names)]
    return or_(false(), *found)


def _as_number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    # Booleans in a CASE are spelled differently by every database. What is null (a run without a stamp) is no.
    return case((condition, 1), else_=0)
