// The live page. It draws what the server says and assumes nothing: every status comes from a
// fragment with a position (seq, tag), and a page that has not been verified says so.

import { Idiomorph } from "./vendor/idiomorph-0.8.0.esm.js";

const SILENCE_MS = 4000; // no frame for so long: the page is not live
const PAUSE_MS = 800; // between two tries, at most, while the outage is short
const SHORT_OUTAGE_MS = 60000;
const LONGEST_PAUSE_MS = 10000;
const REFETCH_MS = 1000;
const REFETCH_SHARE = 4; // a page that takes long to fetch and to draw is fetched less often …
const LONGEST_REFETCH_MS = 1500; // … and is right within this and the fetch
const LONGEST_FETCH_MS = 10000; // no answer comes any more
const URGENT_MS = 150;
const TELL_MS = 3000;
const ACK_CHARACTERS = 200_000; // well below the server's window
const LINES = 2000; // of all open logs, in the page; the others are fetched when they are looked for
const FIRST_LINES = 500; // of them, at once when a log is opened
const MORE_LINES = 200; // fetched at once when a reader scrolls to an end
const ENTRIES = 400; // of the history, in the page …
const KEPT_ENTRIES = 200; // … when there are more: cut seldom, as each cut moves what is read
const SHORT_LOG = 100; // lines: nobody needs to go to one by its number
const AUTO_OPEN = 20; // logs that open by themselves
const FINAL_CODES = {
  4401: "You are logged out. Log in again to go on.",
  4403: "You may not watch this job any more.",
  4404: "This job is gone.",
};
const UNHEARD = "No answer came. Whether the request arrived stands in the history, as soon as this page is live.";
const NOT_LIVE = "not live · "; // before the title
const WHOLE_MOMENT = new Intl.DateTimeFormat([], { dateStyle: "full", timeStyle: "long" }); // with the zone
const WORDS = { live: "Live", "catching-up": "Catching up", offline: "Not live" };

const body = document.body;
const page = document.querySelector("[data-socket]"); // the body, or in the admin an element of it
const find = (id) => document.getElementById(id);
const skew = Number(page.dataset.now) * 1000 - Date.now();
const clockOffset = Math.abs(skew) > 2000 ? skew : 0;

let socket = null;
let position = { seq: Number(page.dataset.seq), tag: page.dataset.tag };
let heardAt = 0; // a frame, or the beginning of a connection
let toldAt = 0; // a frame
let seen = 0;
let acked = 0;
let unacked = 0; // characters
let tries = 0;
let retry = null;
let refetch = null;
let refetchAt = 0;
let fetchedAt = -Infinity;
let hurriedAt = -Infinity; // the last fetch that could not wait
let fetchTook = 0;
let fetching = null; // the controller of the fetch that is under way
let wanted = null; // what asked for another one meanwhile
let isCut = false; // from the end of a connection until the page is verified again
const told = new Map(); // in lists and the admin: id of a cell → its status and seq, and when that was told

// --- the socket

function connect() {
  clearTimeout(retry);
  retry = null;
  const url = new URL(page.dataset.socket, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  url.searchParams.set("seq", position.seq);
  url.searchParams.set("tag", position.tag);
  const opened = new WebSocket(url);
  socket = opened;
  seen = acked = unacked = 0;
  heardAt = performance.now();
  opened.onopen = () => {
    setLive("catching-up");
    followOpen();
  };
  opened.onmessage = (event) => {
    if (socket !== opened) return;
    hear(JSON.parse(event.data));
    unacked += event.data.length;
    if (unacked > ACK_CHARACTERS) acknowledge();
  };
  opened.onclose = (event) => {
    if (socket === opened) disconnected(FINAL_CODES[event.code]);
  };
}

function disconnected(final) {
  const gone = socket;
  socket = null;
  gone?.close();
  fetching?.abort();
  isCut = true;
  setLive("offline");
  showInTab();
  if (final) say(final);
  else pauseAndTry();
}

function pauseAndTry() {
  const longest = performance.now() - toldAt < SHORT_OUTAGE_MS ? PAUSE_MS : LONGEST_PAUSE_MS;
  const pause = Math.random() * Math.min(longest, 250 * 2 ** tries);
  tries += 1;
  retry ??= setTimeout(tryAgain, pause);
}

// Asked by HTTP first: a browser delays new sockets by seconds after many that could not be opened.
async function tryAgain() {
  retry = null;
  try {
    const answer = await fetch(page.dataset.health, { cache: "no-store", signal: AbortSignal.timeout(SILENCE_MS) });
    if (answer.status >= 500) throw new Error(answer.statusText); // a gateway without its server
  } catch {
    if (!socket) pauseAndTry();
    return;
  }
  if (!socket) connect();
}

function send(frame) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function acknowledge() {
  if (seen === acked) return;
  acked = seen;
  unacked = 0;
  send({ type: "ack", n: seen });
}

function hear(frame) {
  heardAt = toldAt = performance.now();
  const missed = frame.n > seen + 1;
  seen = Math.max(seen, frame.n);
  ({ changes, pulse, tick, log, stale, gone })[frame.type]?.(frame);
  if (missed) {
    resync();
    followOpen();
  }
}

// --- frames

function changes(frame) {
  if (frame.since > position.seq) return resync();
  place(frame.html);
  if (frame.seq > position.seq) position = { seq: frame.seq, tag: frame.tag };
}

function tick(frame) {
  acknowledge();
  if (frame.version !== page.dataset.version) sayNewer();
  tellHeld(frame.held ?? []);
  for (const box of openLogs()) {
    if (numberOf(listOf(box).lastElementChild) < Number(box.dataset.lines)) follow(box);
  }
  if (frame.seq === position.seq && frame.tag === position.tag) return verified();
  setLive("catching-up");
  if (frame.seq > position.seq) resync();
  else stale();
}

function tellHeld(words) {
  const held = find("held");
  if (!held || (held.hidden && !words.length)) return;
  write(held, words);
  held.hidden = !words.length;
}

function sayNewer() {
  say("There is a newer version of this page. Reload it.");
}

function resync() {
  send({ type: "resync", ...position });
}

// Show the statuses that are told, and fetch this very page again and take over what differs: at once,
// then at most once a second, or sooner when statuses have moved and these cells do not tell it all.
function stale({ urgent = false, cells = {} } = {}) {
  const now = performance.now();
  for (const [id, [status, seq]] of Object.entries(cells)) {
    if (seq > (told.get(id)?.seq ?? 0)) told.set(id, { status, seq, at: now });
  }
  showTold(now);
  if (fetching) {
    wanted = { urgent: urgent || Boolean(wanted?.urgent) };
    return;
  }
  const calm = Math.min(Math.max(REFETCH_MS, REFETCH_SHARE * fetchTook), LONGEST_REFETCH_MS);
  const wait = Math.max(0, (urgent ? hurriedAt + URGENT_MS : fetchedAt + calm) - performance.now());
  if (refetch && performance.now() + wait >= refetchAt) return;
  clearTimeout(refetch);
  refetchAt = performance.now() + wait;
  refetch = setTimeout(async () => {
    refetch = null;
    if (urgent) hurriedAt = performance.now();
    fetching = new AbortController();
    const tooLate = setTimeout(() => fetching.abort(), LONGEST_FETCH_MS);
    await fetchAnew(fetching.signal).catch(() => {});
    clearTimeout(tooLate);
    fetching = null;
    if (wanted) stale(wanted);
    wanted = null;
  }, wait);
}

function showTold(since) {
  for (const [id, { status, seq, at }] of told) {
    const cell = find(id);
    if (!cell) told.delete(id);
    else if (at >= since && seq > Number(cell.dataset.seq)) {
      Object.assign(cell.dataset, { status, seq });
      (cell.querySelector(".status") ?? cell).textContent = status;
    }
  }
}

async function fetchAnew(signal) {
  const began = (fetchedAt = performance.now());
  const asked = position;
  const answer = await fetch(page.dataset.fresh || location.href, { signal });
  if (answer.redirected || [401, 403, 404].includes(answer.status)) return location.reload();
  if (!answer.ok) return; // the next tick says again that this page is stale
  const text = await answer.text();
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const its = fresh.querySelector("[data-socket]")?.dataset;
  if (its?.socket.split("?")[0] !== page.dataset.socket.split("?")[0]) return; // a portal's page, a login
  if (its.version !== page.dataset.version) return sayNewer(); // its HTML may not fit this script
  if (position !== asked) return; // frames came meanwhile, and this answer may be older
  tellTimes(fresh);
  for (const list of document.querySelectorAll(".log-lines")) list.replaceChildren();
  reading.clear();
  for (const part of fresh.querySelectorAll(page.dataset.morph)) {
    const old = find(part.id);
    if (old) Idiomorph.morph(old, part, { callbacks, ignoreActiveValue: true });
  }
  showTold(began); // it may be newer than the answer
  position = { seq: Number(its.seq), tag: its.tag };
  settle(document);
  settlePage();
  followOpen();
  resync();
  fetchTook = performance.now() - began;
}

function gone() {
  say(FINAL_CODES[4404]);
}

function pulse(frame) {
  for (const [pk, now] of Object.entries(frame.steps)) {
    const step = find(`step-${pk}`);
    if (step?.dataset.status !== "running") continue;
    const meter = step.querySelector(".meter");
    meter.hidden = now.total === null;
    if (now.total !== null) {
      const bar = meter.querySelector("progress");
      bar.max = now.total || 1;
      bar.value = now.total ? now.done : 1;
      meter.querySelector(".progress-text").textContent = `${now.done} / ${now.total} ${now.text}`;
    }
    countLines(find(`logbox-${pk}`), now.lines);
  }
  if (!frame.workers) return;
  for (const step of document.querySelectorAll(".step")) {
    if (Number(step.dataset.seq) > frame.workers.seq) continue; // this was read before it became so
    const pk = step.id.slice("step-".length);
    const reason = step.querySelector(".reason[data-waits=worker]");
    if (reason) write(reason, frame.workers.waits[pk] ?? [frame.workers.note]);
    const warning = step.querySelector(".warning");
    write(warning, frame.workers.late[pk] ?? []);
    warning.hidden = !frame.workers.late[pk];
  }
  tellSoon();
}

// A sentence: pieces of text, and moments, which each reader sees in his own time zone.
function write(element, words) {
  const said = JSON.stringify(words);
  if (element.dataset.said === said) return;
  element.dataset.said = said;
  element.replaceChildren(...words.map((word) => (typeof word === "string" ? word : moment(word.at))));
}

function moment(at) {
  const time = Object.assign(document.createElement("time"), { dateTime: at });
  showLocally(time);
  return time;
}

function showLocally(time) {
  const at = new Date(time.dateTime);
  const today = at.toDateString() === new Date().toDateString();
  time.textContent = (today ? at.toLocaleTimeString() : at.toLocaleString()) + zoneFor(time, at);
  time.title = WHOLE_MOMENT.format(at);
}

// One time of the page names the zone that all others are in; each has it in its tooltip.
function zoneFor(time, at) {
  if (time.dataset.zone === undefined) return "";
  return ` ${WHOLE_MOMENT.formatToParts(at).find((part) => part.type === "timeZoneName").value}`;
}

// Of what was today, tell the date when the day is over.
let today = new Date().toDateString();

function showDates() {
  if (today === new Date().toDateString()) return;
  today = new Date().toDateString();
  document.querySelectorAll("time[datetime]").forEach(showLocally);
}

// --- drawing

const callbacks = {
  // A row's fragment has no log lines; where a log is read, and whether it is open, is the reader's business.
  // Nor has it the attempts: those that changed come one by one, as rows of their own.
  beforeNodeMorphed: (old, fresh) =>
    old.dataset?.keep === undefined && (old.dataset?.rows === undefined || fresh.hasChildNodes()),
  beforeAttributeUpdated: (name, element) => !(name === "open" && element.tagName === "DETAILS"),
};

function place(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  tellTimes(template.content);
  for (const fresh of [...template.content.children]) {
    const old = find(fresh.id);
    if (!old) insert(fresh);
    else if (Number(fresh.dataset.seq) > Number(old.dataset.seq)) Idiomorph.morph(old, fresh, { callbacks });
    else continue;
    const placed = find(fresh.id);
    if (placed) settle(placed);
  }
  forgetOldEntries();
  settlePage();
}

function forgetOldEntries() {
  const history = document.querySelector("ol.history");
  if (!history || history.childElementCount <= ENTRIES) return;
  while (history.childElementCount > KEPT_ENTRIES) history.firstElementChild.remove();
  const link = document.querySelector(".earlier a:last-child");
  const url = new URL(link.href);
  url.searchParams.set("before", history.firstElementChild.dataset.seq);
  link.href = url;
  link.hidden = false;
}

function insert(fresh) {
  const parent = find(fresh.dataset.parent);
  if (!parent) return; // this page shows another part of the history
  const order = Number(fresh.dataset.order);
  let after = parent.lastElementChild;
  while (after && Number(after.dataset.order) > order) after = after.previousElementSibling;
  if (after) after.after(fresh);
  else parent.prepend(fresh);
  if (parent.childElementCount > Number(parent.dataset.most)) parent.lastElementChild.remove();
}

// What the script itself adds to server HTML: times, before it is placed (what is the same stays untouched) …
function tellTimes(root) {
  root.querySelectorAll("time[data-local]").forEach(showLocally);
  countSeconds(root);
}

// … opened logs, once it is placed …
function settle(root) {
  for (const step of root.matches?.(".step") ? [root] : root.querySelectorAll(".step")) openWhenRunning(step);
}

// … and, once for all that was placed, the title, the icon and which part of a big job this is.
function settlePage() {
  showInTab();
  for (const link of document.querySelectorAll(".parts a")) {
    const isThis = Number(new URL(link.href).searchParams.get("from")) === Number(page.dataset.part);
    if (isThis) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  tellSoon();
}

// Title and icon also say when the page is not live: of one in the background nothing else is seen.
// The title is the server's, whole: what the browser shows may be translated, or another program's.
let inTab = null;

function showInTab() {
  const job = document.querySelector(".job-head");
  const title = (isCut ? NOT_LIVE : "") + (job ?? page).dataset.title;
  if (title === inTab) return; // asking for styles makes the browser compute them all
  inTab = document.title = title;
  if (!job) return;
  const badge = job.querySelector(".status");
  const tone = isCut ? "gray" : getComputedStyle(badge).color;
  const sign = isCut ? "?" : getComputedStyle(badge, "::before").content.replace(/[^◌▶✓✕■]/g, "");
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8" fill="${tone}"/>
    <text x="8" y="12" font-size="11" text-anchor="middle" fill="white">${sign}</text></svg>`;
  document.querySelector("link[rel=icon]").href = `data:image/svg+xml,${encodeURIComponent(drawing)}`;
}

// For those who listen: in one sentence, when it has changed, and not at every change.
let telling = null;

function tellSoon() {
  telling ??= setTimeout(() => {
    telling = null;
    const shown = document.querySelector(".job-head .status, .filter[aria-label=Status]");
    const counts = document.querySelector(".job-head .counts");
    const live = body.dataset.live === "live" ? [] : ["This page is not live."];
    const late = document.querySelectorAll(".warning:not([hidden])").length;
    const warned = late ? [`Steps whose worker shows no sign of life: ${late}.`] : [];
    const status = [shown, counts].filter(Boolean).map((part) => part.innerText);
    const text = [...live, ...status, ...warned].join(" ");
    const summary = find("summary");
    if (summary && summary.textContent !== text) summary.textContent = text;
  }, TELL_MS);
}

function countSeconds(root) {
  const now = Date.now() + clockOffset;
  for (const time of root.querySelectorAll("time[data-start]")) {
    const text = clock(now - Number(time.dataset.start));
    if (time.textContent !== text) time.textContent = text; // the same again would be laid out again
  }
}

// As jobs/times.py writes it; a test compares the two.
function clock(milliseconds) {
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

function setLive(state) {
  body.dataset.live = state;
  document.querySelector(".live-word").textContent = WORDS[state];
  tellSoon();
}

function verified() {
  const time = find("verified");
  time.dateTime = new Date().toISOString();
  showLocally(time);
  tries = 0;
  isCut = false;
  setLive("live");
  showInTab();
  const said = find("said");
  if (Object.values(FINAL_CODES).includes(said?.dataset.text)) said.remove(); // logged in again
}

function say(text) {
  if (find("said")?.dataset.text === text) return; // what it shows may be translated
  find("said")?.remove();
  const notice = Object.assign(document.createElement("p"), { id: "said", className: "notice", textContent: text });
  notice.setAttribute("role", "status");
  notice.dataset.text = text;
  document.querySelector("main").before(notice);
}

// --- logs

const openedFor = new Map(); // step → attempt for which its log was opened
const closedByReader = new Set();

function openWhenRunning(step) {
  const pk = step.id.slice("step-".length);
  if (step.dataset.status !== "running" || openedFor.get(pk) === step.dataset.attempt) return;
  openedFor.set(pk, step.dataset.attempt);
  const open = document.querySelectorAll("details.log[open]").length;
  if (page.dataset.can.split(" ").includes("log") && !closedByReader.has(pk) && open < AUTO_OPEN) {
    find(`logbox-${pk}`).open = true;
  }
}

function toggled(event) {
  const box = event.target;
  if (!box.matches?.("details.log")) return;
  if (box.open) {
    closedByReader.delete(box.dataset.log);
    follow(box);
  } else {
    closedByReader.add(box.dataset.log); // only a reader ever closes a log
    send({ type: "unfollow", step: Number(box.dataset.log) });
  }
}

// A log box holds some consecutive lines. It follows the newest ones until its reader looks
// elsewhere; then it fetches what is looked for, and stays where it is.

const reading = new Set(); // steps whose log is read at another place than its end

const openLogs = () => document.querySelectorAll("details.log[open]");
const listOf = (box) => find(`log-${box.dataset.log}`);
const numberOf = (line) => Number(line?.dataset.line ?? 0);
const linesEach = () => Math.max(50, Math.floor(LINES / openLogs().length));

function ask(box, from, to) {
  listOf(box).dataset.asked = from;
  send({ type: "follow", step: Number(box.dataset.log), from, ...(to && { to }) });
}

function followOpen() {
  for (const box of openLogs()) follow(box);
}

function follow(box) {
  const list = listOf(box);
  if (reading.has(box.dataset.log)) {
    if (list.dataset.goTo) goTo(box, Number(list.dataset.goTo)); // the answer was lost
    return;
  }
  const held = numberOf(list.lastElementChild);
  const most = held ? linesEach() : Math.min(FIRST_LINES, linesEach());
  const newest = Math.max(1, Number(box.dataset.lines) - most + 1);
  if (held + 1 < newest) list.replaceChildren();
  ask(box, Math.max(held + 1, newest));
}

function followNewest(box) {
  reading.delete(box.dataset.log);
  listOf(box).replaceChildren();
  follow(box);
}

function goTo(box, line) {
  const list = listOf(box);
  reading.add(box.dataset.log);
  list.replaceChildren();
  list.dataset.goTo = line;
  ask(box, Math.max(1, line - MORE_LINES / 2), line + MORE_LINES / 2);
}

function scrolled(event) {
  const list = event.target;
  if (!list.matches?.(".log-lines")) return;
  const box = list.closest("details");
  const first = numberOf(list.firstElementChild);
  const last = numberOf(list.lastElementChild);
  const below = list.scrollHeight - list.scrollTop - list.clientHeight;
  if (below >= 40 && !reading.has(box.dataset.log)) {
    reading.add(box.dataset.log);
    send({ type: "unfollow", step: Number(box.dataset.log) });
  }
  if (first > 1 && list.scrollTop < 40) {
    ask(box, Math.max(1, first - MORE_LINES), first - 1);
  } else if (below < 40 && reading.has(box.dataset.log)) {
    if (last < Number(box.dataset.lines)) ask(box, last + 1, last + MORE_LINES);
    else {
      reading.delete(box.dataset.log);
      follow(box);
    }
  }
}

function log(frame) {
  const box = find(`logbox-${frame.step}`);
  if (!box) return;
  const list = listOf(box);
  countLines(box, frame.total);
  const first = numberOf(list.firstElementChild);
  const last = numberOf(list.lastElementChild);
  const isReading = reading.has(box.dataset.log);
  const hasGap = last ? frame.first > last + 1 || frame.last < first - 1 : frame.first > Number(list.dataset.asked);
  if (hasGap) return follow(box); // what comes between was lost
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const height = list.scrollHeight;
  const template = document.createElement("template");
  template.innerHTML = frame.html;
  const fresh = [...template.content.children];
  const above = fresh.filter((line) => numberOf(line) < first);
  list.prepend(...above);
  list.append(...fresh.filter((line) => numberOf(line) > last));
  if (above.length) list.scrollTop += list.scrollHeight - height;
  const spare = list.childElementCount - linesEach();
  for (let left = spare; left > 0; left -= 1) (above.length ? list.lastElementChild : list.firstElementChild).remove();
  if (atEnd && !isReading) list.scrollTop = list.scrollHeight;
  showGoal(list);
  showRange(box);
}

function showGoal(list) {
  const line = list.dataset.goTo && list.querySelector(`[data-line="${list.dataset.goTo}"]`);
  if (!line) return;
  delete list.dataset.goTo;
  list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  line.setAttribute("aria-current", "true");
  list.scrollTop = line.offsetTop - list.clientHeight / 2;
}

function showRange(box) {
  const list = listOf(box);
  const [first, last] = [numberOf(list.firstElementChild), numberOf(list.lastElementChild)];
  const total = Number(box.dataset.lines);
  box.querySelector(".range").textContent = first > 1 || last < total ? `lines ${first} to ${last}` : "";
  box.querySelector(".newest").hidden = last >= total;
  box.querySelector(".go-to").hidden = total <= SHORT_LOG;
}

function countLines(box, total) {
  if (total <= Number(box.dataset.lines)) return;
  box.dataset.lines = total;
  box.querySelector(".lines").textContent = total;
}

// --- actions: the answer is not what the response says but what the feed shows

async function submitted(event) {
  const form = event.target;
  if (form.matches(".log-tools")) {
    event.preventDefault();
    const box = form.closest("details");
    return goTo(box, Math.min(form.elements.line.valueAsNumber, Number(box.dataset.lines)));
  }
  if (form.dataset.send === undefined) return;
  event.preventDefault();
  find("said")?.remove(); // about the request before
  const button = event.submitter;
  const body = new FormData(form, button);
  const written = textOf(form);
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    const shown = new DOMParser().parseFromString(await answer.text(), "text/html");
    const said = shown.querySelector("[data-said]"); // the server tells why
    const notice = shown.querySelector(".notice:not(#held)"); // that one is about the database
    if (said) say(said.textContent);
    else if (answer.status >= 500) say(UNHEARD); // a gateway may say so of a server that has done it
    else if (!answer.ok) say(`That was refused (${answer.status}). Reload the page.`);
    else if (new URL(answer.url).pathname !== location.pathname) say(FINAL_CODES[4401]);
    else if (notice) say(notice.textContent);
    else if (textOf(form) === written) form.reset(); // else its writer is at the next one already
    renew(form, shown);
  } catch {
    say(UNHEARD);
  }
  button.disabled = false;
}

const textOf = (form) => JSON.stringify([...new FormData(form)]);

// What a form sends next is a new intent, with the tokens of the same form in the answer. Without an answer they
// stay: what has arrived is not done again.
function renew(form, shown) {
  const fresh = [...shown.forms].find((other) => other.action === form.action);
  for (const input of form.querySelectorAll("input[type=hidden]")) {
    input.value = fresh?.elements[input.name]?.value ?? input.value;
  }
}

function clicked(event) {
  // The second click of a double click is no request of its own, however soon the first one was answered.
  if (event.detail > 1 && event.target.closest("button")?.form?.matches("[data-send]")) event.preventDefault();
  if (event.target.matches(".newest")) followNewest(event.target.closest("details"));
}

// --- life

function wake() {
  tries = 0; // what failed before says nothing about now
  if (document.visibilityState === "visible" && !socket) connect();
}

tellTimes(document);
settle(document);
settlePage();
setLive("offline");
document.addEventListener("toggle", toggled, true);
document.addEventListener("submit", submitted);
document.addEventListener("click", clicked);
document.addEventListener("scroll", scrolled, true);
document.addEventListener("visibilitychange", wake);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  inTab = null; // the icon has the colours of the page
  settlePage();
});
addEventListener("online", wake);
addEventListener("pageshow", wake);
setInterval(() => countSeconds(document), 1000);
setInterval(showDates, 1000);
setInterval(acknowledge, 1000);
setInterval(() => {
  if (socket && performance.now() - heardAt > SILENCE_MS) disconnected();
}, 250);
if (!socket) connect();
