// The tester makes the call from here, so that it comes in at the front door like a client's. The
// secret is read when it is sent, and goes nowhere else.

import { pretty } from "./pretty.js";

const CREDENTIALS = ["authorization", "x-client-id", "x-client-secret"];
const OWN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SHOWN_BYTES = 1_000_000;

const form = document.getElementById("tester");
const byId = (id) => document.getElementById(id);
const field = (name) => form.elements[name].value.trim();

/** A text of the template with its `{name}`s filled. */
function said(name, values = {}) {
  return form.dataset[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** As the page is: English as the browser has it. */
const lang = document.documentElement.lang;
const number = (value) => value.toLocaleString(lang === "en" ? undefined : lang);

/** The lines of "More headers" as pairs. Throws what is wrong with them. */
function moreHeaders() {
  const lines = field("headers").split("\n").filter((line) => line.trim());
  return lines.map((line) => {
    const [name, ...rest] = line.split(":");
    if (!rest.length) throw new Error(said("noColon", { line }));
    if (CREDENTIALS.includes(name.trim().toLowerCase())) {
      throw new Error(said("notYours", { name: name.trim() }));
    }
    return [name.trim(), rest.join(":").trim()];
  });
}

/** The call as it is filled in, without the secret. Throws what is wrong with it. */
function filledIn() {
  if (!field("path").startsWith("/")) throw new Error(said("noSlash"));
  const query = field("query").replace(/^\?/, "");
  const url = new URL(location.origin + field("path") + (query && `?${query}`));
  url.hash = "";
  const method = field("method");
  const body = ["GET", "HEAD"].includes(method) ? "" : form.elements.body.value;
  const named = [
    ["X-Client-Id", field("client")],
    ["Content-Type", body && field("content_type")],
    ["X-Organization", field("organization")],
    ["X-ESB-Mode", field("esb_mode")],
    ["X-Async", form.elements.async.checked ? "true" : ""],
  ];
  return { method, url, body, headers: [...named.filter(([, value]) => value), ...moreHeaders()] };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl({ method, url, body, headers }) {
  const hasType = headers.some(([name]) => name.toLowerCase() === "content-type");
  const untyped = body && !hasType ? [["Content-Type", ""]] : []; // curl would invent one
  return [
    `curl -ig ${method === "HEAD" ? "--head" : `-X ${method}`} ${quoted(url.href)}`,
    '-H "X-Client-Secret: $CLIENT_SECRET"',
    ...[...headers, ...untyped].map(([name, value]) => `-H ${quoted(`${name}: ${value}`.trim())}`),
    ...(body ? [`--data-raw ${quoted(body)}`] : []),
  ].join(" \\\n  ");
}

function showCurl() {
  try {
    byId("curl").textContent = curl(filledIn());
  } catch (error) {
    byId("curl").textContent = `# ${error.message}`;
  }
}

/** A grant for one call, in place of the secret. */
async function grant() {
  const answer = await fetch(form.dataset.grants, {
    method: "POST",
    headers: { "HX-Request": "true" },
    body: new URLSearchParams({ client: field("client"), csrf_token: field("csrf_token") }),
  });
  if (answer.headers.has("HX-Redirect")) location.assign(answer.headers.get("HX-Redirect"));
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told.grant;
}

/** Nothing of the console goes along: no cookie, no address of this page. */
function send({ method, url, body, headers }, secret) {
  return fetch(url, {
    method,
    headers: [...headers, ["X-Client-Secret", secret]],
    body: body ? new TextEncoder().encode(body) : undefined,
    credentials: "omit",
    redirect: "manual",
    cache: "no-store",
    referrerPolicy: "no-referrer",
  });
}

function readable(bytes, type) {
  const charset = /charset="?([\w-]+)/i.exec(type)?.[1] ?? "utf-8";
  try {
    const stream = bytes.byteLength > SHOWN_BYTES; // cut off within a character, perhaps
    const decoder = new TextDecoder(charset, { fatal: true });
    const text = decoder.decode(bytes.slice(0, SHOWN_BYTES), { stream });
    return stream ? `${text}\n${said("cut")}` : pretty(text) || said("nothing");
  } catch {
    return said("binary", { bytes: number(bytes.byteLength), type: type || said("untyped") });
  }
}

function showHeaders(headers) {
  const rows = [...headers].map(([name, value]) => {
    const [row, key, shown] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
    key.textContent = name;
    shown.textContent = value;
    row.append(key, shown);
    return row;
  });
  byId("answer-headers").replaceChildren(...rows);
}

/** The call on record, where the answer says under which id. */
function showRecord(answer, call) {
  const id = answer.headers.get("X-Correlation-Id") ?? "";
  if (OWN_ID.test(id)) {
    const later = answer.status === 202 ? "?later=true" : "";
    const options = { target: "#record", swap: "innerHTML" };
    return window.htmx.ajax("GET", `${form.dataset.calls}${id}/${later}`, options);
  }
  const where = new URLSearchParams({ client: field("client"), path: call.url.pathname });
  const link = document.createElement("a");
  link.href = `${form.dataset.record}?${where}`;
  link.textContent = said("look");
  byId("record").replaceChildren(link);
}

async function run() {
  const call = filledIn();
  const secret = byId("secret").value || (await grant());
  const began = performance.now();
  const answer = await send(call, secret);
  const bytes = await answer.arrayBuffer();
  const ms = number(Math.round(performance.now() - began));
  const status = `${answer.status} ${answer.statusText}`;
  const isHidden = answer.type === "opaqueredirect";
  byId("outcome").textContent = isHidden
    ? said("redirect", { ms })
    : said("answered", { status, ms, bytes: number(bytes.byteLength) });
  showHeaders(answer.headers);
  byId("answer-body").textContent = readable(bytes, answer.headers.get("Content-Type") ?? "");
  showRecord(answer, call);
}

/** Why there is no answer, in place of one. */
function showTrouble(error) {
  byId("outcome").textContent = said("failed", { reason: error.message });
  byId("answer-body").textContent = said("nothing");
  byId("answer-headers").replaceChildren();
  byId("record").replaceChildren();
}

if (form) {
  form.addEventListener("input", showCurl);
  form.addEventListener("htmx:afterSettle", showCurl);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector(".buttons button");
    button.disabled = true;
    try {
      await run();
    } catch (error) {
      showTrouble(error);
    } finally {
      button.disabled = false;
      byId("result").hidden = false;
      byId("result").scrollIntoView({ block: "nearest" });
    }
  });
  showCurl();
}
