// The waterfall of a job while time goes on: the line that is now, the bars that grow, and the axis, which
// gets longer by a mark when its end is reached. As sight/waterfall.py draws it; a test compares the two.

const LOOK_MS = 250;
const CALM_LOOK_MS = 5000; // for a reader who wants little motion
const MARKS = 5;
const INTERVALS = [
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30],
  ...[60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400],
];
const UNITS = { d: 86400, h: 3600, min: 60, s: 1 };
const SVG = "http://www.w3.org/2000/svg";

export class Waterfall {
  #clocks;

  constructor(clocks) {
    this.#clocks = clocks;
  }

  start() {
    if (!axis()) return;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    setInterval(() => {
      const isLive = document.body.dataset.live !== "offline"; // else what was seen last stays
      if (isLive && !document.hidden && !axis().dataset.until) this.draw();
    }, isCalm ? CALM_LOOK_MS : LOOK_MS);
  }

  draw() {
    const drawing = axis();
    if (!drawing) return;
    const from = Number(drawing.dataset.from);
    const until = Number(drawing.dataset.until) || this.#clocks.now();
    const { span, interval } = measure((until - from) / 1000, Boolean(drawing.dataset.until));
    const place = (at) => between((at - from) / 1000 / span);
    drawMarks(drawing, span, interval);
    for (const line of drawing.querySelectorAll(".now")) {
      for (const x of ["x1", "x2"]) set(line, x, percent(place(until)));
    }
    for (const bar of document.querySelectorAll(".bars svg [data-start]")) {
      const start = place(Number(bar.dataset.start));
      set(bar, "x", percent(start));
      if (bar.dataset.end === undefined) continue;
      set(bar, "width", percent(Math.max(0, place(Number(bar.dataset.end) || until) - start)));
    }
  }
}

const axis = () => document.querySelector(".axis");
const between = (share) => Math.min(Math.max(share, 0), 1);
const percent = (share) => `${Math.round(share * 100_000) / 1000}%`;

function measure(seconds, isOver) {
  const elapsed = Math.max(seconds, isOver ? 0.01 : 1);
  const least = elapsed / MARKS;
  const day = INTERVALS.at(-1);
  const interval = INTERVALS.find((each) => each >= least) ?? Math.ceil(least / day) * day;
  return { interval, span: isOver ? elapsed : (Math.floor(elapsed / interval) + 1) * interval };
}

function drawMarks(drawing, span, interval) {
  const count = Math.floor(span / interval + 0.001);
  const seconds = Array.from({ length: count + 1 }, (_, number) => number * interval);
  const [lines, texts] = ["line.mark", "text"].map((kind) => [...drawing.querySelectorAll(kind)]);
  for (const extra of [...lines.slice(seconds.length), ...texts.slice(seconds.length)]) extra.remove();
  seconds.forEach((each, number) => {
    const line = lines[number] ?? added(drawing, "line", { class: "mark", y1: "18", y2: "100%" });
    const text = texts[number] ?? added(drawing, "text", { y: "12" });
    for (const x of ["x1", "x2"]) set(line, x, percent(each / span));
    set(text, "x", percent(each / span));
    if (text.textContent !== written(each)) text.textContent = written(each);
  });
}

function added(drawing, kind, attributes) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  drawing.append(element);
  return element;
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value); // else a layout for nothing
}

function written(seconds) {
  if (!seconds) return "0";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds % 1) return `${Number(seconds.toPrecision(3))} s`;
  let rest = Math.round(seconds);
  const parts = [];
  for (const [unit, size] of Object.entries(UNITS)) {
    if (rest >= size) parts.push(`${Math.floor(rest / size)} ${unit}`);
    rest %= size;
  }
  return parts.join(" ");
}
