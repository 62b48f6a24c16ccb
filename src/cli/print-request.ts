import type { JobDocument } from '../core/job-document.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { RequestDetails } from '../steps/show-request.ts';

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
    row: parse(request.rowJson),
    attempts: request.attempts.map((attempt) => ({
      number: attempt.number,
      shard: attempt.shard,
      batch_id: attempt.batchId,
      status: attempt.status,
      failure: attempt.failure,
    })),
    output: request.isWritten ? request.outputPath : null,
  };
}

export function formatRequest(request: RequestDetails): string {
  const row = asObject(parse(request.rowJson));
  const lines = [
    `request   ${request.customId}${request.group === null ? '' : ` (group ${request.group})`}`,
    `status    ${request.status ?? 'not known yet'}${request.failure === null ? '' : `, no good: ${request.failure}`}`,
    ...request.attempts.map(
      (attempt) =>
        `attempt   ${attempt.number}: shard ${attempt.shard}, ${attempt.batchId ?? 'no batch yet'}, ${attempt.status ?? 'open'}`,
    ),
    `output    ${request.outputPath}${request.isWritten ? '' : ' (not written)'}`,
    '',
    'params:',
    request.paramsJson === null
      ? '(the shard file is gone)'
      : JSON.stringify(parse(request.paramsJson), null, 2),
  ];
  const { text, error } = row;
  if (error !== null && error !== undefined) lines.push('', 'error:', JSON.stringify(error, null, 2));
  if (typeof text === 'string') lines.push('', 'answer:', text);
  return lines.join('\n');
}

export interface FailedRow {
  readonly custom_id: string;
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
      const { custom_id, status, failure } = asObject(parse(text));
      rows.push({
        custom_id: String(custom_id),
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
