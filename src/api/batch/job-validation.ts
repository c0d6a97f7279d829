import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { dnsLabelErrors, dnsSubdomainErrors, httpPathErrors, utf8Length, validateLabelSelector, validateNonnegative } from "../../meta/validation.ts";
import type { Job, JobSpec, SuccessPolicyRule } from "../generated/types/batch-v1.ts";
import { isBlank, unsupported } from "../pod/choice.ts";
import { selectorMismatch, validatePodTemplate } from "../pod/validate-pod-template.ts";
import { selectsTemplate } from "../workload-selector.ts";
import { countIndexes, IndexRangesError, parseIndexRanges } from "./index-ranges.ts";
import { validatePodFailurePolicy } from "./pod-failure-policy.ts";

const maxIndexedParallelism = 100_000;
const maxFailedIndexes = 100_000;
const manyCompletions = 100_000;
const maxWithManyCompletions = 10_000;
const maxManagedBy = 63;
const maxSuccessRules = 20;
const maxSucceededIndexes = 64 * 1024;

const path = new FieldPath("spec");

/** @upstream pkg/apis/batch/validation/validation.go ValidateJobSpec */
export function validateJob({ spec }: Job): FieldError[] {
  const errors = validateJobSpec(spec, path);
  const { selector, template } = spec;
  const wrong = selector === undefined ? [path.child("selector").required()] : validateLabelSelector(selector, path.child("selector"));
  if (wrong.length === 0 && !selectsTemplate(selector, template)) wrong.push(selectorMismatch(template, path.child("template")));
  return [...errors, ...wrong];
}

/** The pods of an Indexed Job are named after it, and so are their hosts. @upstream ValidateJob */
export function validateJobName({ metadata, spec }: Job): FieldError[] {
  if (spec.completionMode !== "Indexed" || spec.completions === undefined || spec.completions <= 0) return [];
  const hostname = `${metadata.name}-${spec.completions - 1}`;
  if (dnsLabelErrors(hostname).length === 0) return [];
  return [new FieldPath("metadata.name").invalid(metadata.name, `will not able to create pod with invalid DNS label: ${hostname}`)];
}

/** Of a Job or of a CronJob's template; `place` is that of the spec. @upstream validateJobSpec */
export function validateJobSpec(spec: JobSpec, place: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished", "backoffLimitPerIndex", "maxFailedIndexes"] as const)
    errors.push(...validateNonnegative(spec[field] ?? 0, place.child(field)));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    errors.push(place.child("backoffLimitPerIndex").required("when maxFailedIndexes is specified"));
  if (spec.managedBy !== undefined) errors.push(...validateManagedBy(spec.managedBy, place.child("managedBy")));
  errors.push(...validateCompletionMode(spec, place));
  if (spec.podFailurePolicy !== undefined) errors.push(...validatePodFailurePolicy(spec, place.child("podFailurePolicy", "rules")));
  if (spec.successPolicy !== undefined) {
    const policy = place.child("successPolicy");
    if (spec.completionMode !== "Indexed") errors.push(policy.invalid(spec.successPolicy, "requires indexed completion mode"));
    else errors.push(...validateSuccessPolicy(spec.successPolicy.rules ?? [], spec.completions ?? 0, policy.child("rules")));
  }
  const replacement = spec.podReplacementPolicy;
  const replacements = spec.podFailurePolicy === undefined ? ["Failed", "TerminatingOrFailed"] : ["Failed"];
  if (replacement !== undefined && !replacements.includes(replacement)) errors.push(unsupported(place.child("podReplacementPolicy"), replacement, replacements));
  errors.push(...validatePodTemplate(spec.template ?? {}, place.child("template")));
  return [...errors, ...validateRestartPolicy(spec, place.child("template", "spec", "restartPolicy"))];
}

/** A job's pods end; Always is what a template says that says nothing. */
function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, place: FieldPath): FieldError[] {
  const policy = template?.spec?.restartPolicy;
  if (isBlank(policy) || policy === "Always") return [place.required('valid values: "OnFailure", "Never"')];
  if (policy !== "OnFailure" && policy !== "Never") return [unsupported(place, policy, ["OnFailure", "Never"])];
  return podFailurePolicy !== undefined && policy !== "Never" ? [place.invalid(policy, 'only "Never" is supported when podFailurePolicy is specified')] : [];
}

function validateCompletionMode(spec: JobSpec, place: FieldPath): FieldError[] {
  const { completionMode: mode, completions, parallelism = 0, maxFailedIndexes: failed, backoffLimitPerIndex: perIndex } = spec;
  const errors: FieldError[] = [];
  if (mode === undefined || mode === "NonIndexed") {
    if (perIndex !== undefined) errors.push(place.child("backoffLimitPerIndex").invalid(perIndex, "requires indexed completion mode"));
    if (failed !== undefined) errors.push(place.child("maxFailedIndexes").invalid(failed, "requires indexed completion mode"));
    return errors;
  }
  if (mode !== "Indexed") return [unsupported(place.child("completionMode"), mode, ["NonIndexed", "Indexed"])];
  if (completions === undefined) errors.push(place.child("completions").required("when completion mode is Indexed"));
  if (parallelism > maxIndexedParallelism)
    errors.push(place.child("parallelism").invalid(parallelism, `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`));
  if (completions !== undefined && failed !== undefined && failed > completions)
    errors.push(place.child("maxFailedIndexes").invalid(failed, "must be less than or equal to completions"));
  if (failed !== undefined && failed > maxFailedIndexes) errors.push(place.child("maxFailedIndexes").invalid(failed, `must be less than or equal to ${maxFailedIndexes}`));
  if (completions === undefined || completions <= manyCompletions || perIndex === undefined) return errors;
  const why = `must be less than or equal to ${maxWithManyCompletions} when completions are above ${manyCompletions} and used with backoff limit per index`;
  if (failed === undefined) errors.push(place.child("maxFailedIndexes").required(`must be specified when completions is above ${manyCompletions}`));
  if (parallelism > maxWithManyCompletions) errors.push(place.child("parallelism").invalid(parallelism, why));
  if (failed !== undefined && failed > maxWithManyCompletions) errors.push(place.child("maxFailedIndexes").invalid(failed, why));
  return errors;
}

/** `example.com/controller`. @upstream apimachinery/pkg/util/validation IsDomainPrefixedPath */
function validateManagedBy(value: string, place: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const slash = value.indexOf("/");
  if (value === "") errors.push(place.required());
  else if (slash <= 0 || slash === value.length - 1) errors.push(place.invalid(value, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  else {
    errors.push(...dnsSubdomainErrors(value.slice(0, slash)).map((message) => place.invalid(value.slice(0, slash), message)));
    errors.push(...httpPathErrors(value.slice(slash + 1)).map((message) => place.invalid(value.slice(slash + 1), message)));
  }
  if (utf8Length(value) > maxManagedBy) errors.push(place.tooLong(maxManagedBy));
  return errors;
}

function validateSuccessPolicy(rules: readonly SuccessPolicyRule[], completions: number, place: FieldPath): FieldError[] {
  const errors = rules.length === 0 ? [place.required("at least one rules must be specified when the successPolicy is specified")] : [];
  if (rules.length > maxSuccessRules) errors.push(place.tooMany(rules.length, maxSuccessRules));
  for (const [index, rule] of rules.entries()) errors.push(...validateSuccessRule(rule, completions, place.index(index)));
  return errors;
}

function validateSuccessRule({ succeededCount: count, succeededIndexes: indexes }: SuccessPolicyRule, completions: number, place: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (count === undefined && indexes === undefined) errors.push(place.required("at least one of succeededCount or succeededIndexes must be specified"));
  let total = 0;
  if (indexes !== undefined) {
    const where = place.child("succeededIndexes");
    if (utf8Length(indexes) > maxSucceededIndexes) errors.push(where.tooLong(maxSucceededIndexes));
    try {
      total = countIndexes(parseIndexRanges(indexes, completions));
    } catch (error) {
      if (!(error instanceof IndexRangesError)) throw error;
      errors.push(where.invalid(indexes, `error parsing succeededIndexes: ${error.message}`));
    }
  }
  if (count === undefined) return errors;
  const where = place.child("succeededCount");
  errors.push(...validateNonnegative(count, where));
  if (count > completions) errors.push(where.invalid(count, `must be less than or equal to ${completions} (the number of specified completions)`));
  if (indexes !== undefined && count > total)
    errors.push(where.invalid(count, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`));
  return errors;
}
