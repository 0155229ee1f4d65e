// The files step: a draft is made with the first file, then files go up one by one while the page shows what the server has.
import { clientId, dropped, listed } from "./gather.js";
import { look } from "./live.js";
import { isSignedOut, Queue, SignedOut } from "./queue.js";
import { ask, ended, isEnded, onReturn } from "./session.js";
import { announce, toast } from "./toast.js";

const form = document.querySelector("[data-upload]");
const zone = form.querySelector("[data-drop]");
const input = document.getElementById("files");
const folder = document.getElementById("folder");
if (!("webkitdirectory" in folder)) form.querySelector("[data-folder]").remove(); // where browsers know no folders
const token = () => document.body.dataset.formToken; // of the session, which may be another one later
const panel = form.querySelector("[data-uploads]");
const list = form.querySelector("[data-uploads-list]");
const SHOWN = 40;

let draft = form.dataset.upload;
let position = Number(form.dataset.position); // of the next file: three go up at once, and the order is that of choosing
let making = null;
let drawn = 0;
let looked = 0;
let finished = 0; // bytes and files that are through, for the bar of all
let finishedFiles = 0;

const queue = new Queue({
  token,
  held: isEnded,
  signedOut: ended,
  doubt: ask,
  address: async (item) => `/api/v1/batches/${await theDraft()}/files/${item.id}?filename=${encodeURIComponent(item.file.name)}&position=${item.position}`,
  changed: (item) => {
    if (item.state === "refused" && item.code === "batch_too_large") {
      queue.drop(item); // another tab was faster
      leaveOut(item);
    }
    if (item.state === "done" || item.listed) {
      finished += item.file.size;
      finishedFiles += 1;
      lookSoon();
      if (!queue.open.length) announce("All files have arrived.");
    }
    drawSoon();
    remember();
  },
});

/** The draft's id; made once, by the first file. The address then names it, so that a reload finds it. */
function theDraft() {
  if (draft) return draft;
  making ??= fetch("/api/v1/batches", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token() },
    body: JSON.stringify({ prompt_strategy: "global" }),
  }).then(async (answer) => {
    const made = await answer.json();
    if (isSignedOut(answer.status, made.code)) throw new SignedOut();
    if (!answer.ok) throw new Error(made.detail);
    draft = made.id;
    history.replaceState(null, "", `/dashboard/batch-upload/${draft}`);
    return draft;
  });
  making.catch(() => {
    making = null;
  });
  return making;
}

const fileBytes = Number(form.dataset.fileBytes) || Infinity;
const most = Number(form.dataset.most) || Infinity;
const atServer = () => Number(document.getElementById("draft-files").dataset.documents ?? 0);

/** Ids of the files that the draft has already: whoever continues a broken upload adds them once more, and that is no excess. */
async function arrived() {
  const ids = new Set();
  for (let next = ""; draft && next !== null; ) {
    const answer = await fetch(`/api/v1/batches/${draft}/documents?limit=200${next && `&cursor=${encodeURIComponent(next)}`}`);
    if (!answer.ok) throw new Error("no answer");
    const page = await answer.json();
    for (const { client_id } of page.items) ids.add(client_id);
    next = page.next_cursor;
  }
  return ids;
}

/** One after the other: what is added later stands behind what was added before. */
let taking = Promise.resolve();
const take = (found) => (taking = taking.then(() => takeNow(found)));

/** Send what the plan takes, in order; say of the others why they need not be sent at all. The server judges what is in them. */
async function takeNow(found) {
  const many = atServer() + finishedFiles + queue.open.length + found.length > most; // rather too many than too few: then the server is asked
  const there = many ? await arrived().catch(() => null) : null;
  let room = there ? most - there.size - queue.open.filter((item) => !there.has(item.id)).length : Infinity;
  for (const item of found) {
    const id = clientId(item);
    const isNew = !there?.has(id) && !queue.open.some((other) => other.id === id);
    if (item.file.size > fileBytes) queue.refuse({ ...item, id }, `The file is larger than ${fileBytes / 2 ** 20} MB, the limit of the plan. Split it and add the parts.`);
    else if (isNew && room <= 0) leaveOut(item);
    else {
      queue.add({ ...item, id, position: position++ });
      if (isNew) room -= 1;
    }
  }
  drawSoon();
}

// ---- what a batch has no room for: kept apart in its order, until there is ----

const surplus = form.querySelector("[data-left-out]");
const leftOut = new Map();

function leaveOut({ file, path }) {
  leftOut.set(clientId({ file, path }), { file, path });
  remember();
}

function drawLeftOut() {
  surplus.hidden = !leftOut.size;
  if (surplus.hidden) return;
  const title = `${leftOut.size === 1 ? "One file is" : `${leftOut.size.toLocaleString()} files are`} left out`;
  const names = surplus.querySelector("[data-left-out-names]");
  const heading = surplus.querySelector("h2");
  if (heading.textContent !== title) {
    heading.textContent = title;
    announce(title);
    names.replaceChildren(...[...leftOut.values()].map(({ path }) => Object.assign(document.createElement("li"), { textContent: path })));
  }
  const room = Math.min(leftOut.size, most - atServer() - queue.open.length);
  const add = surplus.querySelector("[data-left-out-add]");
  add.hidden = room <= 0 || looked > 0 || queue.open.length > 0; // as long as something arrives nobody knows how much room there is
  add.textContent = room === 1 ? "Add the next one" : `Add the next ${room.toLocaleString()}`;
}

surplus.querySelector("[data-left-out-add]").addEventListener("click", () => {
  const waiting = [...leftOut.values()];
  leftOut.clear();
  remember();
  take(waiting);
});
surplus.querySelector("[data-left-out-forget]").addEventListener("click", () => {
  leftOut.clear();
  remember();
  drawLeftOut();
  input.focus();
});
// A look at the server may have found room.
new MutationObserver(drawLeftOut).observe(document.getElementById("draft-files"), { attributeFilter: ["data-documents"] });

// ---- ways in ----

for (const chooser of [input, folder]) {
  chooser.addEventListener("change", () => {
    take(listed(chooser.files));
    chooser.value = "";
  });
}
if (input.files.length) take(listed(input.files)); // chosen before this module came
addEventListener("paste", (event) => event.clipboardData.files.length && take(listed(event.clipboardData.files)));
let depth = 0;
addEventListener("dragenter", () => zone.classList.toggle("over", ++depth > 0));
addEventListener("dragleave", () => zone.classList.toggle("over", --depth > 0));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", async (event) => {
  event.preventDefault();
  depth = 0;
  zone.classList.remove("over");
  const found = await dropped(event.dataTransfer).catch(() => null);
  if (found) take(found);
  else toast("The folder could not be read. Choose its files instead.");
});

// ---- what is on its way ----

function drawSoon() {
  drawn ||= requestAnimationFrame(() => {
    drawn = 0;
    draw();
  });
}

function draw() {
  drawLeftOut();
  const open = queue.open;
  const shown = queue.items.toSorted((one, other) => (other.state === "refused") - (one.state === "refused")); // what needs somebody first
  panel.hidden = !shown.length;
  const all = finished + open.reduce((sum, item) => sum + item.file.size, 0);
  const sent = finished + open.reduce((sum, item) => sum + item.sent, 0);
  const total = form.querySelector("[data-uploads-total]");
  total.max = Math.max(1, all);
  total.value = sent;
  total.hidden = !open.length;
  form.querySelector("[data-uploads-title]").textContent = open.length ? `Uploading ${finishedFiles + 1} of ${finishedFiles + open.length}` : "Not taken";
  const some = shown.slice(0, SHOWN);
  const known = new Map([...list.children].map((row) => [row.dataset.id, row]));
  for (const [id, row] of known) if (!some.some((item) => item.id === id)) row.remove();
  for (const item of some) update(known.get(item.id) ?? list.appendChild(rowOf(item)), item);
  const more = form.querySelector("[data-uploads-more]");
  more.hidden = shown.length <= SHOWN;
  more.textContent = `and ${(shown.length - SHOWN).toLocaleString()} more`;
  const pauseAll = form.querySelector("[data-pause-all]");
  pauseAll.hidden = !open.length;
  pauseAll.textContent = open.every((item) => ["paused", "broken"].includes(item.state)) ? "Continue all" : "Pause all";
}

function rowOf(item) {
  const row = document.createElement("li");
  row.dataset.id = item.id;
  row.innerHTML = '<span class="name"></span><span class="actions"><button class="button small" type="button"></button><button class="button small plain" type="button">Remove</button></span><span class="note"></span><progress max="1" value="0"></progress>';
  row.querySelector(".name").textContent = item.path;
  row.querySelector("progress").setAttribute("aria-label", `Upload of ${item.path}`);
  const [main, remove] = row.querySelectorAll("button");
  main.addEventListener("click", () => (["paused", "broken"].includes(item.state) ? queue.resume(item) : queue.pause(item)));
  remove.setAttribute("aria-label", `Remove ${item.path}`);
  remove.addEventListener("click", () => queue.drop(item));
  return row;
}

const WORDS = { waiting: "Waiting", sending: "Uploading", counting: "Counting its pages", resting: "Trying again", paused: "Paused", broken: "Stopped", refused: "Refused" };

function update(row, item) {
  row.dataset.state = item.state;
  const word = item.state === "waiting" && isEnded() ? "Waiting until you are signed in again" : WORDS[item.state];
  row.querySelector(".note").textContent = [word, item.message].filter(Boolean).join(": ");
  const bar = row.querySelector("progress");
  bar.hidden = !["sending", "counting"].includes(item.state);
  bar.max = Math.max(1, item.file.size);
  bar.value = item.sent;
  const [main, remove] = row.querySelectorAll("button");
  main.hidden = ["counting", "refused"].includes(item.state);
  remove.hidden = item.state === "counting"; // the server has it, and lists it in a moment: there it is taken out for good
  main.textContent = item.state === "broken" ? "Try again" : item.state === "paused" ? "Continue" : "Pause";
}

form.querySelector("[data-pause-all]").addEventListener("click", () => {
  const open = queue.open;
  const pausing = open.some((item) => ["waiting", "sending", "resting"].includes(item.state));
  for (const item of open) if (pausing) queue.pause(item);
  else queue.resume(item);
});

// ---- what the server has ----

function lookSoon() {
  looked ||= setTimeout(async () => {
    looked = 0;
    await look();
    drawLeftOut(); // also where the look brought nothing new: how much room there is, is certain now
  }, queue.open.length > 20 ? 1500 : 150);
}

document.addEventListener("submit", async (event) => {
  if (!event.target.matches("[data-quietly]")) return;
  event.preventDefault(); // a reload would end the uploads
  const id = new FormData(event.target).get("client_id");
  const row = event.target.closest("tr");
  const near = row.nextElementSibling ?? row.previousElementSibling;
  const address = `/api/v1/batches/${draft}/files/${encodeURIComponent(id)}`;
  const answer = await fetch(address, { method: "DELETE", headers: { "X-CSRF-Token": token() } }).catch(() => null);
  if (answer?.status === 401) return ended();
  if (!answer?.ok) toast("The file could not be removed. Try again.");
  await look();
  if (!row.isConnected && near?.isConnected) near.querySelector("button").focus(); // the next one to be taken out by keyboard
}, true);

// ---- leaving and coming back ----

addEventListener("online", () => queue.reconnect());
onReturn(() => {
  queue.reconnect();
  queue.pump();
  drawSoon();
});
addEventListener("beforeunload", (event) => (queue.running.length || (isEnded() && queue.open.length)) && event.preventDefault());

/** What a reload would lose: how many files, and the first names. */
function remember() {
  if (!draft) return;
  const kept = (items) => ({ count: items.length, names: items.slice(0, 5).map(({ path }) => path) });
  const lost = { unfinished: kept(queue.open), leftOut: kept([...leftOut.values()]) };
  if (lost.unfinished.count || lost.leftOut.count) sessionStorage.setItem(`uploads ${draft}`, JSON.stringify(lost));
  else sessionStorage.removeItem(`uploads ${draft}`);
}

const said = ({ count, names }, one, many) =>
  count ? `${count === 1 ? `One file ${one}` : `${count.toLocaleString()} files ${many}`}: ${names.join(", ")}${count > names.length ? " …" : ""}.` : "";

const lost = JSON.parse(sessionStorage.getItem(`uploads ${draft}`));
const notice = document.querySelector("[data-lost]");
if (lost && notice) {
  const unfinished = said(lost.unfinished, "was not finished when the page was left", "were not finished when the page was left");
  const outside = said(lost.leftOut, "had no room in this batch", "had no room in this batch");
  notice.textContent = [
    unfinished && `${unfinished} Add the same files again; what has arrived is not sent twice.`,
    outside && `${outside} Put them into another batch, or add them again when there is room.`,
  ].filter(Boolean).join(" ");
  notice.hidden = false;
  sessionStorage.removeItem(`uploads ${draft}`);
}
