"""The one door: only this package writes a status, and never without its journal entry.

A batch is about one job and is written in one transaction: its journal entries first, then the rows
that they describe, *from the journal*. After the commit, those who watch the job are poked::

    def decide(batch):
        step = batch.held(claim)          # raises Overtaken when the attempt was taken over
        batch.succeed(step, ending)       # verbs, not fields
        ...

    journal.commit(state, decide, source="worker")

``commit`` decides on a remembered state of the job. If another process has moved the job meanwhile,
the journal number is taken, nothing is written, and it decides again on what is there now. The tag
of the last entry is part of what is remembered: in a database that was restored from an older copy,
equal numbers mean nothing. ``commit_together`` writes batches of several jobs in one transaction.

    commit     decide, write, and decide again after a collision
    batch      what can be done to a job, as verbs; below it ``draft``, a move and its entry
    writing    entries and rows: what a move changes, in memory and in SQL
    statements the SQL of a batch; ``batch_function`` makes one of all on PostgreSQL
    state      a job as it is remembered, with its ``tally``
    attempts   what a worker holds of an attempt, and what is kept of its end
    birth      the first entry, with the rows of the job
    orders     what concerns no single job: a queue is paused, a worker drained
    function   on PostgreSQL, ``batch_function`` and ``birth_function``; see ``installing``
"""

from __future__ import annotations

from .attempts import Claim as Claim
from .attempts import Ending as Ending
from .attempts import LogTail as LogTail
from .batch import Batch as Batch
from .batch_function import Collision as Collision
from .batch_function import LogMoved as LogMoved
from .birth import KeyTaken as KeyTaken
from .birth import create_jobs as create_jobs
from .birth import new_jobs as new_jobs
from .commit import Decision as Decision
from .commit import commit as commit
from .commit import commit_together as commit_together
from .commit import has_arrived as has_arrived
from .installing import install as install
from .installing import require_current as require_current
from .installing import require_ready as require_ready
from .orders import ORDERS as ORDERS
from .orders import create_queues as create_queues
from .orders import set_paused as set_paused
from .orders import set_wanted as set_wanted
from .reading import Requests as Requests
from .reading import read_next_retry as read_next_retry
from .reading import read_requests as read_requests
from .state import JobState as JobState
from .state import read_plan as read_plan
from .writing import write_tail as write_tail
