// The server writes UTC; here it becomes the reader's own time.
const sameYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const otherYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** Write every <time> below `root` in local time; the whole of it on hover. */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const text = (moment.getFullYear() === new Date().getFullYear() ? sameYear : otherYear).format(moment);
    if (element.textContent !== text) element.textContent = text;
    element.title = whole.format(moment);
  }
}

localise(document);
