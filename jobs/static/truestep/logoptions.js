// How logs are shown: which lines, with times or without, wrapped or not. The browser remembers the last two.

const KEY = "truestep.logs";

export class LogOptions {
  #form = document.querySelector(".log-options");
  #logs;
  #clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

  constructor(logs) {
    this.#logs = logs;
  }

  start() {
    if (!this.#form) return;
    const { level, times, wrap } = this.#form.elements;
    const kept = remembered();
    times.value = kept.times ?? "";
    wrap.checked = kept.wrap ?? true;
    this.#form.hidden = false;
    level.addEventListener("change", () => this.#logs.filter(level.value));
    document.addEventListener("truestep:level", ({ detail }) => (level.value = detail));
    this.#form.addEventListener("change", () => this.#changed());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("truestep:lines", ({ target }) => this.#time(target));
    this.#changed();
  }

  #changed() {
    const { times, wrap } = this.#form.elements;
    remember({ times: times.value, wrap: wrap.checked });
    document.body.classList.toggle("unwrapped", !wrap.checked);
    for (const list of document.querySelectorAll(".log-lines")) {
      for (const line of list.querySelectorAll("[data-time]")) delete line.dataset.time;
      this.#time(list);
    }
  }

  #time(list) {
    const how = this.#form.elements.times.value;
    if (!how) return;
    const start = how === "since" ? startsOf(list) : null;
    for (const line of list.querySelectorAll("li:not([data-time])")) {
      const at = Number(line.dataset.at);
      line.dataset.time = start ? since(start(line.dataset.attempt), at) : this.#timeOfDay(at);
    }
  }

  #timeOfDay = (at) => `${this.#clock.format(at)}.${String(at % 1000).padStart(3, "0")}`;
}

// When an attempt of the list's step began, in milliseconds since 1970.
function startsOf(list) {
  const { log, attempt, started } = list.closest("details").dataset;
  return (number) => {
    const moment = document.querySelector(`#attempt-${log}-${number} time`)?.dateTime;
    return Date.parse(moment ?? (number === attempt ? started : ""));
  };
}

function since(start, at) {
  if (Number.isNaN(start)) return "";
  const seconds = Math.max(0, at - start) / 1000;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, "0")}`;
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // this browser keeps nothing
  }
}

function remember(options) {
  try {
    localStorage.setItem(KEY, JSON.stringify(options));
  } catch {
    // this browser keeps nothing
  }
}
