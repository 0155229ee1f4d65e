// The prompts step: examples to start from, only what was touched is sent, and Enter that means Next.
for (const button of document.querySelectorAll("[data-example]")) {
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.example);
    field.value = button.dataset.text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
}

// Whoever goes by the steps above takes along what was typed, as by the buttons below.
document.querySelector(".stepper").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const form = document.querySelector(".prompts");
  if (!link || !form || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector(link.search.includes("files") ? "[data-back]" : "[data-default]"));
});

// What nobody touched is not sent: a thousand prompts would be more than a request may hold.
const isTyped = (control) => control.hasAttribute("data-typed") || control.value !== control.defaultValue;
document.querySelector(".prompts")?.addEventListener("formdata", ({ target, formData }) => {
  for (const control of target.querySelectorAll('textarea[name^="prompt."]')) if (!isTyped(control)) formData.delete(control.name);
});

// What was typed is kept by every button of the page; whoever leaves in another way is asked.
let sent = false;
document.addEventListener("submit", () => (sent = true));
addEventListener("pageshow", () => (sent = false));
addEventListener("beforeunload", (event) => {
  const typed = [...document.querySelectorAll(".prompts textarea, .prompts input.input")];
  if (!sent && typed.some(isTyped)) event.preventDefault();
});

// The first button of a form is what Enter presses; here that would be "Apply to all empty".
document.querySelector(".prompts")?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("input:not([type=radio])")) return;
  event.preventDefault();
  event.target.form.requestSubmit(event.target.form.querySelector("[data-default]"));
});
