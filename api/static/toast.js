// A short word about something that happened by itself; it goes after a while, or when it is pressed.
const STAYS_MS = 6000;

/** Say to those who listen what others see change by itself. */
export function announce(text) {
  const place = document.querySelector("[data-announce]");
  if (place) place.textContent = text;
}

/** Say it, once at a time. What `stays` is taken away by whoever said it; answers the element, if there is a new one. `way` leads somewhere, in
    another tab: such a word stays too. */
export function toast(text, { stays = false, way = null } = {}) {
  const place = document.querySelector(".toasts");
  if (!place || [...place.children].some((other) => other.textContent === text)) return;
  const element = document.createElement(way ? "div" : "button");
  element.className = "toast";
  if (way) {
    element.innerHTML = '<span></span> <a target="_blank" rel="noopener"></a>';
    element.firstChild.textContent = text;
    Object.assign(element.lastChild, { href: way.address, textContent: way.word });
  } else {
    element.type = "button";
    element.textContent = text;
    element.addEventListener("click", () => element.remove());
  }
  if (!stays) setTimeout(() => element.remove(), STAYS_MS);
  place.append(element);
  return element;
}
