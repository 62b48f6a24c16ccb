import { createServer } from 'node:http';
import { setFaultsAtStart } from './active-faults.ts';
import { sweepFiles } from './batch-files.ts';
import { setClockRate } from './clock.ts';
import { openDatabase, readAccountId } from './database.ts';
import type { EmulatorState } from './reply.ts';
import { handleRequest } from './routes.ts';

/** How an emulator is started. */
export interface EmulatorOptions {
  /** Holds emulator.db, and emulator/ with the request lines of each batch; made if absent. */
  readonly stateDir: string;
  /** 0, the default, takes a free one. The server listens on 127.0.0.1 in any case. */
  readonly port?: number;
  /** Faults in text form, `name[=value][@count]`; the default is what the database has. */
  readonly faults?: readonly string[];
  /** Server seconds in a real second; the default is what the database has, else 1. */
  readonly clockRate?: number;
  /** Server seconds from the creation of a batch to its end; 2 by default. */
  readonly batchSeconds?: number;
}

/** A running emulator. */
export interface Emulator {
  /** The origin to use as base URL. */
  readonly url: string;
  /** Made once and kept in the database: the same state is the same account, at whatever port. */
  readonly accountId: string;
  /** Drops open connections and closes the database. May be called twice. */
  close(): Promise<void>;
}

/**
 * Starts a loopback server that speaks the Message Batches API, Messages, token counting and models. Several may run on
 * one state folder at once, in any number of processes; what one is told, all of them know.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const db = openDatabase(options.stateDir);
  try {
    if (options.clockRate !== undefined) setClockRate(db, options.clockRate);
    if (options.faults !== undefined) setFaultsAtStart(db, options.faults);
    sweepFiles(db, options.stateDir);
    const accountId = readAccountId(db);
    const state: EmulatorState = {
      db,
      stateDir: options.stateDir,
      accountId,
      batchSeconds: options.batchSeconds ?? 2,
    };
    const { port, close } = await listen(state, options.port ?? 0);
    return { url: `http://127.0.0.1:${port}`, accountId, close };
  } catch (error) {
    db.close();
    throw error;
  }
}

async function listen(
  state: EmulatorState,
  wantedPort: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const open = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const handled = handleRequest(state, request, response).finally(() => open.delete(handled));
    open.add(handled);
  });
  server.requestTimeout = 0; // a slow upload of 256 MB takes longer than Node's five minutes
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wantedPort, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the emulator has no port');
  const closeOnce = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    await Promise.allSettled(open);
    state.db.close();
  };
  let closing: Promise<void> | null = null;
  return {
    port: address.port,
    close: () => {
      closing ??= closeOnce();
      return closing;
    },
  };
}
