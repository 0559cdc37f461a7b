// Times: each moment in the reader's time zone, and how long something has been running.

const CLOCKS_AGREE_MS = 2000;
const WHOLE_MOMENT = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "long" }); // with the zone

export class Clocks {
  #offset; // milliseconds from this computer's clock to the server's
  #day = new Date().toDateString();

  constructor(serverSeconds) {
    const offset = serverSeconds * 1000 - Date.now();
    this.#offset = Math.abs(offset) > CLOCKS_AGREE_MS ? offset : 0;
  }

  // Milliseconds since 1970, by the server's clock.
  now() {
    return Date.now() + this.#offset;
  }

  start() {
    setInterval(() => this.#tick(), 1000);
  }

  // Fill in every time below root. Done before a fragment is placed, so that equal times stay untouched.
  show(root) {
    root.querySelectorAll("time[data-local]").forEach((time) => this.showMoment(time));
    this.#count(root);
  }

  // Replace the text of an element with a sentence: pieces of text, moments as {at} and links as {to, text}.
  write(element, words) {
    const key = JSON.stringify(words);
    if (element.dataset.said === key) return;
    element.dataset.said = key;
    element.replaceChildren(...words.map((word) => this.#piece(word)));
  }

  #piece(word) {
    if (typeof word === "string") return word;
    if ("at" in word) return this.#moment(word.at);
    return word.to ? Object.assign(document.createElement("a"), { href: word.to, textContent: word.text }) : word.text;
  }

  showMoment(time) {
    const at = new Date(time.dateTime);
    const isToday = at.toDateString() === new Date().toDateString();
    time.textContent = (isToday ? at.toLocaleTimeString() : at.toLocaleString()) + zoneFor(time, at);
    time.title = WHOLE_MOMENT.format(at);
  }

  #moment(at) {
    const time = Object.assign(document.createElement("time"), { dateTime: at });
    this.showMoment(time);
    return time;
  }

  #tick() {
    this.#count(document);
    const day = new Date().toDateString();
    if (this.#day === day) return;
    this.#day = day; // what was today now needs its date
    document.querySelectorAll("time[datetime]").forEach((time) => this.showMoment(time));
  }

  #count(root) {
    const now = this.now();
    for (const time of root.querySelectorAll("time[data-start]")) {
      const text = duration(now - Number(time.dataset.start));
      if (time.textContent !== text) time.textContent = text; // writing the same text would cost a layout
    }
  }
}

// Only one time of the page names the zone; each of the others has it in its tooltip.
function zoneFor(time, at) {
  if (time.dataset.zone === undefined) return "";
  return ` ${WHOLE_MOMENT.formatToParts(at).find((part) => part.type === "timeZoneName").value}`;
}

// As clock() in times.py writes it; a test compares the two.
function duration(milliseconds) {
  const seconds = Math.floor(Math.max(0, milliseconds) / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const two = (value) => String(value).padStart(2, "0");
  if (days) return `${days} d ${two(hours % 24)} h`;
  if (hours) return `${hours} h ${two(minutes % 60)} min`;
  if (minutes) return `${minutes} min ${two(seconds % 60)} s`;
  return `${seconds} s`;
}
