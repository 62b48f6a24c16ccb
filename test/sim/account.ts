import { markBatchDeleted } from '../../src/emulator/batches.ts';
import { nowUs } from '../../src/emulator/clock.ts';
import { openDatabase } from '../../src/emulator/database.ts';
import { startEmulator } from '../../src/emulator/server.ts';
import type { Truth } from '../support/emulator-process.ts';
import { observeRequests } from './observe-calls.ts';

/** An account at an emulator of this process, as the runs, a colleague and the judge see it. */
export interface Account {
  readonly port: number;
  readonly url: string;
  setFaults(faults: readonly string[]): Promise<void>;
  truth(): Promise<Truth>;
  /** A batch of somebody else with so many requests. */
  createColleagueBatch(requests: number): Promise<void>;
  /** Some of a size that no shard has, each of which is deleted when a cursor names it. */
  createCursorTraps(): Promise<void>;
  /** Takes away the oldest batch of the colleague that has ended. */
  deleteColleagueBatch(): Promise<void>;
  isColleagues(batchId: string | null): boolean;
  /** The lines that the API gives for a batch of ours. */
  results(batchId: string): Promise<readonly ResultLine[]>;
  close(): Promise<void>;
}

export interface ResultLine {
  readonly custom_id: string;
  readonly result: { readonly type: string };
}

const HEADERS = {
  authorization: 'Bearer sk-emu-emulator', // the key that batchctl shows an emulator, so the same workspace
  'anthropic-version': '2026-10-21',
  'content-type': 'application/json',
};
const BATCHES = '/v1/messages/batches';
/** An hour of the server's time in a tenth of a second of ours. */
const FAST_CLOCK = 36_000;
const FAST_MS = 100;
/** Fewer than a walk is begun anew. */
const TRAPS = 3;
/** More than any job has. */
const TRAP_REQUESTS = 99;

/** `history`: how many requests each batch has that was there before anything else. */
export async function openAccount(options: {
  readonly stateDir: string;
  readonly batchSeconds: number;
  readonly history: readonly number[];
  /** Whether that was hours before: the server's clock is ahead of the machine's by as much. */
  readonly isOldHistory: boolean;
}): Promise<Account> {
  const { stateDir, batchSeconds, history, isOldHistory } = options;
  const colleagues: string[] = [];
  if (history.length > 0) {
    const clockRate = isOldHistory ? FAST_CLOCK : 1;
    const past = await startEmulator({ stateDir, batchSeconds, clockRate });
    for (const requests of history) colleagues.push(await createBatch(past.url, requests));
    if (isOldHistory) await new Promise((resolve) => setTimeout(resolve, FAST_MS));
    await past.close();
  }
  const emulator = await startEmulator({ stateDir, batchSeconds, clockRate: 1 });
  const { url } = emulator;
  const port = Number(new URL(url).port);
  const traps = new Set<string>();
  const stop = observeRequests(port, ({ url: path }) => {
    const cursor = new URLSearchParams(path?.split('?')[1]).get('after_id');
    // Before the server itself looks at the call.
    if (cursor !== null && traps.delete(cursor)) deleteBehind(stateDir, cursor);
  });
  // The first stays: where all are deleted that were there before a seal, no listing tells anything.
  let deleted = 1;
  return {
    url,
    port,
    async setFaults(faults) {
      const body = JSON.stringify({ faults });
      const response = await fetch(`${url}/_emulator/faults`, { method: 'POST', body });
      if (!response.ok) throw new Error(await response.text());
    },
    truth: async () => (await (await fetch(`${url}/_emulator/truth`)).json()) as Truth, // the emulator's own form
    async createColleagueBatch(requests) {
      colleagues.push(await createBatch(url, requests));
    },
    async createCursorTraps() {
      while (traps.size < TRAPS) {
        const id = await createBatch(url, TRAP_REQUESTS);
        colleagues.push(id);
        traps.add(id);
      }
    },
    async deleteColleagueBatch() {
      const id = colleagues[deleted];
      if (id === undefined) return;
      const response = await fetch(`${url}${BATCHES}/${id}`, { method: 'DELETE', headers: HEADERS });
      await response.body?.cancel();
      if (response.ok) deleted += 1;
    },
    isColleagues: (batchId) => batchId !== null && colleagues.includes(batchId),
    async results(batchId) {
      const response = await fetch(`${url}${BATCHES}/${batchId}/results`, { headers: HEADERS });
      if (!response.ok) throw new Error(`results of ${batchId}: ${await response.text()}`);
      const lines = (await response.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as ResultLine); // the emulator's own form
    },
    async close() {
      stop();
      await emulator.close();
    },
  };
}

/** As its owner might, between two pages of a listing. */
function deleteBehind(stateDir: string, id: string): void {
  const db = openDatabase(stateDir);
  markBatchDeleted(db, id, nowUs(db));
  db.close();
}

async function createBatch(url: string, count: number): Promise<string> {
  const requests = Array.from({ length: count }, (_, index) => ({
    custom_id: `colleague-${index}`,
    params: {
      model: 'claude-haiku-5-5',
      max_tokens: 100,
      messages: [{ role: 'user', content: `Somebody else's row ${index}.` }],
    },
  }));
  const body = JSON.stringify({ requests });
  const response = await fetch(`${url}${BATCHES}`, { method: 'POST', headers: HEADERS, body });
  const batch = (await response.json()) as { readonly id?: unknown }; // looked at below
  if (typeof batch.id !== 'string') throw new Error(`the colleague's batch: ${JSON.stringify(batch)}`);
  return batch.id;
}
