"""What the process of each attempt used, and how it ended, is kept and said in words."""

import json

import pytest
from django.core.management import call_command

from jobs.models import Attempt
from jobs.orchestrator import launch
from jobs.system import meter
from jobs.usage import Usage, amounts_of, end_of, size
from tests.support import Program, finished, step_of
from tests.support.rows import admin_url

pytestmark = pytest.mark.either

MIB = 2**20


def attempt(job, name):
    return Attempt.objects.get(step=step_of(job, name))


def test_each_step_has_the_peak_of_its_own(worker):
    job = finished(launch("uses_memory"))
    assert job.status == "succeeded"
    large, small, by_child, last = (
        attempt(job, name) for name in ("large", "small", "by_a_child", "small_by_a_child")
    )
    assert 300 * MIB < large.peak_memory < 600 * MIB
    assert 5 * MIB < small.peak_memory < 200 * MIB
    assert 200 * MIB < by_child.peak_memory < 300 * MIB
    assert not (large.peak_is_shared or small.peak_is_shared or by_child.peak_is_shared)
    # The kernel has one mark for all children that a process has waited for.
    assert (last.peak_memory, last.peak_is_shared) == (by_child.peak_memory, True)
    assert amounts_of(last).startswith("peak memory at most 2")


def test_where_the_mark_cannot_be_reset_a_later_peak_is_an_upper_bound(monkeypatch):
    monkeypatch.setattr(meter, "CLEAR_REFS", "/proc/self/no_such_file")
    was_reset = meter.reset_peak()
    its = meter.Meter()
    ends = [its.used((peak, 0, 0, 0), (peak, 0, 0, 0), was_reset) for peak in (9, 9, 10)]
    assert [used[:2] for used in ends] == [(9216, False), (9216, True), (10240, False)]
    assert its.used_to_death(10, 0)[:2] == (10240, True)
    assert its.used_to_death(11, 0)[:2] == (11264, False)


def test_processor_time_is_that_of_the_step_and_of_what_it_waited_for(worker):
    job = finished(launch("uses_processor"))
    for name in ("spin", "by_a_child"):
        assert 0.5 <= attempt(job, name).cpu_seconds < 2
    assert attempt(job, "nothing").cpu_seconds < 0.2


def test_of_a_dead_process_what_earlier_steps_used_is_taken_off(worker, ada):
    job = finished(launch("dies_later"))
    works, dies = attempt(job, "works"), attempt(job, "dies")
    assert (works.exit_code, dies.exit_code) == (None, -11)
    assert works.cpu_seconds > 0.5 > dies.cpu_seconds
    assert works.peak_memory > 300 * MIB > dies.peak_memory > MIB
    assert not dies.peak_is_shared
    assert end_of(works) == ""
    assert end_of(dies) == "Its process was killed by signal 11 (SIGSEGV)."
    shown = ada.get(f"/jobs/{job.pk}/").content.decode()
    assert shown.count(end_of(dies)) == 1
    assert shown.count(amounts_of(dies)) == shown.count(amounts_of(works)) == 1


def test_a_step_that_was_killed_after_its_timeout_says_so(worker):
    job = finished(launch("stays_too_long"))
    stays = attempt(job, "stays")
    assert stays.verdict == "timed out"
    assert end_of(stays) == "Its process was killed by signal 9 (SIGKILL)."
    assert stays.peak_memory > MIB
    assert "memory" not in stays.error


def test_commands_and_the_admin_say_what_was_used(worker, ada, capsys):
    job = finished(launch("misbehaves", {"behaviour": "os._exit 7"}))
    died = attempt(job, "misbehave")
    call_command("show", job.pk)
    assert "Its process ended with exit code 7." in capsys.readouterr().out
    call_command("show", job.pk, "--json")
    step, *_ = json.loads(capsys.readouterr().out)["steps"]
    assert (step["exit_code"], step["peak_is_shared"]) == (7, False)
    assert (step["peak_memory"], step["cpu_seconds"]) == (died.peak_memory, died.cpu_seconds)
    words = f"Its process ended with exit code 7. {amounts_of(died)}"
    for page in (admin_url(Attempt), admin_url(Attempt, f"{died.pk}/change/")):
        assert words in ada.get(page).content.decode()
    assert words in ada.get(f"/admin/truestep/job/{job.pk}/change/").content.decode()


def test_a_memory_error_says_what_was_held_and_which_limit_to_raise(database):
    limited = ["sh", "-c", 'ulimit -v 900000; exec "$@"', "sh"]
    worker = Program("worker", "--slots", "1", before=limited)
    try:
        job = finished(launch("hoarder"))
    finally:
        worker.end()
    hoard = attempt(job, "hoard")
    assert (hoard.verdict, hoard.exit_code) == ("failed", None)
    words = hoard.error.removeprefix("MemoryError: ").split("The most that it has held is ")
    assert words[0] == "The step's process asked for more memory and was refused. "
    assert words[1] == (
        f"{size(hoard.peak_memory)}. It may have {size(900_000 * 1024)} of address space "
        "(ulimit). Raise the limit where its worker is started, or let the step use less."
    )
    assert "held.append(" in hoard.traceback


def test_a_memory_error_without_a_limit_names_none(worker):
    job = finished(launch("hoarder", {"at_once": 2**62}))
    assert attempt(job, "hoard").error.endswith("Provide more memory, or let the step use less.")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "Its process ended with exit code 0."),
        (-9, "Its process was killed by signal 9 (SIGKILL)."),
        (-63, "Its process was killed by signal 63 (unknown signal)."),
        (None, ""),
    ],
)
def test_an_exit_is_a_sentence(code, words):
    assert end_of(Usage(exit_code=code)) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 KiB"), (2**19, "512 KiB"), (9.5 * MIB, "9.5 MiB"), (48 * MIB, "48 MiB"),
     (2**30 - 1, "1.0 GiB"), (2**50, "1024 TiB")],
)  # fmt: skip
def test_sizes_are_short(count, words):
    assert size(count) == words
