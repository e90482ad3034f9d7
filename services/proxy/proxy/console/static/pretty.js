// Bodies as people read them: JSON and XML indented, every digit and name left as it was.

const JSON_TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const XML_TOKEN = /<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<[^<>]*>|[^<]+|</g;
const line = (depth) => `\n${"  ".repeat(Math.max(depth, 0))}`;
const isTag = (piece) => piece.startsWith("<") && !piece.startsWith("<![CDATA[");
const opens = (piece) => isTag(piece) && !"/?!".includes(piece[1]) && !piece.endsWith("/>");

function prettyJson(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let [out, depth, before] = ["", 0, ""];
  for (const piece of text.match(JSON_TOKEN)) {
    const closes = piece === "}" || piece === "]";
    if (closes) depth -= 1;
    const isEmpty = closes && (before === "{" || before === "[");
    if (!isEmpty && (closes || ["{", "[", ","].includes(before))) out += line(depth);
    out += piece === ":" ? ": " : piece;
    if (piece === "{" || piece === "[") depth += 1;
    before = piece;
  }
  return out;
}

/** Only between two tags is there room for a new line; text stays where it is. */
function prettyXml(text) {
  let [out, depth, before] = ["", 0, ""];
  for (const piece of text.match(XML_TOKEN).filter((one) => one.trim())) {
    const closes = piece.startsWith("</");
    if (closes) depth -= 1;
    if (isTag(before) && isTag(piece) && !(closes && opens(before))) out += line(depth);
    out += piece;
    if (opens(piece)) depth += 1;
    before = piece;
  }
  return out;
}

/** `text` indented where it is JSON or XML, else as it is. */
export function pretty(text) {
  const start = text.trimStart()[0];
  if (start === "{" || start === "[") return prettyJson(text);
  return start === "<" ? prettyXml(text) : text;
}
