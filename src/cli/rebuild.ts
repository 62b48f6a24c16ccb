import { constants, copyFileSync, existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { StoreError, UsageError } from '../core/errors.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { StoreInspection } from '../core/ports/inspection.ts';
import type { Lock, WorkspaceLocks } from '../core/ports/locks.ts';
import type { JobStore } from '../core/ports/store.ts';
import { listJobFolders } from '../files/job-folders.ts';
import { isRebuildCutOff } from '../files/rebuild-marker.ts';
import { statePath } from '../files/workspace.ts';
import { findOlderCopy } from '../steps/check-standing.ts';
import { readJournal } from '../steps/read-journal.ts';
import { type Rebuilt, readSentByJob, rebuildStore } from '../steps/rebuild-store.ts';
import type { RestoredReport } from '../steps/restore-job.ts';
import type { Context } from './context.ts';
import { askYes } from './keyboard.ts';
import { type AskedDoubts, askForDoubts } from './rebuild-doubts.ts';
import { UNFIT_STORES, unreadableStore } from './unfit-store.ts';

/** What `doctor --rebuild` came to. */
export interface RebuildReport {
  readonly rebuilt: Rebuilt;
  readonly asked: AskedDoubts;
  /** Relative to the workspace. */
  readonly movedTo: readonly string[];
  /** Copies of results that the next run may write anew, relative to the workspace. */
  readonly copies: readonly string[];
}

/**
 * Makes the database of the workspace again from batch_requests/, batch_results/ and the receipts. No run may be at work
 * meanwhile: the lock of each job and that of the sealed phase are held.
 */
export async function rebuild(
  context: Context,
  options: { readonly offline: boolean },
): Promise<RebuildReport> {
  const { wire, clock, signal, talk } = context;
  const jobIds = listJobFolders(wire.root);
  await agree(context, jobIds, await wire.inspectStore());
  const locks = await wire.locks();
  const held = await lockAll(jobIds, locks, context);
  try {
    const files = await wire.files();
    const file = await wire.rebuiltStore();
    let rebuilt: Rebuilt;
    let movedTo: readonly string[];
    let copies: readonly string[];
    try {
      const deps = { restoring: file.restoring, files, clock, report: talk.report };
      rebuilt = await rebuildStore(jobIds, deps, signal);
      copies = rebuilt.restored
        .filter(({ isReopened }) => isReopened)
        .flatMap((one) => keepResults(one, context));
      signal.throwIfAborted();
      movedTo = file.install(clock.now());
    } catch (error) {
      file.discard();
      throw error;
    }
    const asked = await askForDoubts(rebuilt.restored, context, options);
    return { rebuilt, asked, movedTo: movedTo.map((path) => relative(wire.root, path)), copies };
  } finally {
    for (const lock of held) lock.release();
  }
}

/** A store that is sound knows more than its files: events, estimates of the past. Only the user's word replaces it. */
async function agree(context: Context, jobIds: readonly string[], store: StoreInspection): Promise<void> {
  const { wire, yes, keyboard, signal } = context;
  const path = statePath(wire.root, 'state.db');
  if (store.kind === 'unreadable') throw unreadableStore(`the store was not rebuilt: ${path}`, store.error);
  if (store.kind === 'newer' || store.kind === 'foreign') {
    throw new StoreError(`the store was not rebuilt: ${path}`, {
      code: UNFIT_STORES[store.kind].code,
      why: store.faults[0] ?? 'it is not a store of this program',
      next:
        store.kind === 'foreign'
          ? 'move the file away, then batchctl doctor --rebuild again'
          : UNFIT_STORES[store.kind].next,
    });
  }
  if (jobIds.length === 0 && (await readSentByJob(await wire.files())).size === 0) {
    throw new UsageError('there is nothing to rebuild from', {
      code: 'nothing_to_rebuild',
      why: `${join(wire.root, 'batch_requests')} has no folder of a job, and nothing was sent from here`,
      next: store.kind === 'damaged' ? 'move .batchctl/state.db away to begin anew' : 'batchctl build',
    });
  }
  const isSound = store.kind === 'sound' || store.kind === 'older';
  if (!isSound || yes || isRebuildCutOff(path)) return;
  const files = await wire.files();
  if ((await jobsUnknownTo(store, jobIds, files)).length > 0) return;
  // What was sent after it stands in the files, and nothing is sent from it before that is settled.
  const isOlderCopy = (store: JobStore): Promise<boolean> =>
    findOlderCopy({ store, files }).then((found) => found !== null);
  if (store.kind === 'sound' && (await wire.glanceAtStore(isOlderCopy))) return;
  const why =
    'it is sound, and knows some things that the files do not: what happened when, and why rows are held';
  const next = 'batchctl --yes doctor --rebuild replaces it all the same, and keeps it aside';
  const refusal = new UsageError(`the store was not rebuilt: ${path}`, { code: 'store_sound', why, next });
  if (keyboard === null) throw refusal;
  const unanswered = { message: 'interrupted; nothing was changed', why, next };
  if (!(await askYes('The store is sound. Replace it all the same', unanswered, keyboard, signal)))
    throw refusal;
}

/** Jobs that were built here and of which the database knows nothing: it is an older copy, or another one. */
export async function jobsUnknownTo(
  { jobIds: known }: Pick<StoreInspection, 'jobIds'>,
  jobIds: readonly string[],
  files: JobFiles,
): Promise<readonly string[]> {
  const unknown: string[] = [];
  for (const jobId of jobIds) {
    if (known.has(jobId)) continue;
    const fold = await readJournal(jobId, files);
    if (fold !== null && fold.job !== null) unknown.push(jobId);
  }
  return unknown;
}

async function lockAll(
  jobIds: readonly string[],
  locks: WorkspaceLocks,
  { signal, talk }: Context,
): Promise<readonly Lock[]> {
  const held: Lock[] = [];
  try {
    for (const jobId of jobIds) held.push(locks.lockJob(jobId));
    held.push(
      await locks.lockSealing(signal, (holder) =>
        talk.say(`a submission of this workspace is under way (${holder}); waiting for it`),
      ),
    );
    return held;
  } catch (error) {
    for (const lock of held) lock.release();
    throw error;
  }
}

/** Rows may be known from nowhere else: their raw results are gone, and the API keeps them for 29 days. */
function keepResults({ jobId }: RestoredReport, { wire }: Context): readonly string[] {
  const copies: string[] = [];
  for (const name of ['results', 'failed']) {
    const from = join(wire.root, 'batch_results', jobId, `${name}.jsonl`);
    const copy = `batch_results/${jobId}/${name}.before-rebuild.jsonl`;
    if (!existsSync(from) || existsSync(join(wire.root, copy))) continue;
    copyFileSync(from, join(wire.root, copy), constants.COPYFILE_FICLONE);
    copies.push(copy);
  }
  return copies;
}
