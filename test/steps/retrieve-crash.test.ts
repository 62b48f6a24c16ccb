import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Fixture, makeFixture, resultLine, tree } from './results-fixture.ts';

const CHILD = join(import.meta.dirname, 'retrieve-child.ts');
const SHARDS = [400, 400, 300];
const KILLS = 20;

const open: Fixture[] = [];
afterEach(() => {
  for (const fixture of open.splice(0)) fixture.close();
});

async function prepare(): Promise<Fixture> {
  const fixture = await makeFixture({ shards: SHARDS });
  open.push(fixture);
  let seq = 1;
  for (const [index, requests] of SHARDS.entries()) {
    const shard = index + 1;
    const lines: string[] = [];
    for (const last = seq + requests; seq < last; seq += 1) {
      const result = seq % 50 === 0 ? { type: 'expired' } : undefined;
      lines.push(resultLine(seq, { shard, text: 'text '.repeat(seq % 400), ...(result && { result }) }));
    }
    lines.reverse();
    lines.splice(7, 0, 'not json', lines[3] ?? '');
    writeFileSync(join(fixture.root, `msgbatch_${shard}.stream`), `${lines.join('\n')}\n`);
  }
  return fixture;
}

async function startChild(
  root: string,
): Promise<{ readonly child: ChildProcess; readonly output: () => string }> {
  const child = spawn(process.execPath, [CHILD, root], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.stdout?.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      if (output.startsWith('started\n')) resolve();
    });
    child.on('exit', () => resolve());
  });
  return { child, output: () => output };
}

async function finish(root: string): Promise<{ readonly state: string; readonly ms: number }> {
  const { child, output } = await startChild(root);
  if (child.exitCode === null) await once(child, 'close');
  const [, last = ''] = output().split('\n');
  return JSON.parse(last) as { state: string; ms: number }; // written by retrieve-child.ts
}

test(`a retrieve killed at random moments, ${KILLS} times in all, ends with the same bytes and rows`, {
  timeout: 600_000,
}, async () => {
  const calm = await prepare();
  const { ms } = await finish(calm.root);
  const expected = {
    files: tree(calm.root, 'batch_results'),
    rows: await rows(calm),
    tallies: await tallies(calm),
  };
  for (let kills = 0; kills < KILLS; ) {
    const killed = await prepare();
    // Later and later: on a machine that has become busy no run would get as far as the calm one did in that time.
    for (let longestMs = ms; ; longestMs *= 1.3) {
      const { child, output } = await startChild(killed.root);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
      const ended = child.exitCode === null ? once(child, 'close') : null;
      child.kill('SIGKILL');
      await ended;
      if (output() !== 'started\n') break;
      kills += 1;
    }
    const actual = {
      files: tree(killed.root, 'batch_results'),
      rows: await rows(killed),
      tallies: await tallies(killed),
    };
    expect(actual).toEqual(expected);
  }
});

const tallies = async (one: Fixture) => (await one.views()).map((view) => view.tally);

async function rows(fixture: Fixture) {
  return fixture.store.rows(fixture.job.id, 'main', 0, 10_000);
}

// A tmpfs of its own in a user namespace is a disk that is really full; it needs no privilege where namespaces are allowed.
const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

test.for([
  ['the raw results', 'batch_results'],
  ['the output files', 'reports'],
])(
  'a disk that is full for %s stops with disk_full, and the same call goes on once there is room',
  async ([, place = ''], context) => {
    if (!canMount) context.skip('user namespaces with a tmpfs of their own (unshare -Urm) are barred here');
    const fixture = await makeFixture({ shards: [300], outputPath: (seq) => `reports/${seq}.md` });
    open.push(fixture);
    const lines = Array.from({ length: 300 }, (_, index) =>
      resultLine(index + 1, { text: 'x'.repeat(5_000) }),
    );
    writeFileSync(join(fixture.root, 'msgbatch_1.stream'), `${lines.join('\n')}\n`);
    const full = join(fixture.root, place);
    const script = `mkdir -p "$1" && mount -t tmpfs -o size=512k tmpfs "$1" && exec "$2" "$3" "$4"`;
    const run = spawnSync(
      'unshare',
      ['-Urm', 'sh', '-c', script, 'sh', full, process.execPath, CHILD, fixture.root],
      { encoding: 'utf8' },
    );
    const told = JSON.parse(run.stdout.split('\n')[1] ?? '') as Record<string, string>; // written by retrieve-child.ts
    expect([run.status, told['code']]).toEqual([6, 'disk_full']);
    expect(told['message']).toContain(place);
    expect(told['next']).toContain('free some space');

    // Outside the namespace the small disk never was: what was written to it is gone, as after a crash.
    expect((await finish(fixture.root)).state).toBe('done');
    expect(Object.keys(tree(fixture.root, 'reports'))).toHaveLength(300);
  },
);
