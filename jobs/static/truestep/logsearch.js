// Finds lines in all logs of the job. The server searches, some lines at a time; this counts what it finds,
// walks through it and marks it. What is looked for is in the address of the page.

const MOST_KEPT = 10_000; // lines to walk through; of more, only how many

export class LogSearch {
  #form = document.querySelector(".log-bar .find");
  #links;
  #hits = [];
  #count = 0;
  #at = -1; // which hit is shown
  #searched = 0; // lines, while it searches
  #fetching = null;
  #marking = 0;

  constructor(links) {
    this.#links = links;
  }

  start() {
    if (!this.#form) return;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#find();
    });
    this.#form.addEventListener("click", ({ target }) => {
      if (target.matches(".next")) this.#walk(1);
      if (target.matches(".previous")) this.#walk(-1);
      if (target.matches(".forget")) this.#forget();
    });
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("truestep:lines", () => this.#markSoon());
    this.#fill(new URLSearchParams(location.search));
    if (this.#isAsked) this.#find({ stay: location.hash.includes(":L") });
  }

  get #asked() {
    return new URLSearchParams(new FormData(this.#form));
  }

  get #isAsked() {
    return Boolean(this.#asked.get("q") || this.#asked.get("level"));
  }

  #fill(query) {
    for (const name of ["q", "level", "step"]) this.#form.elements[name].value = query.get(name) ?? "";
  }

  // How many warnings a step has logged leads to them.
  #clicked(event) {
    const link = event.target.closest?.(".flagged");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#fill(new URL(link.href).searchParams);
    this.#find();
  }

  async #find({ stay = false } = {}) {
    this.#fetching?.abort();
    this.#reset();
    if (!this.#isAsked) return this.#forget();
    this.#fetching = new AbortController();
    this.#form.querySelector(".all-found").href = `${this.#form.action}?${this.#asked}`;
    this.#form.querySelector(".walk").hidden = false;
    try {
      await this.#search(this.#fetching.signal, stay);
    } catch (error) {
      if (error.name !== "AbortError") this.#say("The search failed. Try again.");
    }
    this.#markSoon();
  }

  async #search(signal, stay) {
    const query = this.#asked;
    query.set("numbers", "1");
    let next = null;
    do {
      if (next) query.set("at", next);
      const answer = await fetch(`${this.#form.action}?${query}`, { signal });
      if (!answer.ok) throw new Error(answer.statusText);
      const found = await answer.json();
      next = found.next;
      this.#add(found, Boolean(next));
      if (!stay && this.#at < 0 && this.#hits.length) this.#walk(1);
      this.#sayWhere();
    } while (next);
  }

  #add({ searched, count, hits }, isMore) {
    this.#searched = isMore ? this.#searched + searched : 0;
    this.#count += count;
    for (const { lines, ...step } of hits) {
      const room = MOST_KEPT - this.#hits.length;
      for (const line of lines.slice(0, room)) this.#hits.push({ ...step, line });
    }
  }

  #walk(by) {
    if (!this.#hits.length) return;
    this.#at = (Math.max(this.#at, by < 0 ? 0 : -1) + by + this.#hits.length) % this.#hits.length;
    const { step, name, from, line } = this.#hits[this.#at];
    this.#sayWhere();
    if (document.getElementById(`step-${step}`)) return this.#links.go(name, line);
    const url = new URL(location.href); // another part of a big job has the step
    url.searchParams.set("from", from);
    url.hash = `${name}:L${line}`;
    location.assign(url);
  }

  #forget() {
    this.#fetching?.abort();
    this.#form.reset();
    this.#fill(new URLSearchParams());
    this.#reset();
    this.#form.querySelector(".walk").hidden = true;
    this.#markSoon();
  }

  #reset() {
    this.#hits = [];
    this.#count = this.#searched = 0;
    this.#at = -1;
    this.#say("");
    const url = new URL(location.href);
    for (const [name, value] of this.#asked) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    if (url.href !== location.href) history.replaceState(null, "", url);
  }

  #sayWhere() {
    const searching = this.#searched ? `, ${this.#searched.toLocaleString()} lines searched …` : "";
    const most = this.#count > MOST_KEPT ? ` (the first ${MOST_KEPT.toLocaleString()} can be visited)` : "";
    const where = this.#at < 0 ? "" : `${this.#at + 1} of `;
    const lines = this.#count === 1 ? "line" : "lines";
    const found = this.#count ? `${where}${this.#count.toLocaleString()} ${lines}` : "no line";
    this.#say(found + most + searching);
  }

  #say(text) {
    this.#form.querySelector("output").textContent = text;
    for (const button of this.#form.querySelectorAll(".next, .previous")) button.disabled = !this.#hits.length;
  }

  #markSoon() {
    if (!CSS.highlights) return; // an older browser shows the lines without marks in them
    cancelAnimationFrame(this.#marking);
    this.#marking = requestAnimationFrame(() => this.#mark());
  }

  #mark() {
    const text = this.#hits.length ? this.#asked.get("q").toLowerCase() : "";
    const texts = text ? document.querySelectorAll("details.log[open] .log-lines li > :first-child") : [];
    const ranges = [...texts].flatMap((element) => rangesOf(element, text));
    CSS.highlights.set("found", new Highlight(...ranges));
  }
}

// Where a text is in an element, whose pieces have different styles.
function rangesOf(element, text) {
  const whole = element.textContent;
  const lowered = whole.toLowerCase();
  if (!lowered.includes(text) || lowered.length !== whole.length) return [];
  const ranges = [];
  for (let at = lowered.indexOf(text); at >= 0; at = lowered.indexOf(text, at + text.length)) {
    const range = new Range();
    range.setStart(...pointIn(element, at, false));
    range.setEnd(...pointIn(element, at + text.length, true));
    ranges.push(range);
  }
  return ranges;
}

function pointIn(element, offset, isEnd) {
  const pieces = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = offset;
  while (pieces.nextNode()) {
    const length = pieces.currentNode.data.length;
    if (left < length || (isEnd && left === length)) return [pieces.currentNode, left];
    left -= length;
  }
  return [element, element.childNodes.length];
}
