import { orAbort } from "../../base/abort.ts";
import type { Clock } from "../../base/clock.ts";
import type { Container, EphemeralContainer, Pod, Secret } from "../../api/generated/types/core-v1.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";
import type { Image, PodSandboxConfig } from "../../cri/generated/cri-v1.ts";
import type { ImageService } from "../../cri/runtime.ts";
import { goDuration } from "../go-duration.ts";
import { uidOf } from "../pods/pod-containers.ts";
import { rpcErrorText } from "../rpc-error-text.ts";
import { BackOff } from "../runtime/back-off.ts";
import { StartError } from "../runtime/start-error.ts";
import { pullPolicyOf, withDefaultTag } from "./image-name.ts";
import { pullCredentials } from "./pull-credentials.ts";

export interface PullRequest {
  readonly pod: Pod;
  readonly container: Container | EphemeralContainer;
  readonly fieldPath: string;
  readonly sandboxConfig: PodSandboxConfig;
  readonly signal: AbortSignal;
  /** The pod's pull secrets that exist. */
  secrets(): Promise<readonly Secret[]>;
  /** Called before a pull that may take long. */
  waiting(): void;
}

export interface PulledImage {
  readonly id: string;
  readonly user: { readonly uid?: number | undefined; readonly username?: string | undefined };
}

const backOffShownAfterMs = 1_000;

/** Makes sure that images are there, one pull at a time. @upstream pkg/kubelet/images/image_manager.go */
export class ImagePuller {
  readonly #images: ImageService;
  readonly #recorder: EventRecorder;
  readonly #clock: Clock;
  readonly #backOff = new BackOff({ initialMs: 10_000, maxMs: 300_000 });
  readonly #lastErrors = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: { readonly images: ImageService; readonly recorder: EventRecorder; readonly clock: Clock }) {
    this.#images = deps.images;
    this.#recorder = deps.recorder;
    this.#clock = deps.clock;
  }

  /** Throws StartError with the reason that the container waits for. */
  async ensure(request: PullRequest): Promise<PulledImage> {
    const { pod, container } = request;
    const image = container.image ?? "";
    const warn = (reason: string, message: string): void => this.#recorder.event(pod, "Warning", reason, message, { fieldPath: request.fieldPath });
    const tagged = withDefaultTag(image);
    if (tagged === undefined) {
      const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
      warn("InspectFailed", message);
      throw new StartError("InvalidImageName", message);
    }
    const present = await this.#inspect(tagged, request);
    const policy = pullPolicyOf(container);
    if (present !== undefined && policy !== "Always") {
      this.#recorder.event(pod, "Normal", "Pulled", `Container image "${image}" already present on machine and can be accessed by the pod`, { fieldPath: request.fieldPath });
      return pulled(present);
    }
    if (policy === "Never") {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      warn("ErrImageNeverPull", message);
      throw new StartError("ErrImageNeverPull", message);
    }
    return this.#pull(image, tagged, request);
  }

  /** Forgets the back-off of a pod that is gone. */
  forget(uid: string): void {
    this.#backOff.forget(`${uid}_`);
    for (const key of this.#lastErrors.keys()) if (key.startsWith(`${uid}_`)) this.#lastErrors.delete(key);
  }

  async #inspect(tagged: string, request: PullRequest): Promise<Image | undefined> {
    try {
      return (await this.#images.imageStatus({ image: tagged })).image;
    } catch (error) {
      const message = `Failed to inspect image "${tagged}": ${rpcErrorText(error)}`;
      this.#recorder.event(request.pod, "Warning", "InspectFailed", message, { fieldPath: request.fieldPath });
      throw new StartError("ImageInspectError", message);
    }
  }

  async #pull(image: string, tagged: string, request: PullRequest): Promise<PulledImage> {
    const { pod, fieldPath } = request;
    const key = `${uidOf(pod)}_${image}`;
    const waitMs = this.#backOff.remainingSinceUpdateMs(key, this.#clock.now());
    if (waitMs > 0) {
      const brief = `Back-off pulling image "${image}"`;
      this.#recorder.event(pod, "Normal", "BackOff", brief, { fieldPath });
      const last = this.#lastErrors.get(key);
      throw new StartError("ImagePullBackOff", last === undefined ? brief : `${brief}: ${last}`, { retryAfterMs: waitMs });
    }
    this.#recorder.event(pod, "Normal", "Pulling", `Pulling image "${image}"`, { fieldPath });
    request.waiting();
    const askedMs = this.#clock.now();
    let startedMs = askedMs;
    try {
      const credentials = pullCredentials(image, await request.secrets());
      const turn = this.#turn.then(() => {
        if (request.signal.aborted) return "";
        startedMs = this.#clock.now();
        return this.#pullWith(tagged, credentials, request.sandboxConfig);
      });
      this.#turn = turn.catch(() => {});
      await orAbort(turn, request.signal);
    } catch (error) {
      if (request.signal.aborted) throw error;
      const text = rpcErrorText(error);
      this.#recorder.event(pod, "Warning", "Failed", `Failed to pull image "${image}": ${text}`, { fieldPath });
      const nowMs = this.#clock.now();
      this.#backOff.next(key, { eventMs: nowMs, nowMs });
      this.#lastErrors.set(key, `ErrImagePull: ${text}`);
      // Looked at again soon, so that the pod says that it waits; the next pull comes when the back-off is over.
      throw new StartError("ErrImagePull", text, { retryAfterMs: Math.min(backOffShownAfterMs, this.#backOff.delayOf(key)) });
    }
    this.#lastErrors.delete(key);
    const nowMs = this.#clock.now();
    const found = await this.#inspect(tagged, request);
    if (found === undefined) throw new StartError("ErrImagePull", `image "${image}" is not there although it was pulled`);
    this.#recorder.event(
      pod,
      "Normal",
      "Pulled",
      `Successfully pulled image "${image}" in ${goDuration(nowMs - startedMs)} (${goDuration(nowMs - askedMs)} including waiting). Image size: ${found.size ?? 0} bytes.`,
      { fieldPath },
    );
    return pulled(found);
  }

  /** Tries each of the credentials, or none when there are none; throws the last failure. */
  async #pullWith(image: string, credentials: readonly NonNullable<Parameters<ImageService["pullImage"]>[1]>["auth"][], sandboxConfig: PodSandboxConfig): Promise<string> {
    let failure: unknown;
    for (const auth of credentials.length === 0 ? [undefined] : credentials) {
      try {
        return await this.#images.pullImage({ image }, { sandboxConfig, ...(auth === undefined ? {} : { auth }) });
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

function pulled(image: Image): PulledImage {
  const uid = image.uid?.value;
  const username = image.username;
  if (uid !== undefined) return { id: image.id ?? "", user: { uid } };
  return { id: image.id ?? "", user: username === undefined || username === "" ? { uid: 0 } : { username } };
}
