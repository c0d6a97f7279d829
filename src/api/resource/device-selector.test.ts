import { describe, expect, it } from "vitest";
import { CelError } from "../../meta/cel/value.ts";
import { compileDeviceSelector, DeviceSelectors, type SelectableDevice } from "./device-selector.ts";

const gpu: SelectableDevice = {
  attributes: {
    model: { string: "A100" },
    cores: { int: 7 },
    ecc: { bool: true },
    driverVersion: { version: "1.10.0" },
    "other.example.com/rack": { string: "r7" },
  },
  capacity: { memory: { value: "40Gi" }, "other.example.com/slots": { value: "4" } },
};

function matches(expression: string, device: SelectableDevice = gpu): boolean | string {
  const program = compileDeviceSelector(expression);
  if ("error" in program) return program.error;
  try {
    return program.matches("gpu.example.com", device);
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

describe("a device selector", () => {
  it.each([
    ['device.driver == "gpu.example.com"', true],
    ['device.attributes["gpu.example.com"].model == "A100"', true],
    ['device.attributes["gpu.example.com"].cores > 7', false],
    ['device.attributes["gpu.example.com"].ecc', true],
    ['device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("1.9.3"))', true],
    ['device.attributes["other.example.com"].rack == "r7"', true],
    ['device.capacity["gpu.example.com"].memory.compareTo(quantity("40Gi")) >= 0', true],
    ['device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("80Gi"))', false],
    ['device.capacity["other.example.com"].slots.asInteger() == 4', true],
    ['cel.bind(dra, device.attributes["gpu.example.com"], dra.ecc && dra.model.startsWith("A"))', true],
    ['"nope" in device.attributes["absent.example.com"]', false],
    ['device.attributes["gpu.example.com"].?zip.orValue("none") == "none"', true],
    ["device.allowMultipleAllocations == true", false],
    ['device.attributes["absent.example.com"].model == "A100"', "no such key: model"],
    ["1", "must evaluate to bool or the unknown type, not int"],
    ["device.zip", "compilation failed: ERROR: <input>:1:7: undefined field 'zip'\n | device.zip\n | ......^"],
    ['device.attributes["gpu.example.com"].model', "CEL result could not be converted to bool"],
  ])("%s", (expression, expected) => {
    expect(matches(expression)).toBe(expected);
  });

  it("cannot read an attribute of a kind it does not know", () => {
    expect(matches('device.attributes["gpu.example.com"].x == 1', { attributes: { x: {} } })).toBe("attribute x: unsupported attribute value");
  });

  it("is compiled once while it is remembered", () => {
    const selectors = new DeviceSelectors({ limit: 2 });
    const first = selectors.of("true");
    selectors.of("false");
    expect(selectors.of("true")).toBe(first);
    selectors.of("1 == 1");
    expect(selectors.of("true")).toBe(first);
    selectors.of("2 == 2");
    selectors.of("3 == 3");
    expect(selectors.of("true")).not.toBe(first);
  });
});
