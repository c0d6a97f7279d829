import { expect, it } from "vitest";
import { resourceOf } from "./resource-of.ts";

it.each([
  ["/registry/pods/default/web", "pods"],
  ["/registry/pods/", "pods"],
  ["/registry/minions/a", "nodes"],
  ["/registry/deployments/default/web", "deployments.apps"],
  ["/registry/services/specs/default/web", "services"],
  ["/registry/services/endpoints/default/web", "endpoints"],
  ["/registry/apiextensions.k8s.io/customresourcedefinitions/a.example.com", "customresourcedefinitions.apiextensions.k8s.io"],
  ["/registry/example.com/widgets/default/a", "widgets.example.com"],
  ["/registry/example.com/widgets/a", "widgets.example.com"],
  ["/registry/ranges/serviceips", undefined],
  ["/registry/", undefined],
  ["/elsewhere/pods/default/web", undefined],
  ["", undefined],
])("finds in %j %s", (key, resource) => {
  expect(resourceOf(key)).toBe(resource);
});
