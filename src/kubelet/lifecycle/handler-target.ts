import type { Container, EphemeralContainer } from "../../api/generated/types/core-v1.ts";

/** The number of a port given by number or by the name it has in the container. Throws when there is none. */
export function portNumber(container: Container | EphemeralContainer, port: number | string): number {
  const named = typeof port === "string" ? (container.ports ?? []).find(({ name }) => name === port)?.containerPort : undefined;
  const number = named ?? Number(port);
  if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
  throw new Error(typeof port === "string" && Number.isNaN(Number(port)) ? "couldn't find port: " + JSON.stringify(port) + " in container" : `invalid port number: ${port}`);
}
