import { UsageError } from '../core/errors.ts';
import { type Account, isEmulatorAccount, type Job } from '../core/job.ts';
import type { BatchProvider } from '../core/ports/provider.ts';
import { DEFAULT_BASE_URL, fingerprint, readBaseUrl, requireApiKey } from './api-key.ts';
import type { Talk } from './progress.ts';
import { emulatorKey, type ReachedEmulator, reachEmulator } from './reach-emulator.ts';

/** Which API a job talks to. Part of wire.ts: imported when a command needs one. */
export interface Apis {
  /** @throws AuthError without a key, UsageError when the job belongs elsewhere */
  provider(
    job: ApiJob,
    options: { readonly emulator: boolean; readonly isDryRun?: boolean },
  ): Promise<BatchProvider>;
  close(): Promise<void>;
}

/** What a provider needs to know of a job; one that is only planned has it too. */
export type ApiJob = Pick<Job, 'jobId' | 'account' | 'spec'>;

export interface ApiOptions {
  /** The workspace. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly version: string;
  readonly talk: Pick<Talk, 'warn'>;
}

export function makeApis({ root, env, version, talk }: ApiOptions): Apis {
  // A promise, so that two callers at once get the same one.
  let emulator: Promise<ReachedEmulator> | null = null;

  const emulated = async (job: ApiJob, isDryRun: boolean): Promise<BatchProvider> => {
    emulator ??= reachEmulator(root, env, isDryRun).catch((error: unknown) => {
      emulator = null;
      throw error;
    });
    const { accountId, url } = await emulator;
    const baseUrl = `emulator:${accountId}`;
    const apiKey = emulatorKey(env);
    const account: Account = { baseUrl, keyFingerprint: fingerprint(apiKey, baseUrl) };
    checkAccount(job, account);
    return makeProvider(apiKey, url, account, job);
  };

  const real = async (job: ApiJob): Promise<BatchProvider> => {
    const baseUrl = readBaseUrl(env);
    const apiKey = requireApiKey(env, root).value;
    const account: Account = { baseUrl, keyFingerprint: fingerprint(apiKey, baseUrl) };
    checkAccount(job, account);
    if (baseUrl !== DEFAULT_BASE_URL) talk.warn(`ANTHROPIC_BASE_URL sends requests and key to ${baseUrl}`);
    if (job.account !== null && job.account.keyFingerprint !== account.keyFingerprint) {
      talk.warn(
        `${job.jobId} was submitted with another key; this one cannot see batches of another workspace`,
      );
    }
    return makeProvider(apiKey, baseUrl, account, job);
  };

  const makeProvider = async (
    apiKey: string,
    baseUrl: string,
    account: Account,
    job: ApiJob,
  ): Promise<BatchProvider> => {
    // Imported here, so that the SDK is loaded by no command that never calls the API.
    const { createProvider } = await import('../providers/anthropic/provider.ts');
    const userAgent = `batchctl/${version}`;
    const { apiVersion, betas } = job.spec;
    return createProvider({ apiKey, baseUrl, account, apiVersion, betas, userAgent });
  };

  return {
    async provider(job, { emulator: wantsEmulator, isDryRun = false }) {
      const isEmulated =
        job.account === null ? wantsEmulator || job.spec.on === 'emulator' : isEmulatorAccount(job.account);
      if (wantsEmulator && !isEmulated) throw belongsElsewhere(job, 'the emulator');
      return isEmulated ? emulated(job, isDryRun) : real(job);
    },
    async close() {
      await (await emulator)?.close();
    },
  };
}

/** A job stays with the API it was submitted to: elsewhere «not found» would look like «gone». */
function checkAccount(job: ApiJob, account: Account): void {
  if (job.account === null || job.account.baseUrl === account.baseUrl) return;
  throw belongsElsewhere(job, account.baseUrl);
}

function belongsElsewhere(job: ApiJob, asked: string): UsageError {
  const home = job.account?.baseUrl ?? '';
  return new UsageError(`job ${job.jobId} was submitted to ${home}, not to ${asked}`, {
    code: 'other_account',
    why: 'a job stays with the API that has its batches',
    next: home.startsWith('emulator:')
      ? 'bring back the state of that emulator (.batchctl/emulator.db), or unset BATCHCTL_EMULATOR_URL if that names another'
      : `run the command with ANTHROPIC_BASE_URL for ${home}${asked.startsWith('emulator:') ? ', and without --emulator' : ''}`,
  });
}
