// Load from Node's dgram sockets: works everywhere, costs more per packet than the batched kind. Owns the clients and
// their peers.

import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Histogram } from '../histogram.ts';
import { Direction, GeneratorKind, type Load, type LoadJob, type LoadResult, type LoadStep } from '../load-job.ts';
import { cpuSince } from '../process-cost.ts';
import { SourceAddresses } from '../source-addresses.ts';
import { Meter, Phase } from './meter.ts';
import { pace } from './pacer.ts';
import { CHANNEL, openPair, type RelayedPair } from './relayed-pair.ts';

/** A packet that has not arrived this long after the last one was sent is lost, in milliseconds. */
const DRAIN_MS = 500;

/** See {@link Load}. */
export class DgramLoad implements Load {
  readonly kind = GeneratorKind.DGRAM;
  readonly #job: LoadJob;
  readonly #meter: Meter;
  readonly #sources: SourceAddresses;
  readonly #pairs: RelayedPair[] = [];

  constructor(job: LoadJob) {
    this.#job = job;
    this.#meter = new Meter(job.payload, CHANNEL);
    this.#sources = new SourceAddresses(job.server.address, process.pid);
  }

  async prepare(): Promise<void> {}

  async setUp(): Promise<void> {
    const { clients, window } = this.#job;
    while (this.#pairs.length < clients) {
      const first = this.#pairs.length;
      const width = Math.min(window, clients - first);
      this.#pairs.push(...(await Promise.all(Array.from({ length: width }, (_, i) => this.#open(first + i)))));
    }
  }

  async renew(): Promise<void> {
    await this.#inWindows((pair) => pair.renew());
  }

  async run(step: LoadStep): Promise<LoadResult> {
    const meter = this.#meter;
    const send = this.#sender(step);
    const rate = step.rate / step.burst;
    meter.begin(Phase.WARM_UP);
    if (step.warmUpSeconds > 0) await pace(rate, step.warmUpSeconds, new Histogram(), send);
    meter.begin(Phase.MEASURED);
    const serverCpu = cpuSince(this.#job.serverPid);
    const lateness = new Histogram();
    const cpuBefore = process.cpuUsage();
    const seconds = await pace(rate, step.seconds, lateness, send);
    const cpu = process.cpuUsage(cpuBefore);
    await this.#drain();
    const { sent, received } = meter;
    return {
      offered: Math.round(rate * step.seconds) * step.burst,
      sent,
      received,
      dropped: 0,
      renewed: 0,
      seconds,
      latency: meter.latency.entries(),
      lateness: lateness.entries(),
      cpuMicroseconds: cpu.user + cpu.system,
      serverCpuMicroseconds: serverCpu(),
    };
  }

  async close(): Promise<void> {
    await this.#inWindows((pair) => pair.close());
  }

  #open(index: number): Promise<RelayedPair> {
    const { server, credentials } = this.#job;
    const [client, peer] = [this.#sources.client(index), this.#sources.peer(index)];
    return openPair({ server, credentials, meter: this.#meter, client, peer });
  }

  async #inWindows(action: (pair: RelayedPair) => Promise<void>): Promise<void> {
    const { window } = this.#job;
    for (let i = 0; i < this.#pairs.length; i += window)
      await Promise.all(this.#pairs.slice(i, i + window).map(action));
  }

  #sender({ burst, direction }: LoadStep): (n: number) => void {
    const meter = this.#meter;
    const pairs = this.#pairs;
    const toPeer = (pair: RelayedPair): void => {
      for (let i = 0; i < burst; i++) pair.sendToPeer(meter.takePacket());
    };
    const toClient = (pair: RelayedPair): void => {
      for (let i = 0; i < burst; i++) pair.sendToClient(meter.takePayload());
    };
    if (direction === Direction.CLIENT_TO_PEER) return (n) => toPeer(pairs[n % pairs.length] as RelayedPair);
    if (direction === Direction.PEER_TO_CLIENT) return (n) => toClient(pairs[n % pairs.length] as RelayedPair);
    return (n) => (n % 2 === 0 ? toPeer : toClient)(pairs[(n >>> 1) % pairs.length] as RelayedPair);
  }

  async #drain(): Promise<void> {
    const meter = this.#meter;
    const deadline = performance.now() + DRAIN_MS;
    while (meter.received < meter.sent && performance.now() < deadline) await delay(10);
  }
}
