import { existsSync, statfsSync } from 'node:fs';
import { isFinal } from '../core/job.ts';
import { isSettledShard } from '../core/shard.ts';
import { statePath } from '../files/workspace.ts';
import type { Context } from './context.ts';
import type { JobViews } from './examine-jobs.ts';
import { badFile, type Finding, note, ok } from './finding.ts';
import { formatBytes } from './output.ts';

/** Magic numbers of statfs(2) on Linux; other systems have other numbers and are not judged. */
const NETWORK_FILE_SYSTEMS = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB 2'],
  [0xff534d42, 'CIFS'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
]);

/** The disk under the workspace: what kind it is, and whether what is under way fits on it. */
export function examineMachine(root: string, jobs: readonly JobViews[]): readonly Finding[] {
  const { type, bavail, bsize } = statfsSync(root);
  return [checkFileSystem(type), checkSpace(bavail * bsize, neededBytes(jobs))];
}

/** `type`: as statfs(2) tells it. */
export function checkFileSystem(type: number): Finding {
  const name = process.platform === 'linux' ? NETWORK_FILE_SYSTEMS.get(type) : undefined;
  if (name === undefined) return ok('file system', 'local, as far as this system tells');
  return note(
    'file system',
    `${name}: locks and the write-ahead log of SQLite are not safe there when two machines use the workspace`,
    'keep the workspace on a local disk',
  );
}

/**
 * The raw results, results.jsonl and the outputs each hold an answer once. 245 MB of requests came to 270 MB of results
 * (docs of the benchmark job: 100,000 requests), so a shard is given 3 times 1.1 of its own size.
 */
const RESULTS_PER_REQUEST_BYTE = 3.3;

function neededBytes(jobs: readonly JobViews[]): number {
  const open = jobs.filter(({ job }) => !isFinal(job.state)).flatMap(({ views }) => views);
  const waiting = open.filter(({ shard }) => !isSettledShard(shard.state));
  return waiting.reduce((sum, { shard }) => sum + shard.bodyBytes * RESULTS_PER_REQUEST_BYTE, 0);
}

function checkSpace(freeBytes: number, needed: number): Finding {
  const free = `${formatBytes(freeBytes)} free`;
  if (needed === 0) return ok('disk', free);
  const text = `${free}, and what is under way may take ${formatBytes(Math.ceil(needed))}`;
  if (freeBytes > needed) return ok('disk', text);
  return badFile('disk', text, { code: 'disk_too_small', next: 'free some space' });
}

/** Who is at work. */
export async function examineLocks(
  { wire }: Context,
  jobs: readonly JobViews[],
): Promise<readonly Finding[]> {
  const { root } = wire;
  const findings: Finding[] = [];
  if (!existsSync(statePath(root, 'locks'))) return findings;
  const locks = await wire.locks({ leaveModes: true });
  for (const { job } of jobs) {
    const holder = locks.jobHolder(job.jobId);
    if (holder !== null) findings.push(note('locks', `${job.jobId} is held by ${holder}`));
  }
  return findings.length > 0 ? findings : [ok('locks', 'nobody is at work')];
}
