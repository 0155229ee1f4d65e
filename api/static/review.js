// Values and the places they were read from point at each other: hover shows, a click goes there. What is typed is sent by itself.

const POINTS_PER_METRE = 72 / 0.0254;

/** Boxes are in points from the page's top left. How many points a page has says its picture, in dots per metre: a poster's is coarser. */
async function place(image) {
  const marks = image.parentElement.querySelector(".marks");
  if (!marks || !image.naturalWidth) return;
  const answer = await fetch(image.currentSrc, { cache: "force-cache" }).catch(() => null); // what the browser has just got
  const dots = answer?.ok && dotsPerMetre(new DataView(await answer.arrayBuffer()));
  if (!dots) return;
  const [width, height] = [image.naturalWidth / dots[0], image.naturalHeight / dots[1]];
  marks.setAttribute("viewBox", `0 0 ${width * POINTS_PER_METRE} ${height * POINTS_PER_METRE}`);
  marks.removeAttribute("hidden");
}

/** Across and down, from the chunk pHYs of a PNG. */
function dotsPerMetre(png) {
  for (let at = 8; at + 20 < png.byteLength; at += 12 + png.getUint32(at)) {
    if (png.getUint32(at + 4) === 0x70485973) return [png.getUint32(at + 8), png.getUint32(at + 12)];
  }
}

const pages = document.querySelector(".pages");
for (const image of pages.querySelectorAll("img")) {
  if (image.complete) place(image);
  image.addEventListener("load", () => place(image));
  image.addEventListener("error", () => image.parentElement.classList.add("missing"));
}

// The boxes of a document that was being read come when it is completed, under pictures that are there already.
new MutationObserver(() => {
  for (const image of pages.querySelectorAll("img:has(~ .marks:not([viewBox]))")) place(image);
}).observe(pages, { childList: true, subtree: true });

const same = (path) => document.querySelectorAll(`[data-path="${CSS.escape(path)}"]`);

function point(path, on) {
  for (const element of same(path)) element.classList.toggle("pointed", on);
}

for (const [start, end] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  document.addEventListener(start, (event) => {
    const holder = event.target.closest?.("[data-path]");
    if (holder) point(holder.dataset.path, true);
  });
  document.addEventListener(end, (event) => {
    const holder = event.target.closest?.("[data-path]");
    if (holder) point(holder.dataset.path, false);
  });
}

document.addEventListener("click", (event) => {
  const holder = event.target.closest?.("[data-path]");
  if (!holder || String(getSelection()) || event.target.closest("button")) return;
  const others = [...same(holder.dataset.path)].filter((element) => (element instanceof SVGElement) !== (holder instanceof SVGElement));
  if (!others.length) return;
  if (!event.target.matches("input, textarea")) event.preventDefault();
  for (const element of document.querySelectorAll(".chosen")) element.classList.remove("chosen");
  for (const element of same(holder.dataset.path)) element.classList.add("chosen");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  others[0].scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
});

// The form too may come later than this module.
const form = () => document.getElementById("review-form");
const isChanged = (control) => control.hasAttribute("data-typed") || control.value !== control.defaultValue;
const controls = () => [...(form()?.elements ?? [])].filter((control) => control.name.startsWith("value."));

// What nobody touched is not sent: a long result makes a short request.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target !== form()) return;
  for (const control of controls()) if (!isChanged(control)) formData.delete(control.name);
});

addEventListener("beforeunload", (event) => {
  if (!form()?.dataset.sent && controls().some(isChanged)) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (!form() || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  const action = { s: "save", Enter: "approve" }[event.key];
  if (!action) return;
  event.preventDefault();
  form().requestSubmit(form().querySelector(`[name="action"][value="${action}"]`));
});
