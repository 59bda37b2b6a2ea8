// The path to a server over TCP or TLS: connecting, verifying the server, and cutting the stream into messages.

import { connect as connectTcp, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, rootCertificates, type TLSSocket } from 'node:tls';
import { parseIp } from '../stun/ip-address.ts';
import { FrameStatus, StreamFramer } from '../stun/stream-framer.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import { type CertificateDetails, certificateOf } from './certificate-details.ts';
import { ClientError, socketError } from './client-error.ts';
import type { Timers } from './timers.ts';
import type { ClientTransport, TransportListener } from './transport.ts';

/** How the connection is made. */
export interface StreamOptions {
  /** Milliseconds for TCP and TLS handshake together. */
  readonly timeoutMs: number;
  readonly timers: Timers;
}

/** How the server is verified (RFC 8489 §6.2.3). */
export interface TlsOptions {
  /** The name that the certificate must carry. */
  readonly name: string;
  /** Goes on whatever the certificate says. */
  readonly insecure: boolean;
  /** Roots in PEM beside those that Node knows. */
  readonly authorities: readonly string[];
  /** Unix milliseconds, for the days that a certificate has left. */
  wallTime(): number;
}

/** Connects over TCP. Rejects with a {@link ClientError}. */
export async function openTcpTransport(remote: TransportAddress, options: StreamOptions): Promise<ClientTransport> {
  const socket = connectTcp({ host: remote.ip.text, port: remote.port, noDelay: true });
  await established(socket, 'connect', remote, options);
  return new StreamTransport(socket, remote, null);
}

/** Connects over TLS and verifies the server before a byte is sent. Rejects with a {@link ClientError}. */
export async function openTlsTransport(
  remote: TransportAddress,
  options: StreamOptions,
  tls: TlsOptions,
): Promise<ClientTransport> {
  const tcp = connectTcp({ host: remote.ip.text, port: remote.port, noDelay: true });
  await established(tcp, 'connect', remote, options);
  tcp.on('error', () => {});
  const socket = connectTls({
    socket: tcp,
    // SNI carries names only (RFC 6066 §3).
    ...(parseIp(tls.name) === null && { servername: tls.name }),
    ...(tls.authorities.length > 0 && { ca: [...rootCertificates, ...tls.authorities] }),
    // Refused below, so that what was shown can be told.
    rejectUnauthorized: false,
    checkServerIdentity: (_, certificate) => checkServerIdentity(tls.name, certificate),
  });
  await established(socket, 'secureConnect', remote, options);
  const certificate = certificateOf(socket, tls.wallTime());
  if (!socket.authorized && !tls.insecure) {
    socket.destroy();
    throw new ClientError('tls', `${remote.text}: ${refusalOf(socket)}`, { certificate });
  }
  return new StreamTransport(socket, remote, certificate);
}

function refusalOf(socket: TLSSocket): string {
  const refusal: unknown = socket.authorizationError;
  return `the certificate was refused (${String(refusal)})`;
}

function established(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  remote: TransportAddress,
  { timeoutMs, timers }: StreamOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      cancel();
      socket.off('error', onError).off('close', onClose).off(event, onReady);
      act();
    };
    const fail = (error: ClientError): void =>
      settle(() => {
        socket.on('error', () => {}).destroy();
        reject(error);
      });
    const onReady = (): void => settle(resolve);
    const onError = (error: Error): void => fail(handshakeError(event, remote, error));
    const onClose = (): void => fail(handshakeError(event, remote, null));
    const cancel = timers.after(timeoutMs, () => fail(lateError(event, remote, timeoutMs)));
    socket.once('error', onError).once('close', onClose).once(event, onReady);
  });
}

function lateError(event: string, remote: TransportAddress, timeoutMs: number): ClientError {
  const what = event === 'connect' ? 'no answer to the connection' : 'the TLS handshake does not end';
  return new ClientError('timeout', `${remote.text}: ${what} in ${timeoutMs / 1000} s`);
}

function handshakeError(event: string, remote: TransportAddress, error: Error | null): ClientError {
  if (event === 'connect') return socketError(remote.text, error);
  const code = error !== null && 'code' in error ? String(error.code) : 'the connection was closed';
  return new ClientError('tls', `${remote.text}: the TLS handshake failed (${code})`, { cause: error });
}

class StreamTransport implements ClientTransport {
  readonly kind: 'tcp' | 'tls';
  readonly isReliable = true;
  readonly local: TransportAddress;
  readonly remote: TransportAddress;
  readonly certificate: CertificateDetails | null;
  readonly #socket: Socket;
  readonly #framer = new StreamFramer();
  #listener: TransportListener | null = null;
  #isOpen = true;

  constructor(socket: Socket, remote: TransportAddress, certificate: CertificateDetails | null) {
    this.#socket = socket;
    this.remote = remote;
    this.certificate = certificate;
    this.kind = 'encrypted' in socket ? 'tls' : 'tcp';
    const ip = parseIp(socket.localAddress ?? '') ?? remote.ip;
    this.local = new TransportAddress(ip, socket.localPort ?? 0);
    // An error is always followed by 'close', which tells it.
    socket.on('error', () => {});
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
    const end = (error: unknown): void => this.#end(socketError(this.remote.text, error));
    this.#socket.on('error', end);
    this.#socket.on('close', () => end(null));
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
  }

  send(bytes: Buffer): void {
    if (this.#isOpen) this.#socket.write(bytes);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#socket.closed) return;
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    // A server that does not close its end must not keep us.
    this.#socket.destroySoon();
    this.#socket.setTimeout(1000, () => this.#socket.destroy());
    await closed;
  }

  #onData(chunk: Buffer): void {
    const framer = this.#framer;
    framer.push(chunk);
    for (;;) {
      const status = framer.next();
      if (status === FrameStatus.MORE || !this.#isOpen) return;
      if (status === FrameStatus.FATAL) {
        this.#end(new ClientError('protocol', `${this.remote.text}: what the server sends is no STUN`));
        return;
      }
      this.#listener?.onFrame(framer.buffer, framer.start, framer.end);
    }
  }

  #end(error: ClientError): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.destroy();
    this.#listener?.onError(error);
  }
}
