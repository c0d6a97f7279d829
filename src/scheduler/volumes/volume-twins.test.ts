import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { Pod, Volume } from "../../api/generated/types/core-v1.ts";
import type { CSINode } from "../../api/generated/types/storage-v1.ts";
import { aNode, aPod, clusterOf, verdicts } from "../sample-objects.ts";
import { claim, meta, setup, storageClass, volume } from "./sample-volumes.ts";
import { nodeVolumeLimits } from "./volume-limits.ts";
import { volumeRestrictions } from "./volume-restrictions.ts";
import { volumeZone } from "./volume-zone.ts";

const names = ["a", "b", "c", "d"] as const;
const user = (name: string, claims: readonly string[], volumes: readonly Volume[] = []): Pod =>
  aPod(name, { spec: { volumes: [...claims.map((claimName) => ({ name: `claim-${claimName}`, persistentVolumeClaim: { claimName } })), ...volumes] } });
const someClaims = fc.subarray([...names]);

it("the limit of volumes is what counting them one by one says", () => {
  const driver = fc.constantFrom("ebs", "nfs");
  fc.assert(
    fc.property(
      fc.tuple(driver, driver, driver, driver),
      fc.subarray([...names]),
      fc.array(someClaims, { maxLength: 3 }),
      someClaims,
      fc.option(fc.nat(3), { nil: undefined }),
      (drivers, unbound, others, wanted, limit) => {
        const driverOf = new Map(names.map((name, index) => [name as string, drivers[index] ?? "ebs"]));
        const isUnbound = (name: string): boolean => (unbound as readonly string[]).includes(name);
        const { readers } = setup({
          claims: names.map((name) => (isUnbound(name) ? claim(name, { className: `by-${driverOf.get(name) ?? ""}` }) : claim(name, { volume: `v-${name}` }))),
          volumes: names.map((name) => volume(`v-${name}`, { driver: driverOf.get(name) ?? "" })),
          classes: ["ebs", "nfs"].map((provisioner) => storageClass(`by-${provisioner}`, { provisioner })),
          csiNodes: [
            {
              apiVersion: "storage.k8s.io/v1",
              kind: "CSINode",
              metadata: meta("n"),
              spec: { drivers: [{ name: "ebs", nodeID: "n", ...(limit === undefined ? {} : { allocatable: { count: limit } }) }] },
            } satisfies CSINode,
          ],
        });
        const cluster = clusterOf([aNode("n")], { n: others.map((claims, index) => user(`o${index}`, claims)) });
        // Of the driver with a limit, each volume once; a pod that brings no new one may always come.
        const there = new Set(others.flat());
        const fresh = wanted.filter((name) => driverOf.get(name) === "ebs" && !there.has(name));
        const all = [...there].filter((name) => driverOf.get(name) === "ebs").length + fresh.length;
        const fits = limit === undefined || fresh.length === 0 || all <= limit;
        expect(verdicts(user("p", wanted), cluster, [nodeVolumeLimits(readers)])["n"]).toBe(fits ? "ok" : "node(s) exceed max volume count");
      },
    ),
    { numRuns: 300 },
  );
});

it("a zone is what looking at each volume says", () => {
  const zones = fc.option(fc.constantFrom("a", "b", "a__b"), { nil: undefined });
  fc.assert(
    fc.property(fc.tuple(zones, zones, zones, zones), someClaims, fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }), fc.boolean(), (given, wanted, zone, isOld) => {
      const key = isOld ? "failure-domain.beta.kubernetes.io/zone" : "topology.kubernetes.io/zone";
      const zoneOf = new Map(names.map((name, index) => [name as string, given[index]]));
      const { readers } = setup({
        claims: names.map((name) => claim(name, { volume: `v-${name}` })),
        volumes: names.map((name) => volume(`v-${name}`, { labels: zoneOf.get(name) === undefined ? {} : { "topology.kubernetes.io/zone": zoneOf.get(name) ?? "" } })),
      });
      const cluster = clusterOf([aNode("n", { labels: zone === undefined ? {} : { [key]: zone } })]);
      const fits = zone === undefined || wanted.every((name) => zoneOf.get(name)?.split("__").includes(zone) ?? true);
      expect(verdicts(user("p", wanted), cluster, [volumeZone(readers)])["n"]).toBe(fits ? "ok" : "node(s) had no available volume zone!");
    }),
    { numRuns: 300 },
  );
});

it("disks and claims for one pod are what looking at every pod says", () => {
  const disk = fc.record({ pdName: fc.constantFrom("x", "y"), readOnly: fc.boolean() });
  const aUser = fc.record({ claims: someClaims, disks: fc.array(disk, { maxLength: 2 }), on: fc.constantFrom("n1", "n2") });
  fc.assert(
    fc.property(fc.subarray([...names]), fc.array(aUser, { maxLength: 3 }), aUser, (exclusive, others, wanted) => {
      const isExclusive = (name: string): boolean => (exclusive as readonly string[]).includes(name);
      const { readers } = setup({ claims: names.map((name) => claim(name, { volume: `v-${name}`, modes: [isExclusive(name) ? "ReadWriteOncePod" : "ReadWriteOnce"] })) });
      const podOf = (
        name: string,
        { claims, disks }: { readonly claims: readonly string[]; readonly disks: readonly { readonly pdName: string; readonly readOnly: boolean }[] },
      ): Pod =>
        user(
          name,
          claims,
          disks.map((gcePersistentDisk, index) => ({ name: `disk-${index}`, gcePersistentDisk })),
        );
      const on = (node: string): readonly Pod[] => others.flatMap((other, index) => (other.on === node ? [podOf(`o${index}`, other)] : []));
      const cluster = clusterOf([aNode("n1"), aNode("n2")], { n1: on("n1"), n2: on("n2") });
      const isInUse = wanted.claims.some((name) => isExclusive(name) && others.some(({ claims }) => claims.includes(name)));
      const expected = (node: string): string => {
        const clashes = others.some(
          (other) => other.on === node && other.disks.some((theirs) => wanted.disks.some((mine) => mine.pdName === theirs.pdName && !(mine.readOnly && theirs.readOnly))),
        );
        if (clashes) return "node(s) had no available disk";
        return isInUse ? "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode" : "ok";
      };
      expect(verdicts(podOf("p", wanted), cluster, [volumeRestrictions(readers)])).toEqual({ n1: expected("n1"), n2: expected("n2") });
    }),
    { numRuns: 300 },
  );
});
