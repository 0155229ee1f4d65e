() => {
  // What a page owes to those who do not see it as drawn, or not well. Answers a list of complaints, empty when there are none.
  const complaints = [];
  const say = (element, what) => complaints.push(`${what}: ${element.outerHTML.replace(/\s+/g, " ").slice(0, 120)}`);
  const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("[aria-hidden=true]");
  const nameOf = (element) => {
    const referred = (element.getAttribute("aria-labelledby") ?? "").split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
    const labels = [...(element.labels ?? [])].map((label) => label.textContent).join(" ");
    return (element.getAttribute("aria-label") || referred.trim() || labels || element.textContent || element.title || "").trim();
  };

  if (!document.documentElement.lang) complaints.push("the page names no language");
  if (!document.title.trim()) complaints.push("the page has no title");
  if (document.querySelectorAll("main").length !== 1) complaints.push("there is not exactly one main landmark");
  if (document.querySelectorAll("h1").length !== 1) complaints.push("there is not exactly one heading of level 1");
  for (const nav of document.querySelectorAll("nav")) if (!nav.getAttribute("aria-label")) say(nav, "a navigation without a name");

  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const here = Number(heading.localName[1]);
    if (visible(heading) && here > level + 1) say(heading, "a heading that leaves out a level");
    level = here;
  }

  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) complaints.push(`an id twice: ${id}`);
  for (const element of document.querySelectorAll("[aria-describedby]")) {
    for (const id of element.getAttribute("aria-describedby").split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) say(element, "a description that is not there");
  }

  for (const element of document.querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea, [role=img], progress")) {
    if (visible(element) && !nameOf(element)) say(element, "nothing says what this is");
  }
  for (const image of document.querySelectorAll("img")) if (!image.hasAttribute("alt")) say(image, "a picture without words");
  for (const cell of document.querySelectorAll("table th:not([scope])")) say(cell, "a head that belongs to no row or column");

  // Contrast (WCAG 1.4.3), with colours as the browser computed them.
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below) => [0, 1, 2].map((index) => top[index] * top[3] + below[index] * (1 - top[3]));
  const ground = (element) => {
    const layers = [];
    for (let node = element; node; node = node.parentElement) layers.push(rgba(getComputedStyle(node).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [red, green, blue] = colour.map((value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !visible(element) || element.closest("noscript, script, svg, option, [disabled], .unseen, .skip")) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const [bright, dim] = [light(over(rgba(style.color), below)), light(below)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const ratio = (bright + 0.05) / (dim + 0.05);
    if (ratio < needed) say(element, `contrast ${ratio.toFixed(2)} instead of ${needed}`);
  }
  return complaints;
}
