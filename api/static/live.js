// Pages that follow what happens. The server's events say that something moved; the page then fetches itself and takes over the
// regions marked data-live, so that there is one template for a row and not two.
import { localise } from "./times.js";
import { adopt } from "./morph.js";
import { ended, onReturn } from "./session.js";
import { announce, toast } from "./toast.js";

const PAUSE_MS = 350; // events of a busy batch become a few looks a second, fewer where a look takes long
const POLL_MS = 4000; // where no stream tells, and something runs
const CALM_POLL_MS = 30_000; // where nothing does
const PATIENCE_MS = 5000; // until a line that is away is worth a word
const LONGEST_PAUSE_MS = 60_000; // between tries to open a stream that was refused

let following = false;
let streams = [];
let timer = 0;
let looking = false;
let asking = null; // the question that is under way
let sent = false; // a form, whose answer is another page
let again = false;
let polling = 0;
let leaving = false;
let tookMs = 0;
let refusals = 0;
let returning = 0;
let missing = 0;
let notice = null; // what says that the page is cut off, from then until it follows again

/** A moment for what people do meanwhile: a click waits for one region at most. */
const breath = () => globalThis.scheduler?.yield?.() ?? new Promise((done) => setTimeout(done));
const regions = () => document.querySelectorAll("[data-live][id]");
const running = () => document.querySelector("[data-stream], [data-poll], [data-live] .state.running");
const isTold = () => streams.some((stream) => stream.readyState === EventSource.OPEN);

/** Where the page's own batch or document stands, in its word. */
const standing = () => document.querySelector(".opening .state")?.textContent.trim() ?? "";

/** Take over what the server shows now. */
export async function look() {
  if (sent) return;
  if (looking) {
    again = true;
    return;
  }
  looking = true;
  const began = performance.now();
  try {
    asking = new AbortController();
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: asking.signal });
    if (new URL(answer.url).pathname === "/sign-in") {
      stop();
      return ended();
    }
    if (answer.status >= 500) return miss();
    if (answer.status === 429) return; // for a moment
    if (answer.redirected || !answer.ok) return stop();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    localise(fresh);
    const [was, held] = [standing(), document.activeElement];
    for (const region of regions()) {
      await breath();
      const next = fresh.getElementById(region.id);
      if (next) adopt(region, next);
    }
    if (standing() !== was) announce(`${document.querySelector("h1").textContent.trim()}: ${standing()}`);
    // Whoever stood on a button that is gone goes on from the content, not from the top of the page.
    if (held && !held.isConnected && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
    inTouch();
    if (streams.length > 1 && !document.querySelector("[data-stream]")) listen(); // the batch has ended
  } catch {
    if (!sent) miss();
  } finally {
    looking = false;
    tookMs = performance.now() - began;
    if (again) {
      again = false;
      soon();
    }
  }
}

function soon() {
  if (timer || !following) return;
  timer = setTimeout(() => {
    timer = 0;
    look();
  }, Math.max(PAUSE_MS, 2 * tookMs));
}

function stop() {
  following = false;
  for (const stream of streams) stream.close();
  streams = [];
  clearTimeout(polling);
  clearTimeout(timer);
  clearTimeout(returning);
  polling = timer = returning = 0;
  again = false;
}

/** The line is away; said when it stays away, once, until it is back. */
function miss() {
  if (leaving) return;
  missing ||= setTimeout(() => {
    missing = 0;
    if (!following || isTold()) return;
    notice ??= toast("This page is cut off from the server. It shows what it knew last, and follows again by itself.", { stays: true });
  }, PATIENCE_MS);
}

function inTouch() {
  clearTimeout(missing);
  missing = 0;
  notice?.remove();
  notice = null;
}

/** A stream begins with how things are; what the page shows already is no reason to look. */
function isNews({ type, data }) {
  const told = JSON.parse(data);
  if (type === "usage") return document.getElementById("quota").dataset.pages !== `${told.pages_processed} ${told.pages_reserved}`;
  const shown = type === "batch" && document.querySelector(`[data-batch="${told.id}"]`)?.dataset.updated;
  return !shown || Date.parse(shown) !== Date.parse(told.updated_at);
}

function follow(address, names) {
  if (!globalThis.EventSource) return;
  const stream = new EventSource(address);
  for (const name of names) stream.addEventListener(name, (event) => isNews(event) && soon());
  stream.addEventListener("open", () => {
    refusals = 0;
    inTouch();
  });
  stream.addEventListener("error", () => {
    miss();
    // A lost line is the browser's to mend. Closed: the batch has ended, which the next look shows, or the server sent us away.
    if (stream.readyState !== EventSource.CLOSED) return;
    soon();
    poll();
    returning ||= setTimeout(listen, Math.min(LONGEST_PAUSE_MS, 2000 * 2 ** refusals++) * (0.5 + Math.random() / 2));
  });
  streams.push(stream);
}

/** What no stream tells of is looked at now and then: exports, and everything where streams are refused, held up on the way, or unknown. */
function poll() {
  const wait = running() ? POLL_MS : CALM_POLL_MS;
  polling ||= setTimeout(async () => {
    polling = 0;
    if (isTold() && !document.querySelector("[data-poll]")) return;
    await look();
    if (following) poll();
  }, wait);
}

/** One stream of the user for each visible tab, and one of the batch that the page shows. */
function listen() {
  stop();
  following = true;
  follow("/api/v1/events", ["usage", "batch"]);
  const batch = document.querySelector("[data-stream]");
  if (batch) follow(batch.dataset.stream, ["batch", "document"]);
  poll();
}

if (regions().length) {
  listen();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else {
      listen();
      look();
    }
  });
  onReturn(() => {
    listen();
    look();
  });
  // What a form does may take the page's own subject away; the answer is another page.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    sent = true;
    stop();
    asking?.abort();
  });
  addEventListener("pagehide", () => {
    leaving = true;
    stop();
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return; // kept as it was left, by the browser
    leaving = sent = false;
    listen();
    look();
  });
}
