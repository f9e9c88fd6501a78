"""The tables of a deploy, beside those of the runs or in a database of their own. They are made together with the store's.

====================  ==================================================================================================
statemig_workers      one row per worker and version that it can run, with its heartbeat
statemig_policies     what is wanted: strategy and preferred revision, by workflow, change class, step or run
statemig_preferred    the revision that new runs start on, and how far each older one is from it (its change class)
statemig_pins         runs that stay with one revision, for stores that have no column for it
statemig_canaries     runs that are in the canary of a revision, for stores that have no column for it
statemig_drains       versions that start no new runs, and how many were left at the last look
statemig_rollouts     the reader/writer window of the latest deploy
statemig_retired      versions that nobody may run any more, and for which nothing is kept
====================  ==================================================================================================

Whatever changes a decision gives the entry ``deploy/<workflow>`` of statemig_meta a new value in the same transaction; a worker that
finds the value it knows need not read the rest.
"""

from __future__ import annotations

from sqlalchemy import Column, Double, Integer, String, Table, Text

from statemig.store.tables import metadata

_name = String(255)
_revision = String(64)

workers = Table(
    "statemig_workers",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("name", _name, primary_key=True),
    Column("revision", _revision, primary_key=True),  # of the code that it runs
    Column("reads", Text, nullable=False),  # JSON list of the revisions that it can bring to that one
    Column("started_at", Double, nullable=False),
    Column("beat_at", Double, nullable=False),
    Column("live_until", Double, nullable=False),
)

policies = Table(
    "statemig_policies",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("scope", String(16), primary_key=True),  # workflow, class, step, run
    Column("target", _name, primary_key=True),  # '' for the workflow
    Column("strategy", String(16), nullable=False),  # migrate, route, drain
    Column("revision", _revision),
    Column("set_at", Double, nullable=False),
)

preferred = Table(
    "statemig_preferred",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("revision", _revision, nullable=False),
    Column("classes", Text, nullable=False),  # JSON {older revision: change class of the way from it}
    Column("set_at", Double, nullable=False),
)

pins = Table(
    "statemig_pins",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("run_id", _name, primary_key=True),
    Column("revision", _revision, nullable=False),
    Column("set_at", Double, nullable=False),
)

canaries = Table(
    "statemig_canaries",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("run_id", _name, primary_key=True),
    Column("revision", _revision, nullable=False),
)

drains = Table(
    "statemig_drains",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("revision", _revision, primary_key=True),
    Column("since", Double, nullable=False),
    Column("deadline", Double),
    Column("on_deadline", String(16), nullable=False),  # notify, migrate, fail
    Column("counted", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("checked_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
)

rollouts = Table(
    "statemig_rollouts",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("old", _revision, nullable=False),
    Column("new", _revision, nullable=False),
    Column("stage", String(32), nullable=False),
    Column("oldest_readable", _revision, nullable=False),
    Column("newest_writable", _revision, nullable=False),
    Column("modes", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("version", Integer, nullable=False),
)

retired = Table(
    "statemig_retired",
    metadata,
    Column("workflow", _name, primary_key=True),
    Column("revision", _revision, primary_key=True),
    Column("retired_at", Double, nullable=False),
)
