import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { ApiRequest, UserInfo } from "../meta/wire.ts";
import type { Store } from "../store/contract.ts";
import type { AdmissionChain } from "./admission/admission.ts";
import type { AuditRecord } from "./audit/auditor.ts";
import type { Authorizer } from "./authz/authorizer.ts";
import type { WorkTime } from "./bounds/work-time.ts";
import type { StateCache } from "./cache/state-cache.ts";
import type { ResourceRequest } from "./request-info.ts";
import type { ResourceTable } from "./resources/resource-table.ts";
import type { ServedResource } from "./resources/served-resource.ts";

/** What every part of the server works with. */
export interface ServerParts {
  readonly store: Store;
  readonly cache: StateCache;
  readonly table: ResourceTable;
  readonly admission: AdmissionChain;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The part of a request's record that those who serve it write. */
export type AuditNotes = Pick<AuditRecord, "annotate" | "noteObject" | "showsBodies">;

/** One request for a resource, on its way through the server. */
export interface ResourceContext {
  readonly request: ApiRequest;
  readonly query: URLSearchParams;
  readonly target: ResourceRequest;
  readonly served: ServedResource;
  readonly user: UserInfo;
  readonly work: WorkTime;
  /** Texts for Warning headers, in order. */
  readonly warnings: string[];
  /** Where what is learned of the request is written down; absent: nobody wants it. */
  readonly audit?: AuditNotes | undefined;
}
