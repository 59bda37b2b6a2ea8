// A fake STUN server on loopback that answers with bytes of its own making.

import { createSocket, type Socket } from 'node:dgram';

/** How it answers a Binding request: the datagrams to send back. */
export type Answers = (request: Buffer) => Buffer[];

/** A running responder. */
export interface StunResponder {
  readonly port: number;
  /** Requests seen so far. */
  readonly requests: Buffer[];
  close(): void;
}

/** Starts one on 127.0.0.1. */
export async function startStunResponder(answers: Answers): Promise<StunResponder> {
  const socket = createSocket('udp4');
  const requests: Buffer[] = [];
  socket.on('message', (request, from) => {
    requests.push(request);
    for (const answer of answers(request)) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { port: socket.address().port, requests, close: () => socket.close() };
}

/** A socket bound to loopback, whatever relay address it stands for. */
export function loopbackSocket(): Socket {
  return createSocket('udp4').bind(0, '127.0.0.1');
}

/**
 * A Binding success response with XOR-MAPPED-ADDRESS for these four octets and port 40000, assembled by hand after
 * RFC 8489 §5 and §14.2.
 */
export function mappedAnswer(request: Buffer, octets: [number, number, number, number]): Buffer {
  const head = Buffer.from('0101000c2112a442', 'hex');
  const port = Buffer.from([0x9c ^ 0x21, 0x40 ^ 0x12]);
  const [a, b, c, d] = octets;
  const address = Buffer.from([a ^ 0x21, b ^ 0x12, c ^ 0xa4, d ^ 0x42]);
  return Buffer.concat([head, request.subarray(8, 20), Buffer.from('002000080001', 'hex'), port, address]);
}
