"""The admin: every row of the history, to be read. Nothing can be added, changed or deleted here.

``job`` shows a job and offers ``actions``, ``orders`` shows queues and workers with theirs; all of
them go through the orchestrator. ``history`` shows the other models. ``readonly`` is what all pages
share, ``lists`` keeps the lists quick.
"""

from . import history as history
from . import job as job
from . import orders as orders
