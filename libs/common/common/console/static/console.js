// What every page of the console needs to be live. Pages work without it.

const zone = { dateStyle: "medium", timeStyle: "medium" };

/** Moments in the operator's own zone; the exact UTC stays in the title. */
function showLocal(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(time.dateTime);
    time.removeAttribute("data-local");
    if (!Number.isNaN(moment.valueOf())) time.textContent = moment.toLocaleString(undefined, zone);
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
  if (hint) hint.textContent = "Your time zone";
}

/** One line at the top of the page. */
function say(text, kind) {
  const line = document.createElement("p");
  line.className = `flash ${kind}`;
  line.textContent = text;
  document.getElementById("flashes").replaceChildren(line);
}

function enliven(root) {
  showLocal(root);
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
  if (document.execCommand("copy")) button.textContent = "Copied";
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
  const name = asked.dataset.service;
  line.textContent = status ? `${name} answered ${status}.` : `${name} did not answer in time.`;
  asked.closest(".part").replaceChildren(line);
  return true;
}
document.addEventListener("htmx:timeout", notAnswered);

// Parts of a timeline come as they are answered; together they are in the order of their times.
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "timeline") return;
  const at = (line) => Date.parse(line.dataset.at);
  detail.target.append(...[...detail.target.children].sort((one, other) => at(one) - at(other)));
});

// What a part of the page asked for failed: say why instead of nothing.
document.addEventListener("htmx:responseError", (event) => {
  if (notAnswered(event)) return;
  let reason = `The answer was ${event.detail.xhr.status}.`;
  try {
    reason = JSON.parse(event.detail.xhr.responseText).detail;
  } catch {
    // No problem document; the status has to do.
  }
  say(reason, "bad");
});
document.addEventListener("htmx:sendError", (event) => {
  if (!notAnswered(event)) say("The hub cannot be reached.", "bad");
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
