// Puts the server's HTML into the page: fragments by their seq, or a whole element of a fetched page.

const ENTRIES = 400; // of the history, in the page …
const KEPT_ENTRIES = 200; // … when there are more: cut seldom, because each cut moves what is being read

export class Place {
  #page;
  #idiomorph;
  #parts;

  constructor(page, idiomorph, parts) {
    this.#page = page;
    this.#idiomorph = idiomorph;
    this.#parts = parts;
  }

  // Place sibling elements: a new one where it belongs, a newer one over its older self.
  fragments(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    this.#parts.clocks.show(template.content);
    for (const fresh of [...template.content.children]) this.#fragment(fresh);
    this.#forgetOldEntries();
    this.settle();
  }

  // Take over what differs in the elements of a fetched document that match the selector.
  fetched(fresh, selector) {
    for (const element of fresh.querySelectorAll(selector)) {
      const old = document.getElementById(element.id);
      if (old) this.#idiomorph.morph(old, element, { callbacks, ignoreActiveValue: true });
    }
  }

  // After something was placed: the title, the summary, the time axis, and which part of a big job this is.
  settle() {
    this.#parts.title.show();
    this.#parts.waterfall.draw();
    for (const link of document.querySelectorAll(".parts a")) {
      const from = Number(new URL(link.href).searchParams.get("from"));
      if (from === Number(this.#page.dataset.part)) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    this.#parts.status.summariseSoon();
  }

  #fragment(fresh) {
    const old = document.getElementById(fresh.id);
    if (!old) insert(fresh);
    else if (Number(fresh.dataset.seq) > Number(old.dataset.seq)) this.#idiomorph.morph(old, fresh, { callbacks });
    else return;
    const placed = document.getElementById(fresh.id);
    if (placed?.matches(".step")) this.#parts.logs.openFor(placed);
  }

  #forgetOldEntries() {
    const history = document.querySelector("ol.history");
    if (!history || history.childElementCount <= ENTRIES) return;
    while (history.childElementCount > KEPT_ENTRIES) history.firstElementChild.remove();
    const link = document.querySelector(".earlier a:last-child");
    const url = new URL(link.href);
    url.searchParams.set("before", history.firstElementChild.dataset.seq);
    link.href = url;
    link.hidden = false;
  }
}

// What the reader chose stays: where a log is read, what is open, and how big a graph is. A step's fragment
// holds neither log lines nor attempts; both come on their own.
const callbacks = {
  beforeNodeMorphed: (old, fresh) =>
    !isKept(old, fresh) && (old.dataset?.rows === undefined || fresh.hasChildNodes()),
  beforeAttributeUpdated: (name, element) => !isChosen(name, element),
};

const isKept = (old, fresh) => old.dataset?.keep !== undefined && old.dataset.keep === fresh.dataset?.keep;

function isChosen(name, element) {
  if (element.tagName === "DETAILS") return name === "open";
  return element.dataset?.sized !== undefined && (name === "width" || name === "height");
}

function insert(fresh) {
  const parent = document.getElementById(fresh.dataset.parent);
  if (!parent) return; // this page shows another part
  const order = Number(fresh.dataset.order);
  let after = parent.lastElementChild;
  while (after && Number(after.dataset.order) > order) after = after.previousElementSibling;
  if (after) after.after(fresh);
  else parent.prepend(fresh);
  if (parent.childElementCount > Number(parent.dataset.most)) parent.lastElementChild.remove();
}
