// The server writes UTC; here it becomes the reader's own time, in as many letters, so that nothing moves.
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

const two = (number) => String(number).padStart(2, "0");

/** 28 Nov 2026, 10:31, as the server writes it. */
const written = (moment) =>
  `${moment.getDate()} ${MONTHS[moment.getMonth()]} ${moment.getFullYear()}, ${two(moment.getHours())}:${two(moment.getMinutes())}`;

/** Write every <time> below `root` in local time; the whole of it on hover. */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const text = written(moment);
    if (element.textContent !== text) element.textContent = text;
    element.title = whole.format(moment);
  }
}

localise(document);
