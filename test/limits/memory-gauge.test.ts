// What of the kernel's files counts as memory in use, and as its limit.

import { test } from 'tap';
import { MemoryGauge } from '../../src/limits/memory-gauge.ts';

const MIB = 2 ** 20;

type Files = Readonly<Record<string, string>>;

function gauge(files: Files, pids: readonly number[] = [1]): MemoryGauge {
  return new MemoryGauge(
    () => pids,
    process.memoryUsage.rss,
    (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT ${path}`);
      return text;
    },
  );
}

const status = (anon: number, file: number, shared: number): string =>
  `Name:\tnode\nVmRSS:\t   ${anon + file + shared} kB\nRssAnon:\t   ${anon} kB\nRssFile:\t   ${file} kB\nRssShmem:\t   ${shared} kB\n`;

test('R24 of several processes, what each has of its own adds up, and what they share counts once', async (t) => {
  const files = { '/proc/1/status': status(1000, 500, 10), '/proc/2/status': status(2000, 400, 200) };
  t.same(gauge(files, [1, 2]).use(10_000), { used: 3600 * 1024, limit: 10_000 });
  t.same(gauge(files, [1, 2, 3]).use(10_000), { used: 3600 * 1024, limit: 10_000 }, 'one has just gone');
});

test('R24 this very process is measured as the kernel sees it, /proc or not', async (t) => {
  const used = new MemoryGauge(() => [process.pid], process.memoryUsage.rss).use(1)?.used ?? 0;
  const rss = process.memoryUsage.rss();
  t.ok(used > 0.7 * rss && used < 1.5 * rss, `${used} of ${rss}`);
  const without = gauge({}).use(1)?.used ?? 0;
  t.ok(without > 0.7 * rss);
});

test('R24 no limit is none, whatever the groups say', async (t) => {
  const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '5\n' };
  t.equal(gauge(files).use(0), null);
});

const V2 = {
  '/proc/self/cgroup': '0::/system.slice/turnd.service\n',
  '/sys/fs/cgroup/system.slice/turnd.service/memory.max': `${512 * MIB}\n`,
  '/sys/fs/cgroup/system.slice/turnd.service/memory.current': `${300 * MIB}\n`,
  '/sys/fs/cgroup/system.slice/turnd.service/memory.stat': `anon 1\ninactive_file ${50 * MIB}\nactive_file 7\n`,
};

test('R24 auto: the control group’s limit, and its use less what the kernel gives back by itself', async (t) => {
  t.same(gauge(V2).use('auto'), { used: 250 * MIB, limit: 512 * MIB });
});

test('R24 auto: of the groups on the way to the root the one nearest to its limit counts', async (t) => {
  const files = {
    ...V2,
    '/sys/fs/cgroup/system.slice/memory.max': `${1024 * MIB}\n`,
    '/sys/fs/cgroup/system.slice/memory.current': `${1000 * MIB}\n`,
  };
  t.same(gauge(files).use('auto'), { used: 1000 * MIB, limit: 1024 * MIB });
});

test('R24 auto: in a container the group is the root, whatever its path outside', async (t) => {
  for (const path of ['/', '/../../docker/abc']) {
    const files = {
      '/proc/self/cgroup': `0::${path}\n`,
      '/sys/fs/cgroup/memory.max': '1000\n',
      '/sys/fs/cgroup/memory.current': '400\n',
    };
    t.same(gauge(files).use('auto'), { used: 400, limit: 1000 }, path);
  }
});

test('R24 auto: version 1 of control groups as well', async (t) => {
  const files = {
    '/proc/self/cgroup': '11:cpu,cpuacct:/x\n9:memory:/docker/abc\n0::/elsewhere\n',
    '/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes': '9223372036854771712\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '2000\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '1500\n',
    '/sys/fs/cgroup/memory/memory.stat': 'inactive_file 1\ntotal_inactive_file 500\n',
  };
  t.same(gauge(files).use('auto'), { used: 1000, limit: 2000 });
});

test('R24 auto: no group, no limit, or one that nobody can read, is none', async (t) => {
  t.equal(gauge({}).use('auto'), null);
  const path = '/sys/fs/cgroup/system.slice/turnd.service';
  t.equal(gauge({ ...V2, [`${path}/memory.max`]: 'max\n' }).use('auto'), null);
  t.equal(gauge({ ...V2, [`${path}/memory.current`]: '' }).use('auto'), null);
});
