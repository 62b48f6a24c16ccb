import { escapeText } from '../core/escape.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { JobFiles } from '../core/ports/files.ts';
import { dayOf } from '../core/pruned.ts';
import { type RefusedPart, refusedPart } from '../core/refused-part.ts';
import type { AttemptDetails, RequestDetails } from '../steps/show-request.ts';
import { formatParams } from './short-params.ts';

/** What `show <id> <custom_id> --json` prints; docs/json.md describes it. */
export function requestDocument(request: RequestDetails): object {
  return {
    custom_id: request.customId,
    stage: request.stage,
    group: request.group,
    status: request.status,
    failure: request.failure,
    wire_id: request.wireId,
    params: parse(request.paramsJson),
    params_pruned_at: request.prunedAt,
    row: parse(request.rowJson),
    attempts: request.attempts.map((attempt) => ({
      number: attempt.number,
      shard: attempt.shard,
      route: attempt.route,
      batch_id: attempt.batchId,
      status: attempt.status,
      failure: attempt.failure,
      error: attempt.error,
      text: attempt.text,
    })),
    refused_part: refusedPartOf(request),
    output: request.isWritten ? request.outputPath : null,
  };
}

/** What of the request the API refused, where its message names it. */
function refusedPartOf(request: RequestDetails): RefusedPart | null {
  if (request.failure !== 'invalid_request' && request.failure !== 'not_found') return null;
  const message = request.attempts.at(-1)?.error ?? null;
  return message === null ? null : refusedPart(message, parse(request.paramsJson));
}

function describeAttempt({ number, shard, route, batchId, status, failure, error }: AttemptDetails): string {
  const way = route === 'batch' ? (batchId ?? 'no batch yet') : route === 'none' ? 'reused' : 'real time';
  const verdict = `${status ?? 'open'}${failure === null || failure === status ? '' : `, ${failure}`}`;
  return `attempt   ${number}: shard ${shard}, ${way}, ${verdict}${error === null ? '' : `: ${escapeText(error)}`}`;
}

function formatSent({ paramsJson, prunedAt, attempts, isAdopted }: RequestDetails): string {
  if (paramsJson !== null) return formatParams(parse(paramsJson));
  if (isAdopted) return '(not known: the batch was made elsewhere)';
  if (prunedAt !== null) return `(pruned on ${dayOf(prunedAt)})`;
  return attempts.length === 0 ? '(there is no request yet)' : '(the shard file is gone)';
}

export function formatRequest(request: RequestDetails): string {
  const row = asObject(parse(request.rowJson));
  const lines = [
    `request   ${request.customId}${request.group === null ? '' : ` (group ${escapeText(request.group)})`}`,
    `status    ${request.status ?? 'not known yet'}${request.failure === null ? '' : `, no good: ${request.failure}`}`,
    ...(request.stage === 'main' ? [] : [`stage     ${request.stage}`]),
    ...request.attempts.map(describeAttempt),
    `output    ${describeOutput(request)}`,
    '',
    'params:',
    formatSent(request),
  ];
  const part = refusedPartOf(request);
  if (part !== null)
    lines.push('', `refused:  ${part.path}${part.json === null ? ' (not there)' : `: ${part.json}`}`);
  const { text, error } = row;
  if (error !== null && error !== undefined) lines.push('', 'error:', JSON.stringify(error, null, 2));
  if (typeof text === 'string') lines.push('', 'answer:', text);
  return lines.join('\n');
}

function describeOutput({ outputPath, isWritten }: RequestDetails): string {
  if (outputPath === null) return 'none wanted: the answer is in results.jsonl';
  return `${outputPath}${isWritten ? '' : ' (not written)'}`;
}

export interface FailedRow {
  readonly custom_id: string;
  readonly stage: string;
  readonly status: string;
  readonly failure: string | null;
}

const FAILURES_SHOWN = 20;

/** The first rows of failed.jsonl; none while the job is not final. */
export async function readFailures(document: JobDocument, files: JobFiles): Promise<readonly FailedRow[]> {
  const path = `${document.output_dir}/failed.jsonl`;
  if (document.output_dir === undefined || !files.exists(path)) return [];
  const rows: FailedRow[] = [];
  for await (const lines of files.lines(path)) {
    for (const { text } of lines) {
      const { custom_id, stage, status, failure } = asObject(parse(text));
      rows.push({
        custom_id: String(custom_id),
        stage: String(stage),
        status: String(status),
        failure: typeof failure === 'string' ? failure : null,
      });
      if (rows.length === FAILURES_SHOWN) return rows;
    }
  }
  return rows;
}

function parse(json: string | null): unknown {
  return json === null ? null : JSON.parse(json);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  // An object of unknown values claims nothing about them.
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
