import type { JobFile } from '../core/job-file.ts';
import type { RenderItem } from '../core/record.ts';
import type { Change, ExplainedRequest } from '../steps/explain-changes.ts';
import type { Context } from './context.ts';
import { formatCount } from './output.ts';

/** What `plan --changed` found out, request by request. */
export interface Changes {
  /** The records of which something would be sent. */
  readonly items: AsyncIterable<readonly RenderItem[]>;
  /** Complete once the items have been read. */
  readonly explained: readonly ExplainedRequest[];
}

const WORDS: Readonly<Record<Change, string>> = {
  new: 'new',
  prompt_changed: 'prompt changed',
  data_changed: 'data changed',
  model_changed: 'model changed',
  failed_before: 'failed before',
  in_flight: 'in flight',
  output_deleted: 'output deleted',
  unchanged: 'unchanged',
};

const SHOWN = 50;

/** Holds the requests against what this workspace has sent. Where no job was ever built all of them are new. */
export async function openChanges(
  items: AsyncIterable<readonly RenderItem[]>,
  resolved: JobFile,
  context: Context,
): Promise<Changes> {
  const explained: ExplainedRequest[] = [];
  const { explainChanges } = await import('../steps/explain-changes.ts');
  const spec = {
    apiVersion: resolved.apiVersion,
    betas: resolved.betas,
    on: context.emulator ? ('emulator' as const) : ('api' as const),
  };
  const deps = await context.wire.localDeps();
  const note = (one: ExplainedRequest): void => {
    explained.push(one);
  };
  return { items: explainChanges(items, { resolved, spec }, deps, note, context.signal), explained };
}

/** What `plan --changed --json` adds; docs/json.md describes it. */
export function changesDocument(explained: readonly ExplainedRequest[]): object {
  const counts: Partial<Record<Change, number>> = {};
  for (const { changes } of explained)
    for (const change of changes) counts[change] = (counts[change] ?? 0) + 1;
  return {
    sent: explained.filter(({ isSent }) => isSent).length,
    reused: explained.filter(({ isSent }) => !isSent).length,
    counts,
    requests: explained.map(({ customId, stage, changes, detail, isSent }) => ({
      custom_id: customId,
      stage,
      changes,
      detail,
      sent: isSent,
    })),
  };
}

/** What would be sent and why, a line each, and how many would not. */
export function formatChanges(explained: readonly ExplainedRequest[]): string {
  const shown = explained.filter(({ changes }) => !changes.includes('unchanged'));
  const unchanged = explained.length - shown.length;
  const lines = shown.slice(0, SHOWN).map(({ customId, stage, changes, detail, isSent }) => {
    const why = changes.map((change) => WORDS[change]).join(', ');
    const where = stage === 'main' ? customId : `${customId} (${stage})`;
    const more =
      detail === null
        ? ''
        : isSent || changes.includes('in_flight')
          ? ` (${detail})`
          : ` (reused from ${detail})`;
    return `  ${where}: ${why}${more}`;
  });
  if (shown.length > SHOWN)
    lines.push(`  … and ${formatCount(shown.length - SHOWN)} more (--json lists all)`);
  return [`changes   ${formatCount(shown.length)}, unchanged ${formatCount(unchanged)}`, ...lines].join('\n');
}
