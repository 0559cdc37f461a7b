"""The error of a step killed by signal 9 names memory when the kernel's count rose, only then."""

import os
from pathlib import Path

import pytest

from jobs.models import Attempt
from jobs.orchestrator import launch
from jobs.slots.memory import GROUP, HOST, kill_counter
from tests.support import Program, job_of, step_of, wait_for

V2 = "31 23 0:26 {root} {at}/v2 rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 23 0:32 {root} {at}/v1 rw - cgroup cgroup rw,memory"
CPU = "33 23 0:29 / {at}/cpu rw - cgroup cgroup rw,cpu,cpuacct"
ODD = "35 23 0:40 / /mnt/a\x85b\xa0c\\040- rw - 9p share rw"
SYSTEMD = "34 23 0:37 / {at}/systemd rw - cgroup cgroup rw,name=systemd"
EVENTS = "low 0\nhigh 0\nmax 31\noom 7\noom_kill {}\noom_group_kill 1\n"
CONTROL = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"

# What /proc/self/cgroup says, what is mounted and from which root, the files, what is read.
COUNTERS = {
    "v2": ("0::/a/b", [V2], "/", {"v2/a/b/memory.events": EVENTS, "v2/memory.events": "-"}, GROUP),
    "v2 in a container": ("0::/", [V2], "/", {"v2/memory.events": EVENTS}, GROUP),
    "v2, mounted from the container's group": (
        "0::/box/1", [V2], "/box", {"v2/1/memory.events": EVENTS}, GROUP,
    ),
    "v1": (
        "4:memory:/a\n3:cpu,cpuacct:/b\n1:name=systemd:/c", [ODD, CPU, SYSTEMD, V1], "/",
        {"v1/a/memory.oom_control": CONTROL}, GROUP,
    ),
    "v1 in a container": (
        "4:memory:/docker/1", [V1], "/docker/1", {"v1/memory.oom_control": CONTROL}, GROUP,
    ),
    "v1 beside a v2 without the controller": (
        "4:memory:/a\n0::/", [V2, V1], "/", {"v1/a/memory.oom_control": CONTROL}, GROUP,
    ),
    "the root of v2": ("0::/", [V2], "/", {"vmstat": "nr_free_pages 9\noom_kill {}\n"}, HOST),
    "a kernel that counts for the host alone": (
        "4:memory:/a", [V1], "/",
        {"v1/a/memory.oom_control": "under_oom 0\n", "vmstat": "oom_kill {}\n"}, HOST,
    ),
    "a group outside of what is mounted": (
        "0::/../b", [V2], "/a", {"v2/memory.events": EVENTS, "vmstat": "oom_kill {}\n"}, HOST,
    ),
    "what only looks like Linux": ("/", ["none"], "/", {"vmstat": "oom_kill {}\n"}, HOST),
    "no control groups": ("", [], "/", {"vmstat": "oom_kill {}\n"}, HOST),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTERS)
def test_the_narrowest_count_that_the_kernel_keeps_is_read(tmp_path, case):
    groups, mounts, root, files, place = COUNTERS[case]
    write_proc(tmp_path, groups, [mount.format(root=root, at=tmp_path) for mount in mounts])
    write(tmp_path, files, 3)
    counter = kill_counter(tmp_path)
    assert (counter.kills(), counter.place) == (3, place)
    assert counter.explain(3) == ""
    write(tmp_path, files, 4)
    assert f"out-of-memory killer ended a process {place}, probably this one" in counter.explain(3)


@pytest.mark.parametrize("groups", [None, "4:memory:/a\n0::/a"])
def test_where_no_count_can_be_read_nothing_is_said(tmp_path, groups):
    if groups:
        write_proc(tmp_path, groups, [mount.format(root="/", at=tmp_path) for mount in (V1, V2)])
    counter = kill_counter(tmp_path)
    assert counter.kills() is None
    write(tmp_path, {"vmstat": "oom_kill {}\n"}, 4)
    assert counter.explain(None) == ""


def write_proc(proc: Path, groups: str, mounts: list[str]) -> None:
    write(proc, {"self/cgroup": f"{groups}\n".lstrip()})
    write(proc, {"self/mountinfo": "".join(f"{mount}\n" for mount in mounts)})


def write(folder: Path, files: dict[str, str], kills: int = 0) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.format(kills))


# --- a real control group -------------------------------------------------------------------------

LIMITS = {  # of a process with Django and its spares, far below what the step takes
    "memory.max": 400 * 2**20,
    "memory.swap.max": 0,
    "memory.limit_in_bytes": 400 * 2**20,
    "memory.memsw.limit_in_bytes": 400 * 2**20,
}


@pytest.fixture
def limited():
    """A control group with little memory; skips the test where none can be made."""
    tops = (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup"))
    top = next((top for top in tops if limits_memory(top)), None)
    if top is None or not os.access(top, os.W_OK):
        pytest.skip("needs to make a control group with the memory controller, as root can")
    group = top / f"truestep-test-{os.getpid()}"
    group.mkdir()
    try:
        for name, value in LIMITS.items():
            if (group / name).exists():
                (group / name).write_text(str(value))
        yield group
    finally:
        group.rmdir()


def limits_memory(top: Path) -> bool:
    """Whether groups made below it get the memory controller."""
    passed_on = top / "cgroup.subtree_control"  # of v2
    if passed_on.exists():
        return "memory" in passed_on.read_text().split()
    return (top / "memory.limit_in_bytes").exists()


@pytest.mark.slow
@pytest.mark.sqlite
def test_only_a_step_killed_for_its_memory_names_memory_as_the_reason(database, limited):
    enter = ["sh", "-c", f'echo $$ > {limited}/cgroup.procs && exec "$@"', "sh"]
    worker = Program("worker", "--slots", "1", before=enter)
    killed = "The step's process was killed by signal 9 (SIGKILL) before the step returned."
    try:
        assert error(launch("misbehaves", {"behaviour": "die by KILL"}), "misbehave") == killed
        hoards = launch("hoards")
        assert error(hoards, "hoard") == (
            f"{killed} While it ran, the kernel's out-of-memory killer ended a process in the "
            "worker's control group, probably this one. Provide more memory, or let the step use "
            "less."
        )
        assert error(launch("misbehaves", {"behaviour": "die by KILL"}), "misbehave") == killed
        killed_for_it = Attempt.objects.get(step=step_of(hoards, "hoard"))
        assert killed_for_it.exit_code == -9
        assert 100 * 2**20 < killed_for_it.peak_memory <= LIMITS["memory.limit_in_bytes"]
    finally:
        worker.end()


def error(job, name):
    wait_for(lambda: job_of(job.pk).is_finished)
    step = step_of(job, name)
    assert step.journal.latest("seq").reason == "its process died"
    return Attempt.objects.get(step=step).error
