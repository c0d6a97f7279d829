/** How a plug-in of the node says what it is. @upstream kubelet/pkg/apis/pluginregistration/v1/api.proto */
export const registrationService = "pluginregistration.Registration";

/** Answer of `GetInfo`. */
export interface PluginInfo {
  /** `DRAPlugin`, `CSIPlugin`, `DevicePlugin`. */
  readonly type?: string;
  /** The driver's name. */
  readonly name?: string;
  /** Socket of the service itself; the socket of the registration when empty. */
  readonly endpoint?: string;
  readonly supportedVersions?: readonly string[];
}

/** What `NotifyRegistrationStatus` is told. */
export interface RegistrationStatus {
  readonly pluginRegistered: boolean;
  readonly error: string;
}

const text = { type: "string" };

export const registrationDescriptor = JSON.stringify({
  nested: {
    pluginregistration: {
      nested: {
        PluginInfo: {
          fields: {
            type: { ...text, id: 1 },
            name: { ...text, id: 2 },
            endpoint: { ...text, id: 3 },
            supported_versions: { rule: "repeated", ...text, id: 4 },
          },
        },
        RegistrationStatus: { fields: { plugin_registered: { type: "bool", id: 1 }, error: { ...text, id: 2 } } },
        RegistrationStatusResponse: { fields: {} },
        InfoRequest: { fields: {} },
        Registration: {
          methods: {
            GetInfo: { requestType: "InfoRequest", responseType: "PluginInfo" },
            NotifyRegistrationStatus: { requestType: "RegistrationStatus", responseType: "RegistrationStatusResponse" },
          },
        },
      },
    },
  },
});
