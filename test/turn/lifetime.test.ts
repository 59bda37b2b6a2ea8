import fc from 'fast-check';
import { test } from 'tap';
import { ABSENT } from '../../src/stun/message-view.ts';
import { grantedLifetime } from '../../src/turn/lifetime.ts';
import type { EngineSettings } from '../../src/turn/settings.ts';

const settings = (defaultLifetime: number, maxLifetime: number) =>
  ({ defaultLifetime, maxLifetime }) as unknown as EngineSettings;

test('an absent LIFETIME is granted the default', async (t) => {
  t.equal(grantedLifetime(ABSENT, settings(600, 3600)), 600);
  t.equal(grantedLifetime(ABSENT, settings(300, 900)), 300);
});

test('what lies between default and maximum is granted as asked for', async (t) => {
  for (const seconds of [601, 1800, 3600]) t.equal(grantedLifetime(seconds, settings(600, 3600)), seconds);
});

test('less is raised to the default, more is cut to the maximum', async (t) => {
  for (const seconds of [0, 1, 599, 600]) t.equal(grantedLifetime(seconds, settings(600, 3600)), 600);
  for (const seconds of [3601, 86_400, 0xffff_ffff]) t.equal(grantedLifetime(seconds, settings(600, 3600)), 3600);
});

test('every grant lies between default and maximum', async (t) => {
  const any = fc.integer({ min: -1, max: 0xffff_ffff });
  fc.assert(
    fc.property(any, (requested) => {
      const granted = grantedLifetime(requested, settings(600, 3600));
      return granted >= 600 && granted <= 3600 && Number.isInteger(granted);
    }),
  );
  t.pass();
});
