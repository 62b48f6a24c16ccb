import { AuthError } from '../core/errors.ts';
import type { Estimate } from '../core/estimate.ts';
import type { JobFile } from '../core/job-file.ts';
import { specOf } from '../core/job-spec.ts';
import { DEFAULT_SHARD_LIMITS } from '../core/shard.ts';
import type { Counting } from '../steps/calibrate.ts';
import type { Plan } from '../steps/plan-job.ts';
import { findApiKey } from './api-key.ts';
import type { Context } from './context.ts';

/** A plan is looked at now: where the network swallows what is sent, nobody waits for its ten minutes. */
const LONGEST_COUNT_MS = 15_000;

/** What the plan would cost. With a key, or on the emulator, some requests are counted; a plan never fails for it. */
export async function estimatePlanHere(plan: Plan, job: JobFile, context: Context): Promise<Estimate> {
  const { estimatePlan } = await import('../steps/estimate-plan.ts');
  const on = context.emulator ? 'emulator' : 'api';
  const store = await context.wire.existingStore();
  const at = context.clock.now().toISOString();
  const estimate = (counting: Counting | null, signal: AbortSignal): Promise<Estimate> =>
    estimatePlan(plan, job, { store, counting, on, at }, signal);
  const late = AbortSignal.timeout(LONGEST_COUNT_MS);
  try {
    return await estimate(await openCounting(plan, job, context), AbortSignal.any([context.signal, late]));
  } catch (error) {
    context.signal.throwIfAborted();
    const why = error instanceof AuthError ? `${error.message} (${error.why ?? error.code})` : null;
    if (why === null && !late.aborted) throw error;
    context.talk.say(`the tokens are a local guess: ${why ?? 'the API took too long to count some of them'}`);
    return estimate(null, context.signal);
  }
}

/** Null without a key, and where there is nothing to count. @throws AuthError for a key that cannot be used. */
async function openCounting(plan: Plan, job: JobFile, context: Context): Promise<Counting | null> {
  if (plan.requests === 0) return null;
  if (!context.emulator && findApiKey(context.env, context.wire.root) === null) return null;
  const on = context.emulator ? 'emulator' : 'api';
  const spec = specOf(job, { on, limits: DEFAULT_SHARD_LIMITS, changedOnly: false, file: null });
  const planned = { jobId: job.name, account: null, spec };
  const { provider: open } = await context.wire.apis();
  const provider = await open(planned, { emulator: context.emulator, isDryRun: true });
  return { provider, apiVersion: job.apiVersion, clock: context.clock, report: context.talk.report };
}
