import { describe, expect, it } from "vitest";
import { fromJson } from "./json.ts";
import { kubernetesFunctions } from "./library/kubernetes-functions.ts";
import { compileCel, Program } from "./program.ts";
import { type CelType, double, dyn, int, listOf, mapOf, objectOf, string } from "./type.ts";
import { CelError, type CelValue } from "./value.ts";

const self: CelType = objectOf("object", {
  replicas: int,
  ratio: double,
  name: string,
  tags: { kind: "list", item: string, listType: "set" },
  sizes: listOf(int),
  weights: listOf(double),
  labels: mapOf(string, string),
  spec: objectOf("object.spec", { "a-b": int, namespace: string }),
  any: dyn,
  absent: string,
});
const json = {
  replicas: 3,
  ratio: 2,
  name: "web",
  tags: ["a", "b"],
  sizes: [1, 2, 3],
  weights: [1, 2.5],
  labels: { app: "x" },
  spec: { "a-b": 7, namespace: "n" },
  any: { n: 5, list: [1, "x"] },
};
const env = { variables: { self, d: dyn }, functions: kubernetesFunctions };

function run(text: string): CelValue | CelError {
  const program = compileCel(text, env);
  if (!(program instanceof Program)) throw new Error(program.message);
  return program.evaluate({ self: fromJson(json, self), d: fromJson(json) }).value;
}

describe("true expressions", () => {
  it.each(
    String.raw`
1 + 2 * 3 == 7
7 / -2 == -3 && 7 % -2 == 1
-9223372036854775808 == -9223372036854775807 - 1
0xFF == 255 && 5u + 3u == 8u
1.5e3 == 1500.0 && .5 + .5 == 1.0
dyn(1) == dyn(1.0) && dyn(1u) == dyn(1)
1 < 1.5 && 2u > 1
true || 1 / 0 > 1
1 / 0 > 1 || true
!(1 / 0 > 1 && false)
[1, 2, 3].exists(x, x / 0 > 1 || x == 2)
[1, 2, 3].all(x, x > 0) && [1, 2].exists_one(x, x > 1)
[1, 2, 3].map(x, x * 2) == [2, 4, 6]
[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]
[1, 2, 3].filter(x, x > 1) == [2, 3]
{"a": 1, "b": 2}.all(k, v, v > 0) && [5, 6].exists(i, v, i == 1 && v == 6)
{"a": 1}.transformMap(k, v, v + 1) == {"a": 2} && [1, 2].transformList(i, v, i + v) == [1, 3]
{"a": 1}.transformMapEntry(k, v, {v: k}) == {1: "a"}
"a\n\x41\u00e9\101\"" == 'a\nAéA"' && r"\n" == "\\n"
b"\xff\x00".size() == 2 && bytes("é").size() == 2
"""a"b""" == 'a"b' // a comment
"héllo".size() == 5 && size("🙂") == 1
"abc".contains("b") && "abc".startsWith("ab") && "abc".endsWith("bc")
"abc".matches("^a.c$") && "xabcx".matches("abc") && !"abd".matches("^abc")
"2 ? 'a' : 'b'" != "" && (2 > 1 ? "a" : "b") == "a"
"a" in ["a", "b"] && !("c" in {"a": 1}) && "app" in self.labels
self.replicas == 3 && self.ratio == 2.0 && self.ratio / 4.0 == 0.5
self.spec.a__dash__b == 7 && self.spec.__namespace__ == "n"
has(self.name) && !has(self.absent) && has(self.any.n) && !has(self.any.zip)
self.tags == ["b", "a"] && self.tags + ["b", "c"] == ["a", "b", "c"]
self.weights.sum() == 3.5 && self.sizes.sum() == 6 && self.sizes.max() == 3 && self.sizes.isSorted()
self.any.n + 1 == 6 && d.replicas == 3
self.?absent.orValue("z") == "z" && self.?name.hasValue() && d.?spec.?nope.orValue(1) == 1
[1, 2][?5].orValue(9) == 9 && optional.of(3).optMap(x, x + 1).value() == 4
[?optional.none(), 1] == [1] && {?"a": optional.of(1)} == {"a": 1}
type(1) == int && type("a") == string && type([]) == list && type(type(1)) == type
int("42") == 42 && string(42) == "42" && double("1.5") == 1.5 && uint(3) == 3u && bool("true")
string(1.5) == "1.5" && string(1e100) == "1e+100" && string(true) == "true"
timestamp("2024-02-29T12:30:45.5Z").getDate() == 29 && timestamp("2024-02-29T12:30:45Z").getMonth() == 1
timestamp("2024-02-29T23:30:00Z").getHours("+02:00") == 1 && timestamp("2024-01-01T00:00:00Z").getHours("America/New_York") == 19
duration("1h30m").getMinutes() == 90 && duration("1.5s").getMilliseconds() == 1500
timestamp("2024-01-01T01:00:00Z") - timestamp("2024-01-01T00:00:00Z") == duration("3600s")
string(duration("90m")) == "5400s" && string(timestamp("2024-01-01T00:00:00.25Z")) == "2024-01-01T00:00:00.25Z"
"hello".substring(1, 3) == "el" && "hello".charAt(4) == "o" && "hello".indexOf("l") == 2 && "hello".lastIndexOf("l") == 3
"a,b,c".split(",") == ["a", "b", "c"] && "a,b,c".split(",", 2) == ["a", "b,c"] && ["a", "b"].join("-") == "a-b"
"aXbX".replace("X", "$&") == "a$&b$&" && "aXbX".replace("X", "", 1) == "abX" && " a ".trim() == "a"
"AbC".lowerAscii() == "abc" && "AbC".upperAscii() == "ABC" && "abc".reverse() == "cba"
"%s is %d (%.2f, %x) %%".format(["a", 5, 1.5, 255]) == "a is 5 (1.50, ff) %"
strings.quote("a\"b") == "\"a\\\"b\""
"abc 123 def 45".find("[0-9]+") == "123" && "abc 123 def 45".findAll("[0-9]+") == ["123", "45"] && "1 2 3".findAll("[0-9]", 2) == ["1", "2"]
url("https://user@example.com:8080/a/b?k=1&k=2#f").getHost() == "example.com:8080" && url("https://example.com:80/a").getPort() == "80"
url("https://[::1]:80/?k=1&k=2").getHostname() == "::1" && url("https://a/?k=1&k=2").getQuery() == {"k": ["1", "2"]} && !isURL("a b")
quantity("1Gi").isGreaterThan(quantity("1G")) && quantity("1500m").add(quantity("0.5")) == quantity("2") && quantity("50k").asInteger() == 50000
isQuantity("1.5Gi") && !isQuantity("x") && quantity("-1").sign() == -1 && quantity("2").sub(3).compareTo(quantity("-1")) == 0
ip("10.0.0.1").family() == 4 && ip("::1").isLoopback() && !isIP("10.0.0.01") && string(ip("2001:DB8::1")) == "2001:db8::1"
cidr("10.0.0.0/8").containsIP("10.1.2.3") && cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && !isCIDR("10.0.0.0/33") && cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8")
semver("1.2.3").isLessThan(semver("1.10.0")) && semver("1.0.0-alpha").compareTo(semver("1.0.0")) == -1 && isSemver("v1.2", true) && !isSemver("v1.2")
sets.contains([1, 2], [2]) && sets.equivalent([1, 1, 2], [2, 1]) && !sets.intersects([1], [2])
!format.dns1123Label().validate("my-label").hasValue() && format.named("dns1123Label").value().validate("No").hasValue()
[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2 && [3, 1].min() == 1
self.labels.app == "x" && self.labels["app"] == "x"
cel.bind(l, self.labels, l.app == "x" && "app" in l) && cel.bind(a, 1, cel.bind(b, a + 1, a + b)) == 3 && [1, 2].all(x, cel.bind(y, x * 2, y > x))
[[1, 2], [3]].all(l, l.all(x, x > 0)) && [1].all(x, [x].all(x, x == 1))`
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => [line] as const),
  )("%s", (text) => {
    expect(run(text)).toBe(true);
  });
});

describe("errors at run time", () => {
  it.each([
    ["9223372036854775807 + 1 > 0", "integer overflow"],
    ["1 / (1 - 1) > 0", "division by zero"],
    ["1u - 2u > 0u", "unsigned integer overflow"],
    ["self.absent == ''", "no such key: absent"],
    ["self.sizes[3] > 0", "index out of bounds: 3"],
    ["d.name + 1 == 2", "no such overload"],
    ["int('x') > 0", "type conversion error from 'string' to 'int'"],
    ["quantity('zz').sign() == 0", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
  ])("%s", (text, message) => {
    const value = run(text);
    expect(value).toBeInstanceOf(CelError);
    expect((value as CelError).message).toBe(message);
  });

  it("stops what costs too much", () => {
    const program = compileCel("self.sizes.all(a, self.sizes.all(b, self.sizes.all(c, a + b + c > 0)))", env) as Program;
    const { value, cost } = program.evaluate({ self: fromJson({ sizes: Array.from({ length: 300 }, (_, index) => index + 1) }, self) }, 50_000);
    expect((value as CelError).message).toBe("operation cancelled: actual cost limit exceeded");
    expect(cost).toBeLessThan(51_000);
  });
});

describe("errors at compile time", () => {
  it.each([
    ["self.nope", "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope\n | ....^"],
    ["nope == 1", "ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope == 1\n | ^"],
    ["1 + 'a'", "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^"],
    ["self.name.size(1)", "ERROR: <input>:1:15: found no matching overload for 'size' applied to 'string.(int)'\n | self.name.size(1)\n | ..............^"],
    ["1 == 1.0", "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, double)'\n | 1 == 1.0\n | ..^"],
    ["[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"],
    ["self.name.foo", "ERROR: <input>:1:10: type 'string' does not support field selection\n | self.name.foo\n | .........^"],
    [
      "self.name.all(x, true)",
      "ERROR: <input>:1:5: expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.name.all(x, true)\n | ....^",
    ],
    ["1 +", expect.stringContaining("ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'['")],
    ["has(self)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^"],
    ["true\n && nope", "ERROR: <input>:2:5: undeclared reference to 'nope' (in container '')\n |  && nope\n | ....^"],
    ["cel.bind(self.name, 1, true)", "ERROR: <input>:1:14: cel.bind() variable names must be simple identifiers\n | cel.bind(self.name, 1, true)\n | .............^"],
    ["for == 1", expect.stringContaining("reserved identifier: for")],
    [`${"(".repeat(300)}1${")".repeat(300)}`, expect.stringContaining("expression recursion limit exceeded: 250")],
  ])("%s", (text, message) => {
    const result = compileCel(text, env);
    expect(result instanceof Program ? "compiled" : result.message).toEqual(message);
  });

  it("bounds very long chains", () => {
    const result = compileCel(Array.from({ length: 20_000 }, () => "1").join("+"), env);
    expect(result).not.toBeInstanceOf(Program);
    expect(run(Array.from({ length: 5000 }, () => "true").join("&&"))).toBe(true);
  });
});
