import type { GrpcHealth } from "../grpc-health.ts";
import type { Network } from "../network.ts";

/** Everything answers, and well: containers on paper serve nothing that could be asked. */
export const simulatedNetwork: Network = {
  async probeTcp() {},
  async probeHttp() {
    return { status: 200, body: "ok" };
  },
};

export const simulatedGrpcHealth: GrpcHealth = {
  async check() {
    return "SERVING";
  },
};
