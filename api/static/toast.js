// A short word about something that happened by itself; it goes after a while, or when it is pressed.
const STAYS_MS = 6000;

/** Say to those who listen what others see change by itself. */
export function announce(text) {
  const place = document.querySelector("[data-announce]");
  if (place) place.textContent = text;
}

/** Say it, once at a time. What `stays` is taken away by whoever said it; answers the element, if there is a new one. */
export function toast(text, { stays = false } = {}) {
  const place = document.querySelector(".toasts");
  if (!place || [...place.children].some((other) => other.textContent === text)) return;
  const element = document.createElement("button");
  element.type = "button";
  element.className = "toast";
  element.textContent = text;
  element.addEventListener("click", () => element.remove());
  if (!stays) setTimeout(() => element.remove(), STAYS_MS);
  place.append(element);
  return element;
}
