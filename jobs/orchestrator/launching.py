"""Launch a job."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError

from .. import crashpoints, database, definitions, intents, journal
from ..codes import Code, Fact
from ..concurrency import Concurrency
from ..definitions import is_priority
from ..definitions.parameters import Understood
from ..definitions.secret import guarded
from ..exceptions import InvalidParams
from ..journal import Batch, JobState
from ..models import Job
from . import lines
from .people import kept, name_of

TRIES = 20  # while others get the key that a launch asks for


@dataclass(frozen=True)
class _Request:
    """By whom a job is launched, and why."""

    actor: str
    source: str
    again_of: Job | None
    why: str | None
    once: str
    priority: int | None
    concurrency: Concurrency | None = None

    def hiding(self, secrets: Iterable[Understood]) -> _Request:
        """The same, without secret parameters in the reason."""
        why = self.why
        for each in secrets if why else ():
            why = why and each.hide(why)
        return replace(self, why=why)


def launch(
    definition: str | type[definitions.JobDefinition],
    params: Mapping[str, Any] | None = None,
    *,
    actor: Any = "",
    source: str = "python",
    again_of: Job | None = None,
    why: str = "",
    once: str = "",
    priority: int | None = None,
    concurrency: Concurrency | None = None,
) -> Job:
    """Write a new job, all steps pending; a worker takes it from there.

    *params* are Python values by field, or a QueryDict as a browser sends it. *again_of* is an
    older job that this one runs again, *why* the reason that a person gives. A second call with the
    same *once*, within a week, returns the job of the first. Of the steps that are ready in a
    queue, those of the highest *priority* start first, -100 to 100; omitted: the definition's.
    *concurrency* limits how many jobs with its key run at a time; omitted: what ``concurrency`` of
    the definition says. A launch that joins another job returns that one, and writes nothing.
    Raises UnknownDefinition, InvalidParams, KeyHeld and, for a priority that is none, ValueError;
    then nothing was written.

    Joins a transaction of the caller that is open on Truestep's database. It joins no other: when
    TRUESTEP["database"] names another database than the caller's, the job is committed immediately
    and may start before the caller's rows can be seen, even if those are rolled back. Launch it
    after them then: ``transaction.on_commit(lambda: launch(…))``.
    """
    request = _Request(name_of(actor), source, again_of, kept(why), once, priority, concurrency)
    return intents.once(
        once,
        lambda: _launch(definition, params or {}, request),
        lambda job_id: Job.objects.get(pk=job_id),
    )


def launch_many(
    definition: str | type[definitions.JobDefinition],
    params: Iterable[Mapping[str, Any]],
    *,
    actor: Any = "",
    source: str = "python",
    why: str = "",
    priority: int | None = None,
) -> list[Job]:
    """Write a new job for each of *params* in one transaction; the jobs in the same order.

    All or none: it raises what ``launch`` raises, and a note on InvalidParams says which of
    *params* it is about. Other writers wait while it writes, for about a second per two thousand
    jobs of five steps.
    """
    request = _Request(name_of(actor), source, None, kept(why), "", priority)
    cls = definitions.get(definition) if isinstance(definition, str) else definition
    understood = []
    for number, each in enumerate(params):
        try:
            understood.append(_understand(cls, each, request))
        except InvalidParams as error:
            error.add_note(f"These are number {number} of the parameters, counted from 0.")
            raise
    return _create(cls, understood, request.hiding(understood)) if understood else []


def _launch(
    definition: str | type[definitions.JobDefinition], params: Mapping[str, Any], request: _Request
) -> Job:
    cls = definitions.get(definition) if isinstance(definition, str) else definition
    understood = _understand(cls, params, request)
    request = request.hiding([understood])
    [job] = _create(cls, [understood], request)
    older = request.again_of
    if older and job.again_of_id == older.pk:  # else it has joined another job
        database.on_commit(lambda: _note_follower(older.pk, job, request))
    return job


def _understand(
    cls: type[definitions.JobDefinition], params: Mapping[str, Any], request: _Request
) -> Understood:
    """The parameters as the form understands them, if this person may launch with them."""
    older = request.again_of
    understood = cls.understand(params, older.understood if older else None)
    hide = understood.hide
    with guarded(hide):
        try:
            cls.authorize(understood.cleaned, actor=request.actor, source=request.source)
        except ValidationError as error:
            errors = {name: list(map(hide, texts)) for name, texts in _by_field(error).items()}
            raise InvalidParams(cls.name, errors, understood.form) from None if hide else error
    return understood


def _create(
    cls: type[definitions.JobDefinition], understood: Collection[Understood], request: _Request
) -> list[Job]:
    older = request.again_of
    launched = Fact(Code.JOB_LAUNCHED)
    if older:
        launched = Fact(Code.JOB_LAUNCHED_AGAIN, {"job": older.pk})
    priority = cls.priority if request.priority is None else request.priority
    if not is_priority(priority):
        raise ValueError(f"priority={priority!r} must be a whole number from -100 to 100.")
    jobs = journal.new_jobs(
        cls.name, understood, priority=priority, deadline=cls.deadline, again_of=older
    )
    wanted = [_wanted(cls, each, request) for each in understood]

    def write(new: Sequence[Job]) -> None:
        journal.create_jobs(
            new,
            cls.steps().values(),
            launched.but(why=request.why),
            actor=request.actor,
            source=request.source,
            intent=request.once,
        )

    if any(wanted):
        return _create_with_keys(jobs, wanted, request, write)
    _create_without_keys(jobs, request, write)
    return jobs


def _create_without_keys(
    jobs: Sequence[Job], request: _Request, write: Callable[[Sequence[Job]], None]
) -> None:
    in_one = database.dialect().has_functions
    crashpoints.reach("launch.before_begin")
    with _looked_up(jobs), _joined(request) or database.write(is_one_statement=in_one):
        write(jobs)
        if not in_one:
            crashpoints.reach("launch.before_commit")
    crashpoints.reach("launch.after_commit")


def _wanted(
    cls: type[definitions.JobDefinition], understood: Understood, request: _Request
) -> Concurrency | None:
    """The key that a job is launched with, and what to do when another job holds it."""
    hide = understood.hide
    with guarded(hide):
        wanted = request.concurrency or cls.concurrency(understood.cleaned)
        if wanted is not None and not isinstance(wanted, Concurrency):
            raise TypeError(
                f"concurrency() of {cls.name} must return a Concurrency or None, not {wanted!r}."
            )
    if wanted and hide.is_in(wanted.key):
        raise ValueError(
            f"The concurrency key of {cls.name} has a secret parameter in it, and pages show keys. "
            "Make the key of other parameters."
        )
    return wanted


def _create_with_keys(
    jobs: Sequence[Job],
    wanted: Sequence[Concurrency | None],
    request: _Request,
    write: Callable[[Sequence[Job]], None],
) -> list[Job]:
    """Write those that have their keys or wait for them; with the jobs that others join instead.

    Another process may get a key between the look at its line and the write, which the database
    then refuses: look again.
    """
    is_joined = database.connection.in_atomic_block
    crashpoints.reach("launch.before_begin")
    for tries_left in reversed(range(TRIES)):
        try:
            with _looked_up(jobs), _in_savepoint() or database.write():
                placed = lines.place(jobs, wanted, is_again=tries_left < TRIES - 1)
                new = [job for job in jobs if any(job is each for each in placed)]
                if new:
                    write(new)
                elif request.once:
                    intents.record(request.once, placed[0].pk)
                crashpoints.reach("launch.before_commit")
            break
        except (journal.KeyTaken, *database.DATABASE_ERRORS) as error:
            is_deadlock = not is_joined and database.is_transient(error)
            is_passing = isinstance(error, journal.KeyTaken) or is_deadlock
            if not (is_passing and tries_left):
                raise
    crashpoints.reach("launch.after_commit")
    # A holder that ended meanwhile has not seen the jobs that wait.
    for key in {job.key for job in new if job.awaits_key}:
        database.on_commit(partial(lines.try_to_hand_over, key))
    return placed


def _in_savepoint() -> AbstractContextManager[None] | None:
    """A part of the caller's transaction, if there is one, that can fail alone."""
    return database.atomic() if database.connection.in_atomic_block else None


def _joined(request: _Request) -> AbstractContextManager[None] | None:
    """The caller's transaction, if there is one; it continues when another request was faster."""
    if not database.connection.in_atomic_block:
        return None
    return database.atomic() if request.once else nullcontext()


@contextmanager
def _looked_up(jobs: Collection[Job]) -> Iterator[None]:
    """When the answer to a commit is lost, find the jobs in the database or raise the error."""
    its = {job.uuid: job for job in jobs}

    def is_there() -> bool:
        found = Job.objects.filter(uuid__in=its).values_list("uuid", "pk")
        for uuid, pk in found:
            its[uuid].pk = pk
        return bool(found)

    is_joined = database.connection.in_atomic_block
    try:
        yield
    except BaseException as error:
        if is_joined or not journal.has_arrived(error, is_there):
            raise


def _note_follower(job_id: int, follower: Job, request: _Request) -> None:
    """Note in an older job's journal, and so on its page, which job runs it again."""

    def decide(batch: Batch) -> None:
        batch.note(Fact(Code.NOTE_LAUNCHED_AGAIN, {"job": follower.pk}).but(why=request.why))

    with suppress(Job.DoesNotExist):
        state = JobState.load(job_id)
        journal.commit(state, decide, name="note", actor=request.actor, source=request.source)


def _by_field(error: ValidationError) -> dict[str, list[str]]:
    return error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
