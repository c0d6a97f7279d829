import { createPrivateKey, generateKeyPair, generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import type { CertificateFacts, CertificateKey, Certificates, RequestedNames } from "../certificates.ts";
import { ALGORITHMS, canonicalIp, certificationRequest, requestInfo, type SignatureAlgorithm } from "./certification-request.ts";

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}
interface Maker {
  readonly algorithm: SignatureAlgorithm;
  /** Null: the algorithm hashes by itself. */
  readonly hash: string | null;
  make(): Pair | Promise<Pair>;
}

const elliptic = (namedCurve: string, algorithm: SignatureAlgorithm, hash: string): Maker => ({ algorithm, hash, make: () => generateKeyPairSync("ec", { namedCurve }) });
// Prime numbers take a while to find: not in this thread.
const rsa = (modulusLength: number): Maker => ({ algorithm: "sha256WithRSA", hash: "sha256", make: () => promisify(generateKeyPair)("rsa", { modulusLength }) });

const makers: ReadonlyMap<string, Maker> = new Map([
  ["RSA3072", rsa(3072)],
  ["RSA4096", rsa(4096)],
  ["ECDSAP256", elliptic("P-256", "ecdsaWithSha256", "sha256")],
  ["ECDSAP384", elliptic("P-384", "ecdsaWithSha384", "sha384")],
  ["ECDSAP521", elliptic("P-521", "ecdsaWithSha512", "sha512")],
  ["ED25519", { algorithm: "ed25519", hash: null, make: () => generateKeyPairSync("ed25519") }],
]);

/** Keys and certificates with the machine's crypto library. */
export const nodeCertificates: Certificates = {
  async makeKey(type): Promise<CertificateKey> {
    const maker = makers.get(type);
    if (maker === undefined) throw new RangeError(`unknown key type ${JSON.stringify(type)}`);
    const { publicKey, privateKey } = await maker.make();
    const spki = publicKey.export({ type: "spki", format: "der" });
    return {
      privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      request(names: RequestedNames = {}) {
        const info = requestInfo(names, spki);
        return certificationRequest(info, ALGORITHMS[maker.algorithm], sign(maker.hash, info, privateKey));
      },
    };
  },

  read: (pem) => {
    const certificate = parse(pem);
    return certificate === undefined ? undefined : factsOf(certificate);
  },

  isFor(pem, privateKey) {
    try {
      return parse(pem)?.checkPrivateKey(createPrivateKey(privateKey)) === true;
    } catch {
      return false;
    }
  },

  isSignedBy(pem, authority) {
    const signer = parse(authority);
    return signer !== undefined && parse(pem)?.verify(signer.publicKey) === true;
  },
};

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function factsOf({ validFrom, validTo, subject, subjectAltName = "" }: X509Certificate): CertificateFacts {
  const names = subjectAltName.split(", ");
  const after = (prefix: string): string[] => names.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
  return {
    notBeforeMs: Date.parse(validFrom),
    notAfterMs: Date.parse(validTo),
    commonName: /(?:^|\n)CN=(.*)/.exec(subject)?.[1] ?? "",
    dnsNames: after("DNS:"),
    ips: after("IP Address:").map(canonicalIp),
  };
}
