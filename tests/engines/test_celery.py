"""What the Celery engine adds to the contract: messages, brokers that fail, Celery's processes."""

import signal
import subprocess
import sys
import time

import psutil
import pytest
from celery import current_app

from jobs import conf
from jobs.models import Step, Worker
from jobs.orchestrator import launch
from tests.faults.rabbitmq import RabbitServer
from tests.support import (
    ROOT,
    finished,
    program,
    running,
    statuses,
    step_of,
    verdicts,
    wait_for,
    wait_until_gone,
)
from tests.support.engines import NO_BROKER, celery, hints_sent_to

pytestmark = [pytest.mark.slow, pytest.mark.either]

DEAF = {"DJANGO_SETTINGS_MODULE": "tests.faults.deaf_settings"}  # only messages wake the worker
SOON = 3.0  # seconds: sooner than a worker looks by itself
LOOK = 8.0  # seconds: later than it does


@pytest.fixture
def engine(database, redis):
    """Celery over a Redis of the test's own."""
    with hints_sent_to(redis.url):
        yield celery(redis.url)


def messages(redis) -> int:
    """How many are in the queue."""
    return redis.command("LLEN", "celery")


# --- messages -------------------------------------------------------------------------------------


def test_a_message_wakes_a_worker_that_notices_no_commit(engine):
    with engine.worker(env=DEAF):
        for _ in range(3):
            assert finished(launch("noop"), seconds=SOON).status == "succeeded"


@pytest.mark.full
@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_messages_are_sent_again_once_the_broker_is_back(database, tmp_path, request, broker):
    """It is away from the start, and once more later."""
    server = request.getfixturevalue("redis") if broker == "redis" else RabbitServer(tmp_path)
    server.stop()
    try:
        with hints_sent_to(server.url), celery(server.url).worker(env=DEAF):
            for _ in range(2):
                assert finished(launch("noop"), seconds=LOOK).status == "succeeded"
                server.start()
                wait_for(_is_woken, 60, "a message to arrive")
                server.stop()
    finally:
        server.stop() if broker == "redis" else server.end()


def _is_woken() -> bool:
    """Whether a job ends sooner than a worker would look by itself."""
    began = time.monotonic()
    finished(launch("noop"), seconds=LOOK)
    return time.monotonic() - began < 1


def test_a_worker_looks_by_itself_when_all_messages_are_lost(engine, redis, gate):
    with engine.worker(slots=1, env=DEAF):
        first, second = launch("waits", {"gate": gate}), launch("noop")
        running(first, "waiting", seconds=LOOK)
        redis.command("FLUSHALL")
        gate.touch()
        assert finished(second, seconds=LOOK).status == "succeeded"


@pytest.mark.full
def test_few_messages_tell_of_many_jobs(engine, redis):
    began = time.monotonic()
    for _ in range(100):
        launch("noop")
    wait_for(lambda: messages(redis) > 1)
    assert messages(redis) <= 2 + (time.monotonic() - began) / 0.05
    with engine.worker():
        wait_for(lambda: not Step.objects.exclude(status="succeeded").exists(), 60)
        wait_for(lambda: messages(redis) == 0)


def test_a_broker_that_does_not_answer_delays_no_launch(engine, redis):
    launch("noop")
    redis.pause()
    began = time.monotonic()
    for _ in range(5):
        launch("noop")
    assert time.monotonic() - began < 1


@pytest.mark.full
@pytest.mark.parametrize("how", ["refuses", "does not answer"])
def test_a_command_that_launches_hardly_waits_for_its_broker(engine, redis, how):
    def seconds_to_launch() -> float:
        began = time.monotonic()
        with program("launch", "--detach", "noop", env=engine.env) as command:
            assert command.wait() == 0
        return time.monotonic() - began

    usual = seconds_to_launch()
    redis.stop() if how == "refuses" else redis.pause()
    assert seconds_to_launch() < usual + 1.5


# --- processes ------------------------------------------------------------------------------------


def pool_of(engine, worker) -> list[psutil.Process]:
    children = psutil.Process(worker.process.pid).children()
    return [each for each in children if each != engine.process_of(worker)]


@pytest.mark.full
def test_a_pool_process_that_is_killed_harms_no_step(engine, gate):
    with engine.worker() as worker:
        job = launch("waits", {"gate": gate})
        running(job, "waiting")
        for process in pool_of(engine, worker):
            process.kill()
        gate.touch()
        assert finished(job).status == "succeeded"
        assert finished(launch("noop")).status == "succeeded"
    assert verdicts(job, "waiting") == ["returned"]


def test_no_process_is_forked_while_a_worker_is_started():
    """It would keep pipes open whose end the start waits for."""
    forking = """if True:
        import os, threading
        from jobs.engines.celery import node
        fork = threading.Thread(target=lambda: os.fork() or os._exit(0))
        with node._spawning:
            fork.start()
            fork.join(0.5)
            print(fork.is_alive())
        fork.join()
        print(fork.is_alive())
    """
    done = subprocess.run([sys.executable, "-c", forking], cwd=ROOT, capture_output=True)
    assert done.stdout.split() == [b"True", b"False"]


@pytest.mark.full
def test_a_worker_that_was_killed_starts_again(engine):
    with engine.worker() as worker:
        engine.process_of(worker).kill()
        assert finished(launch("noop")).status == "succeeded"
    assert any("ended with code -9; it starts again in 0.5 s" in line for line in worker.errors)


def test_steps_are_requeued_uncharged_when_celery_is_killed(engine):
    with engine.worker() as worker:
        job = launch("hangs")
        running(job, "hang")
        everything = psutil.Process(worker.process.pid).children(recursive=True)
        steps = [each for each in everything if each not in pool_of(engine, worker)]
        worker.process.kill()
        wait_until_gone(steps)
    assert verdicts(job, "hang") == ["handed back"]
    assert step_of(job, "hang").failures == 0


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGINT, signal.SIGTERM])
def test_each_of_celerys_shutdowns_drains(engine, gate, number):
    with engine.worker(env={"TEST_DRAIN": "30"}) as worker:
        job = launch("patient", {"gate": gate})
        running(job, "wait")
        worker.process.send_signal(number)
        gate.touch()
        worker.wait()
    assert verdicts(job, "wait") == ["returned"]


@pytest.mark.full
def test_a_signal_to_the_whole_family_is_one_signal(engine, gate):
    """A service manager sends SIGTERM to each process that it knows."""
    with engine.worker(env={"TEST_DRAIN": "30"}) as worker:
        job = launch("patient", {"gate": gate})
        running(job, "wait")
        engine.process_of(worker).terminate()
        worker.process.terminate()
        gate.touch()
        worker.wait()
    assert verdicts(job, "wait") == ["returned"]


@pytest.mark.full
def test_a_remote_shutdown_drains(engine, gate):
    with engine.worker(env={"TEST_DRAIN": "30"}) as worker:
        job = launch("patient", {"gate": gate})
        running(job, "wait")
        wait_for(lambda: current_app.control.ping(timeout=1), what="Celery to listen")
        current_app.control.shutdown()
        gate.touch()
        worker.wait()
    assert verdicts(job, "wait") == ["returned"]
    assert Worker.objects.get().stopped_at


@pytest.mark.full
def test_celery_stops_while_its_broker_is_away(database):
    engine = celery(NO_BROKER)
    with engine.worker() as worker:
        worker.process.terminate()
        worker.wait()
    assert Worker.objects.get().stopped_at


# --- what is refused, and what is said ------------------------------------------------------------


@pytest.mark.full
@pytest.mark.parametrize("pool", ["solo", "threads"])
def test_other_pools_are_refused(engine, pool):
    with engine._program(1, dict(engine.env), "--pool", pool) as worker:
        assert worker.wait() == 1
    assert "start it with --pool prefork" in worker.errors[-1]


@pytest.mark.full
def test_a_celery_worker_of_other_queues_runs_no_steps(engine):
    options = ("--pool", "solo", "--queues", "mail", "--loglevel", "info")
    with engine._program(1, dict(engine.env), *options) as worker:
        wait_for(lambda: any("ready." in line for line in worker.errors))
        assert len(psutil.Process(worker.process.pid).children()) == 0
    assert not Worker.objects.exists()


@pytest.mark.full
def test_a_celery_worker_serves_the_queues_that_it_consumes(engine):
    job = launch("trains")
    with engine._program(2, dict(engine.env), "--queues", "gpu"):
        wait_for(lambda: list(statuses(job).values()).count("succeeded") == 3)
        assert statuses(job)["other"] == "pending"
        assert Worker.objects.get().queues == {"gpu": None}
    with engine._program(2, dict(engine.env)):
        assert finished(job).status == "succeeded"


@pytest.mark.full
def test_serve_says_how_to_start_a_worker(serving, engine):
    with serving(env=engine.env) as server:
        assert "Steps need a worker: celery -A project worker" in server.lines
        assert not Worker.objects.exists()


@pytest.mark.full
def test_a_command_runs_its_job_where_no_celery_worker_lives(engine):
    with program("launch", "noop", env=engine.env) as command:
        assert command.wait() == 0


@pytest.mark.full
def test_pages_say_how_to_start_a_worker(settings):
    assert conf.worker_command() == "python manage.py worker"
    settings.TRUESTEP = {**settings.TRUESTEP, "engine": "celery"}
    assert conf.worker_command() == f"celery -A {settings.ROOT_URLCONF.split('.')[0]} worker"
