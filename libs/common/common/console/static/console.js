// What every page of the console needs to be live. Pages work without it.

/** As the page is: English as the browser has it. */
const lang = document.documentElement.lang;
const locale = lang === "en" ? undefined : lang;
/** What this script says, in the language of the page. */
const texts = document.body.dataset;
const zone = { dateStyle: "medium", timeStyle: "medium" };

/** As short as it says enough: today's by the clock, this year's without the year. */
function short(moment) {
  const now = new Date();
  if (moment.toDateString() === now.toDateString())
    return moment.toLocaleTimeString(locale, { timeStyle: "medium" });
  const isOld = moment.getFullYear() !== now.getFullYear();
  const day = { day: "numeric", month: "short", year: isOld ? "numeric" : undefined };
  const clock = isOld ? {} : { hour: "2-digit", minute: "2-digit" };
  return moment.toLocaleString(locale, { ...day, ...clock });
}

/** Moments in the operator's own zone; the exact UTC stays in the title. */
function showLocal(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    time.removeAttribute("data-local");
    if (Number.isNaN(moment.valueOf())) continue;
    time.textContent = time.closest(".list td") ? short(moment) : moment.toLocaleString(locale, zone);
  }
}

/** `2026-11-22T18:29` in the operator's zone, as `datetime-local` wants it. */
function localInput(moment) {
  const shifted = new Date(moment.valueOf() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** A filter's moment is typed in the operator's zone and sent as UTC. */
function typeLocal(input) {
  const typed = document.createElement("input");
  typed.type = "datetime-local";
  typed.id = input.id;
  typed.setAttribute("aria-describedby", input.getAttribute("aria-describedby") ?? "");
  const moment = new Date(input.value);
  if (!Number.isNaN(moment.valueOf())) typed.value = localInput(moment);
  typed.addEventListener("change", () => {
    input.value = typed.value ? new Date(typed.value).toISOString() : "";
  });
  input.removeAttribute("id");
  input.removeAttribute("data-moment");
  input.type = "hidden";
  input.before(typed);
  const hint = document.getElementById(`${typed.id}-hint`);
  if (hint) hint.textContent = texts.ownZone;
}

/** One line at the top of the page. */
function say(text, kind) {
  const line = document.createElement("p");
  line.className = `flash ${kind}`;
  line.textContent = text;
  document.getElementById("flashes").replaceChildren(line);
}

/** Cells know their headings, for cards; what is cut is said on hover. */
function describe(root) {
  const rows = root.matches?.(".list tr") ? [root] : root.querySelectorAll(":is(.list, .carded) tbody tr");
  for (const row of rows) {
    const isCut = row.closest(".list") !== null;
    const heads = row.closest("table").tHead?.rows[0]?.cells ?? [];
    [...row.cells].forEach((cell, at) => {
      if (cell.dataset.label !== undefined || !heads[at]) return;
      cell.dataset.label = heads[at].textContent.trim();
      if (isCut && !cell.title) cell.title = cell.innerText.trim().replace(/\s+/g, " ");
    });
  }
}

/** What a cell is sorted by: its moment, its number, or its text. */
function sortKey(cell) {
  const moment = cell.querySelector("time")?.dateTime;
  const text = cell.innerText.trim();
  const number = Number.parseFloat(text.replace(/,/g, ""));
  return moment ?? (cell.classList.contains("number") && !Number.isNaN(number) ? number : text);
}

/** A heading sorts the rows that are shown. */
function sortable(root) {
  for (const head of root.querySelectorAll(".list thead th:not([aria-sort])")) {
    if (!head.textContent.trim()) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.title = texts.sort;
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const other of head.parentElement.cells)
        if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", order);
      const body = head.closest("table").tBodies[0];
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...body.rows].map((row) => [sortKey(row.cells[head.cellIndex]), row]);
      const compare = ([a], [b]) =>
        typeof a === typeof b && typeof a === "string" ? a.localeCompare(b) : a < b ? -1 : a > b ? 1 : 0;
      rows.sort((a, b) => sign * compare(a, b));
      body.append(...rows.map(([, row]) => row));
    });
  }
}

/** j and k, or the arrows within a list, go from record to record; Enter opens it. */
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea, [contenteditable]");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const inList = event.target.closest(".list tbody tr");
  const arrows = inList ? { ArrowDown: 1, ArrowUp: -1 } : {};
  const step = { j: 1, k: -1, ...arrows }[event.key];
  if (!step) return;
  const links = [...document.querySelectorAll(".list tbody tr")]
    .map((row) => row.querySelector("a"))
    .filter(Boolean);
  const now = links.findIndex((link) => link.closest("tr") === inList);
  const next = links[Math.min(Math.max(now + step, 0), links.length - 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
});

function enliven(root) {
  showLocal(root);
  describe(root);
  sortable(root);
  root.querySelectorAll("input[data-moment]").forEach(typeLocal);
  root.querySelectorAll("[data-copy][hidden]").forEach((button) => (button.hidden = false));
}

enliven(document);
// Whatever puts something on the page later: htmx, server-sent events, a page's own script.
new MutationObserver((changes) => {
  for (const change of changes)
    for (const node of change.addedNodes) if (node.parentElement) enliven(node.parentElement);
}).observe(document.body, { childList: true, subtree: true });

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, { capture: true });

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
  // The newer way is for HTTPS only, and many hubs are reached by HTTP inside their network.
  if (document.execCommand("copy")) button.textContent = texts.copied;
});

// A part of the page that asks by itself ("every 2s", "load") keeps nobody's session alive.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (!detail.triggeringEvent) detail.headers["X-Kiungo-Watching"] = "1";
});

/** Where another service should have answered for itself, say that it did not. */
function notAnswered(event) {
  const asked = event.target.closest("[data-service]");
  if (!asked) return false;
  const status = event.detail.xhr?.status;
  const line = document.createElement("p");
  line.className = "flash bad";
  const said = status ? texts.serviceAnswered : texts.serviceSilent;
  line.textContent = said.replace("{service}", asked.dataset.service).replace("{status}", status);
  asked.closest(".part").replaceChildren(line);
  return true;
}
document.addEventListener("htmx:timeout", notAnswered);

// Parts of a timeline come as they are answered; together they are in the order of their times.
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "timeline") return;
  const at = (line) => Date.parse(line.dataset.at);
  // Browsers know milliseconds; within one, the text says which came first.
  const later = (one, other) =>
    at(one) - at(other) || one.dataset.at.localeCompare(other.dataset.at);
  detail.target.append(...[...detail.target.children].sort(later));
});

// What a part of the page asked for failed: say why instead of nothing.
document.addEventListener("htmx:responseError", (event) => {
  if (notAnswered(event)) return;
  let reason = texts.answered.replace("{status}", event.detail.xhr.status);
  try {
    reason = JSON.parse(event.detail.xhr.responseText).detail;
  } catch {
    // No problem document; the status has to do.
  }
  say(reason, "bad");
});
document.addEventListener("htmx:sendError", (event) => {
  if (!notAnswered(event)) say(texts.away, "bad");
});

// What folds is open on a wide window, where its summary is not shown.
const narrow = matchMedia("(max-width: 40rem)");
function fold() {
  for (const box of document.querySelectorAll("[data-folds]")) box.open = !narrow.matches;
}
fold();
narrow.addEventListener("change", fold);

const themes = ["light", "dark"];
const themeButton = document.getElementById("theme");
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const current = document.documentElement.dataset.theme ?? (isDark ? "dark" : "light");
  const next = themes[1 - themes.indexOf(current)];
  document.documentElement.dataset.theme = next;
  localStorage.setItem("kiungo-theme", next);
});
