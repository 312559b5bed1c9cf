// Keeps a page as the server would write it now. An event only says that something changed;
// the page is fetched again and what differs is moved into place, so that scroll, focus and
// text being typed stay.

import { morph } from "/static/morph.js";
import { dress } from "/static/moments.js";

const REFRESH_GAP_MS = 500; // bursts of changes are one refresh
const RETRY_MS = [1000, 2000, 4000, 8000];
const DRESS_MS = 30000; // relative times are rewritten this often

const main = document.getElementById("live");
const linkState = document.getElementById("link-state");
const notice = document.getElementById("notice");

let source = null;
let failures = 0;
let retryTimer = 0;

// --- what the page says about itself -------------------------------------------------

function say(state, words) {
  if (linkState.dataset.state === state) return;
  linkState.dataset.state = state;
  linkState.querySelector("span").textContent = words;
}

function warn(error, remedy) {
  const words = error ? `${error} ${remedy} What you see is the last known state.` : "";
  if (notice.textContent !== words) notice.textContent = words;
  notice.hidden = !error;
}

// --- fetching the page again -----------------------------------------------------------

let running = null;
let wanted = false;
let timer = 0;
let lastStart = 0;
let shown = location.href; // whose page is in sight

function soon() {
  if (document.hidden) {
    wanted = true; // looked at again when somebody looks
    return;
  }
  if (timer) return;
  const wait = Math.max(0, lastStart + REFRESH_GAP_MS - performance.now());
  timer = setTimeout(() => {
    timer = 0;
    refresh();
  }, wait);
}

async function refresh() {
  if (running) {
    wanted = true;
    return running;
  }
  running = (async () => {
    do {
      wanted = false;
      lastStart = performance.now();
      await fetchPage();
    } while (wanted && !document.hidden);
  })();
  try {
    await running;
  } finally {
    running = null;
  }
}

async function fetchPage() {
  const address = location.href;
  let answer;
  try {
    answer = await fetch(address, { headers: { accept: "text/html" }, cache: "no-store" });
  } catch {
    return; // the event source notices too, and asks again when it is back
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (address !== location.href) {
    wanted = true;
    return;
  }
  const next = page.getElementById("live");
  if (!next) return;
  if (answer.status === 503 && main.dataset.page !== "failure") {
    warn(
      next.querySelector("[data-error]")?.textContent ?? "The scores cannot be read right now.",
      next.querySelector("[data-remedy]")?.textContent ?? "",
    );
    return;
  }
  warn("");
  show(page, next);
  shown = address;
}

// --- moving what differs into place -----------------------------------------------------

function keyed(root) {
  const found = new Map();
  for (const element of root.querySelectorAll("[data-version]")) {
    found.set(element.dataset.key, {
      element,
      version: element.dataset.version,
      score: Number(element.dataset.score),
      top: element.getBoundingClientRect().top,
    });
  }
  return found;
}

function show(page, next) {
  dress(next);
  const before = keyed(main);
  const focused = document.activeElement;
  morph(main, next);
  if (focused !== document.activeElement && main.contains(focused)) {
    focused.focus({ preventScroll: true }); // moving a row takes the focus away
  }
  if (document.title !== page.title) document.title = page.title;
  animate(before, keyed(main));
}

function animate(before, after) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const [key, now] of after) {
    const was = before.get(key);
    if (was && was.version === now.version && was.top === now.top) continue;
    const inSight = now.top < innerHeight && now.top > -200;
    const moved = was ? was.top - now.top : 0;
    if (moved && inSight && !still) {
      const from = Math.max(-600, Math.min(600, moved));
      now.element.animate([{ transform: `translateY(${from}px)` }, { transform: "none" }], {
        duration: 420,
        easing: "cubic-bezier(.2,.7,.2,1)",
      });
    }
    if (was && was.version !== now.version) flash(now.element, now.score - was.score);
  }
}

function flash(element, delta) {
  element.classList.remove("flash", "rose", "fell");
  void element.offsetWidth; // starts the animation anew
  element.classList.add("flash");
  if (delta > 0) element.classList.add("rose");
  if (delta < 0) element.classList.add("fell");
}

// --- following the changes ---------------------------------------------------------------

function connect() {
  clearTimeout(retryTimer);
  source?.close();
  const after = main.dataset.after ? `?after=${encodeURIComponent(main.dataset.after)}` : "";
  source = new EventSource(`/v1/events${after}`);
  source.onopen = () => {
    const back = failures > 0 || main.dataset.page === "failure";
    failures = 0;
    say("live", "Live");
    if (back) soon();
  };
  source.onerror = () => {
    failures += 1;
    say("waiting", "Reconnecting…");
    if (source.readyState === EventSource.CLOSED) {
      retryTimer = setTimeout(connect, RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]);
    }
  };
  source.addEventListener("score", (event) => {
    const shown = main.dataset.customer;
    if (shown === undefined || JSON.parse(event.data).customer_id === shown) soon();
  });
  source.addEventListener("reset", soon);
  source.addEventListener("state", (event) => {
    const news = JSON.parse(event.data);
    if (news.view === "down") {
      say("waiting", "Waiting for Redis…");
      if (main.dataset.page !== "failure") warn(news.error, news.do);
    } else {
      say("live", "Live");
      soon();
    }
  });
}

// --- filters and search without a page load -------------------------------------------------

function go(address, replace) {
  if (address === location.href) return;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  refresh();
}

document.addEventListener("click", (event) => {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a[data-swap]");
  if (!link) return;
  event.preventDefault();
  follow(link);
});

// Until the page of the last click is there, links still lead on from the page before it: a
// second click would undo the first.
async function follow(link) {
  while (running && shown !== location.href) await running;
  go(link.href, false);
}

let typing = 0;

function searched(form) {
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value.trim()) query.delete(name);
  const address = new URL(form.action);
  address.search = query;
  go(address.href, true);
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[role=search]");
  if (!form) return;
  clearTimeout(typing);
  typing = setTimeout(() => searched(form), 200);
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[role=search]")) return;
  event.preventDefault();
  clearTimeout(typing);
  searched(event.target);
});

addEventListener("popstate", () => {
  const field = document.getElementById("search");
  if (field) field.value = new URLSearchParams(location.search).get("search") ?? "";
  refresh();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && wanted) refresh();
});
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    connect();
    refresh();
  }
});
document.addEventListener("animationend", (event) => {
  if (event.animationName === "flash") event.target.classList.remove("flash", "rose", "fell");
});

dress(main);
setInterval(() => dress(main), DRESS_MS);
if (main.dataset.status === undefined || main.dataset.status === "503") connect();
