// Checks answers where they leave the server: each belongs to a request that came in, comes once and in time, is signed as
// it must be, and says what the model says. What the network then makes of it is no business of the desk's.

import { codeOf } from '../support/lab-checks.ts';
import { attr, type Decoded } from '../support/wire.ts';
import { checkAllocateAnswer, grantedSeconds } from './allocate-answer.ts';
import { hasFingerprint, type SimRequest } from './requests.ts';
import type { SimClient } from './sim-client.ts';
import type { Arrival } from './user-book.ts';
import { type Court, judge, type Verdict } from './verdicts.ts';

/** Why the surroundings have refused something that an answer may tell of. */
export interface Refusals {
  quota: number;
  sockets: number;
}

interface Open {
  readonly client: SimClient;
  /** Null: nothing but damaged bytes so far. */
  request: SimRequest | null;
  fingerprint: boolean;
  /** Of the copies that have not been answered. */
  readonly arrivals: Arrival[];
  answers: number;
  /** When the last copy came in. */
  touchedAt: number;
  /** Copies that have lost their meaning: an error may answer them, or nothing. */
  damaged: number;
}

const METHODS = { binding: 1, allocate: 3, refresh: 4, permission: 8, channel: 9 } as const;

// Whatever is waited for, an answer comes within this time: a store that hangs is given up after two seconds.
const PATIENCE = 10_000;

/** Where requests are noted and answers come in. */
export class Desk {
  /** Answers by `method code`; 0 is success. */
  readonly tally: Map<string, number> = new Map();
  /** The server is closing: it may answer 508, or not at all. */
  closing = false;
  readonly refused: Refusals = { quota: 0, sockets: 0 };
  readonly #court: Court;
  readonly #open: Map<string, Open> = new Map();

  readonly #faults: string[];

  /** @param faults takes what is found without an answer */
  constructor(court: Court, faults: string[]) {
    this.#court = court;
    this.#faults = faults;
  }

  /** Requests that came in and have not been forgotten. */
  get size(): number {
    return this.#open.size;
  }

  /** Notes what the server is about to see; null: bytes that only look like a request, or like one that came before. */
  came(client: SimClient, request: SimRequest | null, bytes: Buffer): void {
    if (bytes.length < 20) return;
    const key = keyOf(client, bytes.subarray(8, 20));
    const { model, timeline } = this.#court;
    const open = this.#open.get(key) ?? this.#note(client, key);
    open.touchedAt = timeline.now();
    if (request === null) {
      open.damaged++;
      return;
    }
    open.request = request;
    open.fingerprint = hasFingerprint(bytes);
    open.arrivals.push({ at: timeline.now(), owner: model.live(client.serial) });
    if (request.kind === 'allocate') model.claim(request, 1);
  }

  #note(client: SimClient, key: string): Open {
    const { timeline } = this.#court;
    const touchedAt = timeline.now();
    const open: Open = { client, request: null, fingerprint: false, arrivals: [], damaged: 0, answers: 0, touchedAt };
    this.#open.set(key, open);
    timeline.after(PATIENCE, () => this.#settle(key, open));
    return open;
  }

  /**
   * Whether an answer to these bytes could not be told from one to another copy: a damaged copy must not come in while
   * the request waits for its answer, nor the request while a damaged copy may be answered.
   */
  isAmbiguous(client: SimClient, bytes: Buffer, damaged: boolean): boolean {
    if (bytes.length < 20) return false;
    const open = this.#open.get(keyOf(client, bytes.subarray(8, 20)));
    if (open === undefined) return false;
    return damaged ? open.arrivals.length > 0 : open.damaged > 0;
  }

  /** The client has gone, or what served it: nobody answers any more. What it claimed may have been taken. */
  gone(client: SimClient): void {
    for (const [key, open] of this.#open) if (open.client === client) this.#open.delete(key);
  }

  /** Judges an answer and lets the model know. Throws what is wrong. */
  answered(client: SimClient, answer: Decoded): void {
    const open = this.#open.get(keyOf(client, answer.tid));
    if (open === undefined) throw new Error('an answer to no request');
    const code = codeOf(answer);
    if (!(code === 0 || (code >= 400 && code <= 599))) throw new Error(`code ${code}`);
    const fault = this.#judge(open, answer, code);
    if (fault === null) return;
    if (open.damaged === 0 || !isHarmless(answer, code)) throw new Error(fault);
    open.damaged--;
  }

  // Judges an answer as that to one of the copies: what is wrong with it, or null.
  #judge(open: Open, answer: Decoded, code: number): string | null {
    const { request, client, arrivals } = open;
    if (request === null) return 'an answer to nothing';
    if (arrivals.length === 0) return `${open.answers + 1} answers to ${open.answers} requests`;
    if (answer.method !== METHODS[request.kind]) return `method ${answer.method} for ${request.kind}`;
    const name = `${request.kind} ${code}`;
    const verdicts = arrivals.map((arrival) => judge(this.#court, client.serial, request, arrival));
    const index = bestMatch(verdicts, code);
    if (index < 0 && !this.#excused(open, code)) {
      const said = verdicts.map(({ must, may }) => `one of ${[...must]}; may be ${[...may]}`);
      return `${name}, not ${said.join(', or ')}`;
    }
    const fault = this.#checkForm(request, open.fingerprint, answer, code);
    if (fault !== null) return fault;
    this.tally.set(name, (this.tally.get(name) ?? 0) + 1);
    const [arrival] = arrivals.splice(Math.max(index, 0), 1) as [Arrival];
    open.answers++;
    if (code === 0) this.#apply(client, request, answer, arrival.at);
    if (request.kind === 'allocate') this.#court.model.claim(request, -1);
    return null;
  }

  // An Allocate that is worked on takes the five-tuple, and what the surroundings have refused may be the answer.
  #excused(open: Open, code: number): boolean {
    if (code === 437) return open.request?.kind === 'allocate' && this.#isAnotherUnderWay(open);
    if (code === 508 && this.closing) return true;
    const source = ({ 486: 'quota', 508: 'sockets' } as const)[code];
    if (source === undefined || this.refused[source] === 0) return false;
    this.refused[source]--;
    return true;
  }

  #isAnotherUnderWay(open: Open): boolean {
    return [...this.#open.values()].some(
      (other) =>
        other !== open &&
        other.client === open.client &&
        other.request?.kind === 'allocate' &&
        other.arrivals.length > 0,
    );
  }

  #checkForm({ signature, kind }: SimRequest, fingerprint: boolean, answer: Decoded, code: number): string | null {
    const signed = answer.has(attr.messageIntegrity);
    const challenge = code === 401 || code === 438;
    const unsigned = challenge || kind === 'binding' || signature === null;
    // Who cannot be looked up cannot be answered under a key.
    if (signed === unsigned && !(code === 500 && !signed)) return `signed: ${signed}`;
    if (signed && !answer.integrityOk(signature?.key ?? Buffer.alloc(0))) return 'wrong MESSAGE-INTEGRITY';
    if (challenge !== answer.has(attr.nonce)) return 'a nonce where none belongs, or none';
    if (fingerprint !== answer.has(attr.fingerprint)) return 'FINGERPRINT is not as in the request';
    return fingerprint && !answer.fingerprintOk() ? 'wrong FINGERPRINT' : null;
  }

  #apply(client: SimClient, request: SimRequest, answer: Decoded, askedAt: number): void {
    const { model } = this.#court;
    const { serial } = client;
    if (request.kind === 'binding') {
      const mapped = answer.xorAddress(attr.xorMappedAddress);
      if (mapped !== client.address.text) throw new Error(`mapped address ${mapped}`);
    } else if (request.kind === 'allocate') {
      const first = model.repeated(serial, request);
      if (first !== null) {
        if (!first.equals(answer.bytes)) throw new Error('another answer to the same transaction');
        return;
      }
      this.#checkLimit(request.signature?.user ?? '', request.signature?.realm ?? '', askedAt);
      checkAllocateAnswer(client, request, answer, { model, askedAt });
    } else {
      const granted = request.kind === 'refresh' ? grantedSeconds(request.lifetime, true) : 0;
      if (request.kind === 'refresh' && answer.uint32(attr.lifetime) !== granted) throw new Error('LIFETIME');
      model.apply(serial, request, granted);
    }
  }

  // Never one more than is allowed (S48).
  #checkLimit(user: string, realm: string, askedAt: number): void {
    const { book, model } = this.#court;
    const held = model.allLive().filter((each) => book.isSameHolder(each, { user, realm })).length;
    const limit = book.mostAllowed(realm, askedAt);
    if (held >= limit) throw new Error(`${user} has ${held} allocations and gets one more, but may have ${limit}`);
  }

  // Time is up: whatever had to be answered has been.
  #settle(key: string, open: Open): void {
    if (this.#open.get(key) !== open) return;
    const { timeline, model } = this.#court;
    const { request, arrivals } = open;
    if (open.touchedAt > timeline.before(timeline.now(), PATIENCE)) {
      timeline.after(PATIENCE, () => this.#settle(key, open));
      return;
    }
    this.#open.delete(key);
    if (request === null) return;
    // A copy that came while the first was worked on is passed over (RFC 8656 §7.2).
    const isExcused = this.closing || (request.kind === 'allocate' && open.answers > 0);
    if (arrivals.length > 0 && !isExcused) this.#faults.push(`no answer to ${request.kind} of client ${key}`);
    if (request.kind === 'allocate') for (const _ of arrivals) model.claim(request, -1);
  }
}

// The copy that an answer fits: the one that could have the fewest others, for answers overtake each other. -1: none.
function bestMatch(verdicts: readonly Verdict[], code: number): number {
  const freedom = verdicts.map(({ must, may }) => {
    if (code === 0 ? must.size === 0 : must.has(code)) return may.size;
    return code !== 0 && may.has(code) ? UNLIKELY + may.size : Number.POSITIVE_INFINITY;
  });
  const least = Math.min(...freedom);
  return least === Number.POSITIVE_INFINITY ? -1 : freedom.indexOf(least);
}

const UNLIKELY = 100;

// Damaged bytes may change nothing: an error, or a Binding success.
function isHarmless(answer: Decoded, code: number): boolean {
  return code !== 0 || answer.method === METHODS.binding;
}

function keyOf(client: SimClient, tid: Buffer): string {
  return `${client.serial} ${tid.toString('latin1')}`;
}
