import type { Db } from './database.ts';

interface ClockRow {
  readonly server_origin_us: number;
  readonly real_origin_us: number;
  readonly clock_rate: number;
}

/** Microseconds in a second, the unit of every time kept here. */
export const SECOND_US = 1_000_000;

let lastRealUs = 0;

/**
 * Server time in microseconds since 1970. It is read from the database at each call, so that all processes on one
 * database share one clock.
 */
export function nowUs(db: Db): number {
  const row = readClock(db);
  return Math.round(row.server_origin_us + (realUs() - row.real_origin_us) * row.clock_rate);
}

/** Lets server time run this many times as fast from now on, without a jump. */
export function setClockRate(db: Db, rate: number): void {
  if (!Number.isFinite(rate) || rate <= 0)
    throw new RangeError(`clockRate must be a number above 0, not ${rate}`);
  db.transaction(() => {
    const row = readClock(db);
    if (row.clock_rate === rate) return;
    const real = realUs();
    const server = Math.round(row.server_origin_us + (real - row.real_origin_us) * row.clock_rate);
    db.prepare(`
      UPDATE accounts
      SET server_origin_us = :server, real_origin_us = :real, clock_rate = :rate
    `).run({ server, real, rate });
  }).immediate();
}

/** RFC 3339 with microseconds and `+00:00`, as the API writes its times. */
export function formatTime(us: number): string {
  const ms = Math.floor(us / 1000);
  const micros = String(us - ms * 1000).padStart(3, '0');
  return new Date(ms).toISOString().replace('Z', `${micros}+00:00`);
}

/** The form of a `Date` header, which knows whole seconds only. */
export function formatHttpDate(us: number): string {
  return new Date(Math.floor(us / 1000)).toUTCString();
}

function readClock(db: Db): ClockRow {
  // The cast holds: the columns are the ones selected, NOT NULL in a STRICT table, and openDatabase inserts the row.
  return db.prepare('SELECT server_origin_us, real_origin_us, clock_rate FROM accounts').get() as ClockRow;
}

/** Real time, never the same twice in one process: Date.now() has milliseconds only, the rest counts up. */
function realUs(): number {
  lastRealUs = Math.max(
    lastRealUs + 1,
    Date.now() * 1000 + Number((process.hrtime.bigint() / 1000n) % 1000n),
  );
  return lastRealUs;
}
