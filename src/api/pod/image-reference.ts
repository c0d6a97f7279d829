/**
 * An image's name in full. `nginx` reads `{ domain: "docker.io", path: "library/nginx", name: "docker.io/library/nginx",
 * tag: "latest", digest: "" }`; a name with a digest and no tag has the tag "".
 */
export interface ImageReference {
  readonly domain: string;
  readonly path: string;
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
}

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const host = `(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
const full = new RegExp(
  `^(${host}(?::[0-9]+)?)/(${pathComponent}(?:/${pathComponent})*)(?::([\\w][\\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);
const bareIdentifier = /^[a-f0-9]{64}$/;
const digests = /^(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128})$/;
/** Bytes of a repository's path. */
const maxPathLength = 255;

/**
 * Reads an image as container runtimes do; undefined when it is not a valid reference.
 * @upstream pkg/util/parsers/parsers.go, distribution/reference
 */
export function parseImageReference(image: string): ImageReference | undefined {
  if (bareIdentifier.test(image)) return undefined;
  const match = full.exec(withDomain(image));
  if (match === null) return undefined;
  const [, domain = "", path = "", tag = "", digest = ""] = match;
  if (path.length > maxPathLength || (digest !== "" && !digests.test(digest))) return undefined;
  return { domain, path, name: `${domain}/${path}`, tag: tag === "" && digest === "" ? "latest" : tag, digest };
}

/** The first part is a domain only when it looks like one; Docker Hub's own images lie under `library/`. */
function withDomain(image: string): string {
  const slash = image.indexOf("/");
  const first = image.slice(0, Math.max(slash, 0));
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  const domain = isDomain ? (first === "index.docker.io" ? "docker.io" : first) : "docker.io";
  const rest = isDomain ? image.slice(slash + 1) : image;
  return domain === "docker.io" && !rest.includes("/") ? `docker.io/library/${rest}` : `${domain}/${rest}`;
}

/** What imagePullPolicy becomes when it is left out: Always for the tag `latest`, written or implied. */
export function defaultPullPolicy(image: string | undefined): "Always" | "IfNotPresent" {
  return parseImageReference(image ?? "")?.tag === "latest" ? "Always" : "IfNotPresent";
}
