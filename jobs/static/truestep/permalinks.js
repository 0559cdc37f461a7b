// Links to lines of a log: #STEP:L120 or #STEP:L120-L130, in the address of the page. A click on the number
// of a line makes one, another one with Shift extends it.

const LINES = /^#([^:]+):L(\d+)(?:-L?(\d+))?$/;

export class Permalinks {
  #logs;
  #lines;

  constructor(logs, lines) {
    this.#logs = logs;
    this.#lines = lines;
  }

  start() {
    addEventListener("hashchange", () => this.#follow());
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("submit", ({ target }) => {
      if (target.matches(".log-tools")) this.#show(nameOf(target), target.elements.line.valueAsNumber);
    });
    this.#follow();
  }

  // Show a line of a step that this page has, and put it into the address.
  go(name, line) {
    this.#show(name, line);
    this.#logs.goTo(boxOf(name), line);
  }

  #follow() {
    const [, name, first, last = first] = LINES.exec(decodeURIComponent(location.hash)) ?? [];
    const box = name && boxOf(name);
    if (box) this.#logs.goTo(box, ...[Number(first), Number(last)].sort((one, other) => one - other));
  }

  #clicked({ target, clientX, shiftKey }) {
    if (!target.matches(".log-lines > li")) return;
    if (clientX >= target.firstElementChild.getBoundingClientRect().left) return; // not on the number
    const name = nameOf(target);
    const line = Number(target.dataset.line);
    const [, before, first, last = first] = LINES.exec(decodeURIComponent(location.hash)) ?? [];
    const range = shiftKey && before === name ? [Number(first), Number(last), line] : [line];
    this.#show(name, Math.min(...range), Math.max(...range));
    this.#lines.choose(target.parentElement, Math.min(...range), Math.max(...range));
  }

  #show(name, first, last = first) {
    history.replaceState(null, "", `#${name}:L${first}${last > first ? `-L${last}` : ""}`);
  }
}

const nameOf = (element) => element.closest(".step").dataset.step;
const boxOf = (name) => document.querySelector(`[data-step="${CSS.escape(name)}"] details.log`);
