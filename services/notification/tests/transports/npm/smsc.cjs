// An SMSC: what it gets it writes to standard output, what it shall do it reads from standard input,
// a line of JSON each.
const fs = require("fs");
const readline = require("readline");
const smpp = require(`${process.cwd()}/node_modules/smpp`);

const [, , key, cert] = process.argv;
const says = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
// What submits are answered with, in their order: a status, or "nothing", "late" or "drop".
let plan = [];
let receipts = null;
let count = 0;
const sessions = new Set();
const held = [];

function receipt(session, id, stat, to) {
  const text = `id:${id} sub:001 dlvrd:001 submit date:2611291200 done date:2611291201 stat:${stat} err:000 text:`;
  const fields = { esm_class: 4, source_addr: to, destination_addr: "KIUNGO", short_message: text };
  session.deliver_sm(fields, (answer) => says({ receipted: id, status: answer.command_status }));
}

function submitted(session, pdu) {
  const what = plan.length ? plan.shift() : 0;
  const payload = pdu.message_payload;
  const { udh, message } = payload === undefined ? pdu.short_message : payload;
  const id = `id-${++count}`;
  says({
    submit: id,
    to: pdu.destination_addr,
    from: [pdu.source_addr, pdu.source_addr_ton, pdu.source_addr_npi],
    text: message,
    udh: udh ? udh.map((one) => [...one]) : null,
    sar: [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum],
    coding: pdu.data_coding,
    asksReceipt: pdu.registered_delivery,
    isPayload: payload !== undefined,
    planned: what,
  });
  if (what === "drop") return session.socket.destroy();
  if (what === "nothing") return undefined;
  if (what === "late") return held.push(() => session.send(pdu.response({ message_id: id })));
  session.send(pdu.response({ command_status: what, message_id: what ? "" : id }));
  if (!what && receipts && pdu.registered_delivery) receipt(session, id, receipts, pdu.destination_addr);
  return undefined;
}

function serve(session) {
  session.on("error", () => {});
  session.on("close", () => {
    sessions.delete(session);
    says({ closed: true });
  });
  session.on("bind_transceiver", (pdu) => {
    const isKnown = pdu.system_id === "kiungo" && pdu.password === "s3cret";
    session.send(pdu.response({ command_status: isKnown ? 0 : smpp.ESME_RBINDFAIL }));
    if (isKnown) sessions.add(session);
    says({ bound: isKnown, version: pdu.interface_version });
  });
  session.on("submit_sm", (pdu) => submitted(session, pdu));
  session.on("enquire_link", (pdu) => {
    says({ enquired: true });
    session.send(pdu.response());
  });
  session.on("unbind", (pdu) => {
    session.send(pdu.response());
    session.close();
  });
}

const options = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } : {};
const server = smpp.createServer(options, serve);
const orders = {
  plan: (order) => { plan = order.plan; },
  receipts: (order) => { receipts = order.receipts; },
  receipt: (order) => sessions.forEach((one) => receipt(one, order.id, order.stat, order.to)),
  release: () => held.splice(0).forEach((send) => send()),
  enquire: () => sessions.forEach((one) => one.enquire_link({}, () => says({ alive: true }))),
  drop: () => sessions.forEach((one) => one.socket.destroy()),
  listen: (order) => server.listen(order.port, "127.0.0.1", () => says({ port: server.address().port })),
  close: () => server.close(),
  reset: () => {
    plan = [];
    receipts = null;
    held.length = 0;
    orders.drop();
    says({ reset: true });
  },
};
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const order = JSON.parse(line);
  orders[order.act](order);
}).on("close", () => process.exit(0));
