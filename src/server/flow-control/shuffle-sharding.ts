/**
 * Deals a flow its hand of queues: `handSize` different numbers below `queues`, always the same for the same flow. Two
 * flows rarely share all their queues, so a flow that fills its own leaves others a free one.
 * @upstream apiserver/pkg/util/shufflesharding
 */
export function dealHand(flow: string, { queues, handSize }: { readonly queues: number; readonly handSize: number }): readonly number[] {
  let entropy = hash64(flow);
  const hand: number[] = [];
  for (let dealt = 0; dealt < handSize && dealt < queues; dealt += 1) {
    const left = BigInt(queues - dealt);
    let card = Number(entropy % left);
    entropy /= left;
    // The card-th of those that are still in the deck.
    for (const taken of [...hand].sort((a, b) => a - b)) if (taken <= card) card += 1;
    hand.push(card);
  }
  return hand;
}

/** 64 bits that any change of the text changes throughout (FNV-1a twice, mixed as murmur3 ends). */
function hash64(text: string): bigint {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ ((unit << 7) | (unit >>> 9)), 0x5bd1e995) ^ (low >>> 15);
  }
  return (BigInt(mixed(high ^ text.length)) << 32n) | BigInt(mixed(low ^ high));
}

function mixed(bits: number): number {
  let value = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
