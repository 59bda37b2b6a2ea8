// coturn and turnd on one Redis, with coturn's own keys.

import { redisProgram, startRedis } from '../../support/databases/redis.ts';
import { describeSharedDatabase } from './shared-database.ts';

describeSharedDatabase(
  'redis',
  async (t) => {
    const redis = await startRedis({ password: 'turn' });
    t.teardown(() => redis.close());
    const connection = `ip=127.0.0.1 dbname=0 password=turn port=${redis.port}`;
    return { url: redis.url, adminArguments: ['-N', connection], serverArgument: `--redis-userdb=${connection}` };
  },
  redisProgram.skip,
);
