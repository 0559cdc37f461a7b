// The logs of steps. A log box holds some consecutive lines: the newest ones, which it follows until its
// reader scrolls away; then it stays where it is, and fetches what its reader scrolls or goes to.

const LINES = 2000; // of all open logs, in the page
const FEWEST_LINES = 50; // of one open log
const FIRST_LINES = 500; // when a log is opened
const MORE_LINES = 200; // when its reader scrolls to an end, or goes to a line
const NEAR_END = 40; // pixels
const SHORT_LOG = 100; // lines: up to here there is no "Go to line"
const AUTO_OPEN = 20; // logs that open without being asked

export class Logs {
  #page;
  #socket;
  #openedFor = new Map(); // step → the attempt for which its log was opened
  #closedByReader = new Set(); // steps
  #reading = new Set(); // steps whose log is read elsewhere than at its end

  constructor(page, socket) {
    this.#page = page;
    this.#socket = socket;
  }

  start() {
    document.addEventListener("toggle", (event) => this.#toggled(event.target), true);
    document.addEventListener("scroll", (event) => this.#scrolled(event.target), true);
    document.addEventListener("submit", (event) => this.#submitted(event));
    document.addEventListener("click", ({ target }) => {
      if (target.matches(".newest")) this.#followNewest(target.closest("details"));
    });
  }

  openAllRunning() {
    for (const step of document.querySelectorAll(".step")) this.openWhenRunning(step);
  }

  // Open the log of a running step once per attempt, unless its reader closed it.
  openWhenRunning(step) {
    const pk = step.id.slice("step-".length);
    if (step.dataset.status !== "running" || this.#openedFor.get(pk) === step.dataset.attempt) return;
    this.#openedFor.set(pk, step.dataset.attempt);
    const mayRead = this.#page.dataset.can.split(" ").includes("log");
    if (mayRead && !this.#closedByReader.has(pk) && openBoxes().length < AUTO_OPEN) boxOf(pk).open = true;
  }

  followOpen() {
    for (const box of openBoxes()) this.#follow(box);
  }

  // Ask for the lines that open logs still lack.
  catchUp() {
    for (const box of openBoxes()) {
      if (lastOf(box) < totalOf(box)) this.#follow(box);
    }
  }

  // Drop all lines, and where they were read.
  forget() {
    for (const list of document.querySelectorAll(".log-lines")) list.replaceChildren();
    this.#reading.clear();
  }

  count(pk, total) {
    const box = boxOf(pk);
    if (total <= totalOf(box)) return;
    box.dataset.lines = total;
    box.querySelector(".lines").textContent = total;
  }

  // Add the lines of a frame.
  show({ step, first, last, total, html }) {
    const box = boxOf(step);
    if (!box) return;
    this.count(step, total);
    if (hasGap(box, first, last)) return this.#follow(box); // lines between were lost
    const list = listOf(box);
    const wasAtEnd = pixelsBelow(list) < NEAR_END;
    addLines(list, html);
    if (wasAtEnd && !this.#reading.has(box.dataset.log)) list.scrollTop = list.scrollHeight;
    showGoal(list);
    showRange(box);
  }

  #toggled(box) {
    if (!box.matches?.("details.log")) return;
    if (box.open) {
      this.#closedByReader.delete(box.dataset.log);
      this.#follow(box);
    } else {
      this.#closedByReader.add(box.dataset.log); // only a reader closes a log
      this.#unfollow(box);
    }
  }

  #scrolled(list) {
    if (!list.matches?.(".log-lines")) return;
    const box = list.closest("details");
    const below = pixelsBelow(list);
    if (below >= NEAR_END && !this.#reading.has(box.dataset.log)) {
      this.#reading.add(box.dataset.log);
      this.#unfollow(box);
    }
    const [first, last] = [firstOf(box), lastOf(box)];
    if (first > 1 && list.scrollTop < NEAR_END) {
      this.#ask(box, Math.max(1, first - MORE_LINES), first - 1);
    } else if (below < NEAR_END && this.#reading.has(box.dataset.log)) {
      if (last < totalOf(box)) return this.#ask(box, last + 1, last + MORE_LINES);
      this.#reading.delete(box.dataset.log);
      this.#follow(box);
    }
  }

  #submitted(event) {
    const form = event.target;
    if (!form.matches(".log-tools")) return;
    event.preventDefault();
    const box = form.closest("details");
    this.#goTo(box, Math.min(form.elements.line.valueAsNumber, totalOf(box)));
  }

  #follow(box) {
    const list = listOf(box);
    if (this.#reading.has(box.dataset.log)) {
      if (list.dataset.goTo) this.#goTo(box, Number(list.dataset.goTo)); // the answer was lost
      return;
    }
    const last = lastOf(box);
    const most = last ? linesEach() : Math.min(FIRST_LINES, linesEach());
    const newest = Math.max(1, totalOf(box) - most + 1);
    if (last + 1 < newest) list.replaceChildren();
    this.#ask(box, Math.max(last + 1, newest));
  }

  #followNewest(box) {
    this.#reading.delete(box.dataset.log);
    listOf(box).replaceChildren();
    this.#follow(box);
  }

  #goTo(box, line) {
    const list = listOf(box);
    this.#reading.add(box.dataset.log);
    list.replaceChildren();
    list.dataset.goTo = line;
    this.#ask(box, Math.max(1, line - MORE_LINES / 2), line + MORE_LINES / 2);
  }

  #ask(box, from, to) {
    listOf(box).dataset.asked = from;
    this.#socket.send({ type: "follow", step: Number(box.dataset.log), from, ...(to && { to }) });
  }

  #unfollow(box) {
    this.#socket.send({ type: "unfollow", step: Number(box.dataset.log) });
  }
}

const boxOf = (pk) => document.getElementById(`logbox-${pk}`);
const listOf = (box) => document.getElementById(`log-${box.dataset.log}`);
const openBoxes = () => document.querySelectorAll("details.log[open]");
const linesEach = () => Math.max(FEWEST_LINES, Math.floor(LINES / openBoxes().length));
const numberOf = (line) => Number(line?.dataset.line ?? 0);
const firstOf = (box) => numberOf(listOf(box).firstElementChild);
const lastOf = (box) => numberOf(listOf(box).lastElementChild);
const totalOf = (box) => Number(box.dataset.lines);
const pixelsBelow = (list) => list.scrollHeight - list.scrollTop - list.clientHeight;

function hasGap(box, first, last) {
  const held = lastOf(box);
  if (held) return first > held + 1 || last < firstOf(box) - 1;
  return first > Number(listOf(box).dataset.asked);
}

// Lines above are added without moving what is read; what is too much goes at the other end.
function addLines(list, html) {
  const first = numberOf(list.firstElementChild);
  const last = numberOf(list.lastElementChild);
  const height = list.scrollHeight;
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = [...template.content.children];
  const above = fresh.filter((line) => numberOf(line) < first);
  list.prepend(...above);
  list.append(...fresh.filter((line) => numberOf(line) > last));
  if (above.length) list.scrollTop += list.scrollHeight - height;
  for (let left = list.childElementCount - linesEach(); left > 0; left -= 1) {
    (above.length ? list.lastElementChild : list.firstElementChild).remove();
  }
}

// Mark and centre the line that its reader asked for.
function showGoal(list) {
  const line = list.dataset.goTo && list.querySelector(`[data-line="${list.dataset.goTo}"]`);
  if (!line) return;
  delete list.dataset.goTo;
  list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  line.setAttribute("aria-current", "true");
  list.scrollTop = line.offsetTop - list.clientHeight / 2;
}

function showRange(box) {
  const [first, last, total] = [firstOf(box), lastOf(box), totalOf(box)];
  box.querySelector(".range").textContent = first > 1 || last < total ? `lines ${first} to ${last}` : "";
  box.querySelector(".newest").hidden = last >= total;
  box.querySelector(".go-to").hidden = total <= SHORT_LOG;
}
