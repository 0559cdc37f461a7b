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
  #lines;
  #openedFor = new Map(); // step → the attempt for which its log was opened
  #closedByReader = new Set(); // steps
  #reading = new Set(); // steps whose log is read elsewhere than at its end
  #level = ""; // the least one of the lines that are shown; empty: all

  constructor(page, socket, lines) {
    this.#page = page;
    this.#socket = socket;
    this.#lines = lines;
  }

  start() {
    document.addEventListener("toggle", (event) => this.#toggled(event.target), true);
    document.addEventListener("scroll", (event) => this.#scrolled(event.target), true);
    document.addEventListener("submit", (event) => this.#submitted(event));
    document.addEventListener("click", ({ target }) => {
      if (target.matches(".newest")) this.#followNewest(target.closest("details"));
      if (target.matches(".fold")) this.#folded(target);
    });
  }

  openAll() {
    for (const step of document.querySelectorAll(".step")) this.openFor(step);
  }

  // Open the log of a running step, and that of a failed one at its error: once per attempt, unless its
  // reader closed it. Of the steps that had failed before the page was there, only the first one.
  openFor(step) {
    const pk = step.id.slice("step-".length);
    const { status, attempt } = step.dataset;
    const box = boxOf(pk);
    if (!["running", "failed"].includes(status) || this.#openedFor.get(pk) === `${status} ${attempt}`) return;
    const wasRunning = this.#openedFor.has(pk);
    this.#openedFor.set(pk, `${status} ${attempt}`);
    const mayRead = this.#page.dataset.can.split(" ").includes("log");
    if (!mayRead || this.#closedByReader.has(pk) || (!box.open && openBoxes().length >= AUTO_OPEN)) return;
    if (status === "running") box.open = true;
    else this.#openAtError(step, box, wasRunning);
  }

  followOpen() {
    for (const box of openBoxes()) this.#follow(box);
  }

  // Ask for the lines that open logs still lack.
  catchUp() {
    for (const box of openBoxes()) {
      if (this.#last(box) < totalOf(box)) this.#follow(box);
    }
  }

  // Show only lines of this level and above; empty: all.
  filter(level) {
    if (level === this.#level) return;
    this.#level = level;
    document.dispatchEvent(new CustomEvent("truestep:level", { detail: level }));
    this.forget();
    this.followOpen();
  }

  // Drop all lines, and where they were read.
  forget() {
    for (const list of document.querySelectorAll(".log-lines")) this.#lines.clear(list);
    this.#reading.clear();
  }

  count(pk, total) {
    const box = boxOf(pk);
    if (total <= totalOf(box)) return;
    box.dataset.lines = total;
    box.querySelector(".lines").textContent = total;
  }

  // Add the lines of a frame, and show what the step has said since the last of them.
  show({ step, first, last, total, html, open }) {
    const box = boxOf(step);
    if (!box) return;
    this.count(step, total);
    const list = listOf(box);
    const wasAtEnd = pixelsBelow(list) < NEAR_END;
    const isRead = this.#reading.has(box.dataset.log);
    if (!isRead) showOpen(box, open);
    if (last < first) return;
    if (this.#lines.isGap(list, first, last)) return this.#follow(box); // lines between were lost
    const isAbove = first < this.#first(box);
    this.#lines.add(list, { first, last, html }, linesEach());
    if (wasAtEnd && !isRead) list.scrollTop = list.scrollHeight;
    this.#lines.showGoal(list);
    this.#showRange(box);
    if (this.#choice(box)) this.#fill(box, isAbove);
  }

  // A frame with some of the lines may have none: go on until there is something to scroll.
  #fill(box, isAbove) {
    const list = listOf(box);
    const isRead = this.#reading.has(box.dataset.log);
    if (this.#first(box) > 1 && list.scrollTop < NEAR_END) this.#askAbove(box, this.#first(box));
    else if (isAbove && !isRead) this.#follow(box);
    else if (isRead && pixelsBelow(list) < NEAR_END) this.#askBelow(box);
  }

  // Open the log at these lines, and mark them, also when they are still to come.
  goTo(box, first, last = first, isQuiet = false) {
    this.filter(""); // it may be a line of any level
    const list = listOf(box);
    list.toggleAttribute("data-quiet", isQuiet);
    this.#closedByReader.delete(box.dataset.log);
    this.#reading.add(box.dataset.log);
    list.dataset.goTo = first;
    this.#lines.choose(list, first, last);
    if (!box.open) box.open = true; // which asks for them
    else if (this.#lines.has(list, first)) {
      this.#unfollow(box);
      this.#lines.showGoal(list);
    } else {
      showOpen(box, "");
      this.#lines.clear(list);
      this.#askAround(box, first);
    }
  }

  #openAtError(step, box, wasRunning) {
    const isFirst = step === document.querySelector('.step[data-status="failed"]');
    const isLinked = location.hash.includes(":L"); // the reader wants another line
    if (!totalOf(box) || this.#reading.has(box.dataset.log) || isLinked || !(wasRunning || isFirst)) return;
    const line = Number(box.dataset.error);
    if (line) this.goTo(box, line, line, true);
    else box.open = true; // at its end
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
    const [first, last] = [this.#first(box), this.#last(box)];
    if (!last || Number(list.dataset.goTo) > last) return; // its lines, or the linked one, are on their way
    if (first > 1 && list.scrollTop < NEAR_END) {
      this.#askAbove(box, first);
    } else if (below < NEAR_END && this.#reading.has(box.dataset.log)) {
      if (last < totalOf(box)) return this.#askBelow(box);
      this.#reading.delete(box.dataset.log);
      this.#follow(box);
    }
  }

  #submitted(event) {
    const form = event.target;
    if (!form.matches(".log-tools")) return;
    event.preventDefault();
    const box = form.closest("details");
    this.goTo(box, Math.min(form.elements.line.valueAsNumber, totalOf(box)));
  }

  // A folded group leaves room for lines that are not there yet. Of one that is unfolded, some may be missing.
  #folded(button) {
    const list = button.closest(".log-lines");
    const isMissing = this.#lines.toggle(button);
    if (!isMissing) return this.#scrolled(list);
    const box = list.closest("details");
    this.#reading.add(box.dataset.log);
    list.dataset.goTo = button.closest("li").dataset.line;
    this.#follow(box);
  }

  #follow(box) {
    const list = listOf(box);
    if (this.#reading.has(box.dataset.log)) {
      if (!list.dataset.goTo) return;
      this.#lines.clear(list);
      return this.#askAround(box, Number(list.dataset.goTo)); // also when the answer was lost
    }
    const last = this.#last(box);
    if (this.#level) return last ? this.#ask(box, last + 1) : this.#askNewest(box);
    const most = last ? linesEach() : Math.min(FIRST_LINES, linesEach());
    const newest = Math.max(1, totalOf(box) - most + 1);
    if (last + 1 < newest) this.#lines.clear(list);
    showOpen(box, "");
    this.#ask(box, Math.max(last + 1, newest));
  }

  #followNewest(box) {
    this.#reading.delete(box.dataset.log);
    this.#lines.clear(listOf(box));
    this.#follow(box);
  }

  #askAround(box, line) {
    this.#ask(box, Math.max(1, line - MORE_LINES / 2), line + MORE_LINES / 2);
  }

  #askAbove(box, first) {
    if (this.#choice(box)) this.#askNewest(box, first - 1);
    else this.#ask(box, Math.max(1, first - MORE_LINES), first - 1);
  }

  #askBelow(box) {
    const last = this.#last(box);
    if (last >= totalOf(box)) return;
    if (this.#choice(box)) this.#send(box, { from: last + 1, most: MORE_LINES });
    else this.#ask(box, last + 1, last + MORE_LINES);
  }

  #askNewest(box, to) {
    delete listOf(box).dataset.asked; // the server says from where on
    this.#send(box, { newest: MORE_LINES, ...(to && { to }) });
  }

  #ask(box, from, to) {
    listOf(box).dataset.asked = from;
    this.#send(box, { from, ...(to && { to }) });
  }

  #send(box, lines) {
    this.#socket.send({ type: "follow", step: Number(box.dataset.log), ...lines, ...this.#choice(box) });
  }

  // Which lines of a log are wanted; null: all.
  #choice(box) {
    const folded = this.#lines.folded(listOf(box)).map(Number);
    if (!this.#level && !folded.length) return null;
    return { ...(this.#level && { level: this.#level }), ...(folded.length && { folded }) };
  }

  #unfollow(box) {
    showOpen(box, "");
    this.#socket.send({ type: "unfollow", step: Number(box.dataset.log) });
  }

  #showRange(box) {
    const [first, last, total] = [this.#first(box), this.#last(box), totalOf(box)];
    const isPart = first > 1 || last < total;
    const none = this.#level && !listOf(box).childElementCount;
    box.querySelector(".range").textContent = none ? "no such line" : isPart ? `lines ${first} to ${last}` : "";
    box.querySelector(".newest").hidden = last >= total;
    box.querySelector(".go-to").hidden = total <= SHORT_LOG;
  }

  #first = (box) => this.#lines.first(listOf(box));
  #last = (box) => this.#lines.last(listOf(box));
}

const boxOf = (pk) => document.getElementById(`logbox-${pk}`);
const listOf = (box) => document.getElementById(`log-${box.dataset.log}`);
const openBoxes = () => document.querySelectorAll("details.log[open]");
const linesEach = () => Math.max(FEWEST_LINES, Math.floor(LINES / openBoxes().length));
const totalOf = (box) => Number(box.dataset.lines);
const pixelsBelow = (list) => list.scrollHeight - list.scrollTop - list.clientHeight;

function showOpen(box, html) {
  const shown = box.querySelector(".log-open");
  if (shown.innerHTML !== html) shown.innerHTML = html;
}
