// Runs in a pod: an admission webhook and a conversion webhook behind one TLS server.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const certificate = { cert: readFileSync("/certificate/tls.crt"), key: readFileSync("/certificate/tls.key") };

function review({ request }) {
  const { uid, object } = request;
  if (object.metadata.labels?.colour === "grey") return { uid, allowed: false, status: { message: "grey is no colour", code: 422 } };
  const patch = object.metadata.labels === undefined ? [{ op: "add", path: "/metadata/labels", value: {} }] : [];
  patch.push({ op: "add", path: "/metadata/labels/seen", value: "yes" });
  return { uid, allowed: true, warnings: ["somebody looked"], patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
}

/** `v1` has `spec.name`, `v2` has `spec.title`. */
function convert({ request }) {
  const { uid, desiredAPIVersion, objects } = request;
  const convertedObjects = objects.map(({ spec: { name, title, ...rest } = {}, ...object }) => {
    const text = name ?? title;
    return { ...object, apiVersion: desiredAPIVersion, spec: { ...rest, [desiredAPIVersion.endsWith("/v1") ? "name" : "title"]: text } };
  });
  return { uid, convertedObjects, result: { status: "Success" } };
}

createServer(certificate, (request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (request.url === "/healthz") {
      response.end("ok");
      return;
    }
    const asked = JSON.parse(Buffer.concat(chunks).toString());
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ apiVersion: asked.apiVersion, kind: asked.kind, response: request.url?.startsWith("/convert") ? convert(asked) : review(asked) }));
  });
}).listen(8443);
