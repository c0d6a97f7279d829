import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Cluster } from "./cluster.ts";
import type { ProgramResult } from "./run-program.ts";

/** What the API refuses, in the words that kubectl's users know. `create --raw` sends the bytes as they are. */
describe("requests that are refused", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await Cluster.start({ runtime: "simulated" });
    await cluster.kubectl("create configmap present --from-literal=key=value");
    await cluster.kubectl("create deployment present --image=nginx");
  });
  afterAll(async () => {
    await cluster?.dispose();
  });

  const tryKubectl = (args: string | readonly string[], stdin?: string): Promise<ProgramResult> => cluster.tryKubectl(args, stdin === undefined ? {} : { stdin });
  const configMap = (metadata: object, more: object = {}): string => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, ...more });
  const deployment = (spec: object, more: object = {}): string =>
    JSON.stringify({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: { selector: { matchLabels: { app: "web" } }, template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "nginx" }] } }, ...spec },
      ...more,
    });
  const raw = "create --raw /api/v1/namespaces/default/configmaps -f -";

  it.each<readonly [string, string, string | undefined, string | RegExp]>([
    ["malformed YAML", "create -f -", "kind: [\n", /^error: error parsing STDIN: error converting YAML to JSON: yaml: line \d+: did not find expected node content\n$/],
    ["no kind", "create -f -", "apiVersion: v1\nmetadata: { name: a }\n", /^error: error validating "STDIN": error validating data: kind not set; /],
    [
      "malformed JSON",
      raw,
      '{"apiVersion":"v1","kind":',
      `Error from server (BadRequest): the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input ({"apiVersion":"v1","kind":)\n`,
    ],
    [
      "text for JSON",
      raw,
      "hello",
      "Error from server (BadRequest): the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: invalid character 'h' looking for beginning of value (68656c6c6f)\n",
    ],
    ["an empty body", raw, " ", /^Error from server \(BadRequest\)/],
    ["another kind than the path's", raw, '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}', /^Error from server \(BadRequest\): .*Secret/],
    [
      "a kind that there is not",
      "create -f -",
      "apiVersion: v1\nkind: Nothing\nmetadata: { name: a }\n",
      /resource mapping not found for name: "a" namespace: "" from "STDIN": no matches for kind "Nothing" in version "v1"/,
    ],
    [
      "an unknown field, strictly",
      "create --validate=strict -f -",
      deployment({ replicaas: 3 }),
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replicaas"\n',
    ],
    [
      "a field twice, strictly",
      "create --raw /api/v1/namespaces/default/configmaps?fieldValidation=Strict -f -",
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{},"data":{}}',
      'Error from server (BadRequest): ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data"\n',
    ],
    [
      "a word for a number",
      "create --validate=false -f -",
      deployment({ replicas: "three" }),
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32\n',
    ],
    [
      "a list for an object",
      "create --validate=false -f -",
      configMap({ name: "a" }, { data: [] }),
      'Error from server (BadRequest): error when creating "STDIN": ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string\n',
    ],
    [
      "an invalid name",
      "create -f -",
      configMap({ name: "UPPER" }),
      "The ConfigMap \"UPPER\" is invalid: metadata.name: Invalid value: \"UPPER\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\n",
    ],
    [
      "no name",
      "create -f -",
      configMap({}),
      /^error: error when creating "STDIN": .*resource name may not be empty|metadata\.name: Required value: name or generateName is required/,
    ],
    [
      "a label that is too long",
      ["create", "-f", "-"].join(" "),
      configMap({ name: "a", labels: { app: "x".repeat(64) } }),
      /^The ConfigMap "a" is invalid: metadata\.labels: Invalid value: "x{64}": must be no more than 63 (bytes|characters)\n$/,
    ],
    [
      "a namespace that is missing",
      "create --namespace=absent -f -",
      configMap({ name: "a" }),
      'Error from server (NotFound): error when creating "STDIN": namespaces "absent" not found\n',
    ],
    [
      "a body for another namespace",
      "create --raw /api/v1/namespaces/default/configmaps -f -",
      configMap({ name: "a", namespace: "kube-system" }),
      /^Error from server \(BadRequest\): the namespace of the provided object does not match the namespace sent on the request/,
    ],
    ["what exists already", "create -f -", configMap({ name: "present" }), 'Error from server (AlreadyExists): error when creating "STDIN": configmaps "present" already exists\n'],
    [
      "a version that is too old",
      "replace -f -",
      configMap({ name: "present", resourceVersion: "1" }, { data: { key: "other" } }),
      'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on configmaps "present": the object has been modified; please apply your changes to the latest version and try again\n',
    ],
    [
      "a field that cannot change",
      'patch deployment present --type=merge -p {"spec":{"selector":{"matchLabels":{"app":"other"}},"template":{"metadata":{"labels":{"app":"other"}}}}}',
      undefined,
      /^The Deployment "present" is invalid: spec\.selector: Invalid value: .*: field is immutable\n$/,
    ],
    [
      "several mistakes at once",
      "create -f -",
      deployment({ replicas: -1, template: { metadata: { labels: { app: "other" } }, spec: { containers: [] } } }),
      /^The Deployment "web" is invalid: \n\* spec\.replicas: Invalid value: -1: must be greater than or equal to 0\n[\s\S]*\* spec\.template\.spec\.containers: Required value/,
    ],
    ["what is not there", "get configmap absent", undefined, 'Error from server (NotFound): configmaps "absent" not found\n'],
    ["a path that is not there", "get --raw /api/v1/nothing", undefined, "Error from server (NotFound): the server could not find the requested resource\n"],
    ["a selector that is none", "get pods -l a==b==c", undefined, /^Error from server \(BadRequest\): .*(unable to parse requirement|found '==')/],
    [
      "a field selector that is not served",
      "get configmaps --field-selector=data.key=value",
      undefined,
      /^Error from server \(BadRequest\): .*field label not supported: data\.key/,
    ],
    [
      "a user without a right",
      "get pods --as=nobody",
      undefined,
      'Error from server (Forbidden): pods is forbidden: User "nobody" cannot list resource "pods" in API group "" in the namespace "default"\n',
    ],
    [
      "a patch that is none",
      "patch configmap present --type=json -p nothing",
      undefined,
      "Error from server (BadRequest): error decoding patch: json: cannot unmarshal string into Go value of type []handlers.jsonPatchOp\n",
    ],
  ])("%s", async (_name, args, stdin, wanted) => {
    const { code, stderr } = await tryKubectl(args, stdin);
    if (typeof wanted === "string") expect(stderr).toBe(wanted);
    else expect(stderr).toMatch(wanted);
    expect(code).toBe(1);
  });

  it("an unknown field is dropped with a warning, or silently, where that is asked for", async () => {
    const warned = await tryKubectl("create --validate=warn -f - -o jsonpath={.data}", configMap({ name: "warned" }, { data: { a: "b" }, dataa: {} }));
    expect(warned).toMatchObject({ code: 0, stdout: '{"a":"b"}', stderr: 'Warning: unknown field "dataa"\n' });
    const silent = await tryKubectl("create --validate=ignore -f - -o jsonpath={.data}", configMap({ name: "silent" }, { data: { a: "b" }, dataa: {} }));
    expect(silent).toMatchObject({ code: 0, stdout: '{"a":"b"}', stderr: "" });
  });

  it("a body over 3 MiB, and a config map over 1 MiB", async () => {
    const huge = await tryKubectl(raw, configMap({ name: "huge" }, { data: { a: "x".repeat(3 * 2 ** 20) } }));
    expect(huge.code).toBe(1);
    expect(huge.stderr).toContain("Request entity too large: limit is 3145728");
    const big = await tryKubectl(raw, configMap({ name: "big" }, { data: { a: "x".repeat(2 ** 20 + 1) } }));
    expect(big.code).toBe(1);
    expect(big.stderr).toContain('ConfigMap "big" is invalid: []: Too long: may not be more than 1048576 bytes');
  });

  it("credentials that nobody gave", async () => {
    const answer = await tryKubectl(`--kubeconfig=/dev/null --server=https://127.0.0.1:${cluster.apiPort} --insecure-skip-tls-verify --token=made-up get pods`);
    expect(answer).toMatchObject({ code: 1, stderr: "error: You must be logged in to the server (Unauthorized)\n" });
    const anonymous = await fetchAnonymously(`https://127.0.0.1:${cluster.apiPort}/api/v1/pods`);
    expect(anonymous).toContain('pods is forbidden: User \\"system:anonymous\\" cannot list resource \\"pods\\" in API group \\"\\" at the cluster scope');
  });

  async function fetchAnonymously(url: string): Promise<string> {
    const { request } = await import("node:https");
    return new Promise((resolve, reject) => {
      request(url, { rejectUnauthorized: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve(text));
      })
        .on("error", reject)
        .end();
    });
  }
});
