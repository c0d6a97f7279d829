// How drivers of devices prepare claims on their node. v1 and v1beta1 differ in nothing but their names.
// @upstream kubelet/pkg/apis/dra/v1/api.proto

/** The services that drivers may have, the better first, by the name they register. */
export const draServices: ReadonlyMap<string, string> = new Map([
  ["v1.DRAPlugin", "k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin"],
  ["v1beta1.DRAPlugin", "k8s.io.kubelet.pkg.apis.dra.v1beta1.DRAPlugin"],
]);

export interface DraClaim {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

/** Takes both `NodePrepareResources` and `NodeUnprepareResources`. */
export interface DraRequest {
  readonly claims: readonly DraClaim[];
}

export interface DraDevice {
  /** Requests of the claim; empty: all of them. */
  readonly requestNames?: readonly string[];
  readonly poolName?: string;
  readonly deviceName?: string;
  readonly cdiDeviceIds?: readonly string[];
}

/** By the claim's UID. Unpreparing has no devices. */
export interface DraResponse {
  readonly claims?: Readonly<Record<string, { readonly devices?: readonly DraDevice[]; readonly error?: string } | undefined>>;
}

const text = { type: "string" };
const texts = { rule: "repeated", ...text };

const version = {
  nested: {
    DRAPlugin: {
      methods: {
        NodePrepareResources: { requestType: "NodePrepareResourcesRequest", responseType: "NodePrepareResourcesResponse" },
        NodeUnprepareResources: { requestType: "NodeUnprepareResourcesRequest", responseType: "NodeUnprepareResourcesResponse" },
      },
    },
    Claim: { fields: { namespace: { ...text, id: 1 }, uid: { ...text, id: 2 }, name: { ...text, id: 3 } } },
    Device: {
      fields: { request_names: { ...texts, id: 1 }, pool_name: { ...text, id: 2 }, device_name: { ...text, id: 3 }, cdi_device_ids: { ...texts, id: 4 } },
    },
    NodePrepareResourcesRequest: { fields: { claims: { rule: "repeated", type: "Claim", id: 1 } } },
    NodePrepareResourcesResponse: { fields: { claims: { keyType: "string", type: "NodePrepareResourceResponse", id: 1 } } },
    NodePrepareResourceResponse: { fields: { devices: { rule: "repeated", type: "Device", id: 1 }, error: { ...text, id: 2 } } },
    NodeUnprepareResourcesRequest: { fields: { claims: { rule: "repeated", type: "Claim", id: 1 } } },
    NodeUnprepareResourcesResponse: { fields: { claims: { keyType: "string", type: "NodeUnprepareResourceResponse", id: 1 } } },
    NodeUnprepareResourceResponse: { fields: { error: { ...text, id: 1 } } },
  },
};

const inside = (path: readonly string[], leaf: object): object => path.reduceRight<object>((inner, name) => ({ nested: { [name]: inner } }), leaf);

export const draDescriptor = JSON.stringify(inside(["k8s", "io", "kubelet", "pkg", "apis", "dra"], { nested: { v1: version, v1beta1: version } }));
