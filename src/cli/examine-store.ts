import { StoreError } from '../core/errors.ts';
import type { StoreInspection } from '../core/ports/inspection.ts';
import type { JobStore } from '../core/ports/store.ts';
import { olderStore, REBUILD_STORE } from '../core/store-remedies.ts';
import { listJobFolders } from '../files/job-folders.ts';
import { refuseCutOff } from '../files/rebuild-marker.ts';
import { isStateThere, STATE_DIR, statePath } from '../files/workspace.ts';
import { readJournal } from '../steps/read-journal.ts';
import type { Context } from './context.ts';
import { bad, badFile, check, type Finding, firstFew, note, ok } from './finding.ts';
import { formatMany } from './output.ts';
import { jobsUnknownTo } from './rebuild.ts';
import { UNFIT_STORES, unreadableStore } from './unfit-store.ts';

export interface ExaminedStore {
  readonly findings: readonly Finding[];
  /** Null where it cannot be read, or to read it would change it. */
  readonly store: JobStore | null;
}

/** Reads the database whole, and looks whether the files know of jobs that it does not. */
export async function examineStore(context: Context): Promise<ExaminedStore> {
  const { wire } = context;
  const path = statePath(wire.root, 'state.db');
  const cutOff = await check('store', async () => {
    refuseCutOff(path);
    return '';
  });
  if (cutOff.level === 'bad') return { findings: [cutOff], store: null };
  const access = await check('store', async () => {
    isStateThere(wire.root, 'state.db');
    return '';
  });
  if (access.level === 'bad') return { findings: [access], store: null };
  const seen = await wire.inspectStore();
  const folders = listJobFolders(wire.root);
  const findings: Finding[] = [];
  if (seen.sqliteVersion !== null) findings.push(ok('SQLite', seen.sqliteVersion));
  const isReadable =
    seen.kind === 'sound' || seen.kind === 'older' || seen.kind === 'absent' || seen.kind === 'empty';
  const unknown = isReadable ? await jobsUnknownTo(seen, folders, await wire.files()) : [];
  if (unknown.length > 0) {
    const what =
      seen.kind === 'sound' || seen.kind === 'older'
        ? 'knows nothing of'
        : `is ${seen.kind}, and there are files of`;
    const message = `${STATE_DIR}/state.db ${what} ${formatMany(unknown.length, 'job')}: ${firstFew(unknown)}`;
    const isGone = seen.kind === 'absent';
    const isOlder = seen.kind === 'sound' || seen.kind === 'older';
    const next = isOlder ? olderStore(null) : REBUILD_STORE;
    const facts = { code: isGone ? 'store_gone' : 'store_behind', next };
    findings.push(badFile('store', message, facts));
  } else findings.push(describeStore(seen, path));
  findings.push(...(await examineJournals(folders, context)));
  if (seen.kind !== 'sound') return { findings, store: null };
  return { findings, store: await wire.existingStore({ leaveModes: true }) };
}

function describeStore({ kind, faults, jobIds, error }: StoreInspection, path: string): Finding {
  switch (kind) {
    case 'absent':
      return ok('store', `${STATE_DIR}/state.db is made by the first build`);
    case 'sound':
      return ok('store', `${path}, ${formatMany(jobIds.size, 'job')}; every page and reference is in order`);
    case 'older':
      return note(
        'store',
        `${path} has the layout of an earlier batchctl`,
        'the next command that writes brings it to the newest one',
      );
    case 'empty':
      return note('store', `${path} is empty`, 'the next build writes to it');
    case 'damaged':
      return bad(
        'store',
        new StoreError(`${path} is damaged`, {
          code: 'store_damaged',
          why: firstFew(faults),
          next: REBUILD_STORE,
        }),
      );
    case 'unreadable':
      return bad('store', unreadableStore(`${path} cannot be read`, error));
    default: {
      const { is, ...facts } = UNFIT_STORES[kind];
      return bad('store', new StoreError(`${path} ${is}`, { ...facts, why: firstFew(faults) }));
    }
  }
}

/** Without its journal a job cannot be made again. */
async function examineJournals(folders: readonly string[], { wire }: Context): Promise<readonly Finding[]> {
  const files = await wire.files();
  const without: string[] = [];
  const torn: string[] = [];
  for (const jobId of folders) {
    const fold = await readJournal(jobId, files);
    if (fold === null) without.push(jobId);
    else if (fold.unreadable > 0) torn.push(jobId);
  }
  if (folders.length === 0) return [];
  const findings: Finding[] = [];
  if (without.length > 0) {
    const text = `no journal for ${firstFew(without)}: should the database be lost, these jobs are too`;
    findings.push(note('journals', text, 'batchctl resume writes those of unfinished jobs'));
  }
  if (torn.length > 0) {
    const text = `a line cannot be read in that of ${firstFew(torn)}; a crash does that, and the database has what it said`;
    findings.push(note('journals', text));
  }
  return findings.length > 0 ? findings : [ok('journals', formatMany(folders.length, 'job'))];
}
