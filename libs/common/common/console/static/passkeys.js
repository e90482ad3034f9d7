// Passkeys: forms with `data-passkey` ask the device before they are sent ("create" or "get").
// They stay hidden where the browser knows none.

const asks = {
  create: (json) =>
    navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(json) }),
  get: (json) =>
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(json) }),
};

/** The device's answer to what the form's address asks for, as JSON. */
async function answerFor(form) {
  const options = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!options.ok) throw new Error(form.dataset.answered.replace("{status}", options.status));
  const credential = await asks[form.dataset.passkey](await options.json());
  return JSON.stringify(credential.toJSON());
}

async function ask(form) {
  const words = form.querySelector("[role=alert]");
  words.hidden = true;
  try {
    form.elements.credential.value = await answerFor(form);
    form.submit();
  } catch (error) {
    words.textContent = form.dataset.failed.replace("{reason}", () => error.message);
    words.hidden = false;
  }
}

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON)
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
  }
