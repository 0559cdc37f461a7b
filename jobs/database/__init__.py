"""How Truestep reads and writes its rows: short transactions, whole snapshots, one database.

- where: ``alias``, ``connection``, ``atomic``, ``on_commit``, ``non_atomic``, ``migrate_command``,
  ``Router``, ``LABEL``
- transactions: ``write``, ``execute``, ``select``, ``snapshot``, ``rows``, ``placeholders``,
  ``is_locked``, ``reconnect``, ``discard_broken_connection``, and a ``SideConnection`` for what
  must not wait
- how long a write waits: ``lock_timeout``, ``set_lock_timeout``, ``restoring_lock_timeout``,
  ``LOCK_TIMEOUT_SECONDS``
- errors: ``DATABASE_ERRORS``, ``Outage``, ``outage_of``, ``explain``, ``is_transient``,
  ``is_commit_uncertain``, ``name``
- who holds the lock: ``Holder``, ``holder``, ``lock_sentence``, ``application_name``
- commits of others: ``CommitWatch``, ``watch_commits``
- before a process starts: ``require_ready``, ``require_current``, ``require_safe``,
  ``require_writable``
- ``dialect``, ``dialect_of``, ``HIGHEST_ID``: what SQLite and PostgreSQL do in their own ways. All
  of it is in ``sqlite/`` and ``postgresql/``; ``dialect.py`` says what a third database has to
  answer.

The triggers that guard the rows are in ``triggers``; what they refuse is in ``rules``.
"""

from .commits import CommitWatch as CommitWatch
from .dialect import HIGHEST_ID as HIGHEST_ID
from .dialect import TransactionState as TransactionState
from .dialects import dialect as dialect
from .dialects import dialect_of as dialect_of
from .dialects import watch_commits as watch_commits
from .errors import DATABASE_ERRORS as DATABASE_ERRORS
from .errors import explain as explain
from .errors import is_commit_uncertain as is_commit_uncertain
from .errors import is_transient as is_transient
from .errors import name as name
from .errors import outage_of as outage_of
from .holders import Holder as Holder
from .holders import holder as holder
from .holders import lock_sentence as lock_sentence
from .outages import Outage as Outage
from .postgresql.locks import application_name as application_name
from .readiness import require_current as require_current
from .readiness import require_ready as require_ready
from .readiness import require_safe as require_safe
from .readiness import require_writable as require_writable
from .routing import LABEL as LABEL
from .routing import Router as Router
from .routing import alias as alias
from .routing import atomic as atomic
from .routing import connection as connection
from .routing import migrate_command as migrate_command
from .routing import non_atomic as non_atomic
from .routing import on_commit as on_commit
from .side import SideConnection as SideConnection
from .timeouts import LOCK_TIMEOUT_SECONDS as LOCK_TIMEOUT_SECONDS
from .timeouts import lock_timeout as lock_timeout
from .timeouts import restoring_lock_timeout as restoring_lock_timeout
from .timeouts import set_lock_timeout as set_lock_timeout
from .transactions import discard_broken_connection as discard_broken_connection
from .transactions import execute as execute
from .transactions import is_locked as is_locked
from .transactions import placeholders as placeholders
from .transactions import reconnect as reconnect
from .transactions import rows as rows
from .transactions import select as select
from .transactions import snapshot as snapshot
from .transactions import write as write
