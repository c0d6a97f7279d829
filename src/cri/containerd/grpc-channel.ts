import { Client, connectivityState, credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { fromJSON, type MethodDefinition, type PackageDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import { RuntimeError } from "../runtime.ts";

/** protobufjs' JSON form of .proto files, as far as it is walked here. */
interface Descriptor {
  readonly nested?: Readonly<Record<string, Descriptor>>;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly oneofs?: Readonly<Record<string, { readonly oneof: readonly string[] }>>;
}

export interface ChannelOptions {
  /** Path of the unix socket. */
  readonly socket: string;
  /** How long a call waits for the socket to be there before it fails with UNAVAILABLE; 10 s when left out. */
  readonly connectTimeoutMs?: number;
}

/** One connection to a gRPC server behind a unix socket; it connects, and reconnects, when a call needs it. */
export interface GrpcChannel {
  /** Unary calls of the service `name`, for example `runtime.v1.RuntimeService`. */
  service(name: string): UnaryCalls;
  /** Says whether the server is connected: soon, and whenever that changes. From now on it stays connected, as far as it can. */
  watch(changed: (connected: boolean) => void): void;
  close(): void;
}

export interface UnaryCalls {
  /** Rejects with RuntimeError. `Response` is what the descriptor says; unset messages are absent. */
  readonly call: <Response>(method: string, request: object, timeoutMs: number, headers?: Readonly<Record<string, string>>) => Promise<Response>;
}

export function openChannel(options: ChannelOptions, descriptorJson: string): GrpcChannel {
  const definitions = definitionsOf(descriptorJson);
  const client = new Client(`unix:${options.socket}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.initial_reconnect_backoff_ms": 20,
    "grpc.min_reconnect_backoff_ms": 20,
    "grpc.max_reconnect_backoff_ms": 500,
    // Each channel has its own connections, so that close() ends them.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.default_authority": "localhost",
  });
  const connectTimeoutMs = options.connectTimeoutMs ?? 10_000;
  const connected = (): Promise<void> =>
    new Promise((resolve, reject) => {
      client.waitForReady(Date.now() + connectTimeoutMs, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(new RuntimeError("UNAVAILABLE", `nothing answers at ${options.socket}: ${error.message}`));
      });
    });
  const unary = <Response>(method: MethodDefinition<object, object>, request: object, timeoutMs: number, metadata: Metadata): Promise<Response> =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + timeoutMs;
      client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize, request, metadata, { deadline }, (error, response) => {
        if (error !== null) reject(runtimeError(error));
        else resolve(withoutNulls(response) as Response);
      });
    });
  let closed = false;
  return {
    watch(changed) {
      const channel = client.getChannel();
      let told: boolean | undefined;
      const look = (): void => {
        if (closed) return;
        const state = channel.getConnectivityState(true);
        const connected = state === connectivityState.READY;
        channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
        if (connected === told) return;
        told = connected;
        changed(connected);
      };
      look();
    },
    service(name) {
      const definition = definitions[name] as ServiceDefinition | undefined;
      if (definition === undefined || "format" in definition) throw new TypeError(`no service ${name} in the descriptor`);
      return {
        async call<Response>(method: string, request: object, timeoutMs: number, headers: Readonly<Record<string, string>> = {}) {
          const known = definition[method];
          if (known === undefined) throw new TypeError(`no method ${method} in ${name}`);
          await connected();
          const metadata = new Metadata();
          for (const [key, value] of Object.entries(headers)) metadata.set(key, value);
          return unary<Response>(known, request, timeoutMs, metadata);
        },
      };
    },
    close() {
      closed = true;
      client.close();
    },
  };
}

/** PERF: reading CRI's descriptor takes 60 ms; a process has two or three descriptors. */
const known = new Map<string, PackageDefinition>();

function definitionsOf(descriptorJson: string): PackageDefinition {
  const before = known.get(descriptorJson);
  if (before !== undefined) return before;
  const descriptor = camelCased(JSON.parse(descriptorJson) as Descriptor) as Parameters<typeof fromJSON>[0];
  const definitions = fromJSON(descriptor, { longs: Number, enums: String, defaults: true, oneofs: true });
  known.set(descriptorJson, definitions);
  return definitions;
}

function runtimeError(error: ServiceError): RuntimeError {
  return new RuntimeError(status[error.code] ?? "UNKNOWN", error.details === "" ? error.message : error.details);
}

/** `keepCase` speaks of .proto text only; a descriptor's names are taken as they stand, so they are changed here. */
function camelCased(descriptor: Descriptor): Descriptor {
  const out: Record<string, unknown> = { ...descriptor };
  if (descriptor.fields !== undefined) out["fields"] = Object.fromEntries(Object.entries(descriptor.fields).map(([name, field]) => [camelCase(name), field]));
  if (descriptor.oneofs !== undefined)
    out["oneofs"] = Object.fromEntries(Object.entries(descriptor.oneofs).map(([name, { oneof }]) => [camelCase(name), { oneof: oneof.map(camelCase) }]));
  if (descriptor.nested !== undefined) out["nested"] = Object.fromEntries(Object.entries(descriptor.nested).map(([name, inner]) => [name, camelCased(inner)]));
  return out;
}

const camelCase = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Messages that are not set come as null; here and in the generated types they are absent. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) {
    for (const item of value) withoutNulls(item);
    return value;
  }
  const record = value as Record<string, unknown>;
  for (const key in record) {
    if (record[key] === null) delete record[key];
    else withoutNulls(record[key]);
  }
  return value;
}
