// CRC-32C (Castagnoli), the checksum that a PROXY header may have (§2.2.3); zlib has the other CRC-32 only. Headers are short
// and come once per connection, so it goes bit by bit.

/** The polynomial 0x1EDC6F41, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const LENGTH = 4;

/** Whether `bytes[start, end)` is the checksum of all bytes with this field taken as zeros. */
export function isChecksum(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== LENGTH) return false;
  let crc = -1;
  for (let at = 0; at < bytes.length; at++) {
    crc ^= at >= start && at < end ? 0 : (bytes[at] as number);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 1 ? POLYNOMIAL : 0);
  }
  return ~crc === bytes.readInt32BE(start);
}
