import { test } from 'tap';
import { LogPipe } from '../../src/workers/log-pipe.ts';

function scene() {
  const batches: { lines: readonly string[]; lost: number }[] = [];
  const sent: (() => void)[] = [];
  const later: (() => void)[] = [];
  const pipe = new LogPipe({
    send: (batch, done) => {
      batches.push({ ...batch });
      sent.push(done);
    },
    later: (act) => later.push(act),
  });
  const runLater = (): void => {
    for (const act of later.splice(0)) act();
  };
  return { pipe, batches, sent, runLater };
}

test('lines leave together, in their order', async (t) => {
  const { pipe, batches, runLater } = scene();
  for (const line of ['a\n', 'b\n', 'c\n']) pipe.write(line);
  t.same(batches, []);
  runLater();
  t.same(batches, [{ lines: ['a\n', 'b\n', 'c\n'], lost: 0 }]);
  runLater();
  pipe.flush();
  t.equal(batches.length, 1, 'nothing is sent for nothing');
});

test('many lines leave in several batches, and a long one by itself', async (t) => {
  const { pipe, batches, runLater } = scene();
  const lines = [...Array.from({ length: 5 }, (_, index) => String(index).repeat(20_000)), 'x'.repeat(100_000), 'y'];
  for (const line of lines) pipe.write(line);
  runLater();
  t.same(
    batches.flatMap((batch) => batch.lines),
    lines,
  );
  t.same(
    batches.map((batch) => batch.lines.length),
    [3, 2, 1, 1],
  );
});

test('what main does not take is lost, counted, and told once', async (t) => {
  const { pipe, batches, sent, runLater } = scene();
  const line = 'z'.repeat(1024 * 1024);
  for (let count = 0; count < 6; count++) pipe.write(line);
  runLater();
  t.equal(batches.length, 4);
  pipe.write(line);
  runLater();
  t.equal(batches.length, 4, 'four are on their way still');
  for (const done of sent.splice(0)) done();
  pipe.write('after');
  pipe.write('wards');
  runLater();
  t.same(batches.at(-1), { lines: ['after', 'wards'], lost: 1 });
  t.same(
    batches.map(({ lost }) => lost),
    [2, 0, 0, 0, 1],
  );
});
