"use strict";
// The chosen document is kept in the address: ?document=/api/docs/proxy/openapi.json
const chooser = document.getElementById("document");
const wanted = new URLSearchParams(location.search).get("document");
if ([...chooser.options].some((option) => option.value === wanted)) chooser.value = wanted;

SwaggerUIBundle({
  url: chooser.value,
  domNode: document.getElementById("swagger-ui"),
  deepLinking: true,
  docExpansion: "list",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
});

chooser.addEventListener("change", () => {
  location.assign(`?${new URLSearchParams({ document: chooser.value })}`);
});
