// Which ICMP errors clients are told of, and what goes with them. Numbers only; how they arrive is the planes' business.

const V4_UNREACHABLE = 3;
const V4_FRAGMENTATION_NEEDED = 4;
const V4_TIME_EXCEEDED = 11;
const V6_UNREACHABLE = 1;
const V6_PACKET_TOO_BIG = 2;
const V6_TIME_EXCEEDED = 3;

/** Whether clients are told of an error of this type (RFC 8656 §11.5). */
export function isTold(family: number, type: number): boolean {
  if (family === 4) return type === V4_UNREACHABLE || type === V4_TIME_EXCEEDED;
  return type === V6_UNREACHABLE || type === V6_PACKET_TOO_BIG || type === V6_TIME_EXCEEDED;
}

/** The error data of an ICMP attribute: the next-hop MTU where there is one, else 0 (RFC 8656 §18.13). */
export function errorDataOf(family: number, type: number, code: number, data: number): number {
  const tooBig =
    family === 4 ? type === V4_UNREACHABLE && code === V4_FRAGMENTATION_NEEDED : type === V6_PACKET_TOO_BIG;
  return tooBig ? data : 0;
}
