import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { ClientCertificate } from "../../meta/wire.ts";
import type { CertificateAuthorities } from "./certificate-authorities.ts";

/** What the certificate of a connection proves. */
export interface PeerProof {
  /** Signed by who may sign the certificates of users. */
  readonly certificate?: ClientCertificate;
  /** Signed by who may sign those of front proxies. */
  readonly frontProxy?: ClientCertificate;
}

export interface Authorities {
  readonly clients: CertificateAuthorities;
  readonly frontProxies?: CertificateAuthorities | undefined;
}

const nothing: PeerProof = {};
/** To be asked once for each connection: reading a certificate costs as much as many requests. */
export function proofOf(socket: TLSSocket, authorities: Authorities): PeerProof {
  return socket.authorized ? readProof(socket, authorities) : nothing;
}

function readProof(socket: TLSSocket, { clients, frontProxies }: Authorities): PeerProof {
  const peer = socket.getPeerCertificate(true);
  const shown = readCertificate(peer);
  if (shown === undefined) return nothing;
  const leaf = new X509Certificate(peer.raw);
  const sent = linksOf(peer);
  const nowMs = Date.now();
  return {
    ...(clients.signed(leaf, sent, nowMs) ? { certificate: shown } : {}),
    ...(frontProxies?.signed(leaf, sent, nowMs) === true ? { frontProxy: shown } : {}),
  };
}

/** What stands above a certificate in the chain that Node shows, which ends in itself. */
function linksOf(peer: DetailedPeerCertificate): readonly X509Certificate[] {
  const links: X509Certificate[] = [];
  for (let link = peer.issuerCertificate as DetailedPeerCertificate | undefined, seen = peer; link !== undefined && link !== seen && links.length < 8; ) {
    if (link.raw !== undefined) links.push(new X509Certificate(link.raw));
    seen = link;
    link = link.issuerCertificate as DetailedPeerCertificate | undefined;
  }
  return links;
}

function readCertificate(peer: DetailedPeerCertificate): ClientCertificate | undefined {
  const subject = peer.subject as { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined;
  if (subject?.CN === undefined) return undefined;
  const organizations = subject.O === undefined ? [] : Array.isArray(subject.O) ? subject.O : [subject.O];
  const commonName = Array.isArray(subject.CN) ? (subject.CN[0] ?? "") : subject.CN;
  return { commonName, organizations, fingerprint: peer.fingerprint256.replaceAll(":", "").toLowerCase(), notAfter: Date.parse(peer.valid_to) };
}
