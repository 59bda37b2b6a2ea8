// A fake engine, a clock that stands, raw clients and OpenSSL's client, for tests of streams.

import { type ChildProcess, spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import { ConnectionLimits } from '../../src/limits/connection-limits.ts';
import { SystemRandom } from '../../src/state/system-random.ts';
import type { StreamConnection } from '../../src/streams/stream-connection.ts';
import { StreamGroup } from '../../src/streams/stream-group.ts';
import { DEFAULT_STREAM_SETTINGS, type StreamHandler, type StreamSettings } from '../../src/streams/stream-handler.ts';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import type { CertificateFiles } from '../../src/tls/certificate-file.ts';
import { CertificateStore } from '../../src/tls/certificate-store.ts';
import type { ContextOptions } from '../../src/tls/secure-context.ts';
import { selfMadeCertificates } from '../../src/tls/self-made.ts';
import { TlsAcceptor } from '../../src/tls/tls-acceptor.ts';
import type { Allocation } from '../../src/turn/allocation.ts';
import type { ClientEndpoint } from '../../src/turn/client-endpoint.ts';
import { type ForeignProgram, findProgram } from '../support/foreign-program.ts';

/** Milliseconds after which a test that waits for what never comes fails. */
const TIMEOUT = 20_000;

/** Time that moves when the test says so. */
export class ManualClock {
  time = 1_000_000;
  now(): number {
    return this.time;
  }
  wallTime(): number {
    return this.time;
  }
}

/** Records frames and answers Binding requests with bytes made by hand. */
export class FakeEngine implements StreamHandler {
  readonly frames: string[] = [];
  readonly endpoints: ClientEndpoint[] = [];
  readonly closed: ClientEndpoint[] = [];
  answers = true;
  /** Thrown at the next frames. */
  fault: Error | null = null;
  #wake: () => void = () => {};

  fromClient(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    const frame = buffer.toString('hex', start, end);
    this.frames.push(frame);
    if (!this.endpoints.includes(endpoint)) this.endpoints.push(endpoint);
    if (this.fault !== null) throw this.fault;
    if (this.answers && frame.startsWith('0001')) {
      const answer = bindingSuccess(frame.slice(16, 40));
      endpoint.link.send(endpoint, answer, 0, answer.length);
    }
    this.#wake();
  }

  endpointClosed(endpoint: ClientEndpoint): void {
    this.closed.push(endpoint);
    this.#wake();
  }

  /** Resolves once the condition holds: it is looked at after each frame and each end. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The connection of the n-th endpoint. */
  connection(index = 0): StreamConnection {
    return this.endpoints[index]!.link as StreamConnection;
  }

  /** Pretends that the endpoint has an allocation. */
  allocate(index = 0): void {
    this.endpoints[index]!.allocation = {} as Allocation;
  }

  /** Pretends that the allocation has ended. */
  deallocate(index = 0): void {
    const endpoint = this.endpoints[index]!;
    endpoint.allocation = null;
    endpoint.link.release(endpoint);
  }
}

/** Where a group alone counts. */
export function ownLimits(): ConnectionLimits {
  return ConnectionLimits.ofOneProcess(new SystemRandom());
}

/** For groups whose engine throws nothing. */
export function unexpected(fault: unknown): never {
  throw fault;
}

/** A Binding request; `number` is in its transaction. */
export function bindingRequest(number = 0): Buffer {
  return Buffer.from(`000100002112a442${transaction(number)}`, 'hex');
}

/** The transaction of {@link bindingRequest}, as hex. */
export function transaction(number: number): string {
  return `7475726e6474657374${number.toString(16).padStart(6, '0')}`;
}

/** What {@link FakeEngine} answers: XOR-MAPPED-ADDRESS 192.0.2.1:32853. */
export function bindingSuccess(transactionHex: string): Buffer {
  return Buffer.from(`0101000c2112a442${transactionHex}002000080001a147e112a643`, 'hex');
}

export interface Rig {
  readonly group: StreamGroup;
  readonly engine: FakeEngine;
  readonly clock: ManualClock;
  readonly port: number;
  /** Null where the listener is plain. */
  readonly tls: TlsAcceptor | null;
  /** Whether the process seems to be short of descriptors. */
  readonly descriptors: { isShort: boolean };
  /** Whether the server seems to be short of memory. */
  readonly memory: { isShort: boolean };
  /** What the engine has thrown. */
  readonly faults: readonly unknown[];
  /** Who was refused where proxies connect. */
  readonly proxiesRefused: readonly (readonly [address: string, isTrusted: boolean])[];
}

/** How a rig differs from the usual one. */
export interface RigSettings extends Partial<StreamSettings> {
  /** Whether connections must begin with a PROXY header. */
  readonly proxied?: boolean;
}

/** A group with one listener on 127.0.0.1. */
export async function openRig(t: Test, mode: StreamMode, options: RigSettings = {}): Promise<Rig> {
  const { proxied = false, ...settings } = options;
  t.setTimeout(TIMEOUT);
  const clock = new ManualClock();
  const engine = new FakeEngine();
  const tls = mode === StreamMode.TCP ? null : await openTls(t, clock);
  const faults: unknown[] = [];
  const proxiesRefused: [address: string, isTrusted: boolean][] = [];
  const descriptors = { isShort: false };
  const memory = { isShort: false };
  const group = new StreamGroup({
    clock,
    handler: engine,
    tls,
    report: (fault) => faults.push(fault),
    proxyRefused: (...refusal) => proxiesRefused.push(refusal),
    limits: ownLimits(),
    isShort: () => descriptors.isShort,
    isShortOfMemory: () => memory.isShort,
    settings: { ...DEFAULT_STREAM_SETTINGS, ...settings },
  });
  const listener = await group.listen({ mode, proxied, host: '127.0.0.1', port: 0 });
  t.teardown(() => group.close());
  return { group, engine, clock, tls, faults, proxiesRefused, descriptors, memory, port: listener.local.port };
}

// With self-made certificates, RSA and P-256, for `turn.example.com`.
async function openTls(t: Test, clock: ManualClock): Promise<TlsAcceptor> {
  const names = ['turn.example.com', '127.0.0.1'];
  const files = await selfMadeCertificates({ stateDirectory: t.testdir(), names, now: Date.now() });
  return new TlsAcceptor(openStore(files), clock, 10);
}

/** A store with default settings. */
export function openStore(files: readonly CertificateFiles[], options: Partial<ContextOptions> = {}): CertificateStore {
  return new CertificateStore({ files, wallTime: Date.now, minVersion: '1.2', ticketKeys: null, ...options });
}

/** What a client has received. */
export class Received {
  bytes: Buffer = Buffer.alloc(0);
  isClosed = false;
  #wake: () => void = () => {};

  /** Collects from a stream. */
  listen(stream: NodeJS.ReadableStream): this {
    stream.on('data', (chunk: Buffer) => this.add(chunk));
    stream.on('error', () => {});
    stream.on('close', () => this.close());
    return this;
  }

  add(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    this.#wake();
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }

  /** Resolves once the condition holds; rejects when the stream closes without. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.isClosed) throw new Error(`closed after …${this.bytes.toString('latin1').slice(-500)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves with all bytes once the stream has closed. */
  async end(): Promise<Buffer> {
    await this.until(() => this.isClosed);
    return this.bytes;
  }
}

export interface RawClient {
  readonly socket: Socket;
  readonly received: Received;
}

/** A TCP client that is connected. */
export async function rawClient(t: Test, port: number, localAddress?: string): Promise<RawClient> {
  const from = localAddress === undefined ? {} : { localAddress };
  const socket = connect({ host: '127.0.0.1', port, noDelay: true, ...from });
  const received = new Received().listen(socket);
  t.teardown(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, received };
}

/** One turn of the event loop: what is in the kernel has been read, and what is due has been offered to it. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Writes byte by byte, each of which is read before the next is written. */
export async function writeBytes(client: RawClient, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    client.socket.write(Buffer.of(byte));
    await turn();
    await turn();
  }
}

/** Sends a Binding request and waits for the answer: whatever was sent before has been handled then. */
export async function roundTrip(client: RawClient, number = 0xfffff): Promise<void> {
  client.socket.write(bindingRequest(number));
  const answer = bindingSuccess(transaction(number));
  await client.received.until(() => client.received.bytes.includes(answer));
}

/** OpenSSL's program. */
export const openssl: ForeignProgram = findProgram('TURND_TEST_OPENSSL', ['/usr/bin/openssl']);

/** OpenSSL's client, connected or on its way. */
export class OpensslClient {
  readonly output = new Received();
  readonly #child: ChildProcess;

  constructor(t: Test, port: number, options: readonly string[]) {
    this.#child = spawn(openssl.path, ['s_client', '-connect', `127.0.0.1:${port}`, ...options]);
    this.#child.stdin?.on('error', () => {});
    this.#child.stdout?.on('data', (chunk: Buffer) => this.output.add(chunk));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.output.add(chunk));
    this.#child.once('close', () => this.output.close());
    t.teardown(() => this.#child.kill());
  }

  write(bytes: Buffer | string): void {
    this.#child.stdin?.write(bytes);
  }

  /** Everything it has printed, once it contains `wanted`; fails when it exits before. */
  async printed(wanted: Buffer | string): Promise<string> {
    await this.output.until(() => this.output.bytes.includes(wanted));
    return this.output.bytes.toString('latin1');
  }

  /** Everything it has printed when it ended. */
  async ended(): Promise<string> {
    return (await this.output.end()).toString('latin1');
  }
}
