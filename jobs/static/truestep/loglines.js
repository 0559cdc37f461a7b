// The lines of one log on the page: adds and drops them, marks and folds them.
//
// A list covers the lines from data-first to data-last. It has no element for a line that is not shown,
// such as the end of a group.

export class LogLines {
  first = (list) => Number(list.dataset.first ?? 0);
  last = (list) => Number(list.dataset.last ?? 0);

  clear(list) {
    list.replaceChildren();
    delete list.dataset.first;
    delete list.dataset.last;
  }

  has = (list, number) => number >= this.first(list) && number <= this.last(list);

  // Whether lines between those that it has and these are missing.
  isGap(list, first, last) {
    const held = this.last(list);
    if (held) return first > held + 1 || last < this.first(list) - 1;
    return first > Number(list.dataset.asked ?? first);
  }

  // Add the lines of a frame and keep so many. Those above move nothing that is read; what is too much
  // goes at the other end.
  add(list, { first, last, html }, most) {
    const held = [this.first(list), this.last(list)];
    const isAbove = held[1] > 0 && first < held[0];
    const height = list.scrollHeight;
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = [...template.content.children];
    list.prepend(...fresh.filter((line) => numberOf(line) < held[0]));
    list.append(...fresh.filter((line) => numberOf(line) > held[1]));
    list.dataset.first = held[1] ? Math.min(held[0], first) : first;
    list.dataset.last = Math.max(held[1], last);
    for (const line of fresh) this.#dress(list, line);
    for (const group of this.folded(list)) {
      list.querySelector(`[data-line="${group}"]`)?.setAttribute("data-gaps", ""); // this frame may have left some out
    }
    if (isAbove) list.scrollTop += list.scrollHeight - height;
    this.#drop(list, list.childElementCount - most, isAbove);
    list.dispatchEvent(new CustomEvent("truestep:lines", { bubbles: true }));
  }

  // Mark these lines, now and whenever they come.
  choose(list, first, last) {
    list.dataset.chosen = `${first}-${last}`;
    for (const line of list.children) this.#mark(list, line);
  }

  // Centre the line that was asked for, once it is there; the page scrolls only if its reader asked.
  showGoal(list) {
    const line = list.dataset.goTo && list.querySelector(`[data-line="${list.dataset.goTo}"]`);
    if (!line) return;
    delete list.dataset.goTo;
    if (line.dataset.group) this.#fold(list, line.dataset.group, false);
    list.scrollTop = line.offsetTop - list.clientHeight / 2;
    if (list.dataset.quiet === undefined) line.scrollIntoView({ block: "nearest" });
  }

  // The groups that are folded, as text; of very many, those that were folded last.
  folded = (list) => foldedIn(list).slice(-MOST_FOLDED);

  // Fold or unfold the group that begins with the line of this button: whether lines of it are missing.
  toggle(button) {
    const line = button.closest("li");
    const isFolded = button.getAttribute("aria-expanded") === "true";
    this.#fold(line.parentElement, line.dataset.line, isFolded);
    return !isFolded && line.dataset.gaps !== undefined;
  }

  #fold(list, group, isFolded) {
    const folded = new Set(foldedIn(list));
    if (isFolded) folded.add(group);
    else folded.delete(group);
    list.dataset.folded = [...folded].join(" ");
    for (const line of list.children) {
      if (line.dataset.line === group || line.dataset.group === group) this.#dress(list, line);
    }
  }

  #dress(list, line) {
    const folded = foldedIn(list);
    line.hidden = folded.includes(line.dataset.group);
    const button = line.querySelector(".fold");
    if (button) button.setAttribute("aria-expanded", String(!folded.includes(line.dataset.line)));
    this.#mark(list, line);
  }

  #mark(list, line) {
    const [first, last] = (list.dataset.chosen ?? "").split("-").map(Number);
    const number = numberOf(line);
    if (number >= first && number <= last) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  }

  #drop(list, count, fromEnd) {
    for (let left = count; left > 0; left -= 1) (fromEnd ? list.lastElementChild : list.firstElementChild).remove();
    if (count <= 0) return;
    if (fromEnd) list.dataset.last = numberOf(list.lastElementChild);
    else list.dataset.first = numberOf(list.firstElementChild);
  }
}

const MOST_FOLDED = 50;
const numberOf = (line) => Number(line.dataset.line);
const foldedIn = (list) => (list.dataset.folded ?? "").split(" ").filter(Boolean);
