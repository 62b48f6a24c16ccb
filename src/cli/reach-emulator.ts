import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProviderError, UsageError } from '../core/errors.ts';
import { ensureStateDir, statePath } from '../files/workspace.ts';
import { isLoopback } from './api-key.ts';

/** An emulator to talk to: one of this process, or one that somebody serves. */
export interface ReachedEmulator {
  readonly url: string;
  /** Its uuid; with `emulator:` before it, the account of jobs made on it. */
  readonly accountId: string;
  close(): Promise<void>;
}

const ENV_URL = 'BATCHCTL_EMULATOR_URL';
const ENV_FAULTS = 'BATCHCTL_EMULATOR_FAULTS';
const ENV_BATCH_SECONDS = 'BATCHCTL_EMULATOR_BATCH_SECONDS';

/** The emulator reads its workspace from a key like this one, and must never see a real key. */
const EMULATOR_KEY = 'sk-emu-emulator';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function emulatorKey(env: NodeJS.ProcessEnv): string {
  const given = env['ANTHROPIC_API_KEY'] ?? '';
  return given.startsWith('sk-emu-') ? given : EMULATOR_KEY;
}

/**
 * The one that BATCHCTL_EMULATOR_URL names, else one inside this process with its state in the workspace. A dry run makes no
 * state there: it leaves nothing.
 */
export async function reachEmulator(
  root: string,
  env: NodeJS.ProcessEnv,
  isDryRun: boolean,
): Promise<ReachedEmulator> {
  const url = env[ENV_URL];
  if (url) return askEmulator(url);
  const { startEmulator } = await import('../emulator/server.ts');
  const faults = readFaults(env);
  await checkFaults(faults);
  const batchSeconds = readBatchSeconds(env);
  const options = { faults, ...(batchSeconds === null ? {} : { batchSeconds }) };
  if (!isDryRun || existsSync(statePath(root, 'emulator.db')))
    return startEmulator({ stateDir: ensureStateDir(root), ...options });
  const stateDir = mkdtempSync(join(tmpdir(), 'batchctl-'));
  const emulator = await startEmulator({ stateDir, ...options });
  const close = async (): Promise<void> => {
    await emulator.close();
    rmSync(stateDir, { recursive: true, force: true });
  };
  return { url: emulator.url, accountId: emulator.accountId, close };
}

function readFaults(env: NodeJS.ProcessEnv): readonly string[] {
  return (env[ENV_FAULTS] ?? '')
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
}

/** @throws UsageError for the first that is not a fault. */
export async function checkFaults(specs: readonly string[]): Promise<void> {
  const { parseFault } = await import('../emulator/faults.ts');
  for (const spec of specs) {
    try {
      parseFault(spec);
    } catch (cause) {
      throw new UsageError(cause instanceof Error ? cause.message : String(cause), {
        code: 'wrong_fault',
        next: 'docs/emulator.md lists the faults',
        cause,
      });
    }
  }
}

function readBatchSeconds(env: NodeJS.ProcessEnv): number | null {
  const text = env[ENV_BATCH_SECONDS] ?? '';
  if (text === '') return null;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`${ENV_BATCH_SECONDS} is not a number of seconds: ${text}`, {
    code: 'wrong_environment',
    next: `unset ${ENV_BATCH_SECONDS}, or set it to a number such as 5`,
  });
}

async function askEmulator(text: string): Promise<ReachedEmulator> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'http:' || !isLoopback(url)) {
    throw new UsageError(`${ENV_URL} must be an http URL on this machine: ${text}`, {
      code: 'wrong_environment',
      next: 'set it to the URL that batchctl emulator prints',
    });
  }
  const accountId = await askAccountId(url);
  return { url: url.origin, accountId, close: () => Promise.resolve() };
}

/** Any of its own paths will do: each answer names the account in a header. */
async function askAccountId(url: URL): Promise<string> {
  try {
    const response = await fetch(new URL('/_emulator/account', url), { redirect: 'error' });
    await response.body?.cancel();
    const accountId = response.headers.get('anthropic-organization-id');
    if (accountId !== null && UUID.test(accountId)) return accountId;
    throw new Error(`what answers there (HTTP ${response.status}) is not the emulator`);
  } catch (cause) {
    throw new ProviderError(`no emulator answers at ${url.origin}`, {
      code: 'emulator_unreachable',
      status: null,
      why: innermostWords(cause),
      next: `start it with batchctl emulator, or unset ${ENV_URL}`,
      cause,
    });
  }
}

/** Of `fetch` the outermost error says only that it failed. */
function innermostWords(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? innermostWords(thrown.cause) : thrown.message;
}
