import { openBatches } from '../core/live-record.ts';
import type { Context } from './context.ts';
import { type Finding, note } from './finding.ts';
import { unfinished } from './live.ts';

/** Batches that `doctor --live` made and did not see the end of. */
export function examineLive({ wire }: Context): readonly Finding[] {
  return unfinished(wire.root).map(({ path, record }) => {
    const ids = openBatches(record).map(
      ({ batch_id, requests }) => batch_id ?? `one of ${requests} requests`,
    );
    return note(
      'live',
      `${path} was cut off; may be running still: ${ids.join(', ')}`,
      'batchctl doctor --live looks and cancels',
    );
  });
}
