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
