import { existsSync, statfsSync } from 'node:fs';
import { formatDuration } from '../core/duration.ts';
import { isKnownError, type KnownError } from '../core/errors.ts';
import { maskKey } from '../core/escape.ts';
import type { Job } from '../core/job.ts';
import { DEFAULT_SHARD_LIMITS } from '../core/shard.ts';
import { NO_SPENDING_RULES } from '../core/spending-rules.ts';
import { isFolder, STATE_DIR, statePath } from '../files/workspace.ts';
import { DEFAULT_BASE_URL, readBaseUrl, requireApiKey } from './api-key.ts';
import type { Context } from './context.ts';
import { formatMany } from './output.ts';
import { explainSystemError } from './system-error.ts';

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'note' | 'bad';
  readonly detail: string;
  /** What the program leaves with; null unless the level is `bad`. */
  readonly error: KnownError | null;
}

/** Worst first where several are bad: without a store nothing works, without a key nothing is sent. */
export async function examine(context: Context): Promise<readonly Finding[]> {
  const { root } = context.wire;
  const key = await check('key', () => Promise.resolve(describeKey(context)));
  return [
    ok('batchctl', context.version),
    ok('node', process.versions.node),
    ok('workspace', isFolder(statePath(root, '')) ? root : `${root} (no job was built here yet)`),
    checkFileSystem(root),
    await check('store', () => describeStore(context)),
    key,
    await check('base URL', () => Promise.resolve(describeBaseUrl(context))),
    ...(key.level === 'bad' ? [note('API', 'not asked without a key')] : await examineApi(context)),
  ];
}

const ok = (name: string, detail: string): Finding => ({ check: name, level: 'ok', detail, error: null });

const note = (name: string, detail: string): Finding => ({ check: name, level: 'note', detail, error: null });

async function check(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return ok(name, await look());
  } catch (thrown) {
    const error = explainSystemError(thrown);
    if (!isKnownError(error)) throw error;
    const detail = error.why === null ? error.message : `${error.message}: ${error.why}`;
    return { check: name, level: 'bad', detail, error };
  }
}

async function describeStore(context: Context): Promise<string> {
  const path = statePath(context.wire.root, 'state.db');
  if (!existsSync(path)) return `${STATE_DIR}/state.db is made by the first build`;
  const store = await context.wire.existingStore();
  const jobs = (await store?.listJobs({ pendingOnly: true, limit: null })) ?? [];
  return `${path}, ${formatMany(jobs.length, 'unfinished job')}`;
}

function describeKey(context: Context): string {
  if (context.emulator) return 'not needed with --emulator';
  const key = requireApiKey(context.env, context.wire.root);
  return `${maskKey(key.value)} (${key.source})`;
}

function describeBaseUrl(context: Context): string {
  const url = readBaseUrl(context.env);
  return url === DEFAULT_BASE_URL ? url : `${url} (ANTHROPIC_BASE_URL)`;
}

/** A listing is free: it tells whether the key is taken and what time the server has. The emulator would be made by asking. */
async function examineApi(context: Context): Promise<readonly Finding[]> {
  if (context.emulator) return [];
  let skewMs: number | null = null;
  const reach = await check('API', async () => {
    const provider = await (await context.wire.apis()).provider(PROBE, context);
    const { stamp } = await provider.listBatches({ limit: 1, afterId: null }, context.signal);
    if (stamp.serverMs !== null) skewMs = context.clock.now().getTime() - stamp.serverMs;
    return `answers${stamp.workspaceId === null ? '' : `, workspace ${stamp.workspaceId}`}`;
  });
  return skewMs === null ? [reach] : [reach, describeSkew(skewMs)];
}

/** Above the resolution of the header and a slow call. Only what is printed is affected: steps use the server's time. */
const SKEW_WORTH_A_NOTE_MS = 60_000;

function describeSkew(skewMs: number): Finding {
  const size = formatDuration(Math.abs(skewMs));
  if (Math.abs(skewMs) < SKEW_WORTH_A_NOTE_MS) return ok('clock', 'agrees with the server');
  return note(
    'clock',
    `this machine is ${size} ${skewMs > 0 ? 'ahead of' : 'behind'} the server; times shown are off by that`,
  );
}

/** A job that was never submitted, to ask for the provider of new ones. */
const PROBE: Job = {
  id: 0,
  jobId: 'doctor',
  name: 'doctor',
  state: 'built',
  account: null,
  spec: {
    apiVersion: '2023-06-01',
    betas: [],
    model: null,
    stages: [],
    needs: {},
    retry: null,
    limits: DEFAULT_SHARD_LIMITS,
    changedOnly: false,
    spending: NO_SPENDING_RULES,
    needsFrozen: false,
    private: false,
    on: 'api',
    file: null,
  },
  mode: null,
  stages: [],
  records: 0,
  createdAt: '',
  submitRequestedAt: null,
  cancelRequestedAt: null,
  finalAt: null,
};

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

function checkFileSystem(root: string): Finding {
  const name = process.platform === 'linux' ? NETWORK_FILE_SYSTEMS.get(statfsSync(root).type) : undefined;
  if (name === undefined) return ok('file system', 'local, as far as this system tells');
  return note(
    'file system',
    `${name}: locks and the write-ahead log of SQLite are not safe there when two machines use the workspace`,
  );
}
