import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWireId } from '../../src/core/wire-id.ts';
import type { Truth } from '../support/emulator-process.ts';
import { marker } from '../support/sample-job.ts';
import type { Account } from './account.ts';
import { ids, type SimJob } from './make-job.ts';
import type { Plan } from './plan.ts';
import type { StoreFacts } from './store-facts.ts';

interface Row {
  readonly custom_id: string;
  readonly stage: string;
  readonly status: string;
  readonly text: string | null;
}

/** What the promises forbid and the emulator has seen nevertheless, a sentence each. Empty: all is well. */
export async function checkSeed(
  dir: string,
  plan: Plan,
  account: Account,
  store: StoreFacts,
): Promise<readonly string[]> {
  const truth = await account.truth();
  const ours = truth.batches.filter((batch) => !batch.foreign && !account.isColleagues(batch.id));
  return [
    ...checkBatches(ours, store),
    ...(await checkPaidRows(ours, plan, account, store)),
    ...checkPosts(truth, account, store),
    ...checkDoubts(store),
    ...plan.jobs.flatMap((job) => checkRows(dir, job, store)),
  ];
}

function checkBatches(ours: Truth['batches'], store: StoreFacts): readonly string[] {
  const adopted = new Set(store.submissions.map((submission) => submission.batchId));
  const byNonce = Map.groupBy(ours, (batch) => parseWireId(batch.first_custom_id)?.nonce ?? '');
  return [
    ...[...byNonce].flatMap(([nonce, batches]) =>
      batches.length > 1
        ? [`shard ${nonce} was paid ${batches.length} times: ${batches.map((one) => one.id).join(', ')}`]
        : [],
    ),
    ...ours.filter(({ id }) => !adopted.has(id)).map(({ id }) => `${id} was paid and nobody adopted it`),
    ...[...adopted]
      .filter((id) => id !== null && !ours.some((batch) => batch.id === id))
      .map((id) => `${id} is taken for ours and is not`),
  ];
}

/** An answer is paid when it succeeded; only what was cut off and sent again by rule may be so twice. */
async function checkPaidRows(
  ours: Truth['batches'],
  plan: Plan,
  account: Account,
  store: StoreFacts,
): Promise<readonly string[]> {
  const stageOf = new Map(store.shards.map((shard) => [shard.nonce, shard.stageId]));
  const paid = new Map<string, number>();
  for (const batch of ours) {
    for (const line of await account.results(batch.id)) {
      if (line.result.type !== 'succeeded') continue;
      const wire = parseWireId(line.custom_id);
      const row = `row ${wire?.seq} of stage ${stageOf.get(wire?.nonce ?? '')}`;
      paid.set(row, (paid.get(row) ?? 0) + 1);
    }
  }
  if (plan.standing.some((fault) => fault.startsWith('rows-truncated'))) return [];
  return [...paid].flatMap(([row, times]) => (times > 1 ? [`${row} was paid ${times} times`] : []));
}

/** FAULTS.md G14. A body's length tells the shards of a job apart as far as one submission must answer for each POST. */
function checkPosts(truth: Truth, account: Account, store: StoreFacts): readonly string[] {
  const posts = truth.posts.filter((post) => !account.isColleagues(post.batch_id));
  const lengths = new Set(posts.map((post) => post.content_length));
  return [...lengths].flatMap((length) => {
    const seen = posts.filter((post) => post.content_length === length);
    const known = store.submissions.filter((submission) => submission.bodyBytes === length);
    const whole = seen.filter((post) => post.complete).length;
    const sealed = known.filter((submission) => submission.isSealed).length;
    return [
      ...(seen.length > known.length
        ? [`${seen.length} POSTs of ${length} bytes, and the store knows of ${known.length} submissions`]
        : []),
      ...(whole > sealed ? [`${whole} whole POSTs of ${length} bytes, and ${sealed} seals`] : []),
    ];
  });
}

function checkDoubts(store: StoreFacts): readonly string[] {
  const open = store.submissions.filter(({ state }) =>
    ['uploading', 'sealed', 'in_doubt', 'stuck'].includes(state),
  );
  const late = store.events.get('late_duplicate') ?? 0;
  return [
    ...open.map(({ id, state }) => `submission ${id} is still ${state}`),
    ...(late > 0 ? [`${late} late duplicates`] : []),
  ];
}

function checkRows(dir: string, job: SimJob, store: StoreFacts): readonly string[] {
  const made = store.jobs.filter(({ name }) => name === job.name);
  const [only] = made;
  if (made.length !== 1 || only === undefined) return [`${made.length} jobs of the name ${job.name}`];
  if (only.state !== 'done') return [`job ${only.jobId} is ${only.state}`];
  const path = join(dir, 'batch_results', only.jobId, 'results.jsonl');
  const rows = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row); // docs/results.md
  const wanted = ids(job);
  const perStage = Map.groupBy(rows, (row) => row.stage);
  return [
    ...(perStage.size === job.stages ? [] : [`${perStage.size} stages in ${path}`]),
    ...[...perStage].flatMap(([stage, list]) =>
      JSON.stringify(list.map((row) => row.custom_id)) === JSON.stringify(wanted)
        ? []
        : [`stage ${stage}: ${list.length} rows of ${wanted.length}, or in another order`],
    ),
    ...rows
      .filter((row) => row.status === 'succeeded' && !row.text?.includes(marker(row.custom_id)))
      .map((row) => `the answer on row ${row.custom_id} is another row's: ${row.text}`),
    ...rows
      .filter((row) => row.status === 'missing' || row.status === 'canceled')
      .map((row) => `row ${row.custom_id} of stage ${row.stage} is ${row.status}`),
  ];
}
