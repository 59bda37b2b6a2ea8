// Starts headless Chromium for tests of WebRTC: fake camera and microphone, loopback allowed. Knows no page.

import { type Browser, chromium } from 'playwright-core';
import { findProgram } from './foreign-program.ts';

/** Chromium; `skip` tells why tests that need it cannot run. */
export const chromiumProgram = findProgram('TURND_TEST_CHROMIUM', [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]);

/** Options of {@link launchChromium}. */
export interface ChromiumOptions {
  /** Pins (base64 SHA-256 of the public key) of self-made certificates to trust; none by default. */
  readonly trustedKeys?: readonly string[];
}

const ARGUMENTS = [
  // CI containers have neither user namespaces nor a large /dev/shm.
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  // A machine with loopback only must still gather candidates.
  '--allow-loopback-in-peer-connection',
];

/** Launches Chromium; the caller closes it. */
export function launchChromium(options: ChromiumOptions = {}): Promise<Browser> {
  const trusted = options.trustedKeys ?? [];
  const trust = trusted.length > 0 ? [`--ignore-certificate-errors-spki-list=${trusted.join(',')}`] : [];
  return chromium.launch({ executablePath: chromiumProgram.path, args: [...ARGUMENTS, ...trust] });
}
