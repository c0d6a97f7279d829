import { dirname, resolve } from "node:path";
import { readKubeconfig } from "../../client/kubeconfig.ts";
import { parseYaml } from "../../meta/yaml-codec.ts";
import type { HttpsEndpoint } from "../../platform/network.ts";
import { UserError } from "../user-error.ts";
import { checked, readNamed } from "./read-file.ts";

/** Where a kubeconfig says that a webhook is, with its trust and our identity. Files that it names stand beside it. Throws UserError. */
export function webhookEndpoint(path: string, flag: string): HttpsEndpoint {
  const text = readNamed(path, flag);
  return checked(`the kubeconfig ${path}`, () => {
    const { endpoint } = readKubeconfig(parseYaml(text).value, { readFile: (named) => readNamed(resolve(dirname(path), named), flag) });
    if (!endpoint.url.startsWith("https://")) throw new UserError(`the kubeconfig ${path} leads to ${endpoint.url}`, "a webhook must be reached by https");
    return endpoint;
  });
}
