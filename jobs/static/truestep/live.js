// The live page. It draws what the server says and assumes nothing: every status comes from a
// fragment with a position (seq, tag), and a page that has not been verified says so.

import { Idiomorph } from "./vendor/idiomorph-0.8.0.esm.js";

const SILENCE_MS = 4000; // no frame for so long: the page is not live
const LONGEST_PAUSE_MS = 10000;
const REFETCH_MS = 1000;
const KEPT_LINES = 4000; // of one log, in the page; the rest is in the plain text
const AUTO_OPEN = 20; // logs that open by themselves
const FINAL_CODES = {
  4401: "You are logged out. Log in again to go on.",
  4403: "You may not watch this job any more.",
  4404: "This job is gone.",
};
const WORDS = { live: "Live", "catching-up": "Catching up", offline: "Not live" };

const body = document.body;
const page = document.querySelector("[data-socket]"); // the body, or in the admin an element of it
const find = (id) => document.getElementById(id);
const skew = Number(page.dataset.now) * 1000 - Date.now();
const clockOffset = Math.abs(skew) > 2000 ? skew : 0;

let socket = null;
let position = { seq: Number(page.dataset.seq), tag: page.dataset.tag };
let heardAt = 0;
let seen = 0;
let acked = 0;
let tries = 0;
let retry = null;
let refetch = null;
let fetchedAt = -Infinity;

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
  seen = acked = 0;
  heardAt = performance.now();
  opened.onopen = () => {
    setLive("catching-up");
    for (const box of document.querySelectorAll("details.log[open]")) follow(box);
  };
  opened.onmessage = (event) => {
    if (socket === opened) hear(JSON.parse(event.data));
  };
  opened.onclose = (event) => {
    if (socket === opened) disconnected(FINAL_CODES[event.code]);
  };
}

function disconnected(final) {
  const gone = socket;
  socket = null;
  gone?.close();
  setLive("offline");
  if (final) return say(final);
  const pause = Math.random() * Math.min(LONGEST_PAUSE_MS, 250 * 2 ** tries);
  tries += 1;
  retry ??= setTimeout(connect, pause);
}

function send(frame) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
}

function acknowledge() {
  if (seen === acked) return;
  acked = seen;
  send({ type: "ack", n: seen });
}

function hear(frame) {
  heardAt = performance.now();
  seen = Math.max(seen, frame.n);
  ({ changes, pulse, tick, log, stale, gone })[frame.type]?.(frame);
}

// --- frames

function changes(frame) {
  if (frame.since > position.seq) return resync();
  place(frame.html);
  if (frame.seq > position.seq) position = { seq: frame.seq, tag: frame.tag };
}

function tick(frame) {
  acknowledge();
  if (frame.version !== page.dataset.version) say("There is a newer version of this page. Reload it.");
  if (frame.seq === position.seq && frame.tag === position.tag) return verified();
  setLive("catching-up");
  if (frame.seq > position.seq) resync();
  else stale();
}

function resync() {
  send({ type: "resync", ...position });
}

// Fetch this very page again and take over what differs: at once, then at most once a second.
function stale() {
  const wait = Math.max(0, fetchedAt + REFETCH_MS - performance.now());
  refetch ??= setTimeout(() => fetchAnew().catch(() => {}).finally(() => (refetch = null)), wait);
}

async function fetchAnew() {
  fetchedAt = performance.now();
  const answer = await fetch(location.href);
  if (answer.redirected || [401, 403, 404].includes(answer.status)) return location.reload();
  if (!answer.ok) return; // the next tick says again that this page is stale
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const list of document.querySelectorAll("[data-keep]")) list.replaceChildren();
  for (const part of fresh.querySelectorAll(page.dataset.morph)) {
    const old = find(part.id);
    if (old) Idiomorph.morph(old, part, { callbacks, ignoreActiveValue: true });
  }
  const told = fresh.querySelector("[data-socket]").dataset;
  position = { seq: Number(told.seq), tag: told.tag };
  settle(document);
  for (const box of document.querySelectorAll("details.log[open]")) follow(box);
  resync();
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
  for (const reason of document.querySelectorAll(".reason[data-waits=worker]")) {
    const pk = reason.closest(".step").id.slice("step-".length);
    reason.textContent = frame.workers.unknown[pk] ?? frame.workers.note;
  }
}

// --- drawing

const callbacks = {
  // Log lines are not part of a row's fragment, and open or closed is the reader's business.
  beforeNodeMorphed: (old) => old.dataset?.keep === undefined,
  beforeAttributeUpdated: (name, element) => !(name === "open" && element.tagName === "DETAILS"),
};

function place(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  for (const fresh of [...template.content.children]) {
    const old = find(fresh.id);
    if (!old) insert(fresh);
    else if (Number(fresh.dataset.seq) > Number(old.dataset.seq)) Idiomorph.morph(old, fresh, { callbacks });
    else continue;
    settle(find(fresh.id));
  }
  countSeconds();
}

function insert(fresh) {
  const parent = find(fresh.dataset.parent);
  const order = Number(fresh.dataset.order);
  let after = parent.lastElementChild;
  while (after && Number(after.dataset.order) > order) after = after.previousElementSibling;
  if (after) after.after(fresh);
  else parent.prepend(fresh);
}

// What the script itself adds to server HTML: local times, running clocks, opened logs, the title.
function settle(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    const today = moment.toDateString() === new Date().toDateString();
    time.textContent = today ? moment.toLocaleTimeString() : moment.toLocaleString();
    time.title = moment.toLocaleString();
  }
  for (const step of root.matches?.(".step") ? [root] : root.querySelectorAll(".step")) openWhenRunning(step);
  const job = document.querySelector(".job-head");
  if (job) document.title = document.title.replace(/^\w+/, job.dataset.status);
}

function countSeconds() {
  const now = Date.now() + clockOffset;
  for (const time of document.querySelectorAll("time[data-start]")) {
    time.textContent = duration(Math.max(0, (now - Number(time.dataset.start)) / 1000));
  }
}

function duration(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  const two = (value) => String(value).padStart(2, "0");
  if (minutes < 60) return `${minutes} min ${two(Math.floor(seconds % 60))} s`;
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

function setLive(state) {
  body.dataset.live = state;
  document.querySelector(".live-word").textContent = WORDS[state];
}

function verified() {
  const now = new Date();
  const time = find("verified");
  time.dateTime = now.toISOString();
  time.textContent = now.toLocaleTimeString();
  tries = 0;
  setLive("live");
}

function say(text) {
  if (find("said")?.textContent === text) return;
  find("said")?.remove();
  const notice = Object.assign(document.createElement("p"), { id: "said", className: "notice", textContent: text });
  notice.setAttribute("role", "status");
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

function follow(box) {
  const list = find(`log-${box.dataset.log}`);
  const have = Number(list.lastElementChild?.dataset.line ?? 0);
  const total = Number(box.dataset.lines);
  const from = have === 0 && total > KEPT_LINES ? total - KEPT_LINES + 1 : have + 1;
  list.dataset.next = from;
  send({ type: "follow", step: Number(box.dataset.log), from });
}

function log(frame) {
  const box = find(`logbox-${frame.step}`);
  const list = find(`log-${frame.step}`);
  countLines(box, frame.total);
  const next = Number(list.dataset.next);
  if (frame.first > next) return follow(box);
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const template = document.createElement("template");
  template.innerHTML = frame.html;
  const fresh = [...template.content.children].filter((line) => Number(line.dataset.line) >= next);
  list.append(...fresh);
  list.dataset.next = Math.max(next, frame.last + 1);
  while (list.childElementCount > KEPT_LINES) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
  const first = Number(list.firstElementChild?.dataset.line ?? 1);
  const earlier = box.querySelector(".earlier");
  earlier.hidden = first === 1;
  earlier.textContent = `has lines 1 to ${first - 1}, too`;
}

function countLines(box, total) {
  if (total <= Number(box.dataset.lines)) return;
  box.dataset.lines = total;
  box.querySelector(".lines").textContent = total;
}

// --- actions: the answer is not what the response says but what the feed shows

async function submitted(event) {
  const form = event.target;
  if (form.dataset.send === undefined) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const shown = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) say(`That was refused (${answer.status}). Reload the page.`);
    else if (new URL(answer.url).pathname !== location.pathname) say(FINAL_CODES[4401]);
    else if (shown.querySelector(".notice")) say(shown.querySelector(".notice").textContent);
  } catch {
    say("The server cannot be reached; nothing was sent. Try again.");
  }
  button.disabled = false;
}

// --- life

function wake() {
  if (document.visibilityState === "visible" && !socket) connect();
}

settle(document);
countSeconds();
setLive("offline");
document.addEventListener("toggle", toggled, true);
document.addEventListener("submit", submitted);
document.addEventListener("visibilitychange", wake);
addEventListener("online", wake);
addEventListener("pageshow", wake);
setInterval(countSeconds, 1000);
setInterval(acknowledge, 1000);
setInterval(() => {
  if (socket && performance.now() - heardAt > SILENCE_MS) disconnected();
}, 250);
if (!socket) connect();
