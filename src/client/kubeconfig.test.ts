import { expect, it } from "vitest";
import { KubeconfigError, makeKubeconfig, readKubeconfig } from "./kubeconfig.ts";

const url = "https://10.0.0.1:6443";

it("reads back what it made", () => {
  const made = makeKubeconfig({ cluster: "c", user: "u", url, ca: "CA", certificate: "CERT", privateKey: "KEY", token: "T", namespace: "ns" });
  const { endpoint, namespace, context, user } = readKubeconfig(JSON.parse(JSON.stringify(made)));
  expect([namespace, context, user]).toEqual(["ns", "u@c", "u"]);
  expect([endpoint.url, endpoint.ca, endpoint.certificate, endpoint.privateKey, endpoint.token?.()]).toEqual([url, "CA", "CERT", "KEY", "T"]);
});

const config = (cluster: object, user: object = {}, context: object = {}): object => ({
  clusters: [{ name: "c", cluster }],
  users: [{ name: "u", user }],
  contexts: [
    { name: "one", context: { cluster: "c", user: "u", ...context } },
    { name: "two", context: { cluster: "c", namespace: "elsewhere" } },
  ],
  "current-context": "one",
});

it("takes the context that is asked for", () => {
  expect(readKubeconfig(config({ server: url }), { context: "two" })).toMatchObject({ namespace: "elsewhere", user: "" });
  expect(readKubeconfig(config({ server: `${url}/` }))).toEqual({ endpoint: { url }, namespace: "default", context: "one", user: "u" });
});

it("reads files, and the token's with every request", () => {
  const files = new Map([
    ["ca.pem", "CA"],
    ["token", "first\n"],
  ]);
  const { endpoint } = readKubeconfig(config({ server: url, "certificate-authority": "ca.pem", "tls-server-name": "api" }, { tokenFile: "token", token: "unused" }), {
    readFile: (path) => files.get(path) ?? "",
  });
  expect([endpoint.ca, endpoint.serverName, endpoint.token?.()]).toEqual(["CA", "api", "first"]);
  files.set("token", "second\n");
  expect(endpoint.token?.()).toBe("second");
});

it.each([
  ["no object", 7, "kubeconfig is not an object"],
  ["no context", {}, "current-context is not set"],
  ["an unknown cluster", { "current-context": "x", contexts: [{ name: "x", context: { cluster: "gone" } }] }, 'cluster "gone" does not exist'],
  ["no server", config({}), "is not a URL"],
  ["an exec plug-in", config({ server: url }, { exec: { command: "x" } }), "exec is not supported"],
  ["bad base64", config({ server: url, "certificate-authority-data": "%" }), "certificate-authority-data is not base64"],
  ["a file that cannot be read here", config({ server: url, "certificate-authority": "ca.pem" }), 'file "ca.pem" cannot be read here'],
  ["a wrong type", config({ server: 7 }), "server is not a string"],
])("says what is wrong: %s", (_, value, message) => {
  expect(() => readKubeconfig(value)).toThrow(KubeconfigError);
  expect(() => readKubeconfig(value)).toThrow(message);
});
