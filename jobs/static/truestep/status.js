// What the page says about itself: live or not, since when, notices, and a summary for screen readers.

const SUMMARY_MS = 3000; // a summary at most this often
const WORDS = { live: "Live", "catching-up": "Catching up", offline: "Not live" };
const ENDED = {
  4401: "You are logged out. Log in again to continue.",
  4403: "You no longer have permission to view this page.",
  4404: "This job no longer exists.",
};

export class Status {
  #clocks;
  #title;
  #summary = null; // the timer

  constructor(clocks, title) {
    this.#clocks = clocks;
    this.#title = title;
  }

  offline() {
    this.#set("offline");
  }

  catchingUp() {
    this.#set("catching-up");
  }

  // The connection has ended, with one of the close codes of live/consumers.py.
  cut(code) {
    this.#set("offline");
    this.#title.cut(true);
    this.sayEnded(code);
  }

  // The page shows what the database holds.
  verified() {
    const time = document.getElementById("verified");
    time.dateTime = new Date().toISOString();
    this.#clocks.showMoment(time);
    this.#set("live");
    this.#title.cut(false);
    const notice = document.getElementById("said");
    if (Object.values(ENDED).includes(notice?.dataset.text)) notice.remove(); // logged in again
  }

  sayEnded(code) {
    if (ENDED[code]) this.say(ENDED[code]);
  }

  sayNewer() {
    this.say("A newer version of this page is available. Reload it.");
  }

  // Show one notice above the content, instead of the one before.
  say(text) {
    const before = document.getElementById("said");
    if (before?.dataset.text === text) return; // not compared with what is shown: that may be translated
    before?.remove();
    const notice = Object.assign(document.createElement("p"), { id: "said", className: "notice", textContent: text });
    notice.setAttribute("role", "status");
    notice.dataset.text = text;
    document.querySelector("main").before(notice);
  }

  sayNothing() {
    document.getElementById("said")?.remove();
  }

  // For screen readers: one sentence, when it has changed, and not at every change.
  summariseSoon() {
    this.#summary ??= setTimeout(() => {
      this.#summary = null;
      const element = document.getElementById("summary");
      const text = summary();
      if (element && element.textContent !== text) element.textContent = text;
    }, SUMMARY_MS);
  }

  #set(state) {
    document.body.dataset.live = state;
    document.querySelector(".live-word").textContent = WORDS[state];
    this.summariseSoon();
  }
}

function summary() {
  const isLive = document.body.dataset.live === "live";
  const badge = document.querySelector(".job-head .status, .filter[aria-label=Status]");
  const counts = document.querySelector(".job-head .counts");
  const warnings = document.querySelectorAll(".warning:not([hidden])").length;
  return [
    isLive ? "" : "This page is not live.",
    badge?.innerText,
    counts?.innerText,
    warnings ? `Steps whose worker sends no heartbeat: ${warnings}.` : "",
  ]
    .filter(Boolean)
    .join(" ");
}
