// A session that ends under an open page. The page says so, once, and goes on by itself when the same person has signed in again, in
// another tab or window: what was typed, chosen or on its way stays where it is.
import { toast } from "./toast.js";

const ASK_MS = 5000;
const PAGE = "/dashboard/batch-upload"; // everybody who is signed in has it, and it costs the server little
const ENDED = "The session has ended. Nothing here is lost: sign in again, and this page goes on.";
const OTHER = "Somebody else is signed in now. Sign in as before, and this page goes on.";

const goingOn = []; // what waits for it
let notice = null;
let timer = 0;

const who = (page) => page.querySelector(".foot .who")?.firstChild.textContent.trim();

export const isEnded = () => notice !== null;

/** Run `goOn` whenever a session that had ended is back. */
export const onReturn = (goOn) => goingOn.push(goOn);

/** The server said that nobody is signed in, or that a form is another session's. */
export function ended() {
  if (isEnded()) return;
  notice = toast(ENDED, { stays: true, way: { address: `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`, word: "Sign in" } });
  timer = setInterval(ask, ASK_MS);
  ask();
}

/** Look whether somebody is signed in, where that is in doubt. */
export async function ask() {
  const answer = await fetch(PAGE, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer) return;
  if (new URL(answer.url).pathname === "/sign-in") return ended();
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = fresh.body.dataset.formToken;
  if (!isEnded() || !token) return;
  const words = notice.querySelector("span");
  words.textContent = who(fresh) === who(document) ? ENDED : OTHER;
  if (words.textContent === OTHER) return;
  document.body.dataset.formToken = token; // forms belong to their session
  for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = token;
  clearInterval(timer);
  notice.remove();
  notice = null;
  for (const goOn of goingOn) goOn();
}

document.addEventListener("visibilitychange", () => isEnded() && !document.hidden && ask());
addEventListener("focus", () => isEnded() && ask());

// A form that is posted now would lead to the sign-in, and what was typed into it nowhere.
document.addEventListener(
  "submit",
  (event) => {
    if (!isEnded() || event.target.method !== "post") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    notice.querySelector("a").focus();
  },
  true,
);
