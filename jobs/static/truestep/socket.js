// The connection: opens it, acknowledges frames, notices silence and reconnects.
//
// Frames are acknowledged at each tick, and before the server would wait for that: a thousand pages
// that did it every second would cost the server as much as it costs to send them what is new.

const SILENCE_MS = 4000; // without a frame for this long, the page is not live
const CHECK_MS = 250;
const ACK_FRAMES = 40; // well below what the server lets stand unacknowledged
const ACK_CHARACTERS = 200_000;
const FIRST_PAUSE_MS = 250; // between two attempts; doubled each time …
const PAUSE_MS = 800; // … up to this, while the outage is short
const LONGEST_PAUSE_MS = 10_000;
const SHORT_OUTAGE_MS = 60_000;
const FINAL_CODES = [4401, 4403, 4404]; // not logged in, not permitted, no such job: reconnecting is no use

export class Socket {
  #page;
  #position;
  #listener;
  #socket = null;
  #heardAt = 0; // the last frame, or the beginning of the connection
  #frameAt = 0; // the last frame
  #seen = 0; // the highest number of a frame
  #acknowledged = 0;
  #unacknowledged = 0; // characters
  #attempts = 0;
  #retry = null;

  constructor(page, position) {
    this.#page = page;
    this.#position = position;
  }

  // The listener has opened(), received(frame), missed() and closed(code).
  start(listener) {
    this.#listener = listener;
    const wake = () => this.#wake();
    document.addEventListener("visibilitychange", wake);
    addEventListener("online", wake);
    addEventListener("pageshow", wake);
    setInterval(() => this.#checkSilence(), CHECK_MS);
    this.#connect();
  }

  send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  acknowledge() {
    if (this.#seen === this.#acknowledged) return;
    this.#acknowledged = this.#seen;
    this.#unacknowledged = 0;
    this.send({ type: "ack", n: this.#seen });
  }

  // The connection works: the next reconnect need not wait long.
  verified() {
    this.#attempts = 0;
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = null;
    const socket = new WebSocket(this.#address());
    this.#socket = socket;
    this.#seen = this.#acknowledged = this.#unacknowledged = 0;
    this.#heardAt = performance.now();
    socket.onopen = () => this.#listener.opened();
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket) this.#hear(data);
    };
    socket.onclose = ({ code }) => {
      if (this.#socket === socket) this.#disconnect(code);
    };
  }

  #address() {
    const url = new URL(this.#page.dataset.socket, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    for (const [name, value] of Object.entries(this.#position.value)) url.searchParams.set(name, value);
    return url;
  }

  #hear(data) {
    const frame = JSON.parse(data);
    this.#heardAt = this.#frameAt = performance.now();
    const missed = frame.n > this.#seen + 1;
    this.#seen = Math.max(this.#seen, frame.n);
    this.#listener.received(frame);
    if (missed) this.#listener.missed();
    this.#unacknowledged += data.length;
    const frames = this.#seen - this.#acknowledged;
    if (frames >= ACK_FRAMES || this.#unacknowledged > ACK_CHARACTERS) this.acknowledge();
  }

  #checkSilence() {
    if (this.#socket && performance.now() - this.#heardAt > SILENCE_MS) this.#disconnect();
  }

  #disconnect(code) {
    const socket = this.#socket;
    this.#socket = null;
    socket.close();
    this.#listener.closed(code);
    if (!FINAL_CODES.includes(code)) this.#retryLater();
  }

  #retryLater() {
    const isShort = performance.now() - this.#frameAt < SHORT_OUTAGE_MS;
    const longest = Math.min(isShort ? PAUSE_MS : LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#retry ??= setTimeout(() => this.#reconnect(), Math.random() * longest);
  }

  // Asks by HTTP first: after many sockets that failed to open, a browser delays the next one by seconds.
  async #reconnect() {
    this.#retry = null;
    try {
      const signal = AbortSignal.timeout(SILENCE_MS);
      const answer = await fetch(this.#page.dataset.health, { cache: "no-store", signal });
      if (answer.status >= 500) throw new Error(answer.statusText); // a gateway without its server
    } catch {
      if (!this.#socket) this.#retryLater();
      return;
    }
    if (!this.#socket) this.#connect();
  }

  #wake() {
    this.#attempts = 0; // earlier failures say nothing about now
    if (document.visibilityState === "visible" && !this.#socket) this.#connect();
  }
}
