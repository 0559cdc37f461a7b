// What each frame of the server means: the page's position, and which part of the page shows it.

export class Frames {
  #page;
  #position;
  #parts;

  constructor(page, position, parts) {
    this.#page = page;
    this.#position = position;
    this.#parts = parts;
  }

  opened() {
    this.#parts.status.catchingUp();
    this.#parts.logs.followOpen();
  }

  closed(code) {
    this.#parts.refetch.abort();
    this.#parts.status.cut(code);
  }

  // A frame was lost: ask for everything since the position again.
  missed() {
    this.#resync();
    this.#parts.logs.followOpen();
  }

  received(frame) {
    const { pulse, logs, refetch, status } = this.#parts;
    const handlers = {
      changes: () => this.#changes(frame),
      tick: () => this.#tick(frame),
      pulse: () => pulse.show(frame),
      log: () => logs.show(frame),
      stale: () => refetch.stale(frame),
      gone: () => status.sayEnded(4404),
    };
    handlers[frame.type]?.();
  }

  #changes(frame) {
    if (frame.since > this.#position.seq) return this.#resync();
    this.#parts.place.fragments(frame.html);
    if (frame.seq > this.#position.seq) this.#position.moveTo(frame);
  }

  #tick(frame) {
    const { socket, status, pulse, logs, refetch } = this.#parts;
    socket.acknowledge();
    if (frame.version !== this.#page.dataset.version) status.sayNewer();
    pulse.showHeld(frame.held ?? []);
    logs.catchUp();
    if (this.#position.is(frame)) {
      socket.verified();
      return status.verified();
    }
    status.catchingUp();
    if (frame.seq > this.#position.seq) this.#resync();
    else refetch.stale();
  }

  #resync() {
    this.#parts.socket.send({ type: "resync", ...this.#position.value });
  }
}
