import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ClosedShard } from '../../src/core/ports/store-views.ts';
import { bodyBytesOf, DEFAULT_SHARD_LIMITS, type ShardLimits } from '../../src/core/shard.ts';
import { parseWireId } from '../../src/core/wire-id.ts';
import { openJobFiles } from '../../src/files/job-files.ts';
import { packShards, type ShardPacker } from '../../src/steps/pack-shards.ts';
import { openStore } from '../../src/store/open.ts';
import { jobSpec } from '../support/job-spec.ts';
import { makeManualClock } from '../support/manual-clock.ts';
import { makeTempDir } from '../support/temp-dir.ts';

interface Packing {
  readonly dir: string;
  readonly packer: ShardPacker;
  readonly shardsDir: string;
  /** Group of each shard by its number. */
  readonly groups: Map<number, string | null>;
}

async function startPacking(limits: Partial<ShardLimits> = {}): Promise<Packing> {
  const dir = makeTempDir();
  const clock = makeManualClock();
  const store = await openStore(`${dir}/state.db`, { programVersion: 'test', now: () => clock.now() });
  const files = openJobFiles(dir);
  const job = await store.createJob({
    name: 'words',
    spec: jobSpec({ model: 'm', on: 'emulator' }),
    at: clock.now(),
  });
  const groups = new Map<number, string | null>();
  const stageId = job.stages[0]?.id ?? 0;
  let number = 0;
  const packer = packShards({
    store: {
      ...store,
      openShard: async (id, shard) => {
        groups.set(shard.number, shard.group);
        return store.openShard(id, shard);
      },
    },
    files,
    randomBytes: (length) => clock.randomBytes(length),
    jobId: job.jobId,
    stageId,
    stage: 'main',
    private: false,
    limits: { ...DEFAULT_SHARD_LIMITS, ...limits },
    origin: 'build',
    route: 'batch',
    nextNumber: () => {
      number += 1;
      return number;
    },
  });
  return { dir, packer, groups, shardsDir: `${dir}/${files.requestsDir(job.jobId)}` };
}

const paramsJson = JSON.stringify({ messages: [{ role: 'user', content: 'é'.repeat(500) }] });
const nameOf = (number: number): string => `main-${String(number).padStart(4, '0')}.jsonl`;

function openFilesUnder(dir: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
    } catch {
      return false;
    }
  }).length;
}

/** The numbers of the requests in each shard file. */
function seqsIn({ shardsDir, groups }: Packing): Map<number, number[]> {
  return new Map(
    [...groups.keys()].map((number) => {
      const lines = readFileSync(`${shardsDir}/${nameOf(number)}`, 'utf8')
        .trimEnd()
        .split('\n');
      return [number, lines.map((line) => parseWireId(JSON.parse(line).custom_id)?.seq ?? 0)];
    }),
  );
}

test('500 groups by turns get a shard each, with few files open, few buffers, and no line lost', async () => {
  const packing = await startPacking();
  const { packer, shardsDir, groups } = packing;
  let mostOpen = 0;
  let mostBytes = 0;
  const { arrayBuffers } = process.memoryUsage();
  for (let seq = 1; seq <= 10_000; seq += 1) {
    await packer.add({ customId: `r${seq}`, seq, group: `g${seq % 500}`, paramsJson });
    if (seq % 101 === 0 || seq < 30) mostOpen = Math.max(mostOpen, openFilesUnder(shardsDir));
    if (seq % 500 === 0) mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - arrayBuffers);
  }
  packer.close();
  // A buffer of a megabyte for each of 16 open files and of 16 spare ones, and what is not collected yet.
  expect(mostBytes).toBeLessThan(100_000_000);
  expect(mostOpen).toBeGreaterThan(0);
  expect(mostOpen).toBeLessThanOrEqual(17);
  expect(openFilesUnder(shardsDir)).toBe(0);
  const closed = packer.takeFull();
  expect(closed).toHaveLength(500);
  expect(readdirSync(shardsDir)).toHaveLength(500);
  for (const [number, seqs] of seqsIn(packing)) {
    const first = Number(groups.get(number)?.slice(1)) || 500;
    expect(seqs).toEqual(Array.from({ length: 20 }, (_, turn) => first + turn * 500));
  }
});

test('what is said of a shard is what stands in its file', async () => {
  const packing = await startPacking({ maxRequests: 40 });
  const { packer, shardsDir } = packing;
  const closed: ClosedShard[] = [];
  for (let seq = 1; seq <= 2_000; seq += 1) {
    await packer.add({ customId: `r${seq}`, seq, group: `g${seq % 23}`, paramsJson });
    closed.push(...packer.takeFull());
  }
  packer.close();
  closed.push(...packer.takeFull());
  const { createHash } = await import('node:crypto');
  for (const { id, requests, bodyBytes, fileSha256 } of closed) {
    // The store numbers shards from 1, as the packer does.
    const bytes = readFileSync(`${shardsDir}/${nameOf(id)}`);
    expect(bytes.toString().trimEnd().split('\n')).toHaveLength(requests);
    expect(bodyBytes).toBe(bodyBytesOf(bytes.length));
    expect(fileSha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
  expect(closed.reduce((sum, { requests }) => sum + requests, 0)).toBe(2_000);
});

test('a group that fills a shard goes on in another one, and mixes with none', async () => {
  const packing = await startPacking({ maxRequests: 10 });
  const { packer, groups } = packing;
  for (let seq = 1; seq <= 90; seq += 1) {
    await packer.add({ customId: `r${seq}`, seq, group: seq % 3 === 0 ? 'a' : 'b', paramsJson });
  }
  packer.close();
  for (const [number, seqs] of seqsIn(packing)) {
    expect(new Set(seqs.map((seq) => (seq % 3 === 0 ? 'a' : 'b')))).toEqual(new Set([groups.get(number)]));
  }
});

test('a group may be called anything, and no file is called after it', async () => {
  const packing = await startPacking();
  const names = ['../../up', '/etc/passwd', 'a\nb', 'CON', '.', '\u0000', 'x'.repeat(5_000), '🦊', ' '];
  for (const [index, group] of names.entries())
    await packing.packer.add({ customId: `r${index}`, seq: index + 1, group, paramsJson });
  packing.packer.close();
  expect(readdirSync(packing.shardsDir)).toEqual(names.map((_, index) => nameOf(index + 1)));
  expect([...packing.groups.values()]).toEqual(names);
});

test('discarding leaves no file of any group, parked or open', async () => {
  const { packer, shardsDir } = await startPacking();
  for (let seq = 1; seq <= 5_000; seq += 1)
    await packer.add({ customId: `r${seq}`, seq, group: `g${seq % 40}`, paramsJson });
  packer.discard();
  expect(readdirSync(shardsDir)).toEqual([]);
  expect(openFilesUnder(shardsDir)).toBe(0);
});
