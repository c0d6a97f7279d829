export interface Plugin {
  readonly name: string;
  /** Path of the socket of its service. */
  readonly endpoint: string;
  readonly versions: readonly string[];
}

/** What a kind of plug-ins is for. @upstream pkg/kubelet/pluginmanager/cache/types.go PluginHandler */
export interface PluginHandler {
  /** Throws when such a plug-in cannot be used. */
  validate(plugin: Plugin): void;
  /** From now on it may be called. Throws when it cannot be taken. */
  register(plugin: Plugin): void;
  /** Its socket is gone. */
  deregister(plugin: Plugin): void;
}
