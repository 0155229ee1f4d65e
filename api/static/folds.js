// Folded panels close like menus do: by Escape, by a click elsewhere, and when another one opens.
const open = () => document.querySelectorAll("details.folded[open]");

document.addEventListener("click", (event) => {
  for (const fold of open()) if (!fold.contains(event.target)) fold.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const fold of open()) {
    fold.open = false;
    fold.querySelector("summary").focus();
  }
});
