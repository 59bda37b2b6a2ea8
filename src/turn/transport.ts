// How a client reaches the server: the transport of the five-tuple.

/** Client transports. */
export const Transport = {
  UDP: 'udp',
  TCP: 'tcp',
  TLS: 'tls',
  DTLS: 'dtls',
} as const;
export type Transport = (typeof Transport)[keyof typeof Transport];

/** Whether messages travel in a byte stream, where ChannelData is padded (RFC 8656 §12.5). */
export function isStream(transport: Transport): boolean {
  return transport === Transport.TCP || transport === Transport.TLS;
}
