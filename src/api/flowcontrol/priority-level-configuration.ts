import { FieldPath } from "../../meta/field-path.ts";
import type { FieldError } from "../../meta/status-error.ts";
import { ageColumn, nameColumn } from "../columns.ts";
import { priorityLevelConfigurations } from "../generated/resources.ts";
import type { LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration, QueuingConfiguration } from "../generated/types/flowcontrol-v1.ts";
import { type Column, kind } from "../kind.ts";
import { validateFlowConditions } from "./conditions.ts";
import { checkFixedLevel } from "./mandatory.ts";

const maxQueues = 10_000_000;
/** Bits of a flow's hash that shuffle sharding can spend. @upstream apiserver/pkg/util/shufflesharding */
const maxHashBits = 60;

/** @upstream pkg/registry/flowcontrol/prioritylevelconfiguration/strategy.go */
export const priorityLevelConfigurationKind = kind<PriorityLevelConfiguration>({
  resource: priorityLevelConfigurations,
  generation: "spec",
  defaults(draft) {
    draft.spec ??= { type: "" };
    draft.status ??= {};
    const { limited, exempt } = draft.spec;
    if (limited !== undefined) {
      limited.nominalConcurrencyShares ??= 30;
      limited.lendablePercent ??= 0;
      const queuing = limited.limitResponse?.queuing;
      if (queuing !== undefined) {
        queuing.handSize = queuing.handSize || 8;
        queuing.queues = queuing.queues || 64;
        queuing.queueLengthLimit = queuing.queueLengthLimit || 50;
      }
    }
    if (exempt !== undefined) {
      exempt.nominalConcurrencyShares ??= 0;
      exempt.lendablePercent ??= 0;
    }
  },
  validate: validatePriorityLevel,
  validateStatusUpdate: ({ status }) => validateFlowConditions(status?.conditions),
  columns: [
    nameColumn,
    { name: "Type", type: "string", value: ({ spec }) => spec.type },
    { name: "NominalConcurrencyShares", type: "string", value: ({ spec }) => (spec.limited === undefined ? "<none>" : (spec.limited.nominalConcurrencyShares ?? 0)) },
    queueColumn("Queues", "queues"),
    queueColumn("HandSize", "handSize"),
    queueColumn("QueueLengthLimit", "queueLengthLimit"),
    ageColumn,
  ],
});

function queueColumn(name: string, field: keyof QueuingConfiguration): Column<PriorityLevelConfiguration> {
  return {
    name,
    type: "string",
    value: ({ spec }) => {
      const queuing = spec.limited?.limitResponse?.queuing;
      return queuing === undefined ? "<none>" : (queuing[field] ?? 0);
    },
  };
}

/** @upstream pkg/apis/flowcontrol/validation/validation.go ValidatePriorityLevelConfigurationSpec */
function* validatePriorityLevel({ metadata, spec }: PriorityLevelConfiguration): Iterable<FieldError> {
  const path = new FieldPath("spec");
  const { type = "", limited, exempt } = spec as Partial<PriorityLevelConfiguration["spec"]>;
  if ((metadata.name === "exempt") !== (type === "Exempt")) yield path.child("type").invalid(type, "type must be 'Exempt' if and only if name is 'exempt'");
  if (type === "Exempt") {
    if (limited !== undefined) yield path.child("limited").forbidden("must be nil if the type is not Limited");
    if (exempt !== undefined) {
      yield* checkShares(path.child("exempt"), exempt.nominalConcurrencyShares);
      yield* checkPercent(path.child("exempt", "lendablePercent"), exempt.lendablePercent);
    }
  } else if (type === "Limited") {
    if (exempt !== undefined) yield path.child("exempt").forbidden("must be nil if the type is Limited");
    if (limited === undefined) yield path.child("limited").required("must not be empty when type is Limited");
    else yield* validateLimited(path.child("limited"), limited);
  } else yield path.child("type").notSupported(type, ["Exempt", "Limited"]);
  yield* checkFixedLevel(path, metadata.name ?? "", spec);
}

function* checkShares(path: FieldPath, shares: number | undefined): Iterable<FieldError> {
  if (shares !== undefined && shares < 0) yield path.child("nominalConcurrencyShares").invalid(shares, "must be a non-negative integer");
}

function* checkPercent(path: FieldPath, percent: number | undefined): Iterable<FieldError> {
  if (percent !== undefined && (percent < 0 || percent > 100)) yield path.invalid(percent, "must be between 0 and 100, inclusive");
}

function* validateLimited(path: FieldPath, limited: LimitedPriorityLevelConfiguration): Iterable<FieldError> {
  yield* checkShares(path, limited.nominalConcurrencyShares);
  yield* validateLimitResponse(path.child("limitResponse"), limited.limitResponse ?? { type: "" });
  yield* checkPercent(path.child("lendablePercent"), limited.lendablePercent);
  const { borrowingLimitPercent: borrowing } = limited;
  if (borrowing !== undefined && borrowing < 0) yield path.child("borrowingLimitPercent").invalid(borrowing, "if specified, must be a non-negative integer");
}

function* validateLimitResponse(path: FieldPath, { type, queuing }: LimitResponse): Iterable<FieldError> {
  if (type === "Reject") {
    if (queuing !== undefined) yield path.child("queuing").forbidden("must be nil if limited.limitResponse.type is not Limited");
  } else if (type === "Queue") {
    if (queuing === undefined) yield path.child("queuing").required("must not be empty if limited.limitResponse.type is Limited");
    else yield* validateQueuing(path.child("queuing"), queuing);
  } else yield path.child("type").notSupported(type, ["Queue", "Reject"]);
}

function* validateQueuing(path: FieldPath, { queueLengthLimit = 0, queues = 0, handSize = 0 }: QueuingConfiguration): Iterable<FieldError> {
  const positive = "must be positive";
  if (queueLengthLimit <= 0) yield path.child("queueLengthLimit").invalid(queueLengthLimit, positive);
  if (queues <= 0) yield path.child("queues").invalid(queues, positive);
  else if (queues > maxQueues) yield path.child("queues").invalid(queues, `must not be greater than ${maxQueues}`);
  const at = path.child("handSize");
  if (handSize <= 0) yield at.invalid(handSize, positive);
  else if (handSize > queues) yield at.invalid(handSize, `should not be greater than queues (${queues})`);
  else if (entropyBits(queues, handSize) > maxHashBits) {
    yield at.invalid(handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`);
  }
}

/** @upstream apiserver/pkg/util/shufflesharding RequiredEntropyBits */
function entropyBits(deckSize: number, handSize: number): number {
  return Math.ceil(Math.log2(deckSize) * handSize);
}
