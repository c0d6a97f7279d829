// What names and other texts must look like. Every function answers upstream's messages; an empty list means valid.
// @upstream apimachinery/pkg/util/validation/validation.go, apimachinery/pkg/api/validate/content

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const nameOfKey = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValue = `(${nameOfKey})?`;
const cIdentifier = "[A-Za-z_][A-Za-z0-9_]*";
const configKey = "[-._a-zA-Z0-9]+";
const headerName = "[-A-Za-z0-9]+";
const percent = "[0-9]+%";
const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

/** The whole of a text; `u` would change nothing here. */
const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const patterns = {
  label: whole(label),
  subdomain: whole(subdomain),
  label1035: whole(label1035),
  wildcard: whole(`\\*\\.${subdomain}`),
  nameOfKey: whole(nameOfKey),
  labelValue: whole(labelValue),
  cIdentifier: whole(cIdentifier),
  configKey: whole(configKey),
  headerName: whole(headerName),
  percent: whole(percent),
  httpPath: whole(httpPath),
};

export const maxLabelBytes = 63;
export const maxSubdomainBytes = 253;

/** `(e.g. 'a', or 'b', regex used for validation is '…')` after `message`, as upstream words it. */
export function patternError(message: string, pattern: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  return `${message} (e.g. ${examples.map((example) => `'${example}', `).join(" or ")}regex used for validation is '${pattern}')`;
}
export const tooLongError = (bytes: number): string => `must be no more than ${bytes} bytes`;
export const rangeError = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`;
const emptyError = "must be non-empty";

/** How many bytes a text has in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four bytes.
    bytes += unit < 0x800 ? 1 : unit >= 0xd800 && unit <= 0xdfff ? 1 : 2;
  }
  return bytes;
}

const labelText = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
/** RFC 1123 label: `my-name`, at most 63 bytes. */
export function dnsLabelErrors(value: string): string[] {
  const errors = lengthErrors(value, maxLabelBytes);
  if (!patterns.label.test(value)) errors.push(patterns.subdomain.test(value) ? "must not contain dots" : patternError(labelText, label, "my-name", "123-abc"));
  return errors;
}

const subdomainText = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
/** RFC 1123 subdomain: `example.com`, at most 253 bytes. */
export function dnsSubdomainErrors(value: string): string[] {
  return lengthErrors(value, maxSubdomainBytes, patterns.subdomain, () => patternError(subdomainText, subdomain, "example.com"));
}

const label1035Text = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
/** RFC 1035 label: `abc-123`, at most 63 bytes. */
export function dns1035LabelErrors(value: string): string[] {
  return lengthErrors(value, maxLabelBytes, patterns.label1035, () => patternError(label1035Text, label1035, "my-name", "abc-123"));
}

const wildcardText =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
/** `*.example.com`. */
export function wildcardDnsErrors(value: string): string[] {
  return lengthErrors(value, maxSubdomainBytes, patterns.wildcard, () => patternError(wildcardText, `\\*\\.${subdomain}`, "*.example.com"));
}

/** What can stand as one segment of a path. With `prefix` more will be appended. @upstream apimachinery/pkg/api/validation/path/name.go */
export function pathSegmentErrors(value: string, prefix = false): string[] {
  if (!prefix && (value === "." || value === "..")) return [`may not be '${value}'`];
  return ["/", "%"].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
}

const keyText = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const keyError = (): string => patternError(keyText, nameOfKey, "MyName", "my.name", "123-abc");
/** Label keys, finalizers, resource names: `example.com/MyName`, the prefix optional. */
export function qualifiedNameErrors(value: string): string[] {
  const slash = value.indexOf("/");
  if (slash >= 0 && value.includes("/", slash + 1)) return [`a valid label key ${keyError()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const errors: string[] = [];
  if (slash === 0) errors.push(`prefix part ${emptyError}`);
  else if (slash > 0) errors.push(...dnsSubdomainErrors(value.slice(0, slash)).map((message) => `prefix part ${message}`));
  const name = value.slice(slash + 1);
  if (name === "") errors.push(`name part ${emptyError}`);
  else if (utf8Length(name) > maxLabelBytes) errors.push(`name part ${tooLongError(maxLabelBytes)}`);
  if (!patterns.nameOfKey.test(name)) errors.push(`name part ${keyError()}`);
  return errors;
}

const valueText = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
export function labelValueErrors(value: string): string[] {
  return lengthErrors(value, maxLabelBytes, patterns.labelValue, () => patternError(valueText, labelValue, "MyValue", "my_value", "12345"));
}

/** Names of environment variables since RelaxedEnvironmentVariableValidation: printable ASCII but `=`. */
export function envVarNameErrors(value: string): string[] {
  if (value === "") return [`environment variable name ${emptyError}`];
  return /^[ -<>-~]+$/.test(value) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Keys of a ConfigMap's or Secret's data. */
export function configMapKeyErrors(value: string): string[] {
  const text = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
  const errors = lengthErrors(value, maxSubdomainBytes, patterns.configKey, () => patternError(text, configKey, "key.name", "KEY_NAME", "key-name"));
  return [...errors, ...parentFolderErrors(value)];
}

export function cIdentifierErrors(value: string): string[] {
  const text = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  return patterns.cIdentifier.test(value) ? [] : [patternError(text, cIdentifier, "my_name", "MY_NAME", "MyName")];
}
export function httpHeaderNameErrors(value: string): string[] {
  return patterns.headerName.test(value) ? [] : [patternError("a valid HTTP header must consist of alphanumeric characters or '-'", headerName, "X-Header-Name")];
}
export function percentErrors(value: string): string[] {
  return patterns.percent.test(value) ? [] : [patternError("a valid percent string must be a numeric string followed by an ending '%'", percent, "1%", "93%")];
}
export function httpPathErrors(value: string): string[] {
  return patterns.httpPath.test(value) ? [] : [patternError("Invalid path", httpPath)];
}

export function rangeErrors(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [rangeError(low, high)];
}
/** 1 to 65535. */
export function portErrors(port: number): string[] {
  return rangeErrors(port, 1, 65535);
}
/** IANA service name: `http-admin`, at most 15 bytes. */
export function portNameErrors(value: string): string[] {
  const errors = utf8Length(value) > 15 ? ["must be no more than 15 characters"] : [];
  if (!/^[-a-z0-9]+$/.test(value)) errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(value)) errors.push("must contain at least one letter (a-z)");
  if (value.includes("--")) errors.push("must not contain consecutive hyphens");
  if (value.startsWith("-") || value.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

/** What metadata.name must be; the kinds name the same rules. */
export type NameRule = "dns-subdomain" | "dns-label" | "dns-label-1035" | "path-segment" | "rbac";

/** With `prefix` the name is a generateName: a trailing dash is fine. */
export function nameErrors(rule: NameRule, name: string, prefix = false): string[] {
  if (rule === "path-segment" || rule === "rbac") return pathSegmentErrors(name, prefix);
  // Upstream cuts the dash and the character before it.
  const masked = prefix && name.endsWith("-") ? `${name.slice(0, Math.max(0, name.length - 2))}a` : name;
  if (rule === "dns-label") return dnsLabelErrors(masked);
  return rule === "dns-label-1035" ? dns1035LabelErrors(masked) : dnsSubdomainErrors(masked);
}

/** PERF: no unit of a text takes more than three bytes, so that most are short enough at first sight. */
function isLonger(value: string, bytes: number): boolean {
  return value.length > bytes || (value.length * 3 > bytes && utf8Length(value) > bytes);
}

function lengthErrors(value: string, most: number, pattern?: RegExp, patternText?: () => string): string[] {
  const errors = isLonger(value, most) ? [tooLongError(most)] : [];
  if (pattern !== undefined && patternText !== undefined && !pattern.test(value)) errors.push(patternText());
  return errors;
}

function parentFolderErrors(value: string): string[] {
  if (value === "." || value === "..") return [`must not be '${value}'`];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}
