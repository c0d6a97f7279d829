/** What all kinds of condition share. */
export interface ConditionShape {
  readonly type: string;
  readonly status: string;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly lastTransitionTime?: string | undefined;
}

export function findCondition<C extends ConditionShape>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function withoutCondition<C extends ConditionShape>(conditions: readonly C[] | undefined, type: string): readonly C[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/**
 * The conditions with `next` in place of the one of its type. Same status and reason: nothing changes, not even the
 * message. Same status: the old lastTransitionTime stays.
 */
export function withCondition<C extends ConditionShape>(conditions: readonly C[] | undefined, next: C): readonly C[] {
  const current = findCondition(conditions, next.type);
  if (current !== undefined && current.status === next.status && current.reason === next.reason) return conditions ?? [];
  const kept = current !== undefined && current.status === next.status ? { ...next, lastTransitionTime: current.lastTransitionTime } : next;
  return [...withoutCondition(conditions, next.type), kept];
}
