"""Frames are lost, doubled and swapped by seed; in the end the page is what the rows are.

The frames are the server's own, recorded for every position that a page could be at; the page is
the real one. Only the socket between them is played, so that hundreds of schedules are affordable.
"""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Error, expect

from jobs import assets, logs
from jobs.live import job_feed
from jobs.live.viewers import Follow, Frame
from jobs.logs import LogBook
from jobs.models import Job
from jobs.orchestrator import claim, finish, launch
from jobs.sight.positions import Position, position_of
from jobs.sight.shown import LIST
from jobs.statuses import Verdict
from tests.browser.support import (
    lines_shown,
    look_at,
    shown_by_command,
    shown_by_page,
    statuses_seen,
    tamper,
    wait_until_finished,
)
from tests.support import ended, journal, program, returned, wait_for

pytestmark = pytest.mark.sqlite  # the page does not know which database it is

CHANCE = """
  const chance = () => {
    random = (random + 0x6D2B79F5) | 0;
    let t = Math.imul(random ^ (random >>> 15), 1 | random);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
"""
# What a real socket brings: 30 % of it meets with something.
MEETS_CHANCE = """
(() => {
  let random = SEED, held = null, frames = 0;
  CHANCE
  return (text, deliver) => {
    const fate = chance();
    frames += 1;
    if (fate < 0.1 || frames === 4) { lost.push(text); return; }  // one at least
    if (fate < 0.2 && held === null) { held = text; return; }
    deliver(text);
    if (fate < 0.3) deliver(text);
    if (held !== null) { const late = held; held = null; deliver(late); }
  };
})()
""".replace("CHANCE", CHANCE)
PLAYED_SOCKET = """
(() => {
  const world = WORLD;
  const last = world.positions.length - 1;
  window.seen = [];
  let random = 0, now = 0, socket = null;
  CHANCE
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const indexOf = (seq, tag) => world.positions.findIndex((p) => p[0] === seq && p[1] === tag);

  window.WebSocket = class {
    static OPEN = 1;
    readyState = 0; n = 0; follows = new Map(); held = null;
    constructor(url) {
      const query = new URL(url).searchParams;
      this.at = indexOf(Number(query.get('seq')), query.get('tag'));
      socket = this;
      setTimeout(() => { this.readyState = 1; this.onopen(); });
    }
    close() { this.readyState = 3; }
    send(text) {
      const frame = JSON.parse(text);
      if (frame.type === 'resync') this.at = indexOf(frame.seq, frame.tag);
      if (frame.type === 'follow') this.follows.set(frame.step, frame.from);
      if (frame.type === 'unfollow') this.follows.delete(frame.step);
    }
    tell(tick) {
      if (this.readyState !== 1) return;
      if (this.at === -1) { this.put({type: 'stale'}); this.at = null; }
      if (this.at !== null) world.changes[`${this.at}-${now}`].forEach((frame) => this.put(frame));
      if (this.at !== null) this.at = now;
      for (const [step, from] of this.follows) {
        const frame = world.logs[`${now}-${step}-${from}`];
        if (frame) { this.put(frame); this.follows.set(step, frame.last + 1); }
      }
      this.put(world.pulses[now]);
      const [seq, tag] = world.positions[now];
      if (tick) this.put({type: 'tick', seq, tag, version: world.version});
    }
    put(frame) {  // 30 % of them meet with something
      const numbered = {...frame, n: ++this.n};
      const fate = chance();
      if (fate < 0.1) return;
      if (fate < 0.2 && !this.held) { this.held = numbered; return; }
      this.deliver(numbered);
      if (fate < 0.3) this.deliver(numbered);
      if (this.held) { const late = this.held; this.held = null; this.deliver(late); }
    }
    deliver(frame) { this.onmessage({data: JSON.stringify(frame)}); }
  };

  window.play = async (seed, right) => {
    while (!socket) await pause(1);
    random = seed;
    const note = (row) => {
      const name = row.dataset.step ?? 'job';
      if (seen.findLast((item) => item[0] === name)?.[1] !== row.dataset.status)
        seen.push([name, row.dataset.status]);
    };
    const look = () => document.querySelectorAll('[data-job], [data-step]').forEach(note);
    look();
    const all = {subtree: true, childList: true, attributes: true};
    new MutationObserver(look).observe(document, all);
    for (; now < last; now += 1) {
      window.current = now;
      socket.tell(chance() < 0.5);
      await pause(chance() * 6);
    }
    window.current = now;
    document.querySelectorAll('details.log').forEach((box) => (box.open = true));
    for (let round = 1; round <= 400; round += 1) {
      socket.tell(true);
      await pause(5);
      if (JSON.stringify(shown()) === right && document.body.dataset.live === 'live') return round;
    }
    return JSON.stringify(shown());
  };
  window.shown = () => ({
    job: [document.querySelector('[data-job]').dataset.status,
          Number(document.querySelector('[data-job]').dataset.seq)],
    steps: [...document.querySelectorAll('[data-step]')].map((row) => [
      row.dataset.step, row.dataset.status, Number(row.dataset.seq), Number(row.dataset.attempt),
      row.querySelector('.status').textContent, row.querySelector('.error')?.textContent ?? '',
      Number(row.querySelector('.lines').textContent),
      row.querySelector('.meter').hidden ? null : row.querySelector('progress').value,
      [...row.querySelectorAll('.attempts li')].map((one) => [
        one.dataset.attemptRef, one.querySelector('.verdict').textContent])]),
    journal: [...document.querySelectorAll('.entry')].map((row) => Number(row.dataset.seq)),
    lines: [...document.querySelectorAll('[data-line]')].map((line) => line.textContent),
  });
})();
""".replace("CHANCE", CHANCE)


def content_of(frame: Frame) -> dict:
    return json.loads(frame.numbered(0))


class World:
    """A job's history as the server would tell it, from any position to any later one."""

    def __init__(self, client, job: Job) -> None:
        self._client, self._job = client, job
        self.pages: list[str] = []
        self.output: dict = {
            "positions": [],
            "changes": {},
            "logs": {},
            "pulses": [],
            "version": assets.version(),
        }

    def record(self) -> None:
        """The job is at its next state."""
        now, job = len(self.pages), self._job
        self.pages.append(self._client.get(f"/jobs/{job.pk}/").content.decode())
        position = position_of(job.pk)
        self.output["positions"].append(list(position))
        for before, known in enumerate(self.output["positions"]):
            view = (Position(*known), LIST)
            update = job_feed.read_update(job.pk, {view}, set())
            frames = update.changes.get(view, [])
            self.output["changes"][f"{before}-{now}"] = [content_of(frame) for frame in frames]
        self.output["pulses"].append({"type": "pulse", "steps": update.pulse, "workers": None})
        for step in job.steps.all():
            for start in range(1, step.log_lines + 1):
                follow = (step.pk, Follow(start))
                part = job_feed.read_update(job.pk, [], [follow]).logs[follow]
                self.output["logs"][f"{now}-{step.pk}-{start}"] = content_of(part.frame)


@pytest.fixture
def world(claimant, ada):
    """A diamond: logs, progress, a step that is handed back thrice, one that fails, one skipped."""
    job = launch("diamond")
    world = World(ada, job)
    world.record()

    def say(held, *lines):
        book = LogBook(held, 10**6)
        for line in lines:
            book.add(line)
        book.progress(len(lines), 9, "saying")
        book.write()
        world.record()

    [top] = claim(claimant, room=1)
    world.record()
    say(top, "one", "two <b>bold</b>")
    say(top, "three")
    for _ in range(3):
        finish(claimant, top, ended(Verdict.HANDED_BACK), room=0)
        world.record()
        [top] = claim(claimant, room=1)
        world.record()
    say(top, "four, again")
    left, right = finish(claimant, top, returned(1), room=2)
    world.record()
    say(right, "five")
    say(left, "six", "seven")
    finish(claimant, right, ended(Verdict.FAILED, "broken & torn"), room=0)
    world.record()
    finish(claimant, left, returned(2), room=0)
    world.record()
    world.job = job
    return world


def play(web, context, world, seeds) -> None:
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    output = json.dumps(world.output).replace("</", "<\\/")
    page.add_init_script(PLAYED_SOCKET.replace("WORLD", output))
    address = f"{web.url}/jobs/{world.job.pk}/"

    def serve(route):
        is_fetch = route.request.resource_type == "fetch"
        try:
            state = page.evaluate("window.current ?? 0") if is_fetch else 0
        except Error:  # of the schedule before, which is over
            route.abort()
            return
        route.fulfill(body=world.pages[state], content_type="text/html")

    right = right_picture(page, web, world)
    page.route(address, serve)
    moves = journal(world.job)
    for seed in seeds:
        page.goto(address)
        answer = page.evaluate("([seed, right]) => play(seed, right)", [seed, right])
        assert isinstance(answer, int), f"seed {seed}: {answer}\nis not {right}"
        for name in ("job", "top", "left", "right", "bottom"):
            true = [to for step, _, to in moves if (step or "job") == name]
            assert is_subsequence(statuses_seen(page, name), ["pending", *true]), f"seed {seed}"
    assert noise == []
    page.close()


def right_picture(page, web, world) -> str:
    """What the page that is rendered from the rows shows, and all log lines."""
    page.goto(f"{web.url}/jobs/{world.job.pk}/")
    shown = page.evaluate("shown()")
    shown["lines"] = [
        line.text
        for step in world.job.steps.order_by("position")
        for line in logs.read(step.pk, 1, 100)
    ]
    return json.dumps(shown, separators=(",", ":"), ensure_ascii=False)


def is_subsequence(some: list[str], of: list[str]) -> bool:
    rest = iter(of)
    return all(item in rest for item in some)


@pytest.mark.brief
def test_20_random_schedules_of_frames_end_right(web, context, world):
    play(web, context, world, range(1, 21))


@pytest.mark.full
@pytest.mark.timeout(600)
def test_200_schedules(web, context, world):
    play(web, context, world, range(1, 201))


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(2, 6))]
)
def test_a_schedule_over_a_real_socket(web, page, seed):
    tamper(page, MEETS_CHANCE.replace("SEED", str(seed)))
    job = launch("paced")
    look_at(page, web, job)
    with program("worker"):
        wait_until_finished(job, 30)
    expect(page.locator(".job-head")).to_have_attribute("data-status", "succeeded")
    right = shown_by_command(job)
    wait_for(lambda: shown_by_page(page) == right, 15)
    assert page.evaluate("lost.length") > 0
    for step in job.steps.all():
        true = [to for name, _, to in journal(job) if name == step.name]
        assert is_subsequence(statuses_seen(page, step.name), ["pending", *true])
    assert lines_shown(page, "a") == sorted(lines_shown(page, "a"))
