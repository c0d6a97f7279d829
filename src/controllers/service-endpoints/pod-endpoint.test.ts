import { expect, it } from "vitest";
import type { Pod } from "../../api/generated/types/core-v1.ts";
import { at, samplePod, type SamplePod } from "../sample-objects.ts";
import { changesEndpoints } from "./pod-endpoint.ts";

const address = { podIP: "10.0.0.1", podIPs: [{ ip: "10.0.0.1" }] };
const labels = { app: "web" };
const pod = (sample: SamplePod = {}): Pod => samplePod("p", { labels, status: address, ...sample });

it.each<[string, Pod, Pod, boolean]>([
  ["a new version of the same", pod(), pod({ resourceVersion: "2" }), false],
  ["the same labels, read anew", pod(), pod({ labels: { ...labels } }), false],
  ["an annotation", pod(), pod({ annotations: { a: "b" } }), false],
  ["a restart", pod({ restarts: 0 }), pod({ restarts: 1 }), false],
  ["a node, while there is no address", pod({ node: "", status: {} }), pod({ status: {} }), false],
  ["its end, without ever an address", pod({ status: {} }), pod({ phase: "Failed", status: {} }), false],
  ["another label", pod(), pod({ labels: { app: "db" } }), true],
  ["another label, without an address", pod({ status: {} }), pod({ labels: {}, status: {} }), true],
  ["its address", pod({ status: {} }), pod(), true],
  ["another address", pod(), pod({ status: { podIP: "10.0.0.2", podIPs: [{ ip: "10.0.0.2" }] } }), true],
  ["an address more", pod(), pod({ status: { ...address, podIPs: [...address.podIPs, { ip: "fd00::1" }] } }), true],
  ["readiness", pod(), pod({ readyAt: 5 }), true],
  ["readiness at another time", pod({ readyAt: 9 }), pod({ readyAt: 5 }), true],
  ["readiness lost", pod({ readyAt: 5 }), pod({ status: { ...address, conditions: [{ type: "Ready", status: "False", lastTransitionTime: at(5) }] } }), true],
  ["its node", pod({ node: "" }), pod(), true],
  ["the beginning of its end", pod(), pod({ deleted: true }), true],
  ["its end", pod(), pod({ phase: "Succeeded" }), true],
])("%s", (_name, previous, next, changes) => expect(changesEndpoints(previous, next)).toBe(changes));
