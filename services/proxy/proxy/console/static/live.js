// The list of calls as it changes. Paused, or in a hidden tab, it asks for nothing; whenever it goes
// on, the list is loaded anew first, so that nothing is missed in between.

const MOST_ROWS = 200;
const bar = document.getElementById("live");
const texts = bar?.dataset;
let source = null;
let isPaused = false;

function show(text, isOn) {
  bar.querySelector("[role=status]").textContent = text;
  bar.querySelector("button").textContent = isPaused ? texts.goOn : texts.pause;
  bar.classList.toggle("on", isOn);
}

async function loadAnew() {
  const asking = source;
  const answer = await fetch(location.href, { headers: { "X-Kiungo-Watching": "1" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const calls = page.getElementById("calls");
  // Paused in the meantime, or no list any more: what is shown stays.
  if (calls && source === asking) document.getElementById("calls").replaceWith(calls);
}

/** Rows are sorted by their ids, the newest first; ids begin with the time. */
function place(row) {
  const old = document.getElementById(row.id);
  if (old) return old.replaceWith(row);
  const rows = document.getElementById("rows");
  row.classList.add("fresh");
  rows.insertBefore(row, [...rows.children].find((other) => other.id < row.id) ?? null);
  if (rows.children.length > MOST_ROWS) rows.lastElementChild.remove();
}

function rowsCame({ data }) {
  if (!document.getElementById("rows")) return loadAnew(); // the first row of an empty list
  const holder = document.createElement("template");
  holder.innerHTML = data;
  [...holder.content.children].forEach(place);
}

function rowsWent({ data }) {
  for (const id of data.split(" ")) document.getElementById(`call-${id}`)?.remove();
}

function open() {
  source = new EventSource(bar.dataset.stream);
  source.addEventListener("open", () => {
    show(texts.live, true);
    loadAnew();
  });
  source.addEventListener("rows", rowsCame);
  source.addEventListener("gone", rowsWent);
  source.addEventListener("over", () => location.reload());
  source.addEventListener("error", () => {
    const isLost = source.readyState === EventSource.CLOSED;
    show(isLost ? texts.lost : texts.connecting, false);
  });
}

/** Listen where somebody looks: a browser has few connections for one address. */
function listenOrNot() {
  const wanted = !isPaused && !document.hidden;
  if (wanted === (source !== null)) return;
  if (wanted) {
    show(texts.connecting, false);
    open();
  } else {
    source.close();
    source = null;
    show(texts.paused, false);
  }
}

if (bar) {
  bar.hidden = false;
  bar.querySelector("button").addEventListener("click", () => {
    isPaused = !isPaused;
    listenOrNot();
  });
  document.addEventListener("visibilitychange", listenOrNot);
  listenOrNot();
}
