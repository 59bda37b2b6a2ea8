import { test } from 'tap';
import type { CredentialLookup, CredentialSource } from '../../src/auth/credential-source.ts';
import { prepareRealm, SourcedCredentials } from '../../src/auth/credentials.ts';
import { RestSecrets } from '../../src/auth/rest-secrets.ts';
import { StaticUsers } from '../../src/auth/static-users.ts';
import { ConfigError } from '../../src/errors.ts';
import type { Credential } from '../../src/turn/env.ts';

const REALM = 'example.org';
const clock = { now: () => 0, wallTime: () => 1_600_000_000_000 };
const alice: Credential = {
  md5Key: Buffer.alloc(16),
  sha256Key: null,
  username: 'alice',
  realm: REALM,
  quotaKey: null,
  quotaLimit: 0,
  realmLimit: 0,
};

function statics(...names: string[]): StaticUsers {
  const users = names.map((name) => ({ name, password: 'pass' }));
  return new StaticUsers({ realm: REALM, allocationsPerUser: 0 }, users);
}

function rest(...secrets: string[]): RestSecrets {
  return new RestSecrets({ separator: ':', allocationsPerRestUser: 0 }, secrets, clock);
}

/** A source that has to be waited for, as a store is. */
function slow(lookup: CredentialLookup, username: string | null = null): CredentialSource {
  return {
    isEmpty: false,
    derivesSha256: false,
    resolvesUserhashes: true,
    find: async () => lookup,
    usernameOf: async () => username,
  };
}

function nameOf(lookup: unknown): unknown {
  return Array.isArray(lookup) ? lookup[0]?.username : lookup;
}

test('static users and shared secrets work together, without waiting', async (t) => {
  const both = new SourcedCredentials([statics('bob'), rest('north')]);
  t.equal(nameOf(both.find('bob', REALM)), 'bob');
  t.equal(nameOf(both.find('1700000000:bob', REALM)), '1700000000:bob');
  t.equal(both.find('carol', REALM), 'unknown-user');
});

test('a static user comes before a time-limited name that is spelt the same', async (t) => {
  const both = new SourcedCredentials([statics('1500000000:bob'), rest('north')]);
  t.equal(nameOf(both.find('1500000000:bob', REALM)), '1500000000:bob');
  t.equal(both.find('1500000000:carol', REALM), 'expired');
});

test('a source that must be waited for is asked only when those before it know nobody', async (t) => {
  const chain = new SourcedCredentials([statics('bob'), slow([alice]), statics('carol')]);
  t.equal(nameOf(chain.find('bob', REALM)), 'bob');
  t.equal(nameOf(await chain.find('carol', REALM)), 'alice');
});

test('sources after one that must be waited for are asked as well', async (t) => {
  const chain = new SourcedCredentials([slow('unknown-user'), statics('carol')]);
  t.equal(nameOf(await chain.find('carol', REALM)), 'carol');
});

test('when nobody is found the gravest reason is given', async (t) => {
  const expired = '1500000000:bob';
  t.equal(await new SourcedCredentials([rest('north'), slow('unknown-user')]).find(expired, REALM), 'expired');
  t.equal(await new SourcedCredentials([slow('unavailable'), rest('north')]).find(expired, REALM), 'unavailable');
  t.equal(await new SourcedCredentials([rest('north'), slow('unavailable')]).find(expired, REALM), 'unavailable');
  t.equal(new SourcedCredentials([]).find('bob', REALM), 'unknown-user');
});

test('a USERHASH is put to each source in turn', async (t) => {
  const hash = Buffer.alloc(32);
  const chain = new SourcedCredentials([statics('bob'), slow('unknown-user', null), slow('unknown-user', 'alice')]);
  t.equal(await chain.usernameOf(hash, REALM), 'alice');
  t.equal(new SourcedCredentials([statics('bob'), rest('north')]).usernameOf(hash, REALM), null);
});

test('REST-09: anonymity and SHA-256 are offered only if every source that is in use can do them', async (t) => {
  t.equal(new SourcedCredentials([statics('bob'), rest()]).resolvesUserhashes, true);
  t.equal(new SourcedCredentials([statics(), rest('north')]).resolvesUserhashes, false);
  t.equal(new SourcedCredentials([statics('bob'), rest('north')]).resolvesUserhashes, false);
  t.equal(new SourcedCredentials([statics('bob'), rest('north')]).derivesSha256, true);
  t.equal(new SourcedCredentials([statics('bob'), slow([alice])]).derivesSha256, false);
});

test('AUTH-27: the realm is prepared with OpaqueString, and refused if it cannot be', async (t) => {
  t.equal(prepareRealm('e\u0301\u1680x'), '\u00e9 x');
  t.throws(() => prepareRealm(''), ConfigError);
  t.throws(() => prepareRealm('a\nb'), ConfigError);
});
