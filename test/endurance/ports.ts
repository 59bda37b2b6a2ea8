// The port pool: filled to the last port, emptied, and asked in every way that could leave a port behind.

import { Stage } from '../hostile/stage.ts';
import { type RawClient, REQUEST } from '../support/raw-client.ts';
import { type AttributeInput, attr, type Decoded } from '../support/wire.ts';
import {
  additionalAddressFamily,
  evenPort,
  lifetime,
  requestedAddressFamily,
  reservationToken,
} from '../support/wire-attributes.ts';
import { type Finding, type Run, type Scenario, same } from './scenario.ts';

const FIRST_PORT = 49_152;
const SHORT_POOL = 64;
const LONG_POOL = 16_384;
/** A reservation that nobody redeems holds its port for 30 s (RFC 8656 §7.2). */
const LAPSE_MS = 33_000;
/** Budgets, quotas and permissions are not what this is about. */
const ENV = {
  TURND_LIMITS__ALLOCATIONS_PER_CLIENT_ADDRESS: '0',
  TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
};

const INSUFFICIENT_CAPACITY = 508;

type Attributes = readonly AttributeInput[];

/** Clients that ask until a port is missing. */
class Pool {
  readonly #stage: Stage;
  readonly #run: Run;
  readonly held: RawClient[] = [];

  constructor(stage: Stage, run: Run) {
    this.#stage = stage;
    this.#run = run;
  }

  async ask(attributes: Attributes): Promise<{ client: RawClient; answer: Decoded }> {
    const client = await this.#stage.client(this.#run.cleanup);
    const answer = await client.allocate(attributes);
    if (answer.cls === 2) this.held.push(client);
    else client.close();
    return { client, answer };
  }

  /** Allocates until it is refused; the code of the refusal. */
  async fill(attributes: Attributes): Promise<number> {
    for (;;) {
      const { answer } = await this.ask(attributes);
      if (answer.errorCode !== undefined) return answer.errorCode;
    }
  }

  async empty(): Promise<void> {
    for (const client of this.held.splice(0)) {
      await client.request(REQUEST.refresh, [lifetime(0)]);
      client.close();
    }
  }
}

const FAMILIES = [
  ['IPv4', requestedAddressFamily(4)],
  ['IPv6', requestedAddressFamily(6)],
] as const;

/** That every port of both families can be had, and not one more; empties the pool again. */
async function isWhole(when: string, pool: Pool, size: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [family, attribute] of FAMILIES) {
    const code = await pool.fill([attribute]);
    findings.push(same(`${when}, ${family} ports that can be had`, pool.held.length, size));
    findings.push(same('and then', code, INSUFFICIENT_CAPACITY));
    await pool.empty();
  }
  return findings;
}

/** EVEN-PORT over and over; the reserved neighbour is redeemed or not. */
async function evenPorts(pool: Pool, times: number, redeem: boolean): Promise<void> {
  for (let time = 0; time < times; time++) {
    await pool.ask([evenPort(false)]);
    const { answer } = await pool.ask([evenPort(true)]);
    const token = answer.get(attr.reservationToken);
    if (redeem && token !== undefined) await pool.ask([reservationToken(token)]);
    if (time % 8 === 7) await pool.empty();
  }
  await pool.empty();
}

/** Asks for both families while IPv4 has no port left: half of each is granted. */
async function partialFailures(pool: Pool, size: number): Promise<Finding> {
  await pool.fill([requestedAddressFamily(4)]);
  let partial = 0;
  for (let count = 0; count < size / 2; count++) {
    const { answer } = await pool.ask([additionalAddressFamily()]);
    if (answer.cls === 2 && answer.has(attr.addressErrorCode)) partial++;
  }
  await pool.empty();
  return same('allocations with one family of two', partial, size / 2);
}

/** R8, S49. */
export const ports: Scenario = {
  name: 'ports',
  title: 'R8, S49: a pool of ports is filled to the last, and is whole again after everything',
  async play(run) {
    const stage = (await Stage.build()) as Stage;
    const size = run.scale.long ? LONG_POOL : SHORT_POOL;
    await stage.startWith(run.cleanup, ENV, '--relay-ports', `${FIRST_PORT}-${FIRST_PORT + size - 1}`);
    const pool = new Pool(stage, run);
    const findings = await isWhole('at first', pool, size);
    findings.push(await partialFailures(pool, size));
    await evenPorts(pool, run.scale.long ? 10 * size : size, true);
    findings.push(...(await isWhole('after EVEN-PORT and redeemed reservations', pool, size)));
    if (!run.scale.long) return findings;
    await evenPorts(pool, size, false);
    await new Promise((resolve) => setTimeout(resolve, LAPSE_MS));
    return [...findings, ...(await isWhole('after reservations that lapsed', pool, size))];
  },
};
