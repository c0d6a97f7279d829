/** gRPC servers behind unix sockets: what the node's plug-ins speak. */
export interface GrpcSockets {
  /** `descriptorJson`: the services and their messages in protobufjs' JSON form. It connects when a call needs it. */
  open(socket: string, descriptorJson: string): GrpcSocket;
}

export interface GrpcSocket {
  /** Unary calls of the service `name`, with its package: `pluginregistration.Registration`. */
  service(name: string): GrpcCalls;
  /** Says whether the server is connected: soon, and whenever that changes. From now on it stays connected, as far as it can. */
  watch(changed: (connected: boolean) => void): void;
  close(): void;
}

export interface GrpcCalls {
  /** Fields are named in camelCase; messages that are not set are absent. Rejects with what the server or the way to it says. */
  call<Response>(method: string, request: object, timeoutMs: number): Promise<Response>;
}
