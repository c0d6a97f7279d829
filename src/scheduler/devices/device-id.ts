/** `driver/pool/device`: neither drivers nor devices have a slash in their names. */
export type DeviceId = string;

export function deviceId(at: { readonly driver: string; readonly pool: string; readonly device: string }): DeviceId {
  return `${at.driver}/${at.pool}/${at.device}`;
}

/** `driver/pool`. */
export function poolId(driver: string, pool: string): string {
  return `${driver}/${pool}`;
}
