/**
 * An image's full name, as runtimes list it: `nginx` is `docker.io/library/nginx:latest`, `a/b@sha256:…` is
 * `docker.io/a/b@sha256:…`. @upstream github.com/distribution/reference/normalize.go
 */
export function canonicalImageName(name: string): string {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const namesRegistry = first.includes(".") || first.includes(":") || first === "localhost" || first !== first.toLowerCase();
  const registry = namesRegistry ? (first === "index.docker.io" ? "docker.io" : first) : "docker.io";
  const rest = namesRegistry ? name.slice(slash + 1) : name;
  const path = registry === "docker.io" && !rest.includes("/") ? `library/${rest}` : rest;
  const hasVersion = path.includes("@") || path.slice(path.lastIndexOf("/") + 1).includes(":");
  return `${registry}/${path}${hasVersion ? "" : ":latest"}`;
}

/** Without tag and digest: `docker.io/library/nginx`. */
export function imageRepository(canonicalName: string): string {
  const at = canonicalName.indexOf("@");
  const tagged = at < 0 ? canonicalName : canonicalName.slice(0, at);
  const colon = tagged.lastIndexOf(":");
  return colon > tagged.lastIndexOf("/") ? tagged.slice(0, colon) : tagged;
}
