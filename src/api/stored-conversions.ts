import type { KubeObject } from "../meta/object.ts";
import { autoscalerFromV1, autoscalerToV1 } from "./autoscaling/convert.ts";
import { eventFromV1, eventToV1 } from "./events/convert.ts";
import { eventsV1, horizontalPodAutoscalersV1 } from "./generated/resources.ts";
import type { HorizontalPodAutoscaler as AutoscalerV1 } from "./generated/types/autoscaling-v1.ts";
import type { HorizontalPodAutoscaler } from "./generated/types/autoscaling-v2.ts";
import type { Event } from "./generated/types/core-v1.ts";
import type { Event as EventV1 } from "./generated/types/events-v1.ts";

/** Versions that are served but stored as another: events as the core group's, autoscalers as autoscaling/v2. */
export interface StoredConversion {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly conversion: { toStorage(object: KubeObject): KubeObject; fromStorage(object: KubeObject): KubeObject };
}

export const storedConversions: readonly StoredConversion[] = [
  {
    ...placeOf(eventsV1),
    conversion: { toStorage: (object) => eventFromV1(object as EventV1), fromStorage: (object) => eventToV1(object as Event) },
  },
  {
    ...placeOf(horizontalPodAutoscalersV1),
    conversion: { toStorage: (object) => autoscalerFromV1(object as AutoscalerV1), fromStorage: (object) => autoscalerToV1(object as HorizontalPodAutoscaler) },
  },
];

function placeOf({
  group,
  version,
  resource,
}: {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}): Pick<StoredConversion, "group" | "version" | "resource"> {
  return { group, version, resource };
}
