import { cidrContains, formatIp, ipErrors, networkOf, parseCidr, parseIp, type Cidr, type IpAddress } from "../../ip.ts";
import { fromJson, mapFrom } from "../json.ts";
import type { FunctionTable } from "../overload.ts";
import { libraryTypes } from "../overload.ts";
import { ArrayList, CelError, CelOpaque, type CelValue } from "../value.ts";

const ipOf = (value: CelOpaque): IpAddress => value.value as IpAddress;
const cidrOf = (value: CelOpaque): Cidr => value.value as Cidr;

function opaqueIp(address: IpAddress): CelOpaque {
  return new CelOpaque(libraryTypes.IP, address, formatIp(address));
}
function readIp(text: string): CelOpaque {
  const address = parseIp(text);
  if (address === undefined || address.leadingZeros) throw new CelError(`IP Address ${JSON.stringify(text)} parse error during conversion from string: unable to parse IP`);
  if (address.mapped) throw new CelError("IPv4-mapped IPv6 address is not allowed");
  return opaqueIp(address);
}
function strictCidr(text: string): Cidr | undefined {
  const cidr = parseCidr(text);
  return cidr === undefined || cidr.address.leadingZeros || cidr.address.mapped || cidr.leadingZerosInLength ? undefined : cidr;
}
function readCidr(text: string): CelOpaque {
  const cidr = strictCidr(text);
  if (cidr === undefined) throw new CelError(`network address parse error during conversion from string: network address ${JSON.stringify(text)} is not a valid CIDR`);
  return new CelOpaque(libraryTypes.CIDR, cidr, `${formatIp(cidr.address)}/${cidr.prefixLength}`);
}

const isIp = (text: string): boolean => ipErrors(text).length === 0;
const isLoopback = ({ family, bytes }: IpAddress): boolean => (family === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0)));
const isLinkLocalUnicast = ({ family, bytes: [first = 0, second = 0] }: IpAddress): boolean =>
  family === 4 ? first === 169 && second === 254 : first === 0xfe && (second & 0xc0) === 0x80;
const isLinkLocalMulticast = ({ family, bytes: [first = 0, second = 0, third = 0] }: IpAddress): boolean =>
  family === 4 ? first === 224 && second === 0 && third === 0 : first === 0xff && (second & 0x0f) === 2;
const isMulticast = ({ family, bytes: [first = 0] }: IpAddress): boolean => (family === 4 ? (first & 0xf0) === 224 : first === 0xff);
const isUnspecified = ({ bytes }: IpAddress): boolean => bytes.every((byte) => byte === 0);
const isGlobalUnicast = (address: IpAddress): boolean =>
  !isUnspecified(address) &&
  !isLoopback(address) &&
  !isMulticast(address) &&
  !isLinkLocalUnicast(address) &&
  !(address.family === 4 && address.bytes.every((byte) => byte === 255));

/** ip() and cidr(). @upstream apiserver/pkg/cel/library/{ip,cidr}.go */
export function addNetwork(table: FunctionTable): void {
  table.add("ip", "(string) IP", readIp);
  table.add("isIP", "(string) bool", isIp);
  table.add("ip.isCanonical", "(string) bool", (text: string) => readIp(text).key === text);
  table.add("string", "(IP) string", ({ key }: CelOpaque) => key);
  table.add("family", "IP.() int", (ip: CelOpaque) => BigInt(ipOf(ip).family));
  for (const [name, test] of Object.entries({ isUnspecified, isLoopback, isLinkLocalMulticast, isLinkLocalUnicast, isGlobalUnicast }))
    table.add(name, "IP.() bool", (ip: CelOpaque) => test(ipOf(ip)));
  table.add("cidr", "(string) CIDR", readCidr);
  table.add("isCIDR", "(string) bool", (text: string) => strictCidr(text) !== undefined);
  table.add("string", "(CIDR) string", ({ key }: CelOpaque) => key);
  table.add("ip", "CIDR.() IP", (cidr: CelOpaque) => opaqueIp(cidrOf(cidr).address));
  table.add("prefixLength", "CIDR.() int", (cidr: CelOpaque) => BigInt(cidrOf(cidr).prefixLength));
  table.add("masked", "CIDR.() CIDR", (cidr: CelOpaque) => readCidr(`${formatIp(networkOf(cidrOf(cidr)))}/${cidrOf(cidr).prefixLength}`));
  const containsIp = (cidr: CelOpaque, ip: CelOpaque): boolean => cidrContains(cidrOf(cidr), ipOf(ip));
  const containsCidr = (outer: CelOpaque, inner: CelOpaque): boolean =>
    cidrOf(inner).prefixLength >= cidrOf(outer).prefixLength && cidrContains(cidrOf(outer), networkOf(cidrOf(inner)));
  table.add("containsIP", "CIDR.(IP) bool", containsIp);
  table.add("containsIP", "CIDR.(string) bool", (cidr: CelOpaque, text: string) => containsIp(cidr, readIp(text)));
  table.add("containsCIDR", "CIDR.(CIDR) bool", containsCidr);
  table.add("containsCIDR", "CIDR.(string) bool", (cidr: CelOpaque, text: string) => containsCidr(cidr, readCidr(text)));
}

/** The parts of a URL as Go has them. */
interface UrlParts {
  readonly scheme: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
}

function parseUrl(text: string): UrlParts | undefined {
  const isPath = text.startsWith("/");
  const match = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):\/\/(?:[^/?#@]*@)?((\[[^\]]*\]|[^/?#:]*)(?::(\d*))?))?(\/[^?#]*|)(?:\?([^#]*))?(?:#.*)?$/.exec(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go refuses them too
  if (match === null || (match[1] === undefined && !isPath) || /[\0-\x20\x7f]/.test(text)) return undefined;
  const [, scheme = "", host = "", hostname = "", port = "", path = "", query = ""] = match;
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return undefined;
  return { scheme: scheme.toLowerCase(), host, hostname: hostname.replace(/^\[|\]$/g, ""), port, path, query: query === "" ? [] : [...new URLSearchParams(query)] };
}

/** url(). @upstream apiserver/pkg/cel/library/urls.go */
export function addUrls(table: FunctionTable): void {
  const partsOf = (value: CelOpaque): UrlParts => value.value as UrlParts;
  table.add("url", "(string) URL", (text: string) => {
    const parts = parseUrl(text);
    if (parts === undefined) throw new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`);
    return new CelOpaque(libraryTypes.URL, parts, text);
  });
  table.add("isURL", "(string) bool", (text: string) => parseUrl(text) !== undefined);
  table.add("getScheme", "URL.() string", (url: CelOpaque) => partsOf(url).scheme);
  table.add("getHost", "URL.() string", (url: CelOpaque) => partsOf(url).host);
  table.add("getHostname", "URL.() string", (url: CelOpaque) => partsOf(url).hostname);
  table.add("getPort", "URL.() string", (url: CelOpaque) => partsOf(url).port);
  table.add("getEscapedPath", "URL.() string", (url: CelOpaque) => partsOf(url).path);
  table.add("getQuery", "URL.() map<string, list<string>>", (url: CelOpaque) => {
    const query = new Map<string, string[]>();
    for (const [name, value] of partsOf(url).query) query.set(name, [...(query.get(name) ?? []), value]);
    return mapFrom([...query].map(([name, values]): readonly [string, CelValue] => [name, new ArrayList(values.map((value) => fromJson(value)))]));
  });
}
