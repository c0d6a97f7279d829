const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const domain = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?|\\[[a-fA-F0-9:]+\\](?::[0-9]+)?";
const reference = new RegExp(
  `^(?:(?:${domain})/)?${component}(?:/${component})*(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);
const bareId = /^(?:sha256:)?[a-f0-9]{64}$/;

/** The image with a tag: `nginx` becomes `nginx:latest`. Undefined when it is no image name. @upstream pkg/util/parsers/parsers.go */
export function withDefaultTag(image: string): string | undefined {
  if (bareId.test(image)) return image.startsWith("sha256:") ? image : undefined;
  if (!reference.test(image)) return undefined;
  if (image.includes("@")) return image;
  const lastPart = image.slice(image.lastIndexOf("/") + 1);
  return lastPart.includes(":") ? image : `${image}:latest`;
}

/** The policy given, or the one that follows from the tag. */
export function pullPolicyOf(container: { readonly image?: string | undefined; readonly imagePullPolicy?: string | undefined }): string {
  if (container.imagePullPolicy !== undefined && container.imagePullPolicy !== "") return container.imagePullPolicy;
  const image = container.image ?? "";
  return (withDefaultTag(image) ?? "").endsWith(":latest") ? "Always" : "IfNotPresent";
}

/** Where an image comes from: `{registry: "index.docker.io", path: "library/nginx"}`. */
export function registryOf(image: string): { readonly registry: string; readonly path: string } {
  const [name = ""] = image.split("@");
  const slash = name.indexOf("/");
  const head = slash < 0 ? "" : name.slice(0, slash);
  const path = (text: string): string => text.replace(/:[^:/]*$/, "");
  if (head.includes(".") || head.includes(":") || head === "localhost") {
    return { registry: head === "docker.io" ? "index.docker.io" : head, path: path(name.slice(slash + 1)) };
  }
  return { registry: "index.docker.io", path: path(slash < 0 ? `library/${name}` : name) };
}
