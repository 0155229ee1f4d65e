// Rows that are chosen to be dealt with together: all of a page at once, and how many there are.
const all = document.querySelector("[data-choose-all]");

const boxes = () => [...document.querySelectorAll('input[name="document_ids"]')];

function count() {
  const chosen = boxes().filter((box) => box.checked).length;
  all.checked = chosen > 0 && chosen === boxes().length;
  all.indeterminate = chosen > 0 && !all.checked;
  document.querySelector("[data-chosen]").textContent = chosen ? `${chosen} chosen` : "";
  for (const button of document.querySelectorAll(".chosen-actions button")) button.disabled = !chosen;
}

if (all) {
  all.classList.remove("not-yet");
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    count();
  });
  document.addEventListener("change", ({ target }) => target.name === "document_ids" && count());
  new MutationObserver(count).observe(document.getElementById("document-list"), { childList: true, subtree: true }); // rows go, ticks with them
  addEventListener("pageshow", count); // coming back by the back button finds the ticks as they were
}
