"""What entries of older releases cannot say."""

from __future__ import annotations

from jobs.codes import Code

NEWER = {  # than release 0.1.0, and so never without their data
    Code.NOTE_RETRY_WITHOUT_SECRETS,
    *(Code.NOTE_KEY_AWAITED, Code.NOTE_KEY_OBTAINED, Code.NOTE_RUNS_LONG),
    *(Code.NOTE_DEADLINE_NEAR, Code.REQUEST_DEADLINE, Code.STEP_DEADLINE_PASSED),
}
