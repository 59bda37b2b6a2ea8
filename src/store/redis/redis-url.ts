// Declares what must be known to reach a Redis.

/** Where a Redis is and who we are there. */
export interface RedisStoreUrl {
  readonly kind: 'redis';
  /** The URL without password, for people. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string | null;
  readonly password: string | null;
  readonly database: number;
  readonly tls: RedisTls | null;
}

/** PEM texts; null = the system's authorities, no certificate of ours, the host's name. */
export interface RedisTls {
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
}
