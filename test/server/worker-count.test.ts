import { test } from 'tap';
import { autoWorkers, readCpuQuota, readMachineLimits } from '../../src/server/worker-count.ts';

const GIB = 1024 ** 3;
const ALL = Number.POSITIVE_INFINITY;

test('one worker per core, unless time, memory or the table is for fewer', async (t) => {
  const machine = { cores: 8, cpuQuota: ALL, memory: 16 * GIB };
  t.equal(autoWorkers(machine, 250), 8);
  t.equal(autoWorkers({ ...machine, cpuQuota: 2.5 }, 250), 3);
  t.equal(autoWorkers({ ...machine, memory: 2 * GIB }, 250), 4);
  t.equal(autoWorkers({ ...machine, memory: GIB / 4 }, 250), 1, 'one at least');
  t.equal(autoWorkers({ ...machine, cores: 500, memory: 1000 * GIB }, 250), 250);
});

function files(content: Readonly<Record<string, string>>) {
  return (path: string): string => {
    const text = content[path];
    if (text === undefined) throw new Error(`no ${path}`);
    return text;
  };
}

test('the narrowest limit from the own control group up counts', async (t) => {
  const limits = {
    '/proc/self/cgroup': '0::/system.slice/turnd.service\n',
    '/sys/fs/cgroup/system.slice/cpu.max': '400000 100000\n',
    '/sys/fs/cgroup/system.slice/turnd.service/cpu.max': 'max 100000\n',
  };
  t.equal(readCpuQuota(files(limits)), 4);
  const own = { ...limits, '/sys/fs/cgroup/system.slice/turnd.service/cpu.max': '150000 100000\n' };
  t.equal(readCpuQuota(files(own)), 1.5);
  t.equal(
    readCpuQuota(files({ ...limits, '/sys/fs/cgroup/cpu.max': '50000 100000' })),
    0.5,
    'a container sees its own as root',
  );
});

test('without such files there is no limit', async (t) => {
  t.equal(readCpuQuota(files({})), ALL);
  t.equal(readCpuQuota(files({ '/proc/self/cgroup': '4:cpu:/x\n', '/sys/fs/cgroup/cpu.max': 'nonsense' })), ALL);
  const { cores, memory } = readMachineLimits(files({}));
  t.ok(cores >= 1);
  t.ok(memory > 0);
});
