import type { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { httpHeaderNameErrors, invalidEach, portErrors, portNameErrors, validateNonnegative } from "../../meta/validation.ts";
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from "../generated/types/core-v1.ts";

/** What a probe or a hook does: exactly one of these. */
type Handler = LifecycleHandler & Pick<Probe, "grpc">;

/** @upstream pkg/apis/core/validation/validation.go validateHandler */
function validateHandler(handler: Handler, gracePeriodSeconds: number | undefined, path: FieldPath): FieldError[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const set = (["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const).filter((action) => handler[action] !== undefined);
  const [first, ...others] = set;
  if (first === undefined) return [path.required("must specify a handler type")];
  const errors: FieldError[] = [];
  if (first === "exec" && (exec?.command ?? []).length === 0) errors.push(path.child("exec", "command").required());
  if (first === "httpGet" && httpGet !== undefined) errors.push(...validateHttpGet(httpGet, path.child("httpGet")));
  if (first === "tcpSocket" && tcpSocket !== undefined) errors.push(...validatePort(tcpSocket.port, path.child("tcpSocket", "port")));
  if (first === "grpc" && grpc !== undefined) errors.push(...validatePort(grpc.port, path.child("grpc", "port")));
  if (first === "sleep" && sleep !== undefined && gracePeriodSeconds !== undefined && (sleep.seconds < 0 || sleep.seconds > gracePeriodSeconds))
    errors.push(path.child("sleep").invalid(sleep.seconds, `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriodSeconds})`));
  for (const action of others) errors.push(path.child(action).forbidden("may not specify more than 1 handler type"));
  return errors;
}

function validateHttpGet({ path: target, port, scheme = "", httpHeaders }: HTTPGetAction, path: FieldPath): FieldError[] {
  const errors = target === undefined || target === "" ? [path.child("path").required()] : [];
  errors.push(...validatePort(port, path.child("port")));
  if (scheme !== "HTTP" && scheme !== "HTTPS") errors.push(path.child("scheme").notSupported(scheme, ["HTTP", "HTTPS"]));
  for (const { name = "" } of httpHeaders ?? []) errors.push(...invalidEach(path.child("httpHeaders"), name, httpHeaderNameErrors(name)));
  return errors;
}

/** A number or the name of a container's port. @upstream ValidatePortNumOrName */
function validatePort(port: number | string | undefined, path: FieldPath): FieldError[] {
  return typeof port === "string" ? invalidEach(path, port, portNameErrors(port)) : invalidEach(path, port ?? 0, portErrors(port ?? 0));
}

export type ProbeKind = "livenessProbe" | "readinessProbe" | "startupProbe";

/** @upstream validateLivenessProbe, validateReadinessProbe, validateStartupProbe */
export function validateProbe(probe: Probe | undefined, kind: ProbeKind, gracePeriodSeconds: number | undefined, path: FieldPath): FieldError[] {
  if (probe === undefined) return [];
  const errors = validateHandler(probe, gracePeriodSeconds, path);
  for (const field of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const)
    errors.push(...validateNonnegative(probe[field] ?? 0, path.child(field)));
  const { terminationGracePeriodSeconds: grace, successThreshold } = probe;
  if (grace !== undefined && grace <= 0) errors.push(path.child("terminationGracePeriodSeconds").invalid(grace, "must be greater than 0"));
  if (kind === "readinessProbe") {
    if (grace !== undefined) errors.push(path.child("terminationGracePeriodSeconds").invalid(grace, "must not be set for readinessProbes"));
  } else if (successThreshold !== 1) errors.push(path.child("successThreshold").invalid(successThreshold ?? 0, "must be 1"));
  return errors;
}

/** Signals that Linux and Windows nodes can send. @upstream pkg/apis/core/validation/validation.go validateStopSignal */
const windowsSignals = ["SIGKILL", "SIGTERM"];

export function validateLifecycle({ postStart, preStop, stopSignal }: Lifecycle, gracePeriodSeconds: number | undefined, os: string | undefined, path: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (postStart !== undefined) errors.push(...validateHandler(postStart, gracePeriodSeconds, path.child("postStart")));
  if (preStop !== undefined) errors.push(...validateHandler(preStop, gracePeriodSeconds, path.child("preStop")));
  if (stopSignal !== undefined) {
    if (os === undefined) errors.push(path.child("stopSignal").forbidden("may not be set for containers with empty `spec.os.name`"));
    else if (os === "windows" && !windowsSignals.includes(stopSignal)) errors.push(path.child("stopSignal").notSupported(stopSignal, windowsSignals));
    else if (os !== "windows" && !linuxSignals.has(stopSignal)) errors.push(path.child("stopSignal").notSupported(stopSignal, [...linuxSignals]));
  }
  return errors;
}

const linuxSignals = new Set([
  ..."ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ"
    .split(" ")
    .map((name) => `SIG${name}`),
  "SIGRTMIN",
  ...Array.from({ length: 15 }, (_, index) => `SIGRTMIN+${index + 1}`),
  ...Array.from({ length: 14 }, (_, index) => `SIGRTMAX-${index + 1}`),
  "SIGRTMAX",
]);
