import { rm } from "node:fs/promises";
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall, type ServiceDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { openChannel } from "../../src/cri/containerd/grpc-channel.ts";
import { draDescriptor } from "../../src/kubelet/plugins/dra/dra-api.ts";
import { registrationDescriptor } from "../../src/kubelet/plugins/registration/registration-api.ts";
import type { GrpcSockets } from "../../src/platform/grpc-sockets.ts";

interface ClaimText {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

/** A driver of devices as a process on the node would be: two gRPC servers on unix sockets. Names are as in the .proto files. */
export class DeviceDriver {
  readonly name: string;
  readonly registrationSocket: string;
  readonly socket: string;
  /** `prepare default/claim`, `registered`. */
  readonly heard: string[] = [];
  /** What is answered instead of devices. */
  failure = "";
  readonly #server = new Server();

  constructor(options: { readonly name: string; readonly folder: string }) {
    this.name = options.name;
    this.registrationSocket = `${options.folder}/reg.sock`;
    this.socket = `${options.folder}/dra.sock`;
  }

  async start(): Promise<void> {
    const unary =
      <Request>(answer: (request: Request) => object) =>
      (call: ServerUnaryCall<Request, object>, done: sendUnaryData<object>): void =>
        done(null, answer(call.request));
    this.#server.addService(serviceOf(registrationDescriptor, "pluginregistration.Registration"), {
      GetInfo: unary(() => ({ type: "DRAPlugin", name: this.name, endpoint: this.socket, supported_versions: ["v1.DRAPlugin"] })),
      NotifyRegistrationStatus: unary(({ plugin_registered: registered, error }: { plugin_registered: boolean; error: string }) => {
        this.heard.push(registered ? "registered" : error);
        return {};
      }),
    });
    const each = (verb: string, answer: (claim: ClaimText) => object) =>
      unary(({ claims }: { claims: readonly ClaimText[] }) => {
        for (const { namespace, name } of claims) this.heard.push(`${verb} ${namespace}/${name}`);
        return { claims: Object.fromEntries(claims.map((claim) => [claim.uid, this.failure === "" ? answer(claim) : { error: this.failure }])) };
      });
    this.#server.addService(serviceOf(draDescriptor, "k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin"), {
      NodePrepareResources: each("prepare", ({ name }) => ({
        devices: [{ request_names: ["gpu"], pool_name: "node-1", device_name: "gpu-0", cdi_device_ids: [`${this.name}/claim=${name}`] }],
      })),
      NodeUnprepareResources: each("unprepare", () => ({})),
    });
    for (const path of [this.registrationSocket, this.socket]) {
      await new Promise<void>((resolve, reject) => {
        this.#server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
      });
    }
  }

  async stop(): Promise<void> {
    this.#server.forceShutdown();
    for (const path of [this.registrationSocket, this.socket]) await rm(path, { force: true });
  }
}

function serviceOf(descriptorJson: string, name: string): ServiceDefinition {
  const definition = fromJSON(JSON.parse(descriptorJson) as Parameters<typeof fromJSON>[0], { defaults: true })[name];
  if (definition === undefined || "format" in definition) throw new Error(`no service ${name}`);
  return definition as ServiceDefinition;
}

/** Real connections whose calls can be waited for, under a clock that is not real. */
export class CountedSockets implements GrpcSockets {
  readonly #calls = new Set<Promise<unknown>>();

  open(socket: string, descriptorJson: string): ReturnType<GrpcSockets["open"]> {
    const channel = openChannel({ socket }, descriptorJson);
    return {
      ...channel,
      service: (name) => {
        const calls = channel.service(name);
        return {
          call: <Response>(method: string, request: object, timeoutMs: number): Promise<Response> => {
            const call = calls.call<Response>(method, request, timeoutMs);
            const settled = call.catch(() => {}).finally(() => this.#calls.delete(settled));
            this.#calls.add(settled);
            return call;
          },
        };
      },
    };
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls);
  }
}
