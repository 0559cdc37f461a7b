// Fetches this page again when its frames do not say everything, and takes over what differs.

const REFETCH_MS = 1000; // between two fetches …
const REFETCH_SHARE = 4; // … a page that is slow to fetch and draw is fetched less often …
const LONGEST_REFETCH_MS = 1500; // … but within this
const URGENT_MS = 150; // when statuses have changed and the frame does not have all of them
const LONGEST_FETCH_MS = 10_000;
const HEADERS = { "X-Truestep-Refetch": "1" }; // so that the server keeps its messages

export class Refetch {
  #page;
  #position;
  #parts;
  #cells = new Map(); // in lists and the admin: id of a cell → its newest status and seq, and when they came
  #timer = null;
  #dueAt = 0;
  #fetchedAt = -Infinity;
  #hurriedAt = -Infinity; // the last urgent fetch
  #took = 0; // milliseconds
  #fetching = null; // the AbortController of the fetch under way
  #next = null; // what asked for another fetch meanwhile

  constructor(page, position, parts) {
    this.#page = page;
    this.#position = position;
    this.#parts = parts;
  }

  abort() {
    this.#fetching?.abort();
  }

  // Show the statuses in the frame and fetch the page: immediately, then at most once a second, or
  // sooner when it is urgent.
  stale({ urgent = false, cells = {} } = {}) {
    const now = performance.now();
    for (const [id, [status, seq]] of Object.entries(cells)) {
      if (seq > (this.#cells.get(id)?.seq ?? 0)) this.#cells.set(id, { status, seq, at: now });
    }
    this.#showCells(now);
    if (this.#fetching) this.#next = { urgent: urgent || Boolean(this.#next?.urgent) };
    else this.#schedule(urgent);
  }

  #schedule(urgent) {
    const pause = Math.min(Math.max(REFETCH_MS, REFETCH_SHARE * this.#took), LONGEST_REFETCH_MS);
    const dueAt = urgent ? this.#hurriedAt + URGENT_MS : this.#fetchedAt + pause;
    const wait = Math.max(0, dueAt - performance.now());
    if (this.#timer && performance.now() + wait >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = performance.now() + wait;
    this.#timer = setTimeout(() => this.#run(urgent), wait);
  }

  async #run(urgent) {
    this.#timer = null;
    if (urgent) this.#hurriedAt = performance.now();
    this.#fetching = new AbortController();
    const timeout = setTimeout(() => this.abort(), LONGEST_FETCH_MS);
    await this.#fetch(this.#fetching.signal).catch(() => {}); // the next tick says again that the page is stale
    clearTimeout(timeout);
    this.#fetching = null;
    if (this.#next) this.stale(this.#next);
    this.#next = null;
  }

  async #fetch(signal) {
    const began = (this.#fetchedAt = performance.now());
    const asked = this.#position.value;
    const answer = await fetch(this.#page.dataset.fresh || location.href, { signal, headers: HEADERS });
    if (answer.redirected || [401, 403, 404].includes(answer.status)) return location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const its = fresh.querySelector("[data-socket]")?.dataset;
    if (!its || pathOf(its) !== pathOf(this.#page.dataset)) return; // the page of a portal, or a login
    if (its.version !== this.#page.dataset.version) return this.#parts.status.sayNewer(); // this script may not fit it
    if (!this.#position.is(asked)) return; // frames arrived meanwhile, so this answer may be older
    this.#takeOver(fresh, began);
    this.#position.moveToPage(its);
    this.#settle();
    this.#took = performance.now() - began;
  }

  #takeOver(fresh, began) {
    this.#parts.clocks.show(fresh);
    this.#parts.logs.forget();
    this.#parts.place.fetched(fresh, this.#page.dataset.morph);
    this.#showCells(began); // they may be newer than the answer
  }

  #settle() {
    this.#parts.logs.openAll();
    this.#parts.place.settle();
    this.#parts.logs.followOpen();
    this.#parts.socket.send({ type: "resync", ...this.#position.value });
  }

  #showCells(since) {
    for (const [id, { status, seq, at }] of this.#cells) {
      const cell = document.getElementById(id);
      if (!cell) this.#cells.delete(id);
      else if (at >= since && seq > Number(cell.dataset.seq)) {
        Object.assign(cell.dataset, { status, seq });
        (cell.querySelector(".status") ?? cell).textContent = status;
      }
    }
  }
}

const pathOf = ({ socket }) => socket.split("?")[0];
