/** Colours by which two versions are told apart at a glance. */
const colours: Readonly<Record<string, string>> = { v1: "#1f6feb", v2: "#2da44e" };

/**
 * The program in the demo image, as text: a page on port 80 (or `PORT`) that says which pod on which node answers, and
 * `/healthz`. Pod, node and namespace come from `POD_NAME`, `NODE_NAME` and `POD_NAMESPACE` where set.
 */
export function demoServer(version: string): string {
  return `import { createServer } from "node:http";
import { hostname } from "node:os";

const version = ${JSON.stringify(version)};
const colour = ${JSON.stringify(colours[version] ?? "#57606a")};
const pod = process.env.POD_NAME ?? hostname();
const node = process.env.NODE_NAME ?? "";
const namespace = process.env.POD_NAMESPACE ?? "";
const escaped = (text) => text.replace(/[&<>"]/g, (character) => "&#" + character.charCodeAt(0) + ";");
const row = (name, value) => (value === "" ? "" : "<tr><th>" + name + "</th><td>" + escaped(value) + "</td></tr>");
let answered = 0;

const page = () => \`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Keles demo \${version}</title>
<style>
  body { font: 18px/1.5 system-ui, sans-serif; margin: 10vh auto; max-width: 34rem; padding: 0 1rem; }
  h1 { color: \${colour}; } th { text-align: left; padding-right: 2rem; }
</style>
<h1>Hello from \${version}</h1>
<table>\${row("Version", version)}\${row("Pod", pod)}\${row("Namespace", namespace)}\${row("Node", node)}\${row("Answers", String(answered))}</table>
</html>
\`;

const server = createServer((request, response) => {
  // Without connections that stay open, a page that is loaded again may come from another pod.
  response.setHeader("connection", "close");
  if (request.url === "/healthz") {
    response.setHeader("content-type", "text/plain");
    response.end("ok\\n");
    return;
  }
  answered += 1;
  console.log(new Date().toISOString(), request.method, request.url, request.socket.remoteAddress);
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(page());
});
const port = Number(process.env.PORT ?? 80);
server.listen(port, () => console.log("demo " + version + " listens on port " + port));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    console.log("demo " + version + " ends");
    server.close(() => process.exit(0));
  });
}
`;
}
