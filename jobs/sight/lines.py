"""Why a job waits for its concurrency key."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import Job, count_before, read_line
from ..sentences import Link, Sentence, sentence
from ..text import isolated

MOST_COUNTED = 1000  # jobs before this one


def why_awaits_key(job: Job) -> Sentence:
    """Who holds the key that the job waits for, since when, and how many jobs are before it."""
    line = read_line(job.key)
    if not line.holders:
        free = _("waits for the key {key}, which is free: the next sweep of a worker gives it away")
        return sentence(free, key=isolated(job.key))
    holder = min(line.holders, key=lambda each: each.job_id)
    others = len(line.holders) - 1
    held = _("waits for the key {key}, held by {job} since {since}")
    if others:
        held = ngettext(
            "waits for the key {key}, held by {job} since {since} and by {count} other job",
            "waits for the key {key}, held by {job} since {since} and by {count} other jobs",
            others,
        )
    said = sentence(
        held, key=isolated(job.key), job=link_to(holder.job_id), since=holder.since, count=others
    )
    return [*said, *_before(count_before(job, MOST_COUNTED))]


def _before(count: int) -> Sentence:
    if not count:
        return []
    if count == MOST_COUNTED:
        return sentence(_("; {count} jobs or more are before it"), count=count)
    text = ngettext("; {count} job is before it", "; {count} jobs are before it", count)
    return sentence(text, count=count)


def link_to(job_id: int) -> Link:
    """A job with the address of its page, if this process knows any."""
    text = _("job {number}").format(number=job_id)
    try:
        return Link(reverse("truestep:job", args=[job_id]), text)
    except NoReverseMatch:  # a worker may run without the pages
        return Link("", text)
