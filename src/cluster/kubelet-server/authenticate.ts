import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { HttpFailure } from "./http-failure.ts";

const apiServerName = "kube-apiserver-kubelet-client";
const adminGroup = "system:masters";

/**
 * Who may ask a kubelet: the API server and cluster administrators, shown by a client certificate of the cluster's
 * authority. Throws HttpFailure: 401 without one, 403 for anybody else.
 */
export function authenticate(request: IncomingMessage): void {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) throw new HttpFailure(401, "Unauthorized");
  const { CN: name, O: groups } = socket.getPeerCertificate().subject as { readonly CN?: string | string[]; readonly O?: string | string[] };
  if ([name].flat().includes(apiServerName) || [groups].flat().includes(adminGroup)) return;
  throw new HttpFailure(403, `Forbidden (user=${[name].flat().join(",")}, verb=${verbOf(request.method)}, resource=nodes, subresource(s)=[proxy])`);
}

const verbOf = (method = "GET"): string => ({ POST: "create", PUT: "update", DELETE: "delete", PATCH: "patch" })[method] ?? "get";

/** The name that the caller expects of this server: the node's, as the API server asks. */
export function expectedName({ socket }: IncomingMessage): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  // Node has it as a property of server-side sockets that its types leave out.
  const { servername } = socket as TLSSocket & { readonly servername?: string | false };
  return typeof servername === "string" ? servername : undefined;
}
