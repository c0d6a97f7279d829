import { FunctionTable, type Functions } from "../overload.ts";
import { addArithmetic, addComparison, addOptionals } from "./arithmetic.ts";
import { addAuthorizer } from "./authorizer.ts";
import { addConversions, addTimeGetters } from "./conversions.ts";
import { addFormats, addQuantities, addSemver } from "./kubernetes.ts";
import { addLists } from "./lists.ts";
import { addNetwork, addUrls } from "./network.ts";
import { addRegularExpressions } from "./regular-expressions.ts";
import { addStrings } from "./strings.ts";

const table = new FunctionTable();
for (const add of [
  addArithmetic,
  addComparison,
  addOptionals,
  addConversions,
  addTimeGetters,
  addStrings,
  addLists,
  addRegularExpressions,
  addUrls,
  addNetwork,
  addQuantities,
  addSemver,
  addFormats,
  addAuthorizer,
])
  add(table);
table.add("jsonpatch.escapeKey", "(string) string", (text: string) => text.replaceAll("~", "~0").replaceAll("/", "~1"));

/** All functions that Kubernetes' expressions have. @upstream apiserver/pkg/cel/environment/base.go */
export const kubernetesFunctions: Functions = table.functions;
