"""What the items of the deployment checklist say, each from one source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from statemig.deploy.additive import violations
from statemig.deploy.checklist import Item
from statemig.deploy.classes import classes_to
from statemig.deploy.impact import Impact
from statemig.errors import StatemigError
from statemig.fleet.inventory import take
from statemig.fleet.rehearsal import Rehearsal
from statemig.migrator import Migrator
from statemig.proof.prove import prove_revision
from statemig.store.deploy_records import Unknown
from statemig.store.protocols import FleetStore

_SHOWN: Final = 5


def inventory(fleet: FleetStore) -> Item:
    name = "identify in-flight runs"
    found = take(fleet, by=("version", "status"))
    said = f"{_runs(found.runs)} in flight"
    versions: dict[str, list[str]] = {}
    for line in found.lines:
        versions.setdefault(_version(line.key["version"]), []).append(f"{line.count:,} {line.key['status']}")
    details = tuple(f"{version}: {', '.join(counts)}" for version, counts in versions.items())
    bad: list[str] = []
    unknown: list[str] = []
    match found.unknown_tag:
        case Unknown():
            unknown.append(f"of which revision all runs are is {found.unknown_tag}")
        case 0:
            pass
        case count:
            tags = ", ".join(sorted(found.unknown_tags))
            bad.append(f"{_runs(count)} of a revision that nobody here knows ({tags})")
    match found.zombies:
        case Unknown():
            details += (f"zombies: {found.zombies}",)
        case 0:
            details += ("no zombies: a living worker can take each of them",)
        case count:
            kinds: dict[str, int] = {}
            for each in found.zombie_kinds:
                kinds[f"{each.need}; {each.why}"] = kinds.get(f"{each.need}; {each.why}", 0) + each.count
            why = "; ".join(f"{count:,}: {need}" for need, count in kinds.items())
            bad.append(f"{_runs(count)} that no living worker can take ({why})")
    if bad:
        return Item(name, "failed", f"{said}; {'; '.join(bad)}", details, "statemig runs")
    if unknown:
        return Item(name, "unknown", f"{said}; {'; '.join(unknown)}", details, "statemig runs")
    return Item(name, "note" if isinstance(found.zombies, Unknown) else "ok", said, details)


def classified(impact: Impact, old: str | None) -> Item:
    name = "classify the change"
    changes = impact.changes
    if old is None:
        return Item(name, "ok", "the first version: nothing is older")
    if not changes.items or changes.change_class == "none":
        return Item(name, "ok", "nothing has changed")
    details = []
    for change, advice in zip(changes, impact.advice, strict=True):
        touches = ""
        if change.touches is not None:
            touches = f", touches {'up to ' if change.at_most else ''}{_runs(change.touches)}"
        details.append(
            f"{change.change_class}: {change.to_dict()['rule']} {change.to_dict()['slug']} at {change.path}{touches}; {advice.strategy}"
        )
    asked = f"; {impact.asked:,} were read" if impact.asked else ""
    said = f"{changes.change_class}, {_count(len(changes), 'change')}; {_runs(impact.runs)} at the older version or below it{asked}"
    if changes.questions:
        open_ones = ", ".join(old for old, _ in changes.questions)
        details.append(f"perhaps a rename: {open_ones}; the script does not say so")
    return Item(name, "ok", said, tuple(details))


def prompts(impact: Impact) -> Item:
    name = 'is "prompt-only" really safe'
    concerned = [each for each in impact.changes if each.rule in ("W01", "W02", "W10")]
    if not concerned:
        return Item(name, "ok", "no prompt, model or tool has changed")
    guarded = [
        f"{each.path}: {each.reason}" for each in concerned if each.reason and each.change_class == "breaking"
    ]
    if guarded:
        return Item(
            name, "failed", f"{_count(len(guarded), 'change')} that live runs speak against", tuple(guarded)
        )
    along = tuple(f"{each.path}: {each.reason}" for each in concerned if each.reason)
    if along:
        return Item(name, "note", "not one of prompts only", along)
    return Item(
        name, "ok", "live runs supply what new prompts use, and no call of a changed tool is outstanding"
    )


def strategies(fleet: FleetStore, impact: Impact, old: str | None, new: str) -> Item:
    name = "breaking: migrate, drain or route"
    if old is None:
        return Item(name, "ok", "nothing is breaking")
    breaking = [
        (change, advice)
        for change, advice in zip(impact.changes, impact.advice, strict=True)
        if change.change_class == "breaking"
    ]
    if not breaking:
        return Item(name, "ok", "nothing is breaking")
    apart = [(change, advice) for change, advice in breaking if advice.strategy in ("drain", "route")]
    if not apart:
        return Item(
            name, "ok", f"{_count(len(breaking), 'breaking change')}, of kinds that a script migrates"
        )
    # what policies go by: the class that the snapshots say, also where the live runs speak against a prompt
    frozen = classes_to(fleet.migrator, new, [old])[old]
    said = [
        each
        for each in fleet.deploy.policies()
        if each.strategy in ("drain", "route")
        and (each.scope == "workflow" or (each.scope, each.target) == ("class", frozen))
    ]
    draining = any(each.revision == old for each in fleet.deploy.drains())
    if said or draining:
        how = "the old version drains" if draining else f"a policy says {said[0].strategy}"
        return Item(name, "ok", f"{_count(len(apart), 'change')} that no operation makes; {how}")
    worst = "route" if any(advice.strategy == "route" for _, advice in apart) else "drain"
    return Item(
        name,
        "failed",
        f"{_count(len(apart), 'change')} that no operation makes, and nothing says what becomes of the runs",
        tuple(f"{change.rule} {change.path}: {advice.strategy}; {advice.why}" for change, advice in apart),
        f"statemig route policy class {frozen} --strategy {worst}",
    )


def additive(migrator: Migrator, old: str | None, new: str) -> Item:
    name = "additive rules"
    found = violations(migrator, old, new)
    if found:
        return Item(name, "failed", f"{_count(len(found), 'rule')} broken", tuple(found))
    return Item(name, "ok", "what is new has a default, and what is gone is passed through")


def proved(migrator: Migrator, old: str | None, new: str, tried: Rehearsal | StatemigError) -> Item:
    """A refutation is in the way. What could not be proved is not, where every live run was tried and gets there."""
    name = "proof of the scripts"
    if old is None:
        return Item(name, "ok", "no run is older")
    refuted: list[str] = []
    undecided: list[str] = []
    back: list[str] = []
    for revision in migrator.path(old, new):
        try:
            verdict = prove_revision(migrator.revision(revision), migrator.snapshot)
        except StatemigError as error:
            return Item(name, "failed", f"the script of {revision} can not be followed", (str(error),))
        for part in (verdict.up, verdict.cursor):
            said = [f"{revision}: {each.message}" for each in part.findings]
            if part.verdict == "refuted":
                refuted += said
            elif part.verdict == "unknown":
                undecided += said
        if verdict.down.verdict != "proved":
            first = verdict.down.findings[0].message if verdict.down.findings else ""
            back.append(f"the way down over {revision} is {verdict.down.verdict}: {first}")
    if refuted:
        return Item(name, "failed", "a document was made up and rejected", tuple(refuted), "statemig verify")
    if undecided:
        covered = isinstance(tried, Rehearsal) and tried.ok and not tried.sampled
        said_so = (
            "not proved for every state; every live run was tried"
            if covered
            else "not proved for every state"
        )
        details = (*undecided, *back)
        return Item(name, "note" if covered else "unknown", said_so, details, "statemig verify")
    if back:
        return Item(
            name, "note", "proved on the way up; workers of both versions can not share all runs", tuple(back)
        )
    return Item(name, "ok", "proved for every state, up and down")


def rehearsed(migrator: Migrator, tried: Rehearsal | StatemigError) -> Item:
    name = "verify against in-flight state"
    if isinstance(tried, StatemigError):
        problems = getattr(tried, "problems", ()) or (tried.message,)
        return Item(
            name, "failed", "no run could be tried: a script can not be right", tuple(map(str, problems))
        )
    if tried.runs == 0:
        return Item(name, "ok", "no live run to try")
    details = tuple(
        f"{group.trouble.finding}{'' if group.weight == 'fails' else f' ({group.weight})'}, {_runs(group.count)} of "
        f"{_from(migrator, group.from_revision)}{f' at step {group.trouble.step}' if group.trouble.step else ''}: "
        f"{group.trouble.reason} ({', '.join(group.run_ids[:_SHOWN])}{', ...' if group.count > _SHOWN else ''})"
        + (f". {group.trouble.hint}" if group.trouble.hint and group.weight == "fails" else "")
        for group in tried.groups
    )
    of = f"{tried.runs:,} of {_runs(tried.total or tried.runs)} tried"
    if not tried.ok:
        return Item(
            name, "failed", f"{of}; {tried.failed:,} would not get there", details, "statemig rehearse"
        )
    there = tried.fine + tried.current
    said = f"{of}; {there:,} get there and back"
    if tried.stays:
        said += f", {tried.stays:,} stay where they are"
    if tried.newer:
        said += f", {tried.newer:,} are newer"
    partly = tried.sampled and tried.total is not None and tried.total > tried.runs
    return Item(name, "note" if partly or details else "ok", said, details)


def to_come(fleet: FleetStore, old: str | None, new: str, staging: bool, runs: int) -> Sequence[Item]:
    window = fleet.deploy.rollout()
    stage = f" (a deploy of {window.new} is {window.stage})" if window is not None and window.open else ""
    if staging and not runs:
        yours = Item(
            "staging",
            "unknown",
            "this is the staging store, and no run is in it: nothing was tried",
            command="statemig runs import staging.jsonl --store STAGING",
        )
    elif staging:
        yours = Item("staging", "ok", "this is the staging store")
    else:
        yours = Item(
            "staging",
            "next",
            "the same checklist against a staging store, filled with the form of live runs",
            command="statemig runs export --redact > staging.jsonl",
        )
    return (
        yours,
        Item(
            "small canary",
            "next",
            f"some new and some parked runs first{stage}",
            command=f"statemig canary start {new} --new 5% --parked 5% --hold 20m",
        ),
        Item(
            "monitor", "next", "15 to 30 minutes, canary against the rest", command="statemig watch --for 30m"
        ),
        Item("undo", "next", "brings runs back, or says which can not go", command="statemig abort"),
        Item(
            "clean up",
            "next",
            "when no run needs the old version any more",
            command=f"statemig retire {old}" if old is not None else None,
        ),
    )


# -- words -------------------------------------------------------------------------------------------------------------


def _runs(count: int) -> str:
    return _count(count, "run")


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _version(version: int | None) -> str:
    return "unknown version" if version is None else f"version {version}"


def named(migrator: Migrator, revision: str | None) -> str:
    return "nothing" if revision is None else f"version {migrator.version(revision)} ({revision})"


def _from(migrator: Migrator, revision: str | None) -> str:
    return _version(migrator.version(revision) if revision in migrator.known and revision else None)
