// Load from batched system calls: connected kernel sockets in one epoll, no dependence on Node's loop while it measures.
// Owns the clients and their peers.

import { PR_SET_TIMERSLACK } from '../../src/planes/linux/abi.ts';
import { type Libc, loadLibc } from '../../src/planes/linux/libc.ts';
import { Method } from '../../src/stun/methods.ts';
import { GeneratorKind, type Load, type LoadJob, type LoadResult, type LoadStep } from '../load-job.ts';
import { cpuSince } from '../process-cost.ts';
import { SourceAddresses } from '../source-addresses.ts';
import type { Answer } from '../turn-messages.ts';
import { Clock } from './clock.ts';
import { bind, permit, refresh } from './exchanges.ts';
import { KernelSockets } from './kernel-sockets.ts';
import { MessageMemory } from './message-memory.ts';
import { Renewals } from './renewals.ts';
import { type Client, type Exchange, Requests } from './requests.ts';
import { Traffic } from './traffic.ts';

const LIFETIME_SECONDS = 3600;
/** The discard port: of peers that nobody listens for. */
const UNUSED_PORT = 9;
const SHORTEST_SLACK_NS = 1;
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/** Opens a load of batched calls. @throws LibcUnavailableError where the calls cannot be had */
export async function openBatchedLoad(job: LoadJob): Promise<Load> {
  const libc = await loadLibc();
  // Sleeps end when they are due; and a loop that cannot hear its parent must not outlive it.
  libc.prctl(PR_SET_TIMERSLACK, SHORTEST_SLACK_NS);
  libc.prctl(PR_SET_PDEATHSIG, SIGKILL);
  return new BatchedLoad(libc, job);
}

class BatchedLoad implements Load {
  readonly kind = GeneratorKind.BATCHED;
  readonly #libc: Libc;
  readonly #job: LoadJob;
  readonly #memory: MessageMemory;
  readonly #clock: Clock;
  readonly #sockets: KernelSockets;
  readonly #requests: Requests;
  readonly #sources: SourceAddresses;
  readonly #clients: Client[] = [];
  readonly #peerFds: number[] = [];
  #traffic: Traffic | null = null;

  constructor(libc: Libc, job: LoadJob) {
    this.#libc = libc;
    this.#job = job;
    this.#memory = new MessageMemory(libc, job.payload, job.gsoBurst);
    this.#clock = new Clock(libc, this.#memory);
    this.#sockets = new KernelSockets(libc, this.#memory);
    const path = { libc, memory: this.#memory, clock: this.#clock, epoll: this.#sockets.epoll };
    this.#requests = new Requests(path, job.credentials);
    this.#sources = new SourceAddresses(job.server.address, process.pid);
  }

  async prepare(): Promise<void> {
    for (let i = 0; i < this.#job.clients; i++) {
      const fd = this.#sockets.open(this.#job.server, this.#sources.client(i), 2 * i);
      const peer = { address: this.#sockets.addressOf(fd).address, port: UNUSED_PORT };
      this.#clients.push({ fd, peer, relayed: null, authentication: null });
    }
  }

  async setUp(): Promise<void> {
    const onSuccess = (client: Client, index: number, answer: Answer): void => this.#onAllocated(client, index, answer);
    const fields = () => ({ lifetime: LIFETIME_SECONDS });
    this.#run([{ what: 'Allocate', method: Method.ALLOCATE, fields, onSuccess }, permit, bind]);
  }

  async renew(): Promise<void> {
    this.#run([refresh(LIFETIME_SECONDS), permit, bind]);
  }

  async run(step: LoadStep): Promise<LoadResult> {
    const traffic = this.#openTraffic();
    traffic.begin();
    if (step.warmUpSeconds > 0) traffic.run(step, step.warmUpSeconds);
    const renewedBefore = traffic.renewed;
    const droppedBefore = this.#sockets.dropped();
    const serverCpu = cpuSince(this.#job.serverPid);
    traffic.begin();
    const cpuBefore = process.cpuUsage();
    const seconds = traffic.run(step, step.seconds);
    const cpu = process.cpuUsage(cpuBefore);
    traffic.drain();
    const renewed = traffic.renewed - renewedBefore;
    const { sent, received, latency, lateness } = traffic;
    return {
      offered: Math.round((step.rate / step.burst) * step.seconds) * step.burst,
      sent,
      received,
      dropped: this.#sockets.dropped() - droppedBefore,
      renewed,
      seconds,
      latency: latency.entries(),
      lateness: lateness.entries(),
      cpuMicroseconds: cpu.user + cpu.system,
      serverCpuMicroseconds: serverCpu(),
    };
  }

  async close(): Promise<void> {
    this.#run([refresh(0)]);
    this.#sockets.close();
  }

  #run(script: readonly Exchange[]): void {
    this.#requests.run(this.#clients, script, this.#job.window);
  }

  #onAllocated(client: Client, index: number, { relayed }: Answer): void {
    if (relayed === null) throw new Error('the Allocate success response has no XOR-RELAYED-ADDRESS');
    client.relayed = relayed;
    if (!this.#job.peers) return;
    const fd = this.#sockets.open(relayed, this.#sources.peer(index), 2 * index + 1);
    this.#peerFds[index] = fd;
    client.peer = this.#sockets.addressOf(fd);
  }

  #openTraffic(): Traffic {
    this.#traffic ??= new Traffic({
      libc: this.#libc,
      memory: this.#memory,
      clock: this.#clock,
      epoll: this.#sockets.epoll,
      clientFds: Int32Array.from(this.#clients, (client) => client.fd),
      peerFds: Int32Array.from(this.#peerFds),
      payload: this.#job.payload,
      gso: this.#job.gsoBurst > 1,
      rest: this.#job.rest * 1000,
      renewals: new Renewals(this.#requests, this.#clients, this.#clock.now()),
    });
    return this.#traffic;
  }
}
