import { expect, it } from "vitest";
import { readRuntimeConfig } from "./runtime-config.ts";

const bundles = { group: "certificates.k8s.io", version: "v1beta1", resource: "clustertrustbundles" };
const requests = { ...bundles, resource: "podcertificaterequests" };
const early = { ...bundles, version: "v1alpha1" };

it.each<[string, readonly boolean[]]>([
  ["", [false, false, false]],
  ["certificates.k8s.io/v1beta1=true", [true, true, false]],
  ["certificates.k8s.io/v1beta1", [true, true, false]],
  ["certificates.k8s.io/v1beta1/clustertrustbundles=true", [true, false, false]],
  ["api/beta=true", [true, true, false]],
  ["api/all=true", [true, true, true]],
  ["api/all=true, api/alpha=false, certificates.k8s.io/v1beta1/podcertificaterequests=false", [true, false, false]],
  ["v1=true,apps/v1=true", [false, false, false]],
])("%s", (text, served) => {
  expect([bundles, requests, early].map(readRuntimeConfig(text))).toEqual(served);
});

it.each([
  ["api/beta=yes", 'api/beta must be true or false, not "yes"'],
  ["certificates.k8s.io/v1beta2=true", "unknown: certificates.k8s.io/v1beta2"],
  ["apps/v1=false", "apps/v1 cannot be turned off"],
  ["api/all=false", "api/all cannot be turned off"],
])("refuses %s", (text, message) => {
  expect(() => readRuntimeConfig(text)).toThrow(message);
});
