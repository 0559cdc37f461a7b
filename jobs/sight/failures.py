"""Why a step failed."""

from __future__ import annotations

from .. import database
from ..models import Step, given_up
from ..statuses import Status


def errors_of(job_id: int) -> list[str]:
    """One line for each failed step: its name and the first line of its error."""
    sql = """
        SELECT s.name, CASE WHEN t.from_status = %s THEN t.reason ELSE a.error END
        FROM truestep_step AS s
        LEFT JOIN truestep_transition AS t ON t.job_id = s.job_id AND t.seq = s.seq
        LEFT JOIN truestep_attempt AS a ON a.step_id = s.id AND a.number = s.attempt
        WHERE s.job_id = %s AND s.status = %s ORDER BY s.position LIMIT 10
    """
    failed = database.rows(sql, Status.PENDING, job_id, Status.FAILED)
    return [f"{name}: {(error or 'failed').splitlines()[0][:300]}" for name, error in failed]


def given_up_of(steps: list[int]) -> dict[int, str]:
    """Why those of these failed steps failed that did so while they were pending."""
    if not steps:
        return {}
    failed = Step.objects.filter(pk__in=steps).annotate(why=given_up())
    return dict(failed.exclude(why=None).values_list("pk", "why"))
