import { test } from 'tap';
import { Attribute, FIRST_OPTIONAL, NO_SLOT, SLOT_COUNT, slotOf } from '../../src/stun/attributes.ts';
import { compareWithRegistry } from '../support/iana.ts';

// Nothing of ours needs these: classic STUN's, withdrawn ones, ECN for RTP, and what ICE agents say to each other.
const DELIBERATELY_UNKNOWN = [
  'RESPONSE-ADDRESS',
  'SOURCE-ADDRESS',
  'CHANGED-ADDRESS',
  'PASSWORD',
  'REFLECTED-FROM',
  'BANDWIDTH',
  'TIMER-VAL',
  'ECN-CHECK STUN',
  'CISCO-STUN-FLOWDATA',
  'ENF-FLOW-DESCRIPTION',
  'ENF-NETWORK-STATUS',
  'GOOG-NETWORK-INFO',
  'GOOG-LAST-ICE-CHECK-RECEIVED',
  'GOOG-MISC-INFO',
  'GOOG-OBSOLETE-1',
  'GOOG-CONNECTION-ID',
  'GOOG-DELTA',
  'GOOG-DELTA-ACK',
  'GOOG-MESSAGE-INTEGRITY-32',
  'DTLS-IN-STUN',
  'DTLS-IN-STUN-ACKNOWLEDGEMENT',
];

const OLD_ADDITIONAL_FAMILY = 0x8032;

test('attribute types are those of the IANA registry, both ways', async (t) => {
  const { foreign, lacking } = compareWithRegistry(Attribute, 'stun-attributes');
  t.strictSame(foreign, ['ORIGIN'], 'only the draft one is not registered');
  t.strictSame(lacking, DELIBERATELY_UNKNOWN);
});

test('every known type has a slot of its own', async (t) => {
  const slots = Object.values(Attribute).map((type) => slotOf(type));
  t.equal(new Set(slots).size, SLOT_COUNT);
  t.ok(slots.every((slot) => slot >= 0 && slot < SLOT_COUNT));
});

test('coturn 4.6 numbers ADDITIONAL-ADDRESS-FAMILY differently', async (t) => {
  t.equal(slotOf(OLD_ADDITIONAL_FAMILY), slotOf(Attribute.ADDITIONAL_ADDRESS_FAMILY));
});

test('every other type has no slot', async (t) => {
  const known = new Set<number>([...Object.values(Attribute), OLD_ADDITIONAL_FAMILY]);
  const wrong: number[] = [];
  for (let type = 0; type <= 0xffff; type++) if ((slotOf(type) === NO_SLOT) === known.has(type)) wrong.push(type);
  t.strictSame(wrong, []);
});

test('STUN-17 types from 0x8000 on are comprehension-optional', async (t) => {
  t.equal(FIRST_OPTIONAL, 0x8000);
});
