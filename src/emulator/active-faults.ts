import type { Db } from './database.ts';
import type { FaultScope, StandingFaultName } from './fault-list.ts';
import { type Fault, parseFault } from './faults.ts';

/** The faults of this moment, as one call sees them. */
export interface ActiveFaults {
  /** The standing fault of this name, or null while it is not set. */
  standing(name: StandingFaultName): Fault | null;
  /** The next fault that is due in one of these scopes, without using it up. */
  peek(...scopes: FaultScope[]): Fault | null;
  /** The next fault that is due in one of these scopes; it is used up, for every process on this database. */
  take(...scopes: FaultScope[]): Fault | null;
}

interface FaultRow {
  readonly position: number;
  readonly fault: string;
  readonly remaining: number | null;
}

/**
 * Replaces the set of faults; all counts begin anew. Faults that match the same call take turns in the order given: the
 * next call gets the next one.
 */
export function replaceFaults(db: Db, texts: readonly string[]): void {
  const faults = texts.map((text) => ({ text, count: parseFault(text).count }));
  db.transaction(() => {
    db.prepare('DELETE FROM faults').run();
    db.prepare('UPDATE accounts SET faults_given_json = :given').run({ given: JSON.stringify(texts) });
    const insert = db.prepare('INSERT INTO faults (fault, remaining) VALUES (:text, :count)');
    for (const fault of faults) insert.run(fault);
  }).immediate();
}

/**
 * Sets the faults named at a start. The same ones as at the last start go on where they were, so that a command killed
 * by `lost-reply` and started again with the same flags does not lose the next reply too.
 */
export function setFaultsAtStart(db: Db, texts: readonly string[]): void {
  for (const text of texts) parseFault(text);
  const given = db.prepare('SELECT faults_given_json FROM accounts').pluck().get();
  if (given !== JSON.stringify(texts)) replaceFaults(db, texts);
}

/** Reads the faults that hold now. */
export function readFaults(db: Db): ActiveFaults {
  // The cast holds: STRICT columns, in the shape selected.
  const rows = db
    .prepare('SELECT position, fault, remaining FROM faults ORDER BY position')
    .all() as FaultRow[];
  const faults = rows.map((row) => ({
    position: row.position,
    fault: parseFault(row.fault),
    remaining: row.remaining,
  }));
  const due = (scopes: readonly FaultScope[]) =>
    faults.filter((row) => scopes.includes(row.fault.scope) && row.remaining !== 0);
  return {
    standing: (name) => faults.find((row) => row.fault.name === name)?.fault ?? null,
    peek: (...scopes) => due(scopes)[0]?.fault ?? null,
    take: (...scopes) => due(scopes).find((row) => useUp(db, row.position))?.fault ?? null,
  };
}

/** False when another process has taken the last one meanwhile. */
function useUp(db: Db, position: number): boolean {
  const update = db.prepare(`
    UPDATE faults
    SET remaining = remaining - 1
    WHERE position = :position AND remaining > 0
  `);
  return update.run({ position }).changes === 1;
}
