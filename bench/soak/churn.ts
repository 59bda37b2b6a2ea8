// Allocations that come and go beside the load: each is set up, passes a few packets both ways, and ends in one of the ways
// in which clients end. Counts what became of them.

import { setTimeout as delay } from 'node:timers/promises';
import { CHANNEL_HEADER_LENGTH, FIRST_CHANNEL, writeChannelHeader } from '../../src/stun/channel-data.ts';
import { openConnectedSocket, openSession, RefusedError, type TurnSession } from '../dgram/turn-session.ts';
import type { Credentials } from '../load-job.ts';
import { SourceAddresses } from '../source-addresses.ts';
import type { Address } from '../turn-messages.ts';

const PACKETS = 3;
const PAYLOAD = 200;
/** A packet that has not arrived after this time is lost. */
const PATIENCE_MS = 2000;
const MOST_AT_ONCE = 20;
const ALLOCATION_MISMATCH = 437;
/** So long after its lifetime an allocation is gone: the server looks about once a second. */
const SWEEP_SECONDS = 4;

/** What became of the allocations. */
export interface ChurnCounts {
  ok: number;
  refused: number;
  /** The error codes of the refusals, in their order. */
  readonly codes: number[];
  failed: number;
  sent: number;
  received: number;
}

/** Where they go, and how many. */
export interface ChurnOptions {
  readonly server: Address;
  readonly credentials: Credentials;
  readonly perSecond: number;
  /** Seconds that an allocation lasts when nobody ends it. */
  readonly lifetime: number;
}

/** Sets allocations up at a steady rate until it is stopped. */
export class Churn {
  readonly counts: ChurnCounts = { ok: 0, refused: 0, codes: [], failed: 0, sent: 0, received: 0 };
  readonly #options: ChurnOptions;
  readonly #sources: SourceAddresses;
  readonly #live = new Set<Promise<void>>();
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #begun = 0;
  #leftOut = 0;

  constructor(options: ChurnOptions) {
    this.#options = options;
    this.#sources = new SourceAddresses(options.server.address, process.pid);
    this.#timer = setInterval(() => this.#beginDue(), 10);
  }

  /** Begins no more, and resolves when all have ended: by what they said, or by their time. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#live);
    await delay((this.#options.lifetime + SWEEP_SECONDS) * 1000);
  }

  #beginDue(): void {
    const due = ((performance.now() - this.#startedAt) / 1000) * this.#options.perSecond - this.#leftOut;
    // What a machine that stood still has missed is not made up for: that would be another load.
    this.#leftOut += Math.max(0, Math.floor(due - this.#begun - MOST_AT_ONCE));
    for (let count = 0; count < MOST_AT_ONCE && this.#begun < due; count++) {
      const life = this.#run(this.#begun++);
      this.#live.add(life);
      void life.then(() => this.#live.delete(life));
    }
  }

  async #run(index: number): Promise<void> {
    const { server, credentials } = this.#options;
    const session = await openSession(server, credentials, this.#sources.client(index));
    try {
      await this.#use(session, index);
      this.counts.ok++;
    } catch (error) {
      if (!(error instanceof RefusedError)) this.counts.failed++;
      else {
        this.counts.refused++;
        this.counts.codes.push(error.errorCode);
      }
    } finally {
      session.socket.close();
    }
  }

  async #use(session: TurnSession, index: number): Promise<void> {
    const { lifetime } = this.#options;
    const relayed = await session.allocate(lifetime);
    const peer = await openConnectedSocket(relayed, this.#sources.peer(index));
    try {
      await session.createPermission(peer.address());
      await session.bindChannel(FIRST_CHANNEL, peer.address());
      await this.#exchange(session, peer);
      // Half of them say goodbye, some stay until their time is over, and some are gone without a word.
      if (index % 4 < 2) await endSession(session);
      else if (index % 4 === 2) await delay(lifetime * 1000);
    } finally {
      peer.close();
    }
  }

  async #exchange(session: TurnSession, peer: TurnSession['socket']): Promise<void> {
    let missing = 2 * PACKETS;
    const arrived = new AbortController();
    const onPacket = (): void => {
      this.counts.received++;
      if (--missing === 0) arrived.abort();
    };
    session.onChannelData = onPacket;
    peer.on('message', onPacket);
    const packet = Buffer.alloc(CHANNEL_HEADER_LENGTH + PAYLOAD);
    writeChannelHeader(packet, 0, FIRST_CHANNEL, PAYLOAD);
    for (let i = 0; i < PACKETS; i++) {
      session.socket.send(packet);
      peer.send(packet.subarray(CHANNEL_HEADER_LENGTH));
      this.counts.sent += 2;
    }
    await delay(PATIENCE_MS, undefined, { signal: arrived.signal }).catch(() => {});
  }
}

// The answer may have been late: then the retransmission finds no allocation any more (RFC 8656 §8.3).
async function endSession(session: TurnSession): Promise<void> {
  try {
    await session.refresh(0);
  } catch (error) {
    if (!(error instanceof RefusedError) || error.errorCode !== ALLOCATION_MISMATCH) throw error;
  }
}
