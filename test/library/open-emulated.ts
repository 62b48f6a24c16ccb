import { onTestFinished, vi } from 'vitest';
import { openWorkspace, type ResultRow, type Workspace, type WorkspaceOptions } from '../../src/index.ts';
import { CANARY_KEY, NOWHERE } from '../support/canary.ts';
import { makeTempDir } from '../support/temp-dir.ts';

export const MODEL = 'claude-sonnet-5-5';

export interface EmulatedOptions extends WorkspaceOptions {
  readonly batchSeconds?: number;
  readonly faults?: string;
}

/** A workspace in a fresh folder (or `dir`) on its own emulator; closed when the test has finished. */
export async function openEmulated(options: EmulatedOptions = {}): Promise<Workspace> {
  const { batchSeconds = 0.1, faults = '', ...own } = options;
  // Read when the emulator is started, by the first call that needs it.
  vi.stubEnv('ANTHROPIC_API_KEY', CANARY_KEY);
  vi.stubEnv('ANTHROPIC_BASE_URL', NOWHERE);
  vi.stubEnv('BATCHCTL_EMULATOR_URL', '');
  vi.stubEnv('BATCHCTL_EMULATOR_BATCH_SECONDS', String(batchSeconds));
  vi.stubEnv('BATCHCTL_EMULATOR_FAULTS', faults);
  onTestFinished(() => void vi.unstubAllEnvs());
  const workspace = await openWorkspace({ dir: own.dir ?? makeTempDir(), emulator: true, ...own });
  onTestFinished(() => workspace.close());
  return workspace;
}

export async function collect(rows: AsyncIterable<ResultRow>): Promise<readonly ResultRow[]> {
  return Array.fromAsync(rows);
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`it was not rejected, but gave ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
