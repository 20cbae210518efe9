// node launch.js BUILD-ADDRESS PROVIDER/SPEC TOKEN [build-only]: BinderHub's own client, unchanged, to
// the end of the stream; one event on each line.

import { BinderRepository } from "@jupyterhub/binderhub-client/client.js";

// The client is made for browsers, and expects these two to be there.
globalThis.window = globalThis;
globalThis.document = new EventTarget();
// It ends a failed stream by an error that nobody catches: browsers log such a thing, Node.js would end.
process.on("unhandledRejection", (error) => console.error(error));

const [address, spec, apiToken, buildOnly] = process.argv.slice(2);
const repository = new BinderRepository(spec, new URL(address), { apiToken, buildOnly: Boolean(buildOnly) });

for await (const event of repository.fetch()) {
  console.log(JSON.stringify(event));
  if (event.phase === "ready" || event.phase === "failed" || (buildOnly && event.phase === "built")) break;
}
repository.close();
