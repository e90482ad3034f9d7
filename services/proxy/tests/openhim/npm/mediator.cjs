// A mediator as OpenHIM's are written: it registers, fetches its configuration, and beats until its
// configuration changes. What it learns goes to standard output, a line of JSON each.
const { createRequire } = require("node:module");

const [, , version, apiURL, username, password, registration] = process.argv;
const utils = createRequire(`${process.cwd()}/`)(`utils-${version}`);
const config = JSON.parse(registration);
const options = { apiURL, username, password, trustSelfSigned: false, urn: config.urn };

function say(event, value) {
  process.stdout.write(`${JSON.stringify({ event, value })}\n`);
}

function failed(error) {
  say("failed", String(error));
  process.exit(1);
}

utils.registerMediator(options, config, (error) => {
  if (error) failed(error);
  say("registered", null);
  utils.fetchConfig(options, (fetchError, fetched) => {
    if (fetchError) failed(fetchError);
    say("fetched", fetched);
    const emitter = utils.activateHeartbeat(options, 100);
    emitter.on("error", failed);
    emitter.on("config", (changed) => {
      utils.deactivateHeartbeat();
      say("changed", changed);
    });
  });
});
