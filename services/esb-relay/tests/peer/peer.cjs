// Drives govesb-connector-js: one JSON command a line on stdin, one JSON answer a line on stdout.
"use strict";

const readline = require("readline");
const { createRequire } = require("module");

const { GovEsbHelper } = createRequire(`${process.cwd()}/package.json`)("govesb-connector-js");

// Stands for the network: hands out a token, keeps what the connector sends, gives `answer` back.
function network(answer, sent) {
  return async (url, options) => {
    if (url === "token:") return { ok: true, json: async () => ({ access_token: "t" }) };
    Object.assign(sent, { url, body: options.body, contentType: options.headers["Content-Type"] });
    return { ok: true, text: async () => answer };
  };
}

function connector(command, sent) {
  return new GovEsbHelper({
    clientPrivateKey: command.privateKey,
    esbPublicKey: command.publicKey,
    clientId: "id",
    clientSecret: "secret",
    esbTokenUrl: "token:",
    esbEngineUrl: "engine:",
    nidaUserId: "U-1",
    fetch: network(command.answer, sent),
  });
}

const ACTS = {
  request: async (helper, { mode, code, body, format }, sent) => {
    const call = { normal: "requestData", push: "pushData", nida: "requestNida" }[mode];
    const returned = await helper[call](code, body, format);
    return { ...sent, returned };
  },
  success: (helper, { body, format }) => helper.successResponse(body, format),
  failure: (helper, { body, message, format }) => helper.failureResponse(body, message, format),
  verify: (helper, { envelope, format }) => helper.verifyThenReturnData(envelope, format),
  verifyText: (helper, { text, signature }) => helper.verifyPayload(text, signature),
  encrypt: (helper, { text, publicKey }) => helper.encrypt(text, publicKey),
  decrypt: (helper, { text }) => helper.decrypt(text),
};

async function answer(line) {
  const command = JSON.parse(line);
  const sent = {};
  try {
    return { result: await ACTS[command.act](connector(command, sent), command, sent) };
  } catch (error) {
    return { error: String(error) };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
}

main();
