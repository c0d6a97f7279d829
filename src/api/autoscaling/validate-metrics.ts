import type { FieldPath } from "../../meta/field-path.ts";
import { Quantity } from "../../meta/quantity.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { validateLabelSelector } from "../../meta/validation.ts";
import { checkPathSegment } from "../field-checks.ts";
import type { CrossVersionObjectReference, MetricIdentifier, MetricSpec, MetricTarget } from "../generated/types/autoscaling-v2.ts";
import { validateReference, validateReferenceVersion } from "./validate-reference.ts";

const sourceOf: { readonly [type: string]: keyof MetricSpec | undefined } = {
  Object: "object",
  Pods: "pods",
  Resource: "resource",
  ContainerResource: "containerResource",
  External: "external",
};
const fields = ["object", "external", "pods", "resource", "containerResource"] as const;

/** @upstream pkg/apis/autoscaling/validation/validation.go validateMetricSpec */
export function* validateMetric(path: FieldPath, metric: MetricSpec): Iterable<FieldError> {
  const type = (metric.type as string | undefined) ?? "";
  const own = sourceOf[type];
  if (type === "") yield path.child("type").required("must specify a metric source type");
  if (own === undefined) yield path.child("type").notSupported(type, Object.keys(sourceOf));
  const present = fields.filter((field) => metric[field] !== undefined);
  const [first] = present;
  // Upstream looks into the first source alone; the others are refused below.
  if (first !== undefined) yield* validateSource(path.child(first), first, metric);
  if (own !== undefined && metric[own] === undefined) yield path.child(own).required("must populate information for the given metric source");
  if (present.length > 1) for (const field of present) if (field !== own) yield path.child(field).forbidden("must populate the given metric source only");
}

interface Source {
  readonly target?: MetricTarget;
  readonly metric?: MetricIdentifier;
  readonly name?: string;
  readonly container?: string;
  readonly describedObject?: CrossVersionObjectReference;
}

function* validateSource(path: FieldPath, field: (typeof fields)[number], metric: MetricSpec): Iterable<FieldError> {
  const source: Source = metric[field] ?? {};
  const target: Partial<MetricTarget> = source.target ?? {};
  const targetPath = path.child("target");
  if (field === "object") {
    const { describedObject = {} } = source;
    yield* validateReference(path.child("describedObject"), describedObject);
    yield* validateReferenceVersion(path.child("describedObject"), describedObject, { mayOmitGroup: true });
  }
  if (field === "resource" || field === "containerResource") {
    if ((source.name ?? "") === "") yield path.child("name").required("must specify a resource name");
    if (field === "containerResource" && (source.container ?? "") === "") yield path.child("container").required("must specify a container");
  } else yield* validateIdentifier(path.child("metric"), source.metric ?? {});
  yield* validateTarget(targetPath, target);
  const { value, averageValue, averageUtilization } = target;
  switch (field) {
    case "object":
      if (value === undefined && averageValue === undefined) yield targetPath.child("averageValue").required("must set either a target value or averageValue");
      break;
    case "external":
      if (value === undefined && averageValue === undefined) yield targetPath.child("averageValue").required("must set either a target value for metric or a per-pod target");
      if (value !== undefined && averageValue !== undefined) yield targetPath.child("value").forbidden("may not set both a target value for metric and a per-pod target");
      break;
    case "pods":
      if (averageValue === undefined || Quantity.parse(averageValue).sign !== 1) yield targetPath.child("averageValue").required("must specify a positive target averageValue");
      break;
    default:
      if (averageUtilization === undefined && averageValue === undefined)
        yield targetPath.child("averageUtilization").required("must set either a target raw value or a target utilization");
      if (averageUtilization !== undefined && averageValue !== undefined)
        yield targetPath.child("averageValue").forbidden("may not set both a target raw value and a target utilization");
  }
}

function* validateIdentifier(path: FieldPath, { name = "", selector }: Partial<MetricIdentifier>): Iterable<FieldError> {
  if (name === "") yield path.child("name").required();
  else yield* checkPathSegment(path.child("name"), name);
  yield* validateLabelSelector(selector, path.child("selector"));
}

function* validateTarget(path: FieldPath, { type = "", value, averageValue, averageUtilization }: Partial<MetricTarget>): Iterable<FieldError> {
  if (type === "") yield path.child("type").required("must specify a metric target type");
  if (type !== "Utilization" && type !== "Value" && type !== "AverageValue") yield path.child("type").invalid(type, "must be either Utilization, Value, or AverageValue");
  if (value !== undefined && Quantity.parse(value).sign !== 1) yield path.child("value").invalid(value, "must be positive");
  if (averageValue !== undefined && Quantity.parse(averageValue).sign !== 1) yield path.child("averageValue").invalid(averageValue, "must be positive");
  if (averageUtilization !== undefined && averageUtilization < 1) yield path.child("averageUtilization").invalid(averageUtilization, "must be greater than 0");
}
