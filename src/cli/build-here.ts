import { InterruptedError } from '../core/errors.ts';
import { isInterruption, signalOf } from '../core/interruption.ts';
import type { JobFile } from '../core/job-file.ts';
import { MESSAGES_PARAMS, unknownParams } from '../core/messages-params.ts';
import type { Narrowed, Narrowing } from '../core/narrowing.ts';
import { didYouMean } from '../core/nearest.ts';
import type { PickedStages } from '../core/pick-stages.ts';
import type { OutputTexts, RenderItem } from '../core/record.ts';
import type { Built } from '../steps/build-requests.ts';
import type { GivenAnswers } from '../steps/given-answers.ts';
import type { Context } from './context.ts';
import { type BuildFlags, limitsOf, type WaitFlags } from './flags.ts';
import { holdHeapByGrowth } from './heap.ts';
import { type NarrowFlags, narrowingOf } from './narrow-flags.ts';
import { loadTarget, type Target } from './pick-target.ts';
import { sayNarrowed, saySkipped } from './print-narrowed.ts';

/** What a command does with the records of a job file. */
export interface OpenedItems {
  /** Rendered, as the steps take them. */
  readonly items: AsyncIterable<readonly RenderItem[]>;
  /** The job file with the stages that were asked for and all that it names read into it. */
  readonly resolved: JobFile;
  readonly narrowing: Narrowing;
  /** Null until all records have been read. */
  narrowed(): Narrowed | null;
  /** Blank lines of the data, which are no records; known then too. */
  skipped(): number;
}

export async function openItems(
  jobFile: JobFile,
  flags: NarrowFlags,
  context: Context,
): Promise<OpenedItems> {
  const { renderRequests } = await import('../steps/render-requests.ts');
  const { resolveJob } = await import('../steps/resolve-job.ts');
  const { pickStages } = await import('../core/pick-stages.ts');
  const narrowing = narrowingOf(flags);
  const picked = pickStages(jobFile, flags.stage);
  const deps = await context.wire.records(picked.job);
  const resolved = await resolveJob(picked.job, deps);
  warnOfUnknownParams(resolved, context);
  const outputs = await context.wire.outputs();
  let narrowed: Narrowed | null = null;
  const options = {
    narrowing,
    outputs,
    given: picked.given.length === 0 ? null : await openGivenHere(picked, outputs, context),
    onNarrowed: (facts: Narrowed) => {
      narrowed = facts;
    },
  };
  const items = renderRequests(resolved, deps, context.signal, options);
  return {
    items,
    resolved,
    narrowing,
    narrowed: () => narrowed,
    skipped: () => deps.source.skipped?.() ?? 0,
  };
}

/** Passed through all the same: the API may know more than this version. */
function warnOfUnknownParams({ path, stages }: JobFile, { talk }: Context): void {
  for (const name of new Set(stages.flatMap(({ params }) => unknownParams(params)))) {
    const guess = didYouMean(name, MESSAGES_PARAMS);
    talk.warn(
      `${path}: "params.${name}" is not a known parameter, and the API refuses unknown ones row by row${guess}`,
    );
  }
}

/** A stage that does not say where it writes is looked for among the jobs of this workspace. */
async function openGivenHere(
  picked: PickedStages,
  outputs: OutputTexts,
  context: Context,
): Promise<GivenAnswers | null> {
  const { openGiven } = await import('../steps/given-answers.ts');
  const { findEarlierOutputs } = await import('../steps/earlier-outputs.ts');
  const store = await context.wire.existingStore();
  const files = await context.wire.files();
  const on = context.emulator ? 'emulator' : 'api';
  const { name } = picked.job;
  return openGiven(picked, {
    outputs,
    earlier: async (stage) =>
      store === null ? null : findEarlierOutputs({ name, stage, on }, { store, files }),
  });
}

/**
 * Builds a job in this workspace, or finds the unfinished one of the same content; the caller lets go its lock. Null: nothing
 * is --missing.
 */
export async function buildHere(
  target: Exclude<Target, { readonly kind: 'job' }>,
  flags: BuildFlags & Pick<WaitFlags, 'maxInFlight'>,
  context: Context,
): Promise<Built | null> {
  const jobFile = await loadTarget(target, flags.set, context);
  const opened = await openItems(jobFile, flags, context);
  const { resolved } = opened;
  const { buildJob } = await import('../steps/build-requests.ts');
  const { specOf } = await import('../core/job-spec.ts');
  await context.talk.startSpinner();
  const releaseHeap = holdHeapByGrowth();
  try {
    const items = await begin(opened.items);
    if (items === null) {
      tell(opened, context);
      return null;
    }
    const built = await buildJob(
      {
        name: jobFile.name,
        spec: specOf(resolved, {
          on: context.emulator ? 'emulator' : 'api',
          limits: limitsOf(flags),
          changedOnly: flags.changed === true,
          file: target.kind === 'job_file' ? jobFile.path : null,
        }),
        frozen: resolved,
        items,
        reuse: flags.new !== true,
        skipBad: flags.skipBad === true,
      },
      await context.wire.localDeps(),
      context.signal,
    );
    tell(opened, context);
    return built;
  } catch (error) {
    if (isInterruption(error, context.signal)) throw interrupted(context.signal);
    throw error;
  } finally {
    releaseHeap();
    context.talk.stopSpinner();
  }
}

/** The same items, the first of them read already; null when there is none, so that no empty job is made. */
async function begin<T>(items: AsyncIterable<T>): Promise<AsyncIterable<T> | null> {
  const iterator = items[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return null;
  return (async function* () {
    try {
      yield first.value;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

function tell({ narrowed, skipped, narrowing }: OpenedItems, context: Context): void {
  const facts = narrowed();
  context.talk.stopSpinner();
  saySkipped(skipped(), context);
  if (facts !== null) sayNarrowed(facts, narrowing, context);
}

function interrupted(signal: AbortSignal): InterruptedError {
  return new InterruptedError('interrupted while the requests were built', {
    code: 'interrupted',
    signal: signalOf(signal),
    why: 'nothing was sent, and what was written does not count',
    next: 'run the same command again',
    cause: signal.reason,
  });
}
