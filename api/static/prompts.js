// Lists hold the beginning of a prompt; unfolding one fetches the rest, once.
document.addEventListener(
  "toggle",
  async (event) => {
    const fold = event.target;
    const address = fold.dataset?.wholePrompt;
    if (!fold.open || !address) return;
    const text = fold.querySelector(".prompt-text");
    if (text.dataset.whole !== undefined) return;
    const beginning = text.textContent;
    const answer = await fetch(address).catch(() => null); // what cannot be fetched now is, when it is unfolded once more
    if (!answer?.ok) return;
    const { prompt } = await answer.json();
    text.dataset.whole = beginning; // a look at the server finds the beginning again, and leaves the whole where it is
    text.textContent = prompt;
  },
  true,
);

// Near its limit a prompt says how long it is.
document.addEventListener("input", ({ target }) => {
  const most = Number(target.dataset.most);
  if (!most) return;
  let count = target.parentElement.querySelector(".count-of");
  const near = target.value.length > most * 0.8;
  if (near && !count) {
    count = document.createElement("output");
    count.className = "count-of";
    target.after(count);
  }
  if (count) {
    count.hidden = !near;
    count.textContent = `${target.value.length.toLocaleString()} of ${most.toLocaleString()} characters`;
  }
});
