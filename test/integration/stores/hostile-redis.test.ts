import { EventEmitter, once } from 'node:events';
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
    const news = new EventEmitter();
    const client = connectTo(t, redis);
    const monitor = await client.monitor();
    monitor.on('error', () => {});
    monitor.on('monitor', (_time: string, words: string[]) => {
      heard.push(words.join(' | '));
      news.emit('heard');
    });
    t.teardown(() => monitor.disconnect());
    let questions = 0;
    return {
      url: redis.url,
      asked: async (text) => {
        // Redis tells of commands in their order, but answers before it has told.
        const last = `the end of question ${++questions}`;
        await client.echo(last);
        while (!heard.some((words) => words.includes(last))) await once(news, 'heard');
        return {
          questions: heard.filter((words) => words.includes(text)),
          literal: `get | turn/realm/${REALM}/user/${text}/key`,
        };
      },
    };
  },
});
