// oidc-provider on loopback: `node provider.mjs PORT CLIENT_ID SECRET REDIRECT_URI`. Its own log-in page
// lets everybody in by any name; a name like `amina+admins+staff` is amina, of the groups behind the +.
import { pathToFileURL } from "node:url";

const [port, clientId, secret, redirectUri] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${process.cwd()}/node_modules/oidc-provider/lib/index.js`));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: clientId, client_secret: secret, redirect_uris: [redirectUri] }],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"], email: ["email"] },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => {
      const [name, ...groups] = id.split("+");
      return { sub: id, preferred_username: name, email: `${name}@example.org`, groups };
    },
  }),
});
provider.on("server_error", (_context, error) => console.error(error));
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
