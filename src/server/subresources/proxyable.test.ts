import { expect, it } from "vitest";
import { isProxyable } from "./proxyable.ts";

it.each([
  ["10.1.2.3", true],
  ["192.168.0.1", true],
  ["203.0.113.9", true],
  ["fd00::1", true],
  ["node-1.example.com", true],
  ["127.0.0.1", false],
  ["127.9.9.9", false],
  ["::1", false],
  ["::", false],
  ["0.0.0.0", false],
  ["0.1.2.3", false],
  ["169.254.169.254", false],
  ["fe80::1", false],
  ["::ffff:127.0.0.1", false],
  ["::ffff:169.254.169.254", false],
  ["224.0.0.1", false],
  ["ff02::1", false],
  ["255.255.255.255", false],
  ["localhost", false],
  ["LOCALHOST.", false],
  ["a.localhost", false],
  ["2130706433", false],
  ["0x7f.1", false],
  ["127.1", false],
  ["0177.0.0.1", false],
])("%s may be sent to: %s", (host, expected) => {
  expect(isProxyable(host)).toBe(expected);
});
