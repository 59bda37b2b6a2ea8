// Checks the success of an Allocate against what was asked for and what others have, and tells the model.

import { portOf } from '../support/lab-checks.ts';
import { attr, type Decoded } from '../support/wire.ts';
import type { Model } from './model.ts';
import { FIRST_PORT, familyOf, type ModelRelay } from './model-state.ts';
import type { AllocateRequest } from './requests.ts';
import type { SimClient } from './sim-client.ts';

const DEFAULT_LIFETIME = 600;
const MAX_LIFETIME = 3600;

/** Seconds that must be granted; 0 deletes, where that can be. */
export function grantedSeconds(requested: number | null, deletes: boolean): number {
  if (requested === 0 && deletes) return 0;
  if (requested === null || requested <= DEFAULT_LIFETIME) return DEFAULT_LIFETIME;
  return requested < MAX_LIFETIME ? requested : MAX_LIFETIME;
}

/** Throws what is wrong with the answer. */
export function checkAllocateAnswer(
  client: SimClient,
  request: AllocateRequest,
  answer: Decoded,
  { model, askedAt }: { readonly model: Model; readonly askedAt: number },
): void {
  const addresses = answer.xorAddresses(attr.xorRelayedAddress);
  const seconds = grantedSeconds(request.lifetime, false);
  if (answer.uint32(attr.lifetime) !== seconds) throw new Error(`LIFETIME ${answer.uint32(attr.lifetime)}`);
  if (answer.xorAddress(attr.xorMappedAddress) !== client.address.text) throw new Error('XOR-MAPPED-ADDRESS');
  checkFamilies(request, addresses, answer.has(attr.addressErrorCode));
  if (request.token !== null) redeem(request.token, addresses, model);
  for (const address of addresses) checkAddress(address, request, model);
  noteReservation(request, answer, { first: addresses[0] ?? '', model, askedAt });
  const deadline = model.now + seconds * 1000;
  model.allocated({
    serial: client.serial,
    user: request.signature?.user ?? '',
    realm: request.signature?.realm ?? '',
    key: request.signature?.key ?? Buffer.alloc(0),
    relays: addresses.map((address): ModelRelay => ({ address, family: familyOf(address), deadline })),
    permissions: new Map(),
    channels: new Map(),
    tid: request.tid,
    answer: answer.bytes,
    madeAt: model.now,
  });
}

function checkFamilies(request: AllocateRequest, addresses: readonly string[], lacking: boolean): void {
  const families = addresses.map(familyOf);
  const both = new Set(families).size === 2;
  if (request.additional !== null) {
    if (families.length === 0 || families.length > 2 || both === lacking) throw new Error(`families ${families}`);
    return;
  }
  if (families.length !== 1 || lacking) throw new Error(`families ${families}`);
  const wanted = request.family === 2 ? 6 : 4;
  if (request.token === null && families[0] !== wanted) throw new Error(`family ${families[0]}`);
}

function redeem(token: string, addresses: readonly string[], model: Model): void {
  const reserved = model.reservations.get(token)?.address;
  if (addresses[0] !== reserved) throw new Error(`the token stands for ${reserved}, not ${addresses[0]}`);
  model.reservations.delete(token);
}

function checkAddress(address: string, { even }: AllocateRequest, model: Model): void {
  const port = portOf(address);
  if (port < FIRST_PORT || port >= FIRST_PORT + model.ports) throw new Error(`port ${port}`);
  if (even !== null && port % 2 !== 0) throw new Error(`port ${port} is odd`);
  if (model.isTaken(address)) throw new Error(`${address} is taken`);
}

function noteReservation(
  { even }: AllocateRequest,
  answer: Decoded,
  { first, model, askedAt }: { readonly first: string; readonly model: Model; readonly askedAt: number },
): void {
  const token = answer.get(attr.reservationToken);
  if ((token !== undefined) !== (even === true)) throw new Error('RESERVATION-TOKEN where none belongs, or none');
  if (token === undefined) return;
  const port = portOf(first);
  const next = `${first.slice(0, first.length - String(port).length)}${port + 1}`;
  if (model.isTaken(next)) throw new Error(`${next} is reserved but taken`);
  model.reserved(token.toString('hex'), next, askedAt);
}
