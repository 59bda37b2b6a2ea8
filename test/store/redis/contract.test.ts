// The contract of stores on a real Redis.

import { openRedisStore } from '../../../src/store/redis/open-redis-store.ts';
import { redisProgram, startRedis } from '../../support/databases/redis.ts';
import { redisUrl } from '../../support/databases/redis-commands.ts';
import { describeStore } from '../contract.ts';

describeStore(
  'redis',
  async (t) => {
    const redis = await startRedis();
    t.teardown(() => redis.close());
    return openRedisStore(redisUrl(redis.url));
  },
  redisProgram.skip,
);
