/** What `grpc.health.v1.Health/Check` answered. */
export type GrpcHealthStatus = "UNKNOWN" | "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";

/** Asks gRPC servers for their health, in plain text as probes do. */
export interface GrpcHealth {
  /** Rejects with the reason when no answer came in time or the server does not know the method. */
  check(target: { readonly host: string; readonly port: number; readonly service: string; readonly timeoutMs: number }): Promise<GrpcHealthStatus>;
}
