// Values that have a meaning to somebody: types, numbers and addresses that parsers and policies tell apart.

import { attr } from '../support/wire.ts';
import { plainAddress } from '../support/wire-address.ts';

/** Attribute types: all that tests name, later ones of other RFCs, and unknown ones of both halves. */
export const TYPES: readonly number[] = [
  ...Object.values(attr),
  ...[0x0003, 0x001b, 0x0024, 0x0025, 0x0026, 0x0027, 0x002a, 0x8003, 0x8025, 0x8027, 0x8029, 0x802b, 0x802c],
  ...[0x802e, 0x802f, 0x8030, 0x8032, 0x0000, 0x0002, 0x003f, 0x0040, 0x7fff, 0x803f, 0x8040, 0xffff],
];

/** Message types: every method in every class, unknown methods, and the top bits set. */
export const MESSAGE_TYPES: readonly number[] = [
  ...[0x0001, 0x0003, 0x0004, 0x0008, 0x0009, 0x000a, 0x000b, 0x000c],
  ...[0x0011, 0x0016, 0x0017, 0x0101, 0x0103, 0x0111, 0x0113, 0x0115, 0x0013],
  ...[0x0000, 0x0002, 0x3eef, 0x3fff, 0x4000, 0x8001],
];

/** Lengths and counts where something changes. */
export const NUMBERS: readonly number[] = [
  ...[0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 19, 20, 21, 24, 31, 32, 33, 63, 64, 127, 128, 255, 256, 512, 763, 764],
  ...[1024, 4095, 4096, 32_767, 32_768, 35_510, 65_507, 65_520, 65_524, 65_528, 65_531, 65_532, 65_535],
];

const ADDRESSES: readonly string[] = [
  ...['0.0.0.0', '127.0.0.1', '10.9.0.1', '203.0.113.1', '93.184.216.34', '169.254.169.254', '255.255.255.255'],
  ...['224.0.0.1', '::', '::1', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1'],
  ...['2001:0:7f00:1::', 'fe80::1', 'fd00::1', 'ff02::1', '2606:2800:220:1::1', '::ffff:0:7f00:1'],
];

/** Attribute values that mean something, as the attribute carries them (addresses not xored). */
export const VALUES: readonly Buffer[] = [
  ...ADDRESSES.flatMap((ip) => [plainAddress(ip, 0), plainAddress(ip, 3478), plainAddress(ip, 49_200)]),
  ...['', '00', '80', 'ff', '11000000', '06000000', '01000000', '02000000', '03000000', 'ff000000'],
  ...['00000000', '00000001', '00000257', '00000258', '00000e10', '7fffffff', '80000000', 'ffffffff'],
  ...['3fff0000', '40000000', '4000ffff', '4fff0000', '50000000', '7ffe0000', '7fff0000'],
  ...['0002000000010000', '0001000000020000', '00010000', '00020000', '00020004', '0002000400000000', '00030000'],
  ...['616c696365', '616c69636500', '626f62', '', 'c0af', 'efbfbd', 'eda080', '00', '6578616d706c652e6f7267'],
  ...['6f626d61744a6f7332', '6f626d61744a6f733241414141', '0000000000000000', '0000040100000000', '0000032500'],
].map((value) => (typeof value === 'string' ? Buffer.from(value, 'hex') : value));
