// One TURN client over UDP: an allocation, its permissions and channels. Owns a socket connected to the server and the
// transactions on it. What arrives on channels goes to a callback unread.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { longTermKeyMd5 } from '../../src/stun/keys.ts';
import { Method, TRANSACTION_ID_LENGTH } from '../../src/stun/methods.ts';
import type { Credentials } from '../load-job.ts';
import {
  type Address,
  type Answer,
  type Authentication,
  type RequestFields,
  readAnswer,
  writeRequest,
} from '../turn-messages.ts';

/** The first retransmission follows after this many milliseconds, the next after twice that, and so on (RFC 8489 §6.2.1). */
const RTO_MS = 500;
const TRANSMISSIONS = 5;
const STALE_NONCE = 438;
const UNAUTHORIZED = 401;

/** The first byte of ChannelData is at least this, that of a STUN message below (RFC 8656 §12). */
const FIRST_CHANNEL_BYTE = 0x40;

/** A request that the server refused. */
export class RefusedError extends Error {
  readonly errorCode: number;

  constructor(what: string, errorCode: number) {
    super(`${what} was refused with ${errorCode}`);
    this.errorCode = errorCode;
  }
}

/** A client with one allocation. Make it with {@link openSession}. */
export class TurnSession {
  readonly socket: Socket;
  /** Called with every ChannelData message; the buffer is the receiver's to keep. */
  onChannelData: (message: Buffer) => void = () => {};
  readonly #credentials: Credentials;
  readonly #pending = new Map<string, (answer: Answer) => void>();
  #authentication: Authentication | null = null;

  constructor(socket: Socket, credentials: Credentials) {
    this.socket = socket;
    this.#credentials = credentials;
    socket.on('message', (datagram) => this.#onMessage(datagram));
  }

  /** Allocates a relayed transport address for `lifetime` seconds (RFC 8656 §7). */
  async allocate(lifetime: number): Promise<Address> {
    const { relayed } = await this.#request('Allocate', Method.ALLOCATE, { lifetime });
    if (relayed === null) throw new Error('the Allocate success response has no XOR-RELAYED-ADDRESS');
    return relayed;
  }

  /** Installs or refreshes a permission for the peer's IP address (RFC 8656 §10). */
  async createPermission(peer: Address): Promise<void> {
    await this.#request('CreatePermission', Method.CREATE_PERMISSION, { peer });
  }

  /** Binds `channel` to the peer, or refreshes the binding (RFC 8656 §12). */
  async bindChannel(channel: number, peer: Address): Promise<void> {
    await this.#request('ChannelBind', Method.CHANNEL_BIND, { channel, peer });
  }

  /** Refreshes the allocation for `lifetime` seconds; 0 ends it (RFC 8656 §8). Returns the granted lifetime. */
  async refresh(lifetime: number): Promise<number> {
    return (await this.#request('Refresh', Method.REFRESH, { lifetime })).lifetime;
  }

  /** Ends the allocation and closes the socket. A server that does not answer any more is no error. */
  async close(): Promise<void> {
    await this.refresh(0).catch(() => {});
    this.socket.close();
  }

  // The first request of a session and one after a stale nonce are answered with a challenge (RFC 8489 §9.2.5).
  async #request(what: string, method: Method, fields: RequestFields): Promise<Answer> {
    for (let challenges = 0; ; challenges++) {
      const answer = await this.#transact(what, method, fields);
      if (answer.errorCode === 0) return answer;
      const challenged = answer.errorCode === UNAUTHORIZED || answer.errorCode === STALE_NONCE;
      if (!challenged || challenges === 2) throw new RefusedError(what, answer.errorCode);
      this.#takeChallenge(answer);
    }
  }

  #takeChallenge(answer: Answer): void {
    const { username, password } = this.#credentials;
    const { realm, nonce } = answer;
    if (realm === null || nonce === null) throw new Error('a challenge without REALM or NONCE');
    this.#authentication = { username, realm, nonce, key: longTermKeyMd5(username, realm, password) };
  }

  #transact(what: string, method: Method, fields: RequestFields): Promise<Answer> {
    const transactionId = randomBytes(TRANSACTION_ID_LENGTH);
    const request = writeRequest(method, transactionId, fields, this.#authentication);
    const id = transactionId.toString('hex');
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout;
      const transmit = (count: number): void => {
        if (count === TRANSMISSIONS) {
          this.#pending.delete(id);
          reject(new Error(`${what}: no answer`));
          return;
        }
        this.socket.send(request);
        timer = setTimeout(() => transmit(count + 1), RTO_MS * 2 ** count);
      };
      this.#pending.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      transmit(0);
    });
  }

  #onMessage(datagram: Buffer): void {
    if ((datagram[0] ?? 0) >= FIRST_CHANNEL_BYTE) {
      this.onChannelData(datagram);
      return;
    }
    const answer = readAnswer(datagram);
    if (answer === null) return;
    const settle = this.#pending.get(answer.transactionId);
    this.#pending.delete(answer.transactionId);
    settle?.(answer);
  }
}

/** Opens a UDP socket from `local` (if given) that is connected to `remote`, with room for a burst in its buffers. */
export async function openConnectedSocket(remote: Address, local: string | null): Promise<Socket> {
  const type = remote.address.includes(':') ? 'udp6' : 'udp4';
  const socket = createSocket({ type, recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
  // ICMP errors surface here: the sender learns of a dead server by the missing answers.
  socket.on('error', () => {});
  if (local !== null) {
    socket.bind(0, local);
    await once(socket, 'listening');
  }
  socket.connect(remote.port, remote.address);
  await once(socket, 'connect');
  return socket;
}

/** Opens a session with the server at `server` from the address `local`, if given; nothing is allocated yet. */
export async function openSession(
  server: Address,
  credentials: Credentials,
  local: string | null,
): Promise<TurnSession> {
  return new TurnSession(await openConnectedSocket(server, local), credentials);
}
