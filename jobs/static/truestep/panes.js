// What the reader has open beside the list: the history, remembered for every job; and the step to which
// a link of graph or waterfall leads, with its log.

const HISTORY = "truestep-history"; // in this browser: whether it is closed

export class Panes {
  start() {
    this.#history();
    addEventListener("hashchange", () => this.#openTarget());
    this.#openTarget();
  }

  #history() {
    const toggle = document.getElementById("history-toggle");
    if (!toggle) return;
    const show = (state) => {
      document.body.dataset.history = state;
      toggle.setAttribute("aria-expanded", String(state !== "closed"));
    };
    toggle.hidden = false;
    show(remembered() ?? "open");
    toggle.addEventListener("click", () => {
      const state = document.body.dataset.history === "closed" ? "open" : "closed";
      show(state);
      remember(state);
    });
  }

  #openTarget() {
    const log = document.querySelector(".step:target > .log");
    if (log && log.dataset.lines !== "0") log.open = true;
  }
}

// A browser may refuse to keep anything.
function remembered() {
  try {
    return localStorage.getItem(HISTORY);
  } catch {
    return null;
  }
}

function remember(state) {
  try {
    localStorage.setItem(HISTORY, state);
  } catch {}
}
