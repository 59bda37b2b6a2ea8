import { test } from 'tap';
import { SourcedCredentials } from '../../src/auth/credentials.ts';
import { RestSecrets } from '../../src/auth/rest-secrets.ts';
import { StaticUsers } from '../../src/auth/static-users.ts';
import { userhash } from '../../src/stun/keys.ts';
import { credentialHandlers } from '../../src/workers/credential-service.ts';
import type { WireLookup } from '../../src/workers/messages.ts';
import { RemoteCredentials } from '../../src/workers/remote-credentials.ts';

const REALM = 'example.org';

/** Main with its sources, a worker, and the questions between them. */
class Scene {
  time = 0;
  wall = 1_000_000_000_000;
  readonly asked: string[] = [];
  /** Answers wait until they are let go. */
  held: (() => void)[] | null = null;
  isGone = false;
  readonly secrets = new RestSecrets({ separator: ':', allocationsPerRestUser: 5 }, ['secret'], {
    now: () => this.time,
    wallTime: () => this.wall,
  });
  readonly users = new StaticUsers({ realm: REALM, allocationsPerUser: 3 }, [
    { name: 'alice', password: 'wonderland' },
  ]);
  readonly sources = new SourcedCredentials([this.users, this.secrets]);
  readonly remote: RemoteCredentials;

  constructor() {
    const handlers = credentialHandlers(this.sources);
    this.remote = new RemoteCredentials(
      {
        credential: async (ask) => {
          this.asked.push(ask.username);
          await this.#wait();
          // As it comes over the channel.
          return JSON.parse(JSON.stringify(await handlers.credential(ask))) as WireLookup;
        },
        userhash: async (ask) => {
          this.asked.push(ask.hash);
          await this.#wait();
          return handlers.userhash(ask);
        },
      },
      { now: () => this.time, wallTime: () => this.wall },
    );
  }

  async #wait(): Promise<void> {
    if (this.isGone) throw new Error('gone');
    const { held } = this;
    if (held !== null) await new Promise<void>((resolve) => held.push(resolve));
  }
}

test('a worker finds what main finds, keys and all', async (t) => {
  const scene = new Scene();
  t.same(await scene.remote.find('alice', REALM), scene.users.find('alice', REALM));
  t.equal(await scene.remote.find('nobody', REALM), 'unknown-user');
  const rest = `${scene.wall / 1000 + 600}:bob`;
  const [found] = (await scene.remote.find(rest, REALM)) as readonly { md5Key: Buffer }[];
  t.match(scene.secrets.find(rest, REALM), [{ md5Key: found?.md5Key, quotaKey: 'rest/bob' }]);
  t.match(found, { expiresAt: scene.wall + 600_000 }, 'S21: and its end, by which a worker may have to judge');
  t.ok(Buffer.isBuffer(found?.md5Key));
});

test('users and strangers are asked for once a second', async (t) => {
  const scene = new Scene();
  await scene.remote.find('alice', REALM);
  t.notOk(scene.remote.find('alice', REALM) instanceof Promise, 'at once from then on');
  await scene.remote.find('nobody', REALM);
  scene.time = 999;
  t.equal(scene.remote.find('nobody', REALM), 'unknown-user');
  scene.time = 1000;
  await scene.remote.find('nobody', REALM);
  await scene.remote.find('alice', REALM);
  t.same(scene.asked, ['alice', 'nobody', 'nobody', 'alice']);
});

test('a time-limited name is not known beyond its end', async (t) => {
  const scene = new Scene();
  scene.wall += 500; // names end at whole seconds
  const name = `${(scene.wall + 500) / 1000}:bob`;
  t.ok(Array.isArray(await scene.remote.find(name, REALM)));
  scene.time = 499;
  scene.wall += 499;
  t.ok(Array.isArray(scene.remote.find(name, REALM)));
  scene.time++;
  scene.wall++;
  t.equal(await scene.remote.find(name, REALM), 'expired');
});

test('whoever asks for the same name meanwhile waits with the first', async (t) => {
  const scene = new Scene();
  scene.held = [];
  const both = [scene.remote.find('alice', REALM), scene.remote.find('alice', REALM)];
  t.equal(both[0], both[1]);
  for (const go of scene.held) go();
  await Promise.all(both);
  t.same(scene.asked, ['alice']);
});

test('a bounded number waits; beyond, and without main, nobody is available', async (t) => {
  const scene = new Scene();
  scene.held = [];
  const waiting = Array.from({ length: 1000 }, (_, index) => scene.remote.find(`user ${index}`, REALM));
  t.equal(scene.remote.find('one more', REALM), 'unavailable');
  for (const go of scene.held) go();
  await Promise.all(waiting);
  scene.held = null;
  scene.isGone = true;
  t.equal(await scene.remote.find('alice', REALM), 'unavailable');
  scene.isGone = false;
  t.ok(Array.isArray(await scene.remote.find('alice', REALM)), 'which is not remembered');
});

test('what is known or on its way is void after a change of users', async (t) => {
  const scene = new Scene();
  await scene.remote.find('alice', REALM);
  scene.users.remove('alice');
  scene.remote.invalidate();
  t.equal(await scene.remote.find('alice', REALM), 'unknown-user');
  scene.held = [];
  const before = scene.remote.find('carol', REALM);
  scene.remote.invalidate();
  for (const go of scene.held) go();
  await before;
  scene.held = null;
  await scene.remote.find('carol', REALM);
  t.same(scene.asked, ['alice', 'alice', 'carol', 'carol']);
});

test('a USERHASH is resolved and remembered', async (t) => {
  const scene = new Scene();
  const hash = userhash('alice', REALM);
  t.equal(await scene.remote.usernameOf(hash, REALM), 'alice');
  t.equal(scene.remote.usernameOf(hash, REALM), 'alice');
  t.equal(await scene.remote.usernameOf(Buffer.alloc(32), REALM), null);
  t.equal(scene.asked.length, 2);
});
