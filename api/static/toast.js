// A short word about something that happened by itself; it goes after a while, or when it is pressed.
const STAYS_MS = 6000;

/** Say it, once at a time. */
export function toast(text) {
  const place = document.querySelector(".toasts");
  if (!place || [...place.children].some((other) => other.textContent === text)) return;
  const element = document.createElement("button");
  element.type = "button";
  element.className = "toast";
  element.textContent = text;
  element.addEventListener("click", () => element.remove());
  setTimeout(() => element.remove(), STAYS_MS);
  place.append(element);
}
