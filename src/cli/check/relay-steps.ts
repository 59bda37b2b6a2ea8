// The steps on an allocation: permission, channel, echo and its end. Chooses which way the echo goes.

import { ClientError, socketError } from '../../client/client-error.ts';
import type { OpenAllocation } from '../../client/open-allocation.ts';
import { ErrorCode } from '../../stun/error-codes.ts';
import type { IpAddress } from '../../stun/ip-address.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import { lostEcho } from './causes.ts';
import { type EchoOptions, type EchoResult, EchoRun } from './echo.ts';
import { type EchoPeer, type EchoWay, openAllocatedPeer, openOwnPeer, release } from './echo-peer.ts';
import type { Done, StepLog } from './step-log.ts';

/** What the steps need. */
export interface RelayEnv {
  readonly log: StepLog;
  readonly echo: EchoOptions;
  /** Makes a second allocation on the server of the first. */
  allocateAgain(): Promise<OpenAllocation>;
  /** Whether UDP from here reaches the server at all. */
  udpGetsOut(): Promise<boolean>;
}

/** Where the packets go: the peer and, once bound, its channel. */
interface Route {
  /** Who answers there. */
  readonly via: EchoPeer;
  readonly peer: TransportAddress;
  /** False when the peer could not reach the relay: the way back is closed already. */
  readonly isOpen: boolean;
}

/** Does the steps and ends the allocation. `own` is our public address, or null when it is unknown. */
export async function relaySteps(near: OpenAllocation, own: IpAddress | null, env: RelayEnv): Promise<void> {
  const { log } = env;
  const peer = await log.run('permission', () => permit(near, own, env));
  const route = peer === null ? null : await log.run('channel', () => bindToAny(near, peer, env));
  if (peer === null) log.skip('channel', 'needs a permission');
  if (route !== null) await log.run('echo', () => echo(near, route, env));
  else log.skip('echo', peer === null ? 'needs a permission' : 'needs a channel');
  await peer?.close();
  if (route !== null && route.via !== peer) await route.via.close();
  await log.run('refresh', () => end(near));
  await near.client.close();
}

// Our own address first: it is the way that the peers of a call take, through every firewall on it.
async function permit(near: OpenAllocation, own: IpAddress | null, env: RelayEnv): Promise<Done<EchoPeer>> {
  const ownPeer = await permitOwn(near, own);
  if (typeof ownPeer !== 'string') return permitted(ownPeer, `${ownPeer.guess.ip.text}, our own address`);
  const peer = await allocateFar(near, env);
  return permitted(peer, `${peer.guess.ip.text}, the relay of a second allocation (${ownPeer})`);
}

function permitted(peer: EchoPeer, summary: string): Done<EchoPeer> {
  return { value: peer, summary, facts: { way: peer.way, peer: peer.guess.ip.text } };
}

/** The peer, or why this way is closed. */
async function permitOwn(near: OpenAllocation, own: IpAddress | null): Promise<EchoPeer | string> {
  if (own === null || own.family !== near.allocation.relayed.ip.family) return 'our address is of another family';
  try {
    await near.client.createPermission(own);
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return `the server denies our own address ${own.text} as a peer`;
  }
  try {
    return await openOwnPeer(near, own);
  } catch (error) {
    return socketError('the relayed address', error).message;
  }
}

async function allocateFar(near: OpenAllocation, { allocateAgain }: RelayEnv): Promise<EchoPeer> {
  const far = await allocateAgain();
  try {
    await near.client.createPermission(far.allocation.relayed.ip);
    return await openAllocatedPeer(near, far);
  } catch (error) {
    await release(far.client);
    throw error;
  }
}

// On the server's own host our address is the server's too. A permission names no port and may be granted; a channel is not:
// of its own addresses a server relays to live relays only.
async function bindToAny(near: OpenAllocation, peer: EchoPeer, env: RelayEnv): Promise<Done<Route>> {
  try {
    return await bind(near, peer, env);
  } catch (error) {
    if (!isForbidden(error) || peer.way !== 'own address') throw error;
  }
  const far = await allocateFar(near, env);
  try {
    const done = await bind(near, far, env);
    const why = 'the server denies this port of our own address as a peer';
    return { ...done, summary: `${done.summary}, the relay of a second allocation (${why})` };
  } catch (error) {
    await far.close();
    throw error;
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof ClientError && error.errorCode === ErrorCode.FORBIDDEN;
}

async function bind(near: OpenAllocation, peer: EchoPeer, { echo: { timeoutMs } }: RelayEnv): Promise<Done<Route>> {
  const found = await peer.find(timeoutMs);
  const address = found ?? peer.guess;
  const channel = await near.client.bindChannel(address);
  const number = `0x${channel.toString(16)}`;
  return {
    value: { via: peer, peer: address, isOpen: found !== null },
    summary: `${number} to ${address.text}`,
    facts: { channel: number, peer: address.text },
    warnings: found === null ? [`nothing from us reached the relayed address ${near.allocation.relayed.text}`] : [],
  };
}

async function echo(near: OpenAllocation, route: Route, env: RelayEnv): Promise<Done<null>> {
  // What cannot come back need not be waited for as long again.
  const result = await runEcho(near, route.peer, route.isOpen ? env.echo : { ...env.echo, count: 1 });
  return result.received > 0 ? cameBack(result, route.via.way, env) : explainLoss(near, route.via, result, env);
}

function cameBack(result: EchoResult, way: EchoWay, { echo: { size } }: RelayEnv): Done<null> {
  const loss = result.lossPercent === 0 ? [] : [`${result.lossPercent} % of the packets were lost`];
  return { value: null, summary: describe(result, way), facts: { way, size, ...result }, warnings: loss };
}

// Two allocations of the server tell whether it is the relay that fails or the way from here to it.
async function explainLoss(
  near: OpenAllocation,
  { way }: EchoPeer,
  lost: EchoResult,
  env: RelayEnv,
): Promise<Done<null>> {
  const inside = way === 'own address' ? await tryInside(near, env) : null;
  const insideWorks = inside === null ? null : inside.received > 0;
  // A client on a stream may sit in a network without UDP, and be served well all the same.
  if (inside !== null && insideWorks && near.client.transport.isReliable && !(await env.udpGetsOut())) {
    const done = cameBack(inside, 'second allocation', env);
    const warning =
      'no UDP gets from this network to the server: whether its relay ports are open cannot be seen from here';
    return { ...done, warnings: [...(done.warnings ?? []), warning] };
  }
  const problem = lostEcho(near.allocation.relayed.port, insideWorks);
  const facts = { way, size: env.echo.size, ...lost, insideWorks };
  return { value: null, summary: problem.what, facts, problem };
}

function describe({ sent, received, minMs, averageMs, maxMs }: EchoResult, way: EchoWay): string {
  const via = way === 'own address' ? 'from our own address' : 'from a second allocation';
  return `${received} of ${sent} came back ${via}, rtt ${minMs}/${averageMs}/${maxMs} ms (min/avg/max)`;
}

async function runEcho({ client }: OpenAllocation, peer: TransportAddress, options: EchoOptions): Promise<EchoResult> {
  const run = new EchoRun(options, (packet) => client.send(peer, packet));
  client.onPeerData = (_, data) => run.onPacket(data);
  const result = await run.run();
  client.onPeerData = () => {};
  return result;
}

/** What comes back between two allocations; null when that cannot be tried. */
async function tryInside(near: OpenAllocation, env: RelayEnv): Promise<EchoResult | null> {
  try {
    const peer = await allocateFar(near, env);
    const result = await runEcho(near, peer.guess, env.echo);
    await peer.close();
    return result;
  } catch (error) {
    if (error instanceof ClientError) return null;
    throw error;
  }
}

async function end({ client }: OpenAllocation): Promise<Done<null>> {
  await client.refresh(0);
  return { value: null, summary: 'the allocation was ended' };
}
