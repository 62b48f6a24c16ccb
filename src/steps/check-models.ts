import { ProviderError, UsageError } from '../core/errors.ts';
import { type ModelFacts, mergeFacts } from '../core/model-facts.ts';
import { retiresSoon } from '../core/model-lint.ts';
import { shippedModel } from '../core/models.ts';
import type { ShardView } from '../core/ports/store-views.ts';
import { firstRequest } from './check-sample.ts';
import { loadFrozen } from './frozen-job.ts';
import { lintRequest, outlineOf } from './lint-stages.ts';
import { repeatRead } from './repeat-read.ts';
import type { Run } from './run.ts';

type Params = Readonly<Record<string, unknown>>;

/** What one stage asks for: its first request, or what is known of it before there is one. */
interface StageSample {
  readonly stage: string;
  readonly params: Params;
}

/**
 * Asks the Models API once for each model of a job and checks a sample of each stage against what it says. That goes
 * before the shipped table; where the API gives no description the table stands. A failed look is told and stops nothing.
 *
 * @throws UsageError when a model would refuse what a stage asks for; nothing was sent by then.
 */
export async function checkModels(run: Run, views: readonly ShardView[], signal: AbortSignal): Promise<void> {
  const { store } = run.deps;
  const samples = await samplesOf(run, views);
  const { mode } = await store.jobById(run.job.id);
  const at = new Date(run.time.nowMs());
  const models = new Map<string, Look>();
  const problems: string[] = [];
  for (const { stage, params } of samples) {
    const name = params['model'];
    if (typeof name !== 'string') continue;
    const known = models.get(name);
    const look = known ?? (await lookAtModel(run, name, signal));
    models.set(name, look);
    const soon = look.facts === null || mode === 'real_time' ? null : retiresSoon(look.facts, at);
    if (known === undefined && soon !== null) run.deps.report({ kind: 'problem', text: soon });
    const prefix = samples.length === 1 ? '' : `stage "${stage}": `;
    const said = look.isUnknown
      ? [`"model": the API knows none of the name ${name}; check it`]
      : lintRequest(params, run.job.spec, { mode: mode ?? 'batch', at }, look.facts);
    problems.push(...said.map((problem) => `${prefix}${problem}`));
  }
  if (problems.length === 0) return;
  await store.withdrawSubmission(run.job.id);
  throw new UsageError(`job ${run.job.jobId} was not submitted: the API would refuse its requests`, {
    code: 'sample_refused',
    why: problems.join('\n'),
    next: `mend model or params and run the same command again; batchctl cancel ${run.job.jobId} drops this job`,
  });
}

/** Stages that wait for others have no request yet; they are judged before the others are paid. */
async function samplesOf(run: Run, views: readonly ShardView[]): Promise<readonly StageSample[]> {
  const samples = new Map<string, StageSample>();
  for (const { shard } of views) {
    if (samples.has(shard.stage) || shard.state !== 'built') continue;
    const request = await firstRequest(run, shard);
    // Built from an object, or checked to be one when it was read.
    if (request !== null) samples.set(shard.stage, { stage: shard.stage, params: request.params as Params });
  }
  const frozen = await loadFrozen(run.job, run.deps.files);
  for (const stage of frozen?.stages ?? []) {
    if (!samples.has(stage.name) && stage.model !== null)
      samples.set(stage.name, { stage: stage.name, params: outlineOf(stage) });
  }
  return [...samples.values()];
}

interface Look {
  readonly facts: ModelFacts | null;
  /** The API said so twice: it describes none of that name and counts no tokens for it. */
  readonly isUnknown: boolean;
}

async function lookAtModel(run: Run, name: string, signal: AbortSignal): Promise<Look> {
  const { provider, clock, report } = run.deps;
  const shipped = shippedModel(name);
  try {
    const described = await repeatRead(() => provider.describeModel(name, signal), clock, signal);
    if (described !== null) return { facts: mergeFacts(shipped, described), isUnknown: false };
    return { facts: shipped, isUnknown: await isUncounted(run, name, signal) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ProviderError)) throw error;
    const text = `the limits of ${name} are those that batchctl knows: ${error.message} (${error.why ?? 'no cause given'})`;
    report({ kind: 'notice', text });
    return { facts: shipped, isUnknown: false };
  }
}

/** A server between us and the API may have no /v1/models, so that its 404 proves nothing by itself. */
async function isUncounted(run: Run, name: string, signal: AbortSignal): Promise<boolean> {
  const { job, deps } = run;
  const params = JSON.stringify({ model: name, messages: [{ role: 'user', content: '.' }] });
  const count = (): Promise<number> => deps.provider.countTokens(params, job.spec.apiVersion, signal);
  try {
    await repeatRead(count, deps.clock, signal);
    return false;
  } catch (error) {
    if (error instanceof ProviderError && error.status === 404) return true;
    throw error;
  }
}
