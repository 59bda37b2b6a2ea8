// coturn's options of listeners, relays, transports and STUN: what each becomes.

import { alwaysOff, alwaysOn, droppedSwitch, droppedValue, mapped, type OptionGroup } from './option.ts';

const ONE_ADDRESS = 'turnd does not answer from an alternate port: NAT behaviour discovery (RFC 5780) is not built yet';
const MULTIPLEX = 'turnd has no shared relay port: each allocation has a port of relay.ports';
const REDIRECT =
  'turnd sends clients to other servers (300) only while it drains (drain.alternate-servers): else let DNS or iceServers do it';
const OLD_TLS = 'TLS below 1.2 cannot be switched on';
const BATCHES = 'turnd has no log of its batches; bench/ measures them';

export const NETWORK_OPTIONS: readonly OptionGroup[] = [
  {
    title: 'Listeners',
    options: [
      mapped('listening-port', 'listen', 'UDP, TCP and TLS on it, as coturn; 3478 if absent'),
      mapped('tls-listening-port', 'listen', 'TLS and TCP on it, as coturn; 5349 if absent'),
      mapped('listening-ip', 'listen', 'one entry per address, port and transport; `*` if absent'),
      mapped('aux-server', 'listen', 'further UDP and TCP/TLS entries'),
      mapped('no-udp', 'listen', 'no `udp://` entries'),
      mapped('no-tcp', 'listen', 'no `tcp://` entries; TLS stays'),
      mapped('no-tls', 'listen', '`tcp://` in place of `tcp+tls://`, nothing on the TLS port'),
      droppedSwitch('dtls', 'DTLS is not built yet: clients use turns: over TCP'),
      alwaysOn('no-dtls', 'there is no DTLS yet', 'DTLS is not built yet: clients use turns: over TCP'),
      droppedValue('listening-device', 'turnd binds to addresses: name those of the device by listening-ip'),
      droppedValue('alt-listening-port', ONE_ADDRESS, '0'),
      droppedValue('alt-tls-listening-port', ONE_ADDRESS, '0'),
      mapped(
        'tcp-proxy-port',
        'listen proxy-protocol.trusted',
        '`?proxy-protocol`, TLS too; coturn believes any source, turnd private networks until you name your proxies',
      ),
      droppedSwitch('udp-self-balance', 'not needed: the workers of turnd share the load of one port'),
      droppedValue('sock-buf-size', 'not needed: turnd sizes socket buffers itself', '2097152'),
    ],
  },
  {
    title: 'Relay',
    options: [
      mapped(
        'relay-ip',
        'relay.address',
        'one per family, the first; if absent, listening-ip as in coturn, else `auto`',
      ),
      mapped('external-ip', 'relay.external-address', '`pub/priv` becomes a pair; if absent `none`, as in coturn'),
      mapped('min-port', 'relay.ports', '49152 if absent'),
      mapped('max-port', 'relay.ports', '65535 if absent'),
      mapped('relay-threads', 'workers', 'processes in place of threads; 0 is one process'),
      mapped('cpus', 'workers', 'where relay-threads is absent'),
      droppedValue('relay-device', 'turnd binds to addresses: name those of the device by relay-ip'),
      droppedSwitch('no-udp-relay', 'turnd relays UDP and cannot be told not to: use the firewall'),
      alwaysOn(
        'no-tcp-relay',
        'there are no TCP allocations (RFC 6062)',
        'TCP allocations (RFC 6062) are not built yet',
      ),
      droppedSwitch('server-relay', 'turnd always demands a permission (RFC 8656 §9): data of other peers is dropped'),
      droppedValue(
        'allocation-default-address-family',
        'a client that asks for no family gets IPv4, as RFC 8656 §7.2 says; clients ask for IPv6 themselves',
        'ipv4',
      ),
      droppedSwitch(
        'keep-address-family',
        'a client that asks for no family gets IPv4, as RFC 8656 §7.2 says; clients ask for IPv6 themselves',
      ),
    ],
  },
  {
    title: 'Linux fast path, shared relay port',
    options: [
      alwaysOn(
        'udp-recvmmsg',
        'the linux plane always batches',
        'not needed: plane: portable is the way without batches',
      ),
      droppedSwitch('udp-recvmmsg-log', BATCHES),
      droppedSwitch('udp-sendmmsg-log', BATCHES),
      alwaysOn('udp-gso', 'the linux plane uses it by itself', 'not needed: plane: portable is the way without it'),
      droppedSwitch('multiplex-peer', MULTIPLEX),
      droppedValue('multiplex-peer-port', MULTIPLEX),
      droppedValue('multiplex-peer-max-peers', MULTIPLEX),
    ],
  },
  {
    title: 'TLS',
    options: [
      mapped('cert', 'tls.certificates', 'searched where coturn searches; if it is not there, a self-made one serves'),
      mapped('pkey', 'tls.certificates', 'searched where coturn searches'),
      mapped('pkey-pwd', 'tls.certificates', 'the passphrase'),
      mapped('no-tlsv1_2', 'tls.min-version', '`"1.3"`'),
      alwaysOn('no-tlsv1', 'TLS 1.0 is always off', OLD_TLS),
      alwaysOn('no-tlsv1_1', 'TLS 1.1 is always off', OLD_TLS),
      alwaysOn('no-sslv2', 'SSL 2 is always off', OLD_TLS),
      alwaysOn('no-sslv3', 'SSL 3 is always off', OLD_TLS),
      alwaysOff('tlsv1', 'TLS 1.0 is always off', OLD_TLS),
      alwaysOff('tlsv1_1', 'TLS 1.1 is always off', OLD_TLS),
      droppedValue('CA-file', 'turnd does not ask clients for certificates: TLS clients without one are served too'),
      droppedValue('cipher-list', 'turnd uses the cipher list of Node, TLS 1.2 and newer', 'DEFAULT'),
      droppedValue('ec-curve-name', 'not needed: curves are negotiated'),
      droppedSwitch('dh566', 'not needed: key exchange is by elliptic curves'),
      droppedSwitch('dh1066', 'not needed: key exchange is by elliptic curves'),
      droppedSwitch('dh2066', 'not needed: key exchange is by elliptic curves'),
      droppedValue('dh-file', 'not needed: key exchange is by elliptic curves'),
      droppedSwitch('raw-public-keys', 'raw public keys (RFC 7250) are not supported: clients need a certificate'),
      droppedValue('acme-redirect', 'turnd does not answer HTTP: let the ACME client use port 80 or DNS'),
      droppedSwitch('respond-http-unsupported', 'turnd closes a connection that speaks HTTP without an answer'),
    ],
  },
  {
    title: 'STUN and compatibility',
    options: [
      mapped(
        'rfc5766-channel-numbers',
        'protocol.rfc5766-channel-numbers',
        'on if absent: coturn before 4.17 took all of them',
      ),
      mapped('software-attribute', 'protocol.software', '`turnd` when on'),
      mapped('no-software-attribute', 'protocol.software', 'empty when on'),
      mapped('prod', 'protocol.software', 'empty when on'),
      alwaysOn(
        'fingerprint',
        'a client that sends FINGERPRINT always gets one',
        'FINGERPRINT answers FINGERPRINT, always',
      ),
      alwaysOn('no-rfc5780', 'RFC 5780 is not built', 'NAT behaviour discovery (RFC 5780) is not built yet'),
      alwaysOn('response-origin-only-with-rfc5780', 'RESPONSE-ORIGIN is never sent', 'RESPONSE-ORIGIN is never sent'),
      alwaysOn(
        'no-stun-backward-compatibility',
        'RFC 3489 is not answered',
        'classic STUN (RFC 3489) is not supported',
      ),
      alwaysOn('drop-invalid-packets', 'what is no STUN is always dropped', 'what is no STUN is always dropped'),
      droppedSwitch('drop-invalid-packets-log', 'dropped packets are counted, not logged'),
      droppedSwitch('include-reason-string', 'error replies have the reason phrases of the RFCs'),
      droppedSwitch(
        'stun-only',
        'turnd has no such switch: without users and secrets nobody can relay, and Binding is answered',
      ),
      droppedSwitch('no-stun', 'Binding requests are answered; secure-stun demands credentials for them'),
      droppedSwitch('rfc5780', 'NAT behaviour discovery (RFC 5780) is not built yet'),
      droppedSwitch('stun-backward-compatibility', 'classic STUN (RFC 3489) is not supported'),
      droppedSwitch('rfc3489-compatibility', 'classic STUN (RFC 3489) is not supported'),
      droppedSwitch('mobility', 'mobility (RFC 8016) is not built yet: a client whose address changes allocates anew'),
    ],
  },
  {
    title: 'Alternate servers',
    options: [
      droppedValue('alternate-server', REDIRECT),
      droppedValue('tls-alternate-server', REDIRECT),
      droppedValue('udp-alternate-server', REDIRECT),
      droppedValue('tcp-alternate-server', REDIRECT),
    ],
  },
];
