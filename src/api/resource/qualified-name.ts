/** Attributes and capacities are named with a domain or, within their driver's, without. */
export interface DomainAndId {
  readonly domain: string;
  readonly id: string;
}

/** `dra.example.com/model` to its parts; a name without a domain is of `driver`'s. */
export function splitQualifiedName(name: string, driver: string): DomainAndId {
  const slash = name.indexOf("/");
  return slash < 0 ? { domain: driver, id: name } : { domain: name.slice(0, slash), id: name.slice(slash + 1) };
}

/**
 * What stands under a name that may be written with or without the driver's domain: the written name first.
 * @upstream dynamic-resource-allocation/structured lookupAttribute
 */
export function lookUpQualified<Value>(values: { readonly [name: string]: Value } | undefined, name: string, driver: string): Value | undefined {
  if (values === undefined) return undefined;
  const exact = Object.hasOwn(values, name) ? values[name] : undefined;
  if (exact !== undefined) return exact;
  const slash = name.indexOf("/");
  if (slash < 0) {
    const qualified = `${driver}/${name}`;
    return Object.hasOwn(values, qualified) ? values[qualified] : undefined;
  }
  const id = name.slice(slash + 1);
  return name.slice(0, slash) === driver && Object.hasOwn(values, id) ? values[id] : undefined;
}
