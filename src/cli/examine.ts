import { type Batch, sumCounts } from '../core/batch.ts';
import { formatDuration } from '../core/duration.ts';
import { maskKey } from '../core/escape.ts';
import type { Job } from '../core/job.ts';
import type { JobStore } from '../core/ports/store.ts';
import { DEFAULT_SHARD_LIMITS } from '../core/shard.ts';
import { NO_SPENDING_RULES } from '../core/spending-rules.ts';
import { isFolder, statePath } from '../files/workspace.ts';
import { DEFAULT_BASE_URL, readBaseUrl, requireApiKey } from './api-key.ts';
import type { Context } from './context.ts';
import { examineFiles } from './examine-files.ts';
import { examineJobs, type JobViews, jobViews } from './examine-jobs.ts';
import { examineLive } from './examine-live.ts';
import { examineLocks, examineMachine } from './examine-machine.ts';
import { examineStore } from './examine-store.ts';
import { check, type Finding, note, ok } from './finding.ts';

/** All that can be looked at without changing anything; what cannot be asked is said. */
export async function examine(context: Context): Promise<readonly Finding[]> {
  const { root } = context.wire;
  const key = await check('key', () => Promise.resolve(describeKey(context)));
  const { findings: stored, store } = await examineStore(context);
  const jobs = store === null ? [] : await jobViews(store);
  return [
    ok('batchctl', context.version),
    ok('node', process.versions.node),
    ok('workspace', isFolder(statePath(root, '')) ? root : `${root} (no job was built here yet)`),
    ...examineMachine(root, jobs),
    ...stored,
    ...(store === null ? [] : await examineFiles(context, store, jobs)),
    ...examineJobs(jobs, context.clock.now().getTime()),
    ...(await examineLocks(context, jobs)),
    ...(stored.some(isDenied) ? [] : examineLive(context)),
    key,
    await check('base URL', () => Promise.resolve(describeBaseUrl(context))),
    ...(key.level === 'bad'
      ? [note('API', 'not asked without a key')]
      : await examineApi(context, store, jobs)),
  ];
}

/** The folder, or what stands in it, is somebody else's. */
const isDenied = ({ error }: Finding): boolean => error?.code === 'store_denied';

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
async function examineApi(
  context: Context,
  store: JobStore | null,
  jobs: readonly JobViews[],
): Promise<readonly Finding[]> {
  if (context.emulator) return [];
  let skewMs: number | null = null;
  let listed: readonly Batch[] = [];
  const reach = await check('API', async () => {
    const provider = await (await context.wire.apis()).provider(PROBE, context);
    const { batches, stamp } = await provider.listBatches({ limit: LISTED, afterId: null }, context.signal);
    listed = batches;
    if (stamp.serverMs !== null) skewMs = context.clock.now().getTime() - stamp.serverMs;
    return `answers${stamp.workspaceId === null ? '' : `, workspace ${stamp.workspaceId}`}`;
  });
  const strangers = store === null ? [] : await findStrangers(listed, store, jobs);
  return [reach, ...(skewMs === null ? [] : [describeSkew(skewMs)]), ...strangers];
}

/** One page: the newest are the ones that a lost answer may have made. */
const LISTED = 100;

/** Batches with the count of a shard that is, or was, in doubt, and that are nobody's here. */
async function findStrangers(
  listed: readonly Batch[],
  store: JobStore,
  jobs: readonly JobViews[],
): Promise<readonly Finding[]> {
  const searched = jobs.flatMap(({ views }) =>
    views.filter(({ submission }) => ['in_doubt', 'stuck', 'absent'].includes(submission?.state ?? '')),
  );
  const counts = new Set(searched.map(({ shard }) => shard.requests));
  if (counts.size === 0) return [];
  const known = await store.knownBatchIds(listed.map(({ id }) => id));
  const found = listed.filter(({ id, counts: own }) => !known.has(id) && counts.has(sumCounts(own)));
  if (found.length === 0) return [];
  const ids = found.slice(0, 5).map(({ id }) => id);
  const more = found.length > ids.length ? ` and ${found.length - ids.length} more` : '';
  const text = `${ids.join(', ')}${more}: as many requests as a shard that is searched for, and no job's here`;
  return [note('batches', text, 'batchctl resume')];
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
export const PROBE: Job = {
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
