import { describe, expect, it } from "vitest";
import type { Deployment, ReplicaSet } from "../../api/generated/types/apps-v1.ts";
import { at, epochMs, sampleDeployment, template } from "../sample-objects.ts";
import { planRollout } from "./plan.ts";

/** Does what plans say and lets every pod become available one second later; writes down what happened. */
class Model {
  deployment: Deployment;
  sets: ReplicaSet[] = [];
  readonly transcript: string[] = [];
  #second = 0;
  #healthy: (set: ReplicaSet) => boolean = () => true;

  constructor(spec: Partial<Deployment["spec"]>) {
    this.deployment = sampleDeployment(spec);
  }

  change(spec: Partial<Deployment["spec"]>, healthy?: (set: ReplicaSet) => boolean): this {
    this.deployment = {
      ...this.deployment,
      metadata: { ...this.deployment.metadata, generation: (this.deployment.metadata.generation ?? 0) + 1 },
      spec: { ...this.deployment.spec, ...spec },
    };
    if (healthy !== undefined) this.#healthy = healthy;
    this.transcript.length = 0;
    return this;
  }

  /** Steps until nothing moves any more. */
  run(): readonly string[] {
    for (let quiet = 0; quiet < 2 && this.#second < 500; ) quiet = this.#step() ? 0 : quiet + 1;
    return this.transcript;
  }

  #step(): boolean {
    this.#second += 1;
    const plan = planRollout({
      deployment: this.deployment,
      replicaSets: this.sets,
      hasRunningPods: (uid) => this.sets.some((set) => set.metadata.uid === uid && (set.status?.replicas ?? 0) > 0),
      nowMs: epochMs + this.#second * 1000,
    });
    for (const { type, set } of plan.steps) {
      const name = set.metadata.name ?? "";
      if (type === "create") this.sets.push({ ...set, metadata: { ...set.metadata, uid: name, generation: 1, creationTimestamp: at(this.#second) } });
      else if (type === "delete") this.sets = this.sets.filter((known) => known.metadata.name !== name);
      else this.sets = this.sets.map((known) => (known.metadata.name === name ? set : known));
    }
    const reason = plan.status.conditions?.find((condition) => condition.type === "Progressing")?.reason;
    const moved = plan.steps.length > 0 || JSON.stringify(plan.status) !== JSON.stringify(this.deployment.status);
    const annotations = plan.revision === undefined ? this.deployment.metadata.annotations : { "deployment.kubernetes.io/revision": plan.revision };
    this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, annotations }, status: plan.status };
    if (plan.steps.length > 0) this.transcript.push(`${this.#picture()} ${reason}`);
    this.sets = this.sets.map((set) => {
      const replicas = set.spec.replicas ?? 0;
      const available = this.#healthy(set) ? replicas : Math.min(replicas, set.status?.availableReplicas ?? 0);
      return { ...set, status: { replicas, readyReplicas: available, availableReplicas: available, terminatingReplicas: 0, observedGeneration: 1 } };
    });
    return moved;
  }

  /** `web:1=3/4` is three available of four. */
  #picture(): string {
    const images = this.sets.map((set) => [
      set.spec.template?.spec?.containers[0]?.image,
      `${Math.min(set.status?.availableReplicas ?? 0, set.spec.replicas ?? 0)}/${set.spec.replicas}`,
    ]);
    return images.map(([image, size]) => `${image}=${size}`).join(" ");
  }
}

describe("a rollout from beginning to end", () => {
  it("rolls 4 pods with 25% and 25%", () => {
    const model = new Model({ replicas: 4 });
    expect(model.run()).toEqual(["web:1=0/4 NewReplicaSetCreated"]);
    expect(model.change({ template: template("web:2") }).run()).toMatchInlineSnapshot(`
      [
        "web:1=3/3 web:2=0/1 NewReplicaSetCreated",
        "web:1=3/3 web:2=1/2 ReplicaSetUpdated",
        "web:1=1/1 web:2=2/2 ReplicaSetUpdated",
        "web:1=1/1 web:2=2/4 ReplicaSetUpdated",
        "web:1=0/0 web:2=4/4 ReplicaSetUpdated",
      ]
    `);
    expect(model.deployment.status).toMatchObject({ replicas: 4, updatedReplicas: 4, availableReplicas: 4, observedGeneration: 2 });
    expect(model.deployment.metadata.annotations).toEqual({ "deployment.kubernetes.io/revision": "2" });
  });

  it("never surges where it may not", () => {
    const model = new Model({ replicas: 3, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } });
    model.run();
    expect(model.change({ template: template("web:2") }).run()).toMatchInlineSnapshot(`
      [
        "web:1=2/2 web:2=0/0 NewReplicaSetCreated",
        "web:1=2/2 web:2=0/1 ReplicaSetUpdated",
        "web:1=1/1 web:2=1/1 ReplicaSetUpdated",
        "web:1=1/1 web:2=1/2 ReplicaSetUpdated",
        "web:1=0/0 web:2=2/2 ReplicaSetUpdated",
        "web:1=0/0 web:2=2/3 ReplicaSetUpdated",
      ]
    `);
  });

  it("stops at a broken template and keeps serving", () => {
    const model = new Model({ replicas: 4 });
    model.run();
    const broken = (set: ReplicaSet): boolean => set.spec.template?.spec?.containers[0]?.image !== "broken";
    expect(model.change({ template: template("broken") }, broken).run()).toMatchInlineSnapshot(`
      [
        "web:1=3/3 broken=0/1 NewReplicaSetCreated",
        "web:1=3/3 broken=0/2 ReplicaSetUpdated",
      ]
    `);
    expect(model.change({ template: template("web:3") }).run()).toMatchInlineSnapshot(`
      [
        "web:1=3/3 broken=0/0 web:3=0/0 NewReplicaSetCreated",
        "web:1=3/3 broken=0/0 web:3=0/2 ReplicaSetUpdated",
        "web:1=1/1 broken=0/0 web:3=2/2 ReplicaSetUpdated",
        "web:1=1/1 broken=0/0 web:3=2/4 ReplicaSetUpdated",
        "web:1=0/0 broken=0/0 web:3=4/4 ReplicaSetUpdated",
      ]
    `);
  });

  it("recreates", () => {
    const model = new Model({ replicas: 3, strategy: { type: "Recreate" } });
    model.run();
    expect(model.change({ template: template("web:2") }).run()).toMatchInlineSnapshot(`
      [
        "web:1=0/0 NewReplicaSetAvailable",
        "web:1=0/0 web:2=0/3 ReplicaSetUpdated",
      ]
    `);
  });

  it("rolls back to the set that is still there", () => {
    const model = new Model({ replicas: 2 });
    model.run();
    model.change({ template: template("web:2") }).run();
    model.change({ template: template("web:1") }).run();
    expect(model.sets.map((set) => [set.metadata.annotations?.["deployment.kubernetes.io/revision"], set.spec.replicas])).toEqual([
      ["3", 2],
      ["2", 0],
    ]);
  });
});
