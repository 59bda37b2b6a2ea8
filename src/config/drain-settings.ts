// Owns the keys of `drain`: how turnd goes out of service.

import { z } from 'zod';
import { findSecondServer, parseAlternateServer } from './alternate-server.ts';
import { count, parsedText } from './fields.ts';

const MILLION = 1_000_000;

/** The schema of `drain`. */
export const drainSettings = z.strictObject({
  timeout: count(
    20,
    0,
    2_678_400,
    'Seconds that calls have to end by themselves when SIGTERM tells turnd to stop; a second signal ends them.',
  ),
  threshold: count(0, 0, MILLION, 'So few allocations are not waited for, by SIGTERM and turnctl drain.'),
  'alternate-servers': z
    .array(parsedText(parseAlternateServer))
    .superRefine((servers, context) => {
      const second = findSecondServer(servers);
      if (second < 0) return;
      const message = 'is a second one of its transport and address family';
      context.addIssue({ code: 'custom', path: [second], message });
    })
    .describe(
      'Where clients are sent meanwhile (300): udp://IP:PORT, tcp://IP:PORT, tls://IP:PORT?domain=NAME; with none, they get 508.',
    )
    .prefault([]),
});
