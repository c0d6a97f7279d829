import { invariant } from "../../base/invariant.ts";
import { decode } from "../../meta/decode.ts";
import type { Schema } from "../../meta/schema.ts";
import { StatusError } from "../../meta/status-error.ts";
import { schemaByName } from "../schemas.ts";

// What the annotations of autoscaling/v1 may hold: anybody writes them, so each is read as a document of its type.

const string: Schema = { type: "string" };
const quantity: Schema = { type: "quantity" };
const int32: Schema = { type: "int32" };
const object = (fields: { readonly [name: string]: Schema }): Schema => ({ type: "object", fields });
const listOf = (items: Schema): Schema => ({ type: "array", items });
const known = (name: string): Schema => {
  const schema = schemaByName(name);
  invariant(schema, `no schema of ${name}`);
  return schema;
};
const autoscaling = (type: string): Schema => known(`io.k8s.api.autoscaling.v2.${type}`);
const target = (): Schema => autoscaling("CrossVersionObjectReference");
const selector = (): Schema => known("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector");

const metrics = (): Schema => {
  const resource = { name: string, targetAverageUtilization: int32, targetAverageValue: quantity };
  return listOf(
    object({
      type: string,
      object: object({ target: target(), metricName: string, targetValue: quantity, selector: selector(), averageValue: quantity }),
      pods: object({ metricName: string, targetAverageValue: quantity, selector: selector() }),
      resource: object(resource),
      containerResource: object({ ...resource, container: string }),
      external: object({ metricName: string, metricSelector: selector(), targetValue: quantity, targetAverageValue: quantity }),
    }),
  );
};
const currentMetrics = (): Schema => {
  const resource = { name: string, currentAverageUtilization: int32, currentAverageValue: quantity };
  return listOf(
    object({
      type: string,
      object: object({ target: target(), metricName: string, currentValue: quantity, selector: selector(), averageValue: quantity }),
      pods: object({ metricName: string, currentAverageValue: quantity, selector: selector() }),
      resource: object(resource),
      containerResource: object({ ...resource, container: string }),
      external: object({ metricName: string, metricSelector: selector(), currentValue: quantity, currentAverageValue: quantity }),
    }),
  );
};

const schemas = {
  metrics,
  currentMetrics,
  conditions: (): Schema => listOf(autoscaling("HorizontalPodAutoscalerCondition")),
  behavior: (): Schema => autoscaling("HorizontalPodAutoscalerBehavior"),
};

/** The value of an annotation; undefined when it is absent or does not fit its type. */
export function readNoted(type: keyof typeof schemas, text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return decode(schemas[type](), JSON.parse(text)).value;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof StatusError) return undefined;
    throw error;
  }
}
