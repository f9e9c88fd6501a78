"""Laws 11, 12 and 19 of operations.md, over generated states and generated interleavings."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from triage_runs import store

from statemig import Migrator, Revision, RunStore, json_text
from statemig.errors import NewerRevisionError, UnknownRevisionError

words = st.text(max_size=8)
states = st.fixed_dictionaries({"topic": words, "summary": words, "log": st.lists(words, max_size=3)})
numbers = itertools.count()


@pytest.fixture(scope="module")
def anew(tmp_path_factory):
    folder = tmp_path_factory.mktemp("laws")
    return lambda: f"sqlite:///{folder / f'{next(numbers)}.db'}"


@settings(max_examples=25, deadline=None)
@given(start=states)
def test_law_11_loading_a_current_run_changes_nothing_and_twice_is_once(anew, start):
    url = anew()
    run_id = store(url, 1).start(start)
    runs = store(url, 2)
    with runs.load(run_id) as run:
        once = run.document
    version = next(runs.iterate())[0].version
    with runs.load(run_id) as run:
        twice = run.document

    assert json_text.equal(once, twice)
    assert next(runs.iterate())[0].version == version


def write(kind, value, run):
    match kind:
        case "topic":
            run.state["topic"] = value
        case "log":
            run.state["log"].append(value)
        case "priority":
            run.state["priority"] = value
        case "step":
            if run.step == "classify":
                run.advance("review", output={"label": value})
            elif run.step == "review":
                run.advance("check", output={"approved": bool(value)})


writes = st.lists(st.tuples(st.sampled_from(["topic", "log", "priority", "step"]), words), max_size=4)


def without_ids(document):
    """Position ids are random by design."""
    cursor = [{key: value for key, value in each.items() if key != "id"} for each in document["cursor"]]
    return {**document, "cursor": cursor}


@settings(max_examples=25, deadline=None)
@given(before=states, changes=writes)
def test_law_12_lazy_with_interleaved_writes_is_eager_first_then_the_same_writes(anew, before, changes):
    lazily, eagerly = anew(), anew()
    for url in (lazily, eagerly):
        store(url, 1).start(before, run_id="r")
    eager = store(eagerly, 2)
    eager.upgrade("r")
    lazy = store(lazily, 2)
    for runs in (lazy, eager):
        for kind, value in changes:
            with runs.load("r") as run:
                write(kind, value, run)

    left, right = lazy.read("r").document, eager.read("r").document
    assert json_text.equal(without_ids(left), without_ids(right))

    for runs in (lazy, eager):
        if not changes:
            with runs.load("r"):
                pass
        runs.downgrade("r", "r1")
    left, right = (store(url, 1).read("r").document for url in (lazily, eagerly))
    assert json_text.equal(without_ids(left), without_ids(right))


def chain(length):
    """Each revision renames the counter and adds a field; every third removes what was added before."""

    def step(number):
        def up(op):
            op.rename_field(f"state.n{number - 1}", to=f"n{number}")
            op.add_field(f"state.added{number}", default=number)
            if number % 3 == 0:
                op.remove_field(f"state.added{number - 1}", restore=None)

        return up

    first = Revision("c0", workflow="chain")
    rest = [
        Revision(f"c{number}", f"c{number - 1}", workflow="chain", upgrade=step(number))
        for number in range(1, length)
    ]
    return [first, *rest]


@pytest.mark.parametrize("length", [10, 30])
def test_law_19_a_long_chain_in_one_go_is_the_chain_step_by_step_and_back(url, length):
    revisions = chain(length)
    first = RunStore(url, Migrator(revisions=revisions[:1]))
    at_once, by_steps = (first.start({"n0": 2**70, "kept": "k"}, step="s") for _ in range(2))
    for upto in range(2, length + 1):
        with RunStore(url, Migrator(revisions=revisions[:upto])).load(by_steps):
            pass
    head = RunStore(url, Migrator(revisions=revisions))
    with head.load(at_once):
        pass

    left, right = head.read(at_once).document, head.read(by_steps).document
    assert json_text.equal(without_ids(left), without_ids(right))
    for run_id in (at_once, by_steps):
        head.downgrade(run_id, "c0")
        assert first.read(run_id).state == {"n0": 2**70, "kept": "k"}


def test_law_19_a_revision_in_a_gap_or_of_the_future_is_refused_and_untouched(url):
    revisions = chain(10)
    RunStore(url, Migrator(revisions=revisions)).start({"n9": 1}, run_id="r")
    for known in (Migrator(revisions=revisions[:5]), Migrator(revisions=[Revision("z1", workflow="chain")])):
        runs = RunStore(url, known)
        [[before]] = runs.iterate()
        for attempt in (runs.read, runs.load, runs.upgrade):
            with pytest.raises((UnknownRevisionError, NewerRevisionError)) as failed:
                attempt("r")
            assert "c9" in str(failed.value)
            assert failed.value.run_id == "r"
        assert runs.claim("w") is None
        assert [[before]] == [*runs.iterate()]
