// A client of the simulation: a five-tuple with a user, a nonce and a memory of what it has sent.

import type { LabClient } from '../support/lab-client.ts';
import type { GivenNonce, SimRequest } from './requests.ts';

/** A message that may be sent again. */
export interface Sent {
  readonly request: SimRequest;
  readonly bytes: Buffer;
}

const MEMORY = 6;

/** One five-tuple. */
export class SimClient {
  /** Its own for ever: whoever connects next has another one. */
  readonly serial: number;
  readonly lab: LabClient;
  readonly stream: boolean;
  nonce: GivenNonce | null = null;
  readonly sent: Sent[] = [];

  constructor(serial: number, lab: LabClient, stream: boolean) {
    this.serial = serial;
    this.lab = lab;
    this.stream = stream;
  }

  remember(sent: Sent): void {
    this.sent.push(sent);
    if (this.sent.length > MEMORY) this.sent.shift();
  }
}
