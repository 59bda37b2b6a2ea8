import { redisProgram, startRedis } from '../../support/databases/redis.ts';
import { connectTo } from '../../support/databases/redis-commands.ts';
import { testHostileNames } from './hostile-names.ts';
import { REALM } from './scene.ts';

testHostileNames({
  name: 'Redis',
  skip: redisProgram.skip,
  start: async (t) => {
    const redis = await startRedis();
    t.teardown(() => redis.close());
    const heard: string[] = [];
    const monitor = await connectTo(t, redis).monitor();
    monitor.on('error', () => {});
    monitor.on('monitor', (_time: string, words: string[]) => heard.push(words.join(' | ')));
    t.teardown(() => monitor.disconnect());
    return {
      url: redis.url,
      asked: async (text) => ({
        questions: heard.filter((words) => words.includes(text)),
        literal: `get | turn/realm/${REALM}/user/${text}/key`,
      }),
    };
  },
});
