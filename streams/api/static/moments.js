// Writes times in the reader's own zone and words. The server wrote them in UTC; the words for
// "how long ago" are the same on both sides.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat("en-GB", { weekday: "short" });
const date = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dateYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const monthYear = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric" });
const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

function ago(at, now) {
  const passed = now - at;
  if (passed < MINUTE) return "just now";
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
  const days = Math.floor(passed / DAY);
  if (days === 1) return "yesterday";
  return days < 60 ? `${days} days ago` : monthYear.format(at);
}

function day(at, now) {
  if (Math.abs(at - now) < 6 * DAY) return `${weekday.format(at)} ${clock.format(at)}`;
  return `${date.format(at)}, ${clock.format(at)}`;
}

const forms = {
  ago,
  day,
  coming: (at) => `${weekday.format(at)} ${date.format(at)}`,
  date: (at) => dateYear.format(at),
  full: (at) => `${dateYear.format(at)}, ${clock.format(at)}`,
};

// Only what differs is written: a rewritten text would end a selection.
export function dress(root) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[data-form]")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const words = forms[element.dataset.form](at, now);
    if (element.textContent !== words) element.textContent = words;
    const title = whole.format(at);
    if (element.title !== title) element.title = title;
  }
}
