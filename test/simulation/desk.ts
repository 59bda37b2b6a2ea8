// Checks answers: each belongs to a request, comes once, is signed as it must be, and says what the model says.

import { REALM, USERS } from '../support/lab.ts';
import { codeOf } from '../support/lab-checks.ts';
import { attr, type Decoded } from '../support/wire.ts';
import { longTermKey } from '../support/wire-attributes.ts';
import { checkAllocateAnswer, grantedSeconds } from './allocate-answer.ts';
import type { Model } from './model.ts';
import { hasFingerprint, type SimRequest } from './requests.ts';
import type { SimClient } from './sim-client.ts';
import type { Surroundings } from './surroundings.ts';

/** Keys of the users that there are. */
export const KEYS: ReadonlyMap<string, Buffer> = new Map(
  [...USERS].map(([user, password]) => [user, longTermKey(user, REALM, password)]),
);

interface Open {
  readonly serial: number;
  /** Null: nothing but damaged bytes so far. */
  request: SimRequest | null;
  fingerprint: boolean;
  /** By the wall clock. */
  readonly sentAt: number;
  copies: number;
  /** Copies that have lost their meaning: an error may answer them, or nothing. */
  damaged: number;
  answers: number;
}

const METHODS = { binding: 1, allocate: 3, refresh: 4, permission: 8, channel: 9 } as const;

/** Where requests are noted and answers come in. */
export class Desk {
  /** Answers by `method code`; 0 is success. */
  readonly tally: Map<string, number> = new Map();
  /** The engine is closing: it may answer 508, or not at all. */
  closing = false;
  readonly #model: Model;
  readonly #refused: Surroundings['refused'];
  readonly #open: Map<string, Open> = new Map();

  constructor(model: Model, refused: Surroundings['refused']) {
    this.#model = model;
    this.#refused = refused;
  }

  /** Notes what is about to be sent; null: bytes that only look like a request, or like one sent before. */
  sent(client: SimClient, request: SimRequest | null, bytes: Buffer): void {
    if (bytes.length < 20) return;
    const key = keyOf(client, bytes.subarray(8, 20));
    const open = this.#open.get(key) ?? this.#note(client, key);
    if (request === null) {
      open.damaged++;
      return;
    }
    open.request = request;
    open.fingerprint = hasFingerprint(bytes);
    open.copies++;
  }

  #note({ serial }: SimClient, key: string): Open {
    const sentAt = this.#model.wall;
    const open: Open = { serial, request: null, fingerprint: false, sentAt, copies: 0, damaged: 0, answers: 0 };
    this.#open.set(key, open);
    return open;
  }

  /**
   * Whether an answer to these bytes could not be told from one to another copy: a damaged copy must not be sent while
   * the request waits for its answer, nor the request while a damaged copy may be answered.
   */
  isAmbiguous(client: SimClient, bytes: Buffer, damaged: boolean): boolean {
    const open = this.#open.get(keyOf(client, bytes.subarray(8, 20)));
    if (open === undefined) return false;
    return damaged ? open.answers < open.copies : open.damaged > 0;
  }

  /** The client has gone: nobody waits any more. */
  gone(client: SimClient): void {
    for (const [key, open] of this.#open) if (open.serial === client.serial) this.#open.delete(key);
  }

  /** Judges an answer and lets the model know. Throws what is wrong. */
  answered(client: SimClient, answer: Decoded): void {
    const open = this.#open.get(keyOf(client, answer.tid));
    if (open === undefined) throw new Error('an answer to no request');
    const code = codeOf(answer);
    if (!(code === 0 || (code >= 400 && code <= 599))) throw new Error(`code ${code}`);
    this.#takeNonce(client, answer, code);
    const fault = this.#judge(client, open, answer, code);
    if (fault === null) open.answers++;
    else if (open.damaged > 0 && isHarmless(answer, code)) open.damaged--;
    else throw new Error(fault);
  }

  /** Nothing is under way any more: whatever had to be answered has been. */
  quiet(): void {
    for (const [key, { request, answers, copies }] of this.#open) {
      const due = request === null || this.closing ? 0 : request.kind === 'allocate' ? 1 : copies;
      if (answers < due) throw new Error(`${answers} answers to ${copies} requests: ${request?.kind} ${key}`);
    }
    this.#open.clear();
  }

  // Judges an answer as that to the request itself: what is wrong with it, or null.
  #judge(client: SimClient, open: Open, answer: Decoded, code: number): string | null {
    const { request } = open;
    if (request === null) return 'an answer to nothing';
    if (open.answers >= open.copies) return `${open.answers + 1} answers to ${open.copies} requests`;
    if (answer.method !== METHODS[request.kind]) return `method ${answer.method} for ${request.kind}`;
    const name = `${request.kind} ${code}`;
    this.tally.set(name, (this.tally.get(name) ?? 0) + 1);
    const { must, may } = this.#model.judge(client.serial, request, open.sentAt);
    const right = code === 0 ? must.size === 0 : must.has(code) || may.has(code);
    if (!right && this.#excused(client, open, code)) return null;
    if (!right) return `${name}, not one of ${[...must]}; may be ${[...may]}`;
    const fault = this.#checkForm(request, open.fingerprint, answer, code);
    if (fault === null && code === 0) this.#apply(client, request, answer);
    return fault;
  }

  // An Allocate that is worked on takes the five-tuple, and what the surroundings have refused may be the answer.
  #excused(client: SimClient, open: Open, code: number): boolean {
    if (code === 437) return open.request?.kind === 'allocate' && this.#isAnotherUnderWay(client, open);
    if (code === 508 && this.closing) return true;
    const source = ({ 486: 'quota', 500: 'credentials', 508: 'sockets' } as const)[code];
    if (source === undefined || this.#refused[source] === 0) return false;
    this.#refused[source]--;
    return true;
  }

  #isAnotherUnderWay(client: SimClient, open: Open): boolean {
    return [...this.#open.values()].some(
      (other) =>
        other !== open &&
        other.serial === client.serial &&
        other.request?.kind === 'allocate' &&
        other.answers < other.copies,
    );
  }

  #checkForm({ signature, kind }: SimRequest, fingerprint: boolean, answer: Decoded, code: number): string | null {
    const signed = answer.has(attr.messageIntegrity);
    const challenge = code === 401 || code === 438;
    if (signed === (challenge || kind === 'binding' || signature === null)) return `signed: ${signed}`;
    if (signed && !answer.integrityOk(signature?.key ?? Buffer.alloc(0))) return 'wrong MESSAGE-INTEGRITY';
    if (challenge !== answer.has(attr.nonce)) return 'a nonce where none belongs, or none';
    if (fingerprint !== answer.has(attr.fingerprint)) return 'FINGERPRINT is not as in the request';
    return fingerprint && !answer.fingerprintOk() ? 'wrong FINGERPRINT' : null;
  }

  #takeNonce(client: SimClient, answer: Decoded, code: number): void {
    const text = answer.text(attr.nonce);
    if (text === undefined || (code !== 401 && code !== 438)) return;
    client.nonce = { text, serial: client.serial, at: this.#model.wall };
  }

  #apply(client: SimClient, request: SimRequest, answer: Decoded): void {
    const { serial } = client;
    if (request.kind === 'binding') {
      const mapped = answer.xorAddress(attr.xorMappedAddress);
      if (mapped !== client.lab.address.text) throw new Error(`mapped address ${mapped}`);
    } else if (request.kind === 'allocate') {
      const first = this.#model.repeated(serial, request);
      if (first === null) checkAllocateAnswer(client, request, answer, this.#model);
      else if (!first.equals(answer.bytes)) throw new Error('another answer to the same transaction');
    } else {
      const granted = request.kind === 'refresh' ? grantedSeconds(request.lifetime, true) : 0;
      if (request.kind === 'refresh' && answer.uint32(attr.lifetime) !== granted) throw new Error('LIFETIME');
      this.#model.apply(serial, request, granted);
    }
  }
}

// Damaged bytes may change nothing: an error, or a Binding success.
function isHarmless(answer: Decoded, code: number): boolean {
  return code !== 0 || answer.method === METHODS.binding;
}

function keyOf(client: SimClient, tid: Buffer): string {
  return `${client.serial} ${tid.toString('hex')}`;
}
