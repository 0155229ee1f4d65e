// Values and the places they were read from point at each other: hover shows, a click goes there.

const pages = document.querySelector(".pages");
const POINTS_PER_INCH = 72;

/** Boxes are in points from the page's top left; the picture's own size says how many points the page has. */
function place(image) {
  const marks = image.parentElement.querySelector(".marks");
  if (!marks || !image.naturalWidth) return;
  const scale = POINTS_PER_INCH / Number(pages.dataset.dpi);
  marks.setAttribute("viewBox", `0 0 ${image.naturalWidth * scale} ${image.naturalHeight * scale}`);
  marks.removeAttribute("hidden");
}

for (const image of pages.querySelectorAll("img")) {
  if (image.complete) place(image);
  image.addEventListener("load", () => place(image));
  image.addEventListener("error", () => image.parentElement.classList.add("missing"));
}

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
  if (!holder || String(getSelection())) return;
  const others = [...same(holder.dataset.path)].filter((element) => (element instanceof SVGElement) !== (holder instanceof SVGElement));
  if (!others.length) return;
  event.preventDefault();
  for (const element of document.querySelectorAll(".chosen")) element.classList.remove("chosen");
  for (const element of same(holder.dataset.path)) element.classList.add("chosen");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  others[0].scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
});
