// An observer that writes down what it is told, for tests to read.

import type { Observer } from '../../src/turn/env.ts';

/** What happened, in words: `allocated 203.0.113.1:50000`, `released deleted`, … */
export class RecordingObserver implements Observer {
  readonly events: string[] = [];
  readonly failures: unknown[] = [];

  allocated: Observer['allocated'] = (allocation) => {
    const relayed = allocation.relays().map((relay) => relay.relayed.text);
    this.events.push(`allocated ${relayed.join(' ')}`);
  };
  refreshed: Observer['refreshed'] = () => this.#note('refreshed');
  relayReleased: Observer['relayReleased'] = (_, relay) => this.#note(`relay released ${relay.relayed.text}`);
  released: Observer['released'] = (_, reason) => this.#note(`released ${reason}`);
  permissionInstalled: Observer['permissionInstalled'] = (_, { peer }) => this.#note(`permission ${peer.text}`);
  channelBound: Observer['channelBound'] = (_, { number }) => this.#note(`bound ${number.toString(16)}`);
  channelUnbound: Observer['channelUnbound'] = (_, { number }) => this.#note(`unbound ${number.toString(16)}`);
  authFailed: Observer['authFailed'] = (_, username, reason) => this.#note(`auth failed ${username} ${reason}`);
  peerDenied: Observer['peerDenied'] = (_, peer, port, rule) => this.#note(`denied ${peer.text}:${port} ${rule}`);
  overRate: Observer['overRate'] = (_, packets, refusal) =>
    this.#note(`over rate ${packets} ${refusal?.of} of the ${refusal?.holder}`);
  rejected: Observer['rejected'] = (_, method, code) => this.#note(`rejected ${method} ${code}`);
  failed: Observer['failed'] = (error) => {
    this.failures.push(error);
  };

  #note(event: string): void {
    this.events.push(event);
  }
}
