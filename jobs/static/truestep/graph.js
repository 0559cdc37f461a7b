// The graph of a job: how big it is drawn, and what of it is seen. Without this script it is scrolled.

const ZOOM = 1.25; // of each step
const SMALLEST = 0.1;
const LARGEST = 3;
const KEYS = { "+": "in", "=": "in", "-": "out", 0: "fit" };

export class Graph {
  #pane = document.querySelector(".graph .pane");
  #drag = null; // where the pointer was, and what was seen

  start() {
    if (!this.#pane) return;
    document.querySelector(".graph .tools").hidden = false;
    document.addEventListener("click", ({ target }) => {
      const way = target.closest(".graph .tools button")?.name;
      if (way) this.#zoom(way);
    });
    this.#pane.addEventListener("keydown", (event) => {
      if (event.target !== this.#pane || event.ctrlKey || event.metaKey || !KEYS[event.key]) return;
      event.preventDefault();
      this.#zoom(KEYS[event.key]);
    });
    this.#pane.addEventListener("pointerdown", (event) => this.#grab(event));
    this.#pane.addEventListener("pointermove", (event) => this.#pull(event));
    for (const begin of ["pointerover", "focusin"]) this.#pane.addEventListener(begin, (event) => this.#mark(event));
    for (const end of ["pointerup", "pointercancel"]) this.#pane.addEventListener(end, () => (this.#drag = null));
    this.#lookAt(this.#pane.querySelector("[data-status=failed]") ?? this.#pane.querySelector("[data-status=running]"));
  }

  get #svg() {
    return this.#pane.querySelector("svg");
  }

  // Around the middle of what is seen.
  #zoom(way) {
    const { width, height } = this.#svg.viewBox.baseVal;
    const before = this.#svg.width.baseVal.value / width;
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.#pane;
    const fit = Math.min(1, clientWidth / width, clientHeight / height);
    const wanted = { in: before * ZOOM, out: before / ZOOM, fit }[way];
    const zoom = Math.min(LARGEST, Math.max(SMALLEST, wanted));
    this.#svg.setAttribute("width", width * zoom);
    this.#svg.setAttribute("height", height * zoom);
    const [across, down] = [scrollLeft + clientWidth / 2, scrollTop + clientHeight / 2];
    this.#pane.scrollTo((across * zoom) / before - clientWidth / 2, (down * zoom) / before - clientHeight / 2);
  }

  #grab(event) {
    if (event.pointerType !== "mouse" || event.button || event.target.closest("a")) return;
    const { scrollLeft, scrollTop } = this.#pane;
    this.#drag = { x: event.clientX + scrollLeft, y: event.clientY + scrollTop };
    this.#pane.setPointerCapture(event.pointerId);
  }

  #pull(event) {
    if (this.#drag) this.#pane.scrollTo(this.#drag.x - event.clientX, this.#drag.y - event.clientY);
  }

  // The lines of the node under the pointer, or with the focus.
  #mark({ target }) {
    for (const line of this.#pane.querySelectorAll(".lines .near")) line.classList.remove("near");
    const node = target.closest(".node");
    if (!node) return;
    const first = node.id.split("-").at(-1);
    for (const line of this.#pane.querySelectorAll(`.lines [data-ends~="${first}"]`)) line.classList.add("near");
  }

  #lookAt(node) {
    if (!node) return;
    const [seen, it] = [this.#pane.getBoundingClientRect(), node.getBoundingClientRect()];
    this.#pane.scrollBy(
      it.left + it.width / 2 - seen.left - seen.width / 2,
      it.top + it.height / 2 - seen.top - seen.height / 2,
    );
  }
}
