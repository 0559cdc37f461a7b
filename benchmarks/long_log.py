"""A log of 1,000,000 lines on the page: how soon does it show its end, and any other line?

And how long does it take to find lines in it, of which every tenth has a colour?

.venv/bin/python -m benchmarks.long_log [--lines 1000000]
"""

from __future__ import annotations

import random
import statistics
from contextlib import ExitStack

from benchmarks.support import (
    ManualWorker,
    chain,
    chromium,
    migrate,
    open_page,
    options,
    start_server,
    web_process,
)
from jobs import orchestrator
from jobs.logs import LogBook

OPENINGS, JUMPS = 5, 50
# Milliseconds from an action on the page until the line is drawn.
UNTIL_DRAWN = """
([action, line]) => new Promise(done => {
  const start = performance.now();
  if (action === 'open') document.querySelector('details.log').open = true;
  else {
    const form = document.querySelector('.log-tools');
    form.elements.line.value = line;
    form.requestSubmit();
  }
  const look = () => document.querySelector(`[data-line="${line}"]`)
    ? requestAnimationFrame(() => done(performance.now() - start)) : requestAnimationFrame(look);
  look();
})
"""


def main() -> None:
    lines = options(__doc__, lines=1_000_000).lines
    migrate()
    job_id, text = write(lines)
    with ExitStack() as ending:
        measure(start_server(ending), job_id, lines, text)


def write(lines: int) -> tuple[int, str]:
    """A job whose only step has logged *lines* lines, as a worker writes them, and their text."""
    definition = chain("LongLog", 1)
    job = orchestrator.launch(definition)
    worker = ManualWorker(definition)
    (held,) = worker.claim()
    book = LogBook(held, 2**30)
    logged = [said(number) for number in range(1, lines + 1)]
    for line in logged:
        book.add(line)
        if book.is_full:
            book.write()
    book.write()
    worker.succeed(held)
    worker.deregister()
    return job.pk, "".join(line + "\n" for line in logged)


def said(number: int) -> str:
    text = f"line {number}: {'x' * (number % 90)}"
    return f"\x1b[32m{text}\x1b[0m" if number % 10 == 0 else text


# Milliseconds from a search on the page until all lines are searched, and what it then says.
UNTIL_FOUND = """
text => new Promise(done => {
  const start = performance.now();
  const form = document.querySelector('.log-bar .find');
  form.elements.q.value = text;
  form.requestSubmit();
  const look = () => {
    const said = form.querySelector('output').textContent;
    if (!said || said.endsWith('…')) return requestAnimationFrame(look);
    done([performance.now() - start, said]);
  };
  look();
})
"""


def measure(url: str, job_id: int, lines: int, text: str) -> None:
    web = web_process()
    chance = random.Random(1)
    opened = []
    with chromium() as browser:
        page = open_page(browser, url, f"jobs/{job_id}/")
        before = web.memory_info().rss
        for opening in range(OPENINGS):
            if opening:
                page = open_page(browser, url, f"jobs/{job_id}/")
            opened.append(page.evaluate(UNTIL_DRAWN, ["open", lines]))
        times = [page.evaluate(UNTIL_DRAWN, ["go", chance.randint(1, lines)]) for _ in range(JUMPS)]
        found = [page.evaluate(UNTIL_FOUND, text) for text in (f"line {lines}:", "line", "no such")]
        elements = page.evaluate("document.querySelectorAll('*').length")
        download = page.request.get(f"{url}jobs/{job_id}/steps/s0000/log?raw=1").body()
        grown = (web.memory_info().rss - before) / 2**20
    print(
        f"{lines:,} lines: the end is shown after {statistics.median(opened):.0f} ms "
        f"(first {opened[0]:.0f}, max {max(opened):.0f}), any line after "
        f"{statistics.median(times):.0f} ms (max {max(times):.0f}), {elements} elements, "
        f"download {'byte-exact' if download == text.encode() else 'WRONG'}, "
        f"web process grew {grown:.0f} MiB; "
        + "; ".join(f"a search takes {took:.0f} ms: {words}" for took, words in found)
    )


if __name__ == "__main__":
    main()
