// A channel binding: a number and the peer transport address that it stands for.

import type { Relay } from './allocation.ts';
import type { Permission } from './permission.ts';

/** Milliseconds that a binding lasts from its last ChannelBind (RFC 8656 §12). */
export const CHANNEL_LIFETIME = 600_000;

/** A channel (RFC 8656 §12). Its counters belong to a forwarding table as much as to the engine. */
export class Channel {
  readonly number: number;
  /** The peer's address. */
  readonly permission: Permission;
  /** The peer's port. */
  readonly port: number;
  /** The relayed address that the peer sees. */
  readonly relay: Relay;
  /** Monotonic milliseconds at which the binding ends. */
  deadline: number;
  packetsToPeer = 0;
  bytesToPeer = 0;
  packetsToClient = 0;
  bytesToClient = 0;

  constructor(number: number, permission: Permission, port: number, relay: Relay, deadline: number) {
    this.number = number;
    this.permission = permission;
    this.port = port;
    this.relay = relay;
    this.deadline = deadline;
  }

  isLive(now: number): boolean {
    return now < this.deadline;
  }
}
