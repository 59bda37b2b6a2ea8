// Transport addresses (RFC 8489 §4): an IP address and a port, as an immutable value and as a reusable scratch.

import { AddressWords, IpAddress } from './ip-address.ts';

/** A transport address in numbers, filled anew for each message or datagram: the packet path's scratch. */
export class TransportWords extends AddressWords {
  port = 0;

  /** An immutable copy, which may outlive the message. */
  copyAddress(): TransportAddress {
    return new TransportAddress(
      new IpAddress(this.family === 6 ? 6 : 4, this.w0, this.w1, this.w2, this.w3),
      this.port,
    );
  }

  /** Takes over another scratch's value. */
  copyFrom(other: TransportWords): void {
    this.family = other.family;
    this.w0 = other.w0;
    this.w1 = other.w1;
    this.w2 = other.w2;
    this.w3 = other.w3;
    this.port = other.port;
  }

  /** Takes over the value of `address`. */
  set(address: TransportAddress): void {
    this.setTo(address.ip, address.port);
  }

  /** Takes over an address and a port. */
  setTo(ip: IpAddress, port: number): void {
    this.family = ip.family;
    this.w0 = ip.w0;
    this.w1 = ip.w1;
    this.w2 = ip.w2;
    this.w3 = ip.w3;
    this.port = port;
  }
}

/** An immutable transport address. */
export class TransportAddress {
  readonly ip: IpAddress;
  readonly port: number;

  constructor(ip: IpAddress, port: number) {
    this.ip = ip;
    this.port = port;
  }

  /** `192.0.2.1:3478` or `[2001:db8::1]:3478`: for logs and people. */
  get text(): string {
    return this.ip.family === 6 ? `[${this.ip.text}]:${this.port}` : `${this.ip.text}:${this.port}`;
  }

  equals(other: TransportAddress): boolean {
    return this.port === other.port && this.ip.equals(other.ip);
  }
}
