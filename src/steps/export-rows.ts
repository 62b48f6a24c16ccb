import { StoreError, UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { memberSpans } from '../core/json-spans.ts';
import { recordsPath } from '../core/ports/files.ts';
import type { RowView, ShardView } from '../core/ports/store-views.ts';
import { customIdAtHead, parseResultLine } from '../core/result-line.ts';
import type { RowFacts } from '../core/result-row.ts';
import { parseWireId } from '../core/wire-id.ts';
import { breathe } from './breathe.ts';
import type { LocalDeps } from './deps.ts';
import { groupsOf, heldFacts } from './held-facts.ts';
import { type Answer, openRawReaders } from './raw-readers.ts';
import { refusePruned } from './refuse-pruned.ts';
import { isGood } from './write-outputs.ts';
import { openRowWriter, rowChunks } from './write-results.ts';

/** One record with what became of it. Both are JSON text, so that what is copied keeps every digit. */
export interface ExportRow {
  readonly customId: string;
  readonly status: RowFacts['status'];
  readonly isGood: boolean;
  /** The object of the record's columns, as it stands in records.jsonl. */
  readonly recordJson: string;
  /** The row as it stands, or will stand, in results.jsonl. */
  readonly resultJson: string;
}

/** What of the store an export reads; call `exportRows` inside `store.snapshot`. */
export type ExportDeps = Pick<LocalDeps, 'store' | 'files' | 'clock'>;

/**
 * Every record of a stage in input order with its answer; one whose outcome is not known is `pending`. Reads each file
 * forward and holds one row, so memory does not grow with the job. May be read more than once in one snapshot.
 *
 * @throws StoreError when records or raw results are gone, or were replaced while they were read.
 */
export async function* exportRows(
  job: Job,
  stage: string,
  { store, files, clock }: ExportDeps,
  signal: AbortSignal,
): AsyncGenerator<ExportRow> {
  await refusePruned(job, { store });
  const recordsFile = recordsPath(files.requestsDir(job.jobId));
  if (job.spec.adopted && !files.exists(recordsFile)) throw rowsUnknown(job);
  const shards = await store.shards(job.id);
  const groups = groupsOf(shards);
  const nonces = new Map(shards.map(({ shard }) => [shard.id, shard.nonce]));
  const toResult = await openRowWriter(job, shards, { store, files });
  const answers = await openRawReaders(job, files);
  const records = files.open(recordsFile);
  try {
    for await (const rows of rowChunks(job, stage, { store })) {
      for (const row of rows) {
        const answer = answers.answerOf(row);
        refuseForeignAnswer(row, answer, nonces);
        const status = row.status ?? 'pending';
        const held = status === 'held' ? await heldFacts(job, row, groups, { store }) : null;
        yield {
          customId: row.customId,
          status,
          isGood: isGood(row),
          recordJson: recordOf(records.read(row.recordOffset, row.recordLength)),
          resultJson: [...toResult({ ...row, status }, answer, held)].join(''),
        };
      }
      await breathe(clock, signal);
    }
  } finally {
    answers.close();
    records.close();
  }
}

function rowsUnknown({ jobId }: Job): UsageError {
  return new UsageError(`the rows of job ${jobId} are not known yet`, {
    code: 'rows_unknown',
    why: 'its batch was made elsewhere, and only its results say which requests it has',
    next: `batchctl retrieve ${jobId} --wait, then export`,
  });
}

/** The value of `record` in a line of records.jsonl. */
function recordOf(line: string): string {
  const span = memberSpans(line).find((member) => member.name === 'record');
  return span === undefined ? '{}' : line.slice(span.start, span.end);
}

/**
 * Results that were damaged may be downloaded again while they are read here, with their lines in another order. Lines of
 * another nonce (reused answers) say nothing of that.
 */
function refuseForeignAnswer(
  row: RowView,
  answer: Answer | null,
  nonces: ReadonlyMap<ShardView['shard']['id'], string>,
): void {
  if (answer === null || row.shardId === null) return;
  const wireId = customIdAtHead(answer.line) ?? parseResultLine(answer.line)?.customId ?? null;
  const wire = wireId === null ? null : parseWireId(wireId);
  if (wire !== null && (wire.nonce !== nonces.get(row.shardId) || wire.seq === row.seq)) return;
  if (wire === null && answer.judgement.status === row.status) return;
  throw new StoreError('the results changed while they were exported', {
    code: 'results_changed',
    why: `the raw line of ${row.customId} is another request's`,
    next: 'run the same command again; batchctl verify tells whether the raw results are whole',
  });
}
