// Lists hold the beginning of a prompt; unfolding one fetches the rest, once.
document.addEventListener(
  "toggle",
  async (event) => {
    const fold = event.target;
    const address = fold.dataset?.wholePrompt;
    if (!fold.open || !address) return;
    delete fold.dataset.wholePrompt;
    const answer = await fetch(address);
    if (!answer.ok) return;
    fold.querySelector(".prompt-text").textContent = (await answer.json()).prompt;
    fold.querySelector("a")?.remove();
  },
  true,
);
