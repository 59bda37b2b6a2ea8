// Opens the ways to control a running server: the Unix socket, and HTTP addresses for holders of tokens.

import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { Config } from '../config/config.ts';
import { formatHttpUrl, type HttpAddress } from '../config/http-url.ts';
import { type Mount, makeControlApp } from '../control/control-app.ts';
import { openControlSocket } from '../control/control-socket.ts';
import { makeCredentialMount } from '../control/credentials/credential-mount.ts';
import { type HttpListener, openHttpListener, type Secure } from '../control/http-listener.ts';
import { makeMetricsApp } from '../control/metrics-app.ts';
import { NetworkGuard } from '../control/network-guard.ts';
import type { ServerControl } from '../control/server-control.ts';
import { sourceOf } from '../control/source.ts';
import { TokenBook } from '../control/token-book.ts';
import { TOKEN_FILE } from '../control/token-file.ts';
import type { TokenStore } from '../control/tokens.ts';
import { ControlError } from '../errors.ts';
import { hideAddresses, showAddress } from '../log/hidden-addresses.ts';
import type { Backend } from '../net/backend-addresses.ts';
import { systemClock } from '../state/system-clock.ts';
import { TlsAcceptor } from '../tls/tls-acceptor.ts';
import { backendsOf } from './backend-setup.ts';
import type { Closers } from './closers.ts';
import type { Foundation } from './foundation.ts';
import type { ServerMetrics } from './metrics-setup.ts';
import { RunningControl } from './running-control.ts';
import type { RunningServer } from './running-server.ts';

/** How often handshakes are looked at that take too long. */
const SWEEP_MS = 1000;

/** @throws ControlError for a socket or address that was asked for and cannot be had */
export async function openControl(
  foundation: Foundation,
  server: RunningServer,
  metrics: ServerMetrics,
  closers: Closers,
): Promise<RunningControl> {
  const { logger } = foundation;
  let settings = foundation.config.control;
  const warn = (message: string): void => logger.warn({ event: 'control' }, message);
  const tokens = new TokenBook({
    path: join(foundation.state.path, TOKEN_FILE),
    configured: () => settings.tokens,
    now: () => systemClock.wallTime(),
    report: warn,
  });
  closers.add(() => tokens.settled());
  const opened: HttpListener[] = [];
  const backends = (): readonly Backend[] => opened.map(({ address: host, port }) => ({ host, port }));
  const onConfig = ({ control }: Config): void => {
    settings = control;
  };
  const onDraining = (isDraining: boolean): void => {
    metrics.health.phase = isDraining ? 'draining' : 'serving';
  };
  const control = new RunningControl({ foundation, server, tokens, backends, onConfig, onDraining, closers });
  const parts = { foundation, control, mounts: [metricsMount(metrics)], closers };
  if (settings.socket !== null) await openSocket(withCredentials(parts, null), settings.socket);
  if (settings.listen.length === 0) return control;
  const show = foundation.config.log.hideAddresses ? hideAddresses(foundation.nonceKey) : showAddress;
  const onGuessing = (address: string): void =>
    logger.warn(
      { event: 'control-guessing', client: show(address) },
      'too many wrong tokens: this address has to wait',
    );
  const guard = new NetworkGuard({ tokens, settings: () => settings, now: () => systemClock.now(), onGuessing });
  await openListeners(withCredentials(parts, guard), guard, opened);
  // Nobody reaches them by way of a relay (S59).
  await foundation.backends.follow([...backendsOf(foundation.config), ...backends()]);
  return control;
}

interface Parts {
  readonly foundation: Foundation;
  readonly control: ServerControl;
  readonly mounts: readonly Mount[];
  readonly closers: Closers;
}

async function openSocket({ foundation, control, mounts, closers }: Parts, path: string): Promise<void> {
  const { config, logger } = foundation;
  try {
    const socket = await openControlSocket({ path, control, mounts, report: reporter(foundation) });
    closers.add(() => socket.close());
  } catch (error) {
    if (!(config.control.isDefault && error instanceof ControlError)) throw error;
    logger.warn({ event: 'control' }, `${error.message}. turnd runs without it`);
  }
}

async function openListeners(parts: Parts, guard: NetworkGuard, opened: HttpListener[]): Promise<void> {
  const { foundation, control, mounts, closers } = parts;
  const report = reporter(foundation);
  const now = (): number => systemClock.wallTime();
  const app = makeControlApp({ control, now, report, guard, mounts });
  const secure = secureOf(foundation, closers);
  for (const { scheme, host, port } of foundation.config.control.listen) {
    const options = { app, report, host, port, key: 'control.listen', secure: scheme === 'https' ? secure : null };
    const listener = await openHttpListener(options);
    closers.add(() => listener.close());
    opened.push(listener);
    const at: HttpAddress = { scheme, host: listener.address, port: listener.port };
    foundation.logger.info({ event: 'control', listening: formatHttpUrl(at) }, 'the control API is served');
  }
}

// Beside the listeners of its own, which ask for no token.
function metricsMount({ app }: ServerMetrics): Mount {
  return { app: makeMetricsApp(app), paths: [app.path ?? '/metrics', '/livez', '/readyz'], scope: 'read' };
}

// Without tokens, whoever may connect has full rights.
function withCredentials(parts: Parts, tokens: TokenStore | null): Parts {
  const { foundation, control, mounts } = parts;
  const mount = makeCredentialMount({
    source: (realm) => control.iceSource(realm),
    now: () => systemClock.wallTime(),
    tokens,
    revoke: (username) => control.revoke(username),
    report: reporter(foundation),
  });
  return { ...parts, mounts: [...mounts, mount] };
}

// Handshakes have bounds of their own beside those of the TURN listeners.
function secureOf({ tls, config }: Foundation, closers: Closers): Secure {
  const contexts = tls.controlContexts;
  if (contexts === null) return (socket) => socket.destroy(); // no address is https://
  const acceptor = new TlsAcceptor(contexts, systemClock, config.limits.handshakeTimeout, ['http/1.1']);
  const sweep = setInterval(() => acceptor.sweep(systemClock.now()), SWEEP_MS).unref();
  closers.add(() => {
    clearInterval(sweep);
    acceptor.close();
  });
  return (socket, ready: (secure: TLSSocket) => void) => {
    const client = sourceOf(socket.remoteAddress);
    acceptor.accept({ socket, client, acceptedAt: systemClock.now() }, ready);
  };
}

function reporter({ logger }: Foundation): (error: unknown) => void {
  return (err) => logger.error({ err }, 'a request to the control API failed: please report this');
}
