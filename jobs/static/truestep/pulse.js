// What changes without a journal entry: progress, log counts, and what workers and locks mean for steps.

export class Pulse {
  #clocks;
  #status;
  #logs;

  constructor({ clocks, status, logs }) {
    this.#clocks = clocks;
    this.#status = status;
    this.#logs = logs;
  }

  show({ steps, workers }) {
    for (const [pk, now] of Object.entries(steps)) {
      const step = document.getElementById(`step-${pk}`);
      if (step?.dataset.status !== "running") continue;
      showProgress(step.querySelector(".meter"), now);
      this.#logs.count(pk, now.lines);
      showFlagged(step.querySelector(".flagged"), now);
    }
    if (!workers) return;
    for (const step of document.querySelectorAll(".step")) this.#showWorkers(step, workers);
    this.#showLeft(workers.expected);
    this.#status.summariseSoon();
  }

  // Who holds a lock of the database, for as long as that lasts.
  showHeld(words) {
    const held = document.getElementById("held");
    if (!held || (held.hidden && !words.length)) return;
    this.#clocks.write(held, words);
    held.hidden = !words.length;
  }

  #showWorkers(step, { seq, waits, late, ready, expected }) {
    if (Number(step.dataset.seq) > seq) return; // the step has changed since the workers were read
    const pk = step.id.slice("step-".length);
    const reason = step.querySelector(".reason[data-waits=worker]");
    if (reason) this.#clocks.write(reason, waits[pk] ?? ready[step.dataset.queue] ?? []);
    const warning = step.querySelector(".warning");
    this.#clocks.write(warning, late[pk] ?? []);
    warning.hidden = !late[pk];
    if (step.dataset.status !== "running") return;
    const { usual = [], longer = [] } = expected.steps[pk] ?? {};
    this.#clocks.write(step.querySelector(".usual"), usual);
    this.#clocks.write(step.querySelector(".longer"), longer);
  }

  // When the job may end, and which runs say so.
  #showLeft({ left, read_at }) {
    const shown = document.querySelector(".job-head .left");
    if (!shown) return;
    this.#clocks.write(shown, left);
    shown.title = left.length ? `as earlier runs took, read at ${new Date(read_at).toLocaleTimeString()}` : "";
  }
}

function showProgress(meter, { done, total, text }) {
  meter.hidden = total === null;
  if (total === null) return;
  const bar = meter.querySelector("progress");
  bar.max = total || 1;
  bar.value = total ? done : 1;
  meter.querySelector(".progress-text").textContent = `${done} / ${total} ${text}`;
}

function showFlagged(link, { warnings, errors }) {
  const counts = [[errors, "error"], [warnings, "warning"]].filter(([count]) => count);
  link.textContent = counts.map(([count, what]) => `${count} ${what}${count === 1 ? "" : "s"}`).join(", ");
  link.hidden = !counts.length;
}
