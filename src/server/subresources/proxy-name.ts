/** `https:name:port` to its parts. @upstream apimachinery/pkg/util/net/port_split.go SplitSchemeNamePort */
export function splitProxyName(text: string): { readonly scheme: "http" | "https"; readonly name: string; readonly port: string } | undefined {
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1) return { scheme: "http", name: first, port: "" };
  if (parts.length === 2) return { scheme: "http", name: first, port: second };
  if (parts.length === 3 && (first === "http" || first === "https" || first === "")) return { scheme: first === "https" ? "https" : "http", name: second, port: third };
  return undefined;
}
