import type { Controller, ControllerDeps } from "../reconcile/controller.ts";
import { cronJobController } from "./cronjob/reconcile.ts";
import { daemonSetController } from "./daemonset/reconcile.ts";
import { deploymentController } from "./deployment/reconcile.ts";
import { endpointSliceMirroringController } from "./endpointslice-mirroring/reconcile.ts";
import { endpointSliceController } from "./endpointslice/reconcile.ts";
import { endpointsController } from "./endpoints/reconcile.ts";
import { garbageCollector } from "./garbage-collector/reconcile.ts";
import { jobController } from "./job/reconcile.ts";
import { namespaceController } from "./namespace/reconcile.ts";
import { nodeIpamController } from "./node-ipam/reconcile.ts";
import { nodeLifecycleController, type NodeLifecycleOptions } from "./node-lifecycle/reconcile.ts";
import { podGarbageCollector } from "./pod-gc/reconcile.ts";
import { replicaSetController } from "./replicaset/reconcile.ts";
import { replicationController } from "./replication-controller/reconcile.ts";
import { rootCaPublisher } from "./root-ca-publisher/reconcile.ts";
import { serviceAccountController } from "./serviceaccount/reconcile.ts";
import { serviceLbController } from "./service-lb/reconcile.ts";
import { statefulSetController } from "./statefulset/reconcile.ts";
import { taintEvictionController } from "./taint-eviction/reconcile.ts";
import { ttlAfterFinishedController } from "./ttl-after-finished/reconcile.ts";

export interface AllControllersOptions {
  /** PEM bundle that signed the API server's certificate; absent: nobody publishes it. */
  readonly rootCa?: string;
  /** Where nodes' pod addresses come from, one range per family: `10.42.0.0/16` or `10.42.0.0/16,fd00:42::/48`; absent: nodes get none. */
  readonly clusterCidr?: string;
  /** Addresses for services of type LoadBalancer; absent or empty: the nodes' own. */
  readonly loadBalancerPool?: string;
  /** A service class served besides services without one. */
  readonly loadBalancerClass?: string;
  readonly nodeLifecycle?: NodeLifecycleOptions;
}

/** What kube-controller-manager and the parts of a cloud controller that a cluster needs would run. */
export function allControllers(deps: ControllerDeps, options: AllControllersOptions): readonly Controller[] {
  const { rootCa, clusterCidr = "", loadBalancerPool, loadBalancerClass } = options;
  const clusterCidrs = clusterCidr
    .split(",")
    .map((range) => range.trim())
    .filter((range) => range !== "");
  return [
    replicaSetController(deps),
    replicationController(deps),
    deploymentController(deps),
    daemonSetController(deps),
    statefulSetController(deps),
    jobController(deps),
    cronJobController(deps),
    endpointSliceController(deps),
    endpointsController(deps),
    endpointSliceMirroringController(deps),
    namespaceController(deps),
    serviceAccountController(deps),
    ...(rootCa === undefined ? [] : [rootCaPublisher(deps, { caPem: rootCa })]),
    garbageCollector(deps),
    podGarbageCollector(deps),
    nodeLifecycleController(deps, options.nodeLifecycle),
    taintEvictionController(deps),
    ...(clusterCidrs.length === 0 ? [] : [nodeIpamController(deps, { clusterCidrs })]),
    serviceLbController(deps, {
      ...(loadBalancerPool === undefined ? {} : { pool: loadBalancerPool }),
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    }),
    ttlAfterFinishedController(deps),
  ];
}
