// A child of the tests of descriptors: it inherits an end of a channel as descriptor 4. For every 'read' it receives one
// message, reads one datagram of every descriptor that came with it, and reports.

import { DescriptorChannel } from '../../../src/planes/linux/descriptor-channel.ts';
import { loadLibc } from '../../../src/planes/linux/libc.ts';
import { countDescriptors, flagsOf, readDatagrams } from './raw-calls.ts';

/** What one message brought. */
export interface ChildReport {
  readonly message: string;
  readonly datagrams: readonly string[];
  readonly closedAtExec: boolean;
  /** Descriptors beyond those that were open at first. */
  readonly additional: number;
}

const libc = await loadLibc();
const channel = new DescriptorChannel(libc, 4);
const before = countDescriptors();

process.on('message', async () => {
  const received = channel.receive();
  const fds = received?.fds ?? [];
  const report: ChildReport = {
    message: received?.message.toString() ?? 'nothing came',
    datagrams: (await readDatagrams(libc, fds, fds.length)).flat(),
    closedAtExec: [4, ...fds].every((fd) => flagsOf(fd).closedAtExec),
    additional: countDescriptors() - before,
  };
  channel.send(Buffer.from('done'), []);
  process.send?.(report);
});
process.send?.('ready');
