"""What a real step says, through its worker and back."""

from __future__ import annotations

from jobs import logs
from jobs.orchestrator import launch
from tests.support import finished, running, step_of, wait_for


def test_a_progress_bar_is_there_while_it_moves_and_is_one_line_in_the_end(worker, tmp_path):
    gate = tmp_path / "gate"
    job = launch("redraws", {"gate": str(gate)})
    row = running(job, "draw")
    wait_for(lambda: "50%" in step_of(job, "draw").open_line)
    assert logs.plain(step_of(job, "draw").open_line) == " 50% |#####     |"
    assert row.log_lines == 1
    gate.touch()
    finished(job)
    read = logs.read(row.pk, 1, 10)
    assert [line.text for line in read] == ["starting <b>", "100% |##########|", "ended"]
    assert read[1].html == '<span class="fg-2">100%</span> |##########|'
    assert step_of(job, "draw").open_line == ""


def test_groups_and_levels_of_a_step(worker):
    job = launch("stumbles", {"fails": "on"})
    finished(job)
    row = step_of(job, "stumble")
    assert (row.log_lines, row.log_warnings, row.log_errors, row.error_line) == (604, 2, 1, 453)
    read = logs.read(row.pk, 1, 303)
    assert (read[0].title, read[0].group) == ("Install", 0)
    assert {line.group for line in read[1:302]} == {1}
    assert (read[302].text, read[302].group) == ("the Cache is cold", 0)
