import { openChannel } from "../../cri/containerd/grpc-channel.ts";
import type { KmsService } from "../../store/encrypted/kms-provider.ts";

/** protobufjs' form of the public API of key management plug-ins, version 2. @upstream kms/apis/v2/api.proto */
export const kmsDescriptor = JSON.stringify({
  nested: {
    v2: {
      nested: {
        KeyManagementService: {
          methods: {
            Status: { requestType: "StatusRequest", responseType: "StatusResponse" },
            Decrypt: { requestType: "DecryptRequest", responseType: "DecryptResponse" },
            Encrypt: { requestType: "EncryptRequest", responseType: "EncryptResponse" },
          },
        },
        StatusRequest: { fields: {} },
        StatusResponse: { fields: { version: { type: "string", id: 1 }, healthz: { type: "string", id: 2 }, key_id: { type: "string", id: 3 } } },
        DecryptRequest: {
          fields: {
            ciphertext: { type: "bytes", id: 1 },
            uid: { type: "string", id: 2 },
            key_id: { type: "string", id: 3 },
            annotations: { keyType: "string", type: "bytes", id: 4 },
          },
        },
        DecryptResponse: { fields: { plaintext: { type: "bytes", id: 1 } } },
        EncryptRequest: { fields: { plaintext: { type: "bytes", id: 1 }, uid: { type: "string", id: 2 } } },
        EncryptResponse: {
          fields: { ciphertext: { type: "bytes", id: 1 }, key_id: { type: "string", id: 2 }, annotations: { keyType: "string", type: "bytes", id: 3 } },
        },
      },
    },
  },
});

/** A plug-in behind a unix socket. Each call rejects when no answer came within `timeoutMs`. */
export function kmsPlugin({ socket, timeoutMs }: { readonly socket: string; readonly timeoutMs: number }): KmsService {
  const channel = openChannel({ socket, connectTimeoutMs: timeoutMs }, kmsDescriptor);
  const calls = channel.service("v2.KeyManagementService");
  return {
    status: () => calls.call("Status", {}, timeoutMs),
    async encrypt(plaintext, uid) {
      const { ciphertext, keyId, annotations } = await calls.call<{
        readonly ciphertext: Uint8Array;
        readonly keyId: string;
        readonly annotations?: Readonly<Record<string, Uint8Array>>;
      }>("Encrypt", { plaintext, uid }, timeoutMs);
      return { ciphertext: new Uint8Array(ciphertext), keyId, annotations: annotations ?? {} };
    },
    async decrypt({ ciphertext, keyId, annotations }, uid) {
      const { plaintext } = await calls.call<{ readonly plaintext: Uint8Array }>("Decrypt", { ciphertext, uid, keyId, annotations }, timeoutMs);
      return new Uint8Array(plaintext);
    },
    close: () => channel.close(),
  };
}
