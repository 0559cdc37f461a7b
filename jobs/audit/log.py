"""The numbers of the log lines: from 1 on, without a gap, and no more than the journal says.

No more of them are counted as warnings and errors of the attempt than there are. They may be fewer:
release 0.1.0 did not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..models import LogChunk
from .replay import Replay


def problems(replay: Replay) -> Iterator[str]:
    last = dict.fromkeys(replay.rows, 0)
    attempt = dict.fromkeys(replay.rows, 1)
    levels: dict[int, Counter[str]] = {pk: Counter() for pk in replay.rows}
    chunks = LogChunk.objects.filter(step__job=replay.job).order_by("step", "first")
    for chunk in chunks.iterator(chunk_size=100):
        row = replay.rows[chunk.step_id]
        about = f"the chunk of lines {chunk.first}–{chunk.last}"
        if chunk.first != last[row.pk] + 1:
            yield f"{row.name}: log line {chunk.first} follows line {last[row.pk]}"
        lines = chunk.last - chunk.first + 1
        if {len(chunk.lines()), len(chunk.levels), len(chunk.times)} != {lines}:
            yield f"{row.name}: {about} is not {lines} lines"
        if not attempt[row.pk] <= chunk.attempt <= row.attempt:
            yield f"{row.name}: {about} is of attempt {chunk.attempt}, which cannot be"
        if chunk.attempt == row.attempt:
            levels[row.pk].update(chunk.levels)
        last[row.pk], attempt[row.pk] = chunk.last, chunk.attempt
    for pk, row in replay.rows.items():
        if row.log_lines != last[pk]:
            yield f"{row.name}: log_lines is {row.log_lines}, the log ends with {last[pk]}"
        warnings, errors = levels[pk]["w"], levels[pk]["e"] + levels[pk]["c"]
        if row.log_warnings > warnings or row.log_errors > errors:
            yield (
                f"{row.name}: log_warnings and log_errors are {row.log_warnings} and "
                f"{row.log_errors}, the log has {warnings} and {errors}"
            )
        for entry in replay.steps[pk].ended:
            # There may be a few more: those that a worker wrote while another one ended its step.
            if entry.data.get("log_lines", 0) > row.log_lines:
                yield f"entry {entry.seq}: the log of {row.name} has only {row.log_lines} lines"
