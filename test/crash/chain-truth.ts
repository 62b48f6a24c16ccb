import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { Truth } from '../support/emulator-process.ts';
import { marker } from '../support/sample-job.ts';
import { type ChainJob, RECORDS, ROWS } from './chain-job.ts';

interface SubmissionRow {
  readonly state: string;
  readonly batchId: string | null;
}

/** Whether the job is final, read from a copy: SQLite would replay the log of a killed run, which the next run is to do. */
export function isJobDone({ dir }: ChainJob): boolean {
  const copy = mkdtempSync(join(tmpdir(), 'batchctl-copy-'));
  try {
    for (const name of ['state.db', 'state.db-wal', 'state.db-journal']) {
      const from = join(dir, '.batchctl', name);
      if (existsSync(from)) copyFileSync(from, join(copy, name));
    }
    if (!existsSync(join(copy, 'state.db'))) return false;
    const db = new Database(join(copy, 'state.db'));
    try {
      if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'jobs'").get() === undefined) return false;
      return db.prepare("SELECT 1 FROM jobs WHERE state = 'done'").get() !== undefined;
    } finally {
      db.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** What is not as it must be once the job is done; nothing, where all is well. */
export async function findProblems(job: ChainJob, truth: Truth): Promise<readonly string[]> {
  const problems: string[] = [];
  const expect = (claim: boolean, problem: string): void => {
    if (!claim) problems.push(problem);
  };
  const db = new Database(join(job.dir, '.batchctl/state.db'), { readonly: true });
  try {
    const jobs = db.prepare<[], { id: string; state: string }>('SELECT job_id AS id, state FROM jobs').all();
    expect(jobs.length === 1 && jobs[0]?.state === 'done', `jobs: ${JSON.stringify(jobs)}`);
    const submissions = db
      .prepare<[], SubmissionRow>(
        'SELECT s.state, b.batch_id AS batchId FROM submissions s LEFT JOIN batches b ON b.submission_id = s.id',
      )
      .all();
    checkMoney(submissions, truth, job.workspace, expect);
    checkRows(job.dir, jobs[0]?.id ?? '', expect);
    const receipts = readLines(join(job.dir, '.batchctl/receipts.jsonl')).map((line) =>
      String(line['batch_id']),
    );
    for (const { batchId } of submissions)
      expect(batchId === null || receipts.includes(batchId), `${batchId} has no receipt`);
  } finally {
    db.close();
  }
  const verify = await job.verify();
  expect(verify.code === 0, `verify left with ${verify.code}: ${verify.stdout}${verify.stderr}`);
  return problems;
}

type Expect = (claim: boolean, problem: string) => void;

/** Each batch of the emulator is one of ours and paid once; each create call that it saw is a submission of the store. */
function checkMoney(
  submissions: readonly SubmissionRow[],
  truth: Truth,
  workspace: string,
  expect: Expect,
): void {
  const batches = truth.batches.filter((batch) => batch.workspace === workspace);
  const posts = truth.posts.filter((post) => post.workspace === workspace);
  const owned = submissions.flatMap(({ batchId }) => (batchId === null ? [] : [batchId]));
  const paid = batches.map(({ id }) => id);
  expect(
    paid.toSorted().join() === owned.toSorted().join(),
    `paid ${paid.join()}, in the store ${owned.join()}`,
  );
  const requests = batches.reduce((sum, batch) => sum + batch.requests, 0);
  expect(requests === ROWS, `${requests} requests were paid, not ${ROWS}`);
  const sealed = submissions.filter(({ state }) => state !== 'aborted' && state !== 'uploading').length;
  expect(posts.length <= submissions.length, `${posts.length} POSTs, ${submissions.length} submissions`);
  const whole = posts.filter((post) => post.complete).length;
  expect(whole <= sealed, `${whole} whole POSTs, ${sealed} sealed submissions`);
}

/** One line for every record and stage, in input order, each with its own answer, and the same in its own file. */
function checkRows(dir: string, jobId: string, expect: Expect): void {
  const folder = join(dir, 'batch_results', jobId);
  const rows = readLines(join(folder, 'results.jsonl'));
  const ids = rows.map((row) => `${row['stage']} ${row['custom_id']}`);
  const due = ['notes', 'report'].flatMap((stage) =>
    Array.from({ length: RECORDS }, (_, index) => `${stage} r${index + 1}`),
  );
  expect(ids.join() === due.join(), `results.jsonl has ${ids.join()}`);
  for (const row of rows) {
    const [id, text] = [String(row['custom_id']), String(row['text'])];
    expect(text.includes(marker(id)), `row ${id} of ${row['stage']} holds another answer`);
    const output = join(dir, String(row['output']));
    const content = existsSync(output) ? readFileSync(output, 'utf8') : null;
    expect(content?.trimEnd() === text.trimEnd(), `${row['output']} is not the answer of its row`);
  }
}

function readLines(path: string): readonly Record<string, unknown>[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
