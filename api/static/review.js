// Values and the places they were read from point at each other: hover shows, a click goes there. What is typed is sent by itself.

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
  if (!holder || String(getSelection()) || event.target.closest("button")) return;
  const others = [...same(holder.dataset.path)].filter((element) => (element instanceof SVGElement) !== (holder instanceof SVGElement));
  if (!others.length) return;
  if (!event.target.matches("input, textarea")) event.preventDefault();
  for (const element of document.querySelectorAll(".chosen")) element.classList.remove("chosen");
  for (const element of same(holder.dataset.path)) element.classList.add("chosen");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  others[0].scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
});

const form = document.getElementById("review-form");
const isChanged = (control) => control.hasAttribute("data-typed") || control.value !== control.defaultValue;
const controls = () => [...form.elements].filter((control) => control.name.startsWith("value."));

// What nobody touched is not sent: a long result makes a short request.
form?.addEventListener("formdata", ({ formData }) => {
  for (const control of controls()) if (!isChanged(control)) formData.delete(control.name);
});

addEventListener("beforeunload", (event) => {
  if (form && !form.dataset.sent && controls().some(isChanged)) event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (!form || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  const action = { s: "save", Enter: "approve" }[event.key];
  if (!action) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector(`[name="action"][value="${action}"]`));
});
