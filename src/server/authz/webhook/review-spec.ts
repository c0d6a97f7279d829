import type { FieldSelectorRequirement, LabelSelectorRequirement } from "../../../meta/generated/meta-v1.ts";
import type { SubjectAccessReviewSpec } from "../../../api/generated/types/authorization-v1.ts";
import { FieldSelector } from "../../../meta/field-selector.ts";
import { LabelSelector } from "../../../meta/label-selector.ts";
import type { AuthorizationAttributes } from "../authorizer.ts";

/** The question as a SubjectAccessReview puts it. @upstream apiserver/plugin/pkg/authorizer/webhook/webhook.go */
export function reviewSpecOf(attributes: AuthorizationAttributes): SubjectAccessReviewSpec {
  const { user, verb, group, version, resource, subresource, namespace, name, path, isResource } = attributes;
  const { uid = "", groups, extra } = user;
  const who = { user: user.name, ...(groups.length === 0 ? {} : { groups }), ...(extra === undefined ? {} : { extra }), ...(uid === "" ? {} : { uid }) };
  if (!isResource) return { nonResourceAttributes: given({ path, verb }), ...who };
  const fields = fieldRequirements(attributes.fieldSelector ?? "");
  const labels = labelRequirements(attributes.labelSelector ?? "");
  return {
    resourceAttributes: {
      ...given({ namespace, verb, group, version, resource, subresource, name }),
      ...(fields.length === 0 ? {} : { fieldSelector: { requirements: fields } }),
      ...(labels.length === 0 ? {} : { labelSelector: { requirements: labels } }),
    },
    ...who,
  };
}

function given(fields: { readonly [field: string]: string }): { readonly [field: string]: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== ""));
}

/** None when the selector cannot be read: it only narrows, and whoever serves the request will refuse it. */
function fieldRequirements(selector: string): readonly FieldSelectorRequirement[] {
  return unlessUnreadable(() =>
    FieldSelector.parse(selector).requirements.map(({ field, operator, value }) => ({ key: field, operator: operator === "=" ? "In" : "NotIn", values: [value] })),
  );
}

const labelOperators: { readonly [operator: string]: string | undefined } = {
  "=": "In",
  "==": "In",
  in: "In",
  "!=": "NotIn",
  notin: "NotIn",
  exists: "Exists",
  "!": "DoesNotExist",
};

function labelRequirements(selector: string): readonly LabelSelectorRequirement[] {
  return unlessUnreadable(() =>
    LabelSelector.parse(selector).requirements.flatMap(({ key, operator, values }) => {
      const name = labelOperators[operator];
      return name === undefined ? [] : [{ key, operator: name, ...(values.length === 0 ? {} : { values }) }];
    }),
  );
}

function unlessUnreadable<T>(read: () => readonly T[]): readonly T[] {
  try {
    return read();
  } catch {
    return [];
  }
}

/** As v1beta1 writes it: groups are `group`. */
export function reviewSpecV1beta1({ groups, ...rest }: SubjectAccessReviewSpec): unknown {
  return { ...rest, ...(groups === undefined ? {} : { group: groups }) };
}
