// Make one element like another with as few changes as possible: what is the same stays, with its focus, its selection and its folds.

const MOST_FLASHES = 12; // where more moved at once none would stand out
const FLASH_MS = 1600;
const flashing = new Map(); // rows that stand out, and what ends it

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || node.id : "") || "";

/** Turn `element` into `next`, in place. */
export function adopt(element, next) {
  const moved = [];
  become(element, next, moved);
  if (moved.length <= MOST_FLASHES) moved.forEach(flash);
}

function become(element, next, moved) {
  if (element.isEqualNode(next) || element.dataset?.whole === next.textContent) return; // the whole of what a list holds the beginning of
  for (const { name, value } of next.attributes) {
    if (element.getAttribute(name) !== value && !(name === "open" && element.localName === "details")) element.setAttribute(name, value);
  }
  for (const { name } of [...element.attributes]) {
    // What people unfolded stays unfolded, and what stands out does so for its time.
    if (!next.hasAttribute(name) && name !== "open" && name !== "title" && !flashing.has(element)) element.removeAttribute(name);
  }
  if (element.matches("input, textarea, select")) return; // what people typed stays typed
  const keyed = new Map([...element.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  let here = element.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = keyOf(wanted);
    const known = key ? keyed.get(key) : here && !keyOf(here) && here.nodeType === wanted.nodeType && here.nodeName === wanted.nodeName ? here : null;
    if (!known) {
      element.insertBefore(document.importNode(wanted, true), here);
      continue;
    }
    if (known === here) here = here.nextSibling;
    else element.insertBefore(known, here);
    if (known.nodeType === Node.ELEMENT_NODE) {
      if (known.dataset.key && known.textContent.trim() !== wanted.textContent.trim()) moved.push(known);
      become(known, wanted, moved);
    } else if (known.nodeValue !== wanted.nodeValue) known.nodeValue = wanted.nodeValue;
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    gone.remove();
  }
}

/** A row that moved says so for a moment. */
function flash(row) {
  row.classList.add("changed");
  clearTimeout(flashing.get(row));
  flashing.set(
    row,
    setTimeout(() => {
      flashing.delete(row);
      row.removeAttribute("class");
    }, FLASH_MS),
  );
}
