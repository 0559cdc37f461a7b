"""Wherever an operation is struck, it has happened completely or not at all, and its job continues.

Each case is a child process that is struck at one crash point of one operation: it is killed, or an
exception is raised, or the database refuses, or the connection ends.
"""

import ast

import pytest

from jobs import audit, database
from jobs.models import Intent, Job, Order, Queue, Step, Transition, Worker
from jobs.statuses import TERMINAL
from tests.faults.crash_child import bring_to_end, database_state
from tests.faults.crash_situations import SITUATIONS, new_worker
from tests.faults.crashes import CrashServer
from tests.support.sources import SOURCES

pytestmark = [pytest.mark.slow, pytest.mark.either]

FAULTS = ("kill", "exception", "database", "cut")
PLAIN = ("before_begin", "before_commit", "after_commit")
ONE_STATEMENT = ("before_begin", "after_commit")
IS_ONE_STATEMENT = database.dialect().has_functions
PARTS = ("journal_written", "job_written", "steps_written")
TRANSACTION = PLAIN if IS_ONE_STATEMENT else (PLAIN[0], *PARTS, *PLAIN[1:])
BATCH = ONE_STATEMENT if IS_ONE_STATEMENT else TRANSACTION
LAUNCH = ONE_STATEMENT if IS_ONE_STATEMENT else (PLAIN[0], *PARTS[1:], *PLAIN[1:])
LAUNCH_ONCE = LAUNCH if IS_ONE_STATEMENT else (*LAUNCH[:-2], "intent.written", *LAUNCH[-2:])


def points(name, places=BATCH):
    """The names of an operation's crash points; some places have a whole name."""
    return [place if "." in place else f"{name}.{place}" for place in places]


# Of a transaction with two batches: where a place is inside a batch, it comes for each by itself.
ROUND = [
    *("finish.before_begin", "claim.before_begin"),
    *(point for name in ("finish", "claim") for point in points(name, PARTS)),
    *("finish.before_commit", "claim.before_commit", "finish.after_commit", "claim.after_commit"),
]
# Situation → the crash points of its operation, in order.
POINTS = {
    "launch": points("launch", LAUNCH),
    "launch_once": points("launch", LAUNCH_ONCE),
    "launch_with_a_key": points("launch", PLAIN if IS_ONE_STATEMENT else LAUNCH),
    "claim": points("claim"),
    "finish": points("finish"),
    "finish_the_last": points("finish"),
    "a_round": [point for point in ROUND if point.partition(".")[2] in BATCH],
    "finish_with_a_retry_left": points("finish"),
    "finish_for_good": points("finish"),
    "finish_cancelled": points("finish", TRANSACTION),  # decided again, with the job's lock
    "requeue": points("finish"),
    "recover": points("recover") + points("mark_dead", PLAIN),
    "hand_over": points("finish") + points("hand_over"),
    "give_up": points("give_up"),
    "cancel": points("cancel"),
    "cancel_before_it_started": points("cancel"),
    "retry": points("retry"),
    "cancel_once": ["cancel.before_begin", "intent.written", *points("cancel", TRANSACTION)[1:]],
    "retry_once": ["retry.before_begin", "intent.written", *points("retry", TRANSACTION)[1:]],
    "note": points("note"),
    "log": points("log", PLAIN),
    "ask_for_stack": points("stack", PLAIN),
    "answer_stack": points("stack", PLAIN),
    "pause_queue_once": points("order", (PLAIN[0], "intent.written", *PLAIN[1:])),
    "drain_worker": points("order", PLAIN),
    "beat": points("beat", ONE_STATEMENT),
    "register": points("register", PLAIN),
    "deregister": points("deregister", PLAIN),
}
# What is not looked for when the answer to its COMMIT is lost: it is done again, or not needed.
# What is done once is found by its intent.
UNSEEN = {"log", "register", "deregister", "mark_dead", "order", "stack"}
# A person asked for an end, or a step failed for good.
MAY_END_BADLY = {
    *("finish_for_good", "finish_cancelled", "give_up"),
    *("cancel", "cancel_before_it_started", "cancel_once", "retry", "retry_once"),
}


@pytest.fixture(scope="module")
def crash_server(django_db_setup):
    crash_server = CrashServer()
    yield crash_server
    crash_server.end()


@pytest.fixture(scope="module")
def known():
    return {}


@pytest.fixture
def normal(database, crash_server, known):
    """``normal(operation)``: what a child tells that nothing strikes."""

    def live(operation):
        if operation not in known:
            known[operation] = output = crash_server.run(operation)
            assert "broke" not in output, output["broke"]
            assert "raised" not in output
            Job.objects.all().delete()
            Worker.objects.all().delete()
            Intent.objects.all().delete()
            Queue.objects.all().delete()
            Order.objects.all().delete()
        return known[operation]

    return live


def cases():
    """Every point with every fault; by default each point once, with one fault after another."""
    seen = set()
    for operation, its_points in POINTS.items():
        for number, point in enumerate(its_points, len(seen)):
            chosen = None if point in seen else FAULTS[number % len(FAULTS)]
            for fault in FAULTS:
                marks = () if fault == chosen else (pytest.mark.full,)
                yield pytest.param(operation, point, fault, marks=marks)
        seen.update(its_points)


def commits():
    """The point before every COMMIT, or before a statement that is one; by default a few."""
    for operation, its_points in POINTS.items():
        for name in dict.fromkeys(point.partition(".")[0] for point in its_points):
            its_own = [point for point in its_points if point.startswith(f"{name}.")]
            if name not in ("beat", "intent"):
                marks = () if operation in ("launch", "finish", "log") else (pytest.mark.full,)
                yield pytest.param(operation, its_own[-2], marks=marks)


@pytest.mark.parametrize(("operation", "point", "fault"), list(cases()))
def test_an_operation_happens_completely_or_not_at_all_at_every_crash_point(
    normal, crash_server, operation, point, fault
):
    """The process dies, an exception is raised or the database fails: before, inside and after the
    transaction of a claim, an end, a sweep, a request or an intent. Success is written once, and
    no status without its journal entry.
    """
    undisturbed = normal(operation)
    output = crash_server.run(operation, point, fault)
    check(operation, output, undisturbed)
    assert output["code"] == (-9 if fault == "kill" else 0)
    struck = fault in ("exception", "database") or was_cut(fault, point)
    is_lost = is_found(operation, point) or is_left(point, fault)
    assert ("raised" in output) == (struck and not is_lost)


def was_cut(fault, point):
    """Whether the operation itself uses the connection after it was cut at this point."""
    if point.startswith("beat."):
        return False
    return fault == "cut" and (point == "recover.after_commit" or "after_commit" not in point)


def is_found(operation, point):
    """Whether an intent is found done when something has gone wrong at this point."""
    return operation.endswith("_once") and point.endswith(".after_commit")


def is_left(point, fault):
    """Whether it is left for the sweep: a job has ended, and its key is not handed over."""
    return point.startswith("hand_over.") and fault in ("database", "cut")


@pytest.mark.postgres
@pytest.mark.parametrize(("operation", "point"), list(commits()))
def test_a_commit_without_an_answer_is_looked_up_afterwards(normal, crash_server, operation, point):
    undisturbed = normal(operation)
    output = crash_server.run(operation, point, "unanswered")
    assert output["after"] in undisturbed["states"]
    is_unseen = point.partition(".")[0] in UNSEEN and not operation.endswith("_once")
    assert ("raised" in output) == is_unseen
    check(operation, output, undisturbed)


def check(operation, output, undisturbed):
    assert "broke" not in output, output["broke"]
    before, after = undisturbed["before"], undisturbed["after"]
    assert output["before"] == before
    if output["code"]:
        seen = database_state()
        assert list(audit.differences()) == []
        registration, claimant = new_worker()
        bring_to_end(claimant)
        registration.deregister()
    else:  # it has gone on by itself
        seen = output["after"]
        assert output["again"] in ([after, undisturbed["again"]] if seen == after else [after])
    assert seen in (before, *undisturbed["states"], after)
    assert list(audit.differences()) == []
    must_succeed = operation not in MAY_END_BADLY or ("retry" in operation and seen == after)
    for step in Step.objects.all():
        assert step.status in ({"succeeded"} if must_succeed else TERMINAL)
        wins = Transition.objects.filter(step=step, to_status="succeeded").count()
        assert wins == (step.status == "succeeded")


# --- a worker whose database fails it -------------------------------------------------------------

WORK = [
    *points("claim"),
    *points("finish"),
    *points("log", PLAIN),
    *points("beat", ONE_STATEMENT),
    *points("deregister", PLAIN[:2]),
]


def failures():
    """Every point that a worker reaches while it runs a job; by default a few."""
    for point in WORK:
        for fault in ("database", "cut"):
            is_chosen = fault == "cut" and point in ("finish.before_begin", "log.before_commit")
            yield pytest.param(point, fault, marks=() if is_chosen else (pytest.mark.full,))


@pytest.mark.parametrize(("point", "fault"), list(failures()))
def test_a_worker_whose_database_fails_it_once_goes_on(database, crash_server, point, fault):
    output = crash_server.run("work", point, fault)
    assert "broke" not in output, output["broke"]
    assert output["code"] == 0
    assert point in output["reached"]
    assert set(Job.objects.values_list("status", flat=True)) == {"succeeded"}
    assert logs_of("first") == ["first"]
    for step in Step.objects.all():
        verdicts = [each.verdict for each in step.attempts.order_by("number")]
        assert verdicts in (["returned"], ["interrupted", "returned"])


def logs_of(name):
    return [line for chunk in Step.objects.get(name=name).log.all() for line in chunk.lines()]


# --- nothing is missing ---------------------------------------------------------------------------


@pytest.mark.parametrize("operation", SITUATIONS)
def test_the_matrix_has_every_point_that_is_reached(normal, operation):
    assert list(dict.fromkeys(normal(operation)["reached"])) == POINTS[operation]


def functions():
    """(name, function) of each in ``jobs``; of a method the name without the class."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                yield node.name, node


def calls(function, ending):
    """The calls in *function* of what ends so, such as ``crashpoints.reach``."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(ending):
            yield node


def reached_by(function):
    """The crash points in its source; the name before the dot is empty where it is a variable."""
    for call in calls(function, "crashpoints.reach"):
        [name] = call.args
        if isinstance(name, ast.Constant):
            yield name.value
        else:
            yield "." + ast.unparse(name).rpartition(".")[2].rstrip("'\"")


def names_of_batches():
    for _, function in functions():
        for call in calls(function, "journal.commit"):
            yield from (k.value.value for k in call.keywords if k.arg == "name")


@pytest.mark.sqlite  # where a batch has all its points
def test_the_matrix_has_every_point_in_the_source():
    names = set(names_of_batches())
    in_source = {point for _, function in functions() for point in reached_by(function)}
    in_batches = {point for point in in_source if point.startswith(".")}
    expected = in_source - in_batches | {name + point for name in names for point in in_batches}
    assert expected == {point for its_points in POINTS.values() for point in its_points}


def test_every_batch_has_a_name():
    batches = [call for _, function in functions() for call in calls(function, "journal.commit")]
    assert len(batches) == len(list(names_of_batches()))


def test_every_transaction_that_writes_has_crash_points_around_it():
    by_name = dict(functions())
    writers = [function for _, function in functions() if any(calls(function, "database.write"))]
    assert len(writers) >= 6
    for function in writers:
        called = {ast.unparse(call.func).rpartition(".")[2] for call in calls(function, "")}
        reached = set(reached_by(function)).union(
            *(reached_by(by_name[name]) for name in called & by_name.keys())
        )
        places = {point.rpartition(".")[2] for point in reached}
        assert places >= set(PLAIN), f"{function.name} has only {sorted(reached)}"
