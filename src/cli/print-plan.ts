import { InputError } from '../core/errors.ts';
import type { Estimate } from '../core/estimate.ts';
import type { JobFile } from '../core/job-file.ts';
import { retiresSoon } from '../core/model-lint.ts';
import { shippedModel } from '../core/models.ts';
import { formatUsd, type MicroUsd, sumOrUnknown } from '../core/money.ts';
import type { Narrowed, Narrowing } from '../core/narrowing.ts';
import { defaultExtension, defaultOutputPath, writesNoFiles } from '../core/output-place.ts';
import { modelsOf as modelsOfSizes } from '../core/request-sizes.ts';
import { mergeSizes } from '../core/size-counter.ts';
import type { ExplainedRequest } from '../steps/explain-changes.ts';
import type { Plan } from '../steps/plan-job.ts';
import type { Context } from './context.ts';
import { formatBytes, formatCount, formatMany } from './output.ts';
import { sayCachePlan } from './print-cache-plan.ts';
import { changesDocument, formatChanges } from './print-changes.ts';
import { estimateDocument, formatEstimate } from './print-estimate.ts';
import { narrowedDocument, sayNarrowed } from './print-narrowed.ts';
import { formatParams } from './short-params.ts';

/** A plan, and what it was made from. */
export interface PrintedPlan {
  readonly plan: Plan;
  readonly estimate: Estimate;
  readonly job: JobFile;
  readonly narrowing: Narrowing;
  readonly narrowed: Narrowed | null;
  /** With --changed. */
  readonly explained: readonly ExplainedRequest[] | null;
  /** Flags that the submit needs too, each with a blank before it. */
  readonly again: string;
}

/** What a submit would do. @throws InputError after it, when some records cannot be sent. */
export async function printPlan(printed: PrintedPlan, context: Context): Promise<void> {
  const { plan, estimate, job, narrowing, narrowed, explained, again } = printed;
  if (context.json) await context.output.json(planDocument(printed));
  else {
    const changes = explained === null ? '' : `\n\n${formatChanges(explained)}`;
    await context.output.line(`${formatPlan(plan, estimate, job)}${changes}`);
  }
  if (narrowed !== null) sayNarrowed(narrowed, narrowing, context);
  warnOfRetirement(printed, context);
  sayCachePlan(printed, context);
  if (plan.problemCount > 0) {
    throw new InputError(`${formatMany(plan.problemCount, 'record')} cannot become requests`, {
      code: 'bad_records',
      problems: plan.problems,
      count: plan.problemCount,
      why: 'a submit would stop here; nothing would be sent',
      next: 'mend the data or the job file, then plan again',
    });
  }
  const emulator = context.emulator ? ' --emulator' : '';
  context.talk.say(
    plan.records === 0
      ? explained === null
        ? 'nothing is missing; a submit would send nothing'
        : 'nothing has changed; a submit --changed would send nothing'
      : `next: batchctl submit ${job.path} --use-batch${again}${emulator}`,
  );
}

/** What `plan --json` prints; docs/json.md describes it. */
function planDocument({ plan, estimate, job, narrowing, narrowed, explained }: PrintedPlan): object {
  return {
    name: job.name,
    model: job.stages[0]?.model ?? null,
    api_version: job.apiVersion,
    records: plan.records,
    requests: plan.requests,
    stages: plan.stages,
    groups: plan.groups,
    shards: plan.shards,
    bytes: plan.bytes,
    duplicate_requests: plan.duplicates,
    approx_input_tokens: plan.approxInputTokens,
    max_output_tokens: plan.maxOutputTokens,
    estimate: estimateDocument(estimate),
    budget_microusd: job.spending.maxMicroUsd,
    narrowed: narrowed === null ? null : narrowedDocument(narrowed, narrowing),
    changes: explained === null ? null : changesDocument(explained),
    outputs: plan.outputs.filter(({ stage }) => !isSilent(job, stage)),
    first: plan.first,
    problems: plan.problems,
    problem_count: plan.problemCount,
  };
}

function formatPlan(plan: Plan, estimate: Estimate, job: JobFile): string {
  const later = plan.stages.some(({ needs }) => needs.length > 0);
  const lines = [
    `job       ${job.name}`,
    `model     ${modelsOf(job)}`,
    ...(plan.records === plan.requests && !later ? [] : [`records   ${formatCount(plan.records)}`]),
    `requests  ${formatCount(plan.requests)}`,
    ...(plan.stages.length > 1 ? plan.stages.map(formatStage) : []),
    ...formatDuplicates(plan, estimate),
    ...formatGroups(plan.groups),
    `shards    ${formatCount(plan.shards.length)}${listOf(plan.shards.map(describeSize))}`,
    `body      ${formatBytes(plan.bytes)}`,
    ...plan.outputs.map(({ custom_id, stage, output }, index) => {
      const path = isSilent(job, stage)
        ? `none of ${stage}: its answers are in results.jsonl`
        : (output ?? defaultOutputPath('batch_results/<job id>', stage, custom_id, extensionOf(job, stage)));
      return `${index === 0 ? 'files' : ''}`.padEnd(10) + path;
    }),
    ...formatEstimate(estimate),
    ...formatBudget(estimate, job),
  ];
  for (const { custom_id, stage, group, params } of plan.first) {
    const where = [
      plan.stages.length > 1 ? `stage ${stage}` : null,
      group === null ? null : `group ${JSON.stringify(group)}`,
    ].filter((part) => part !== null);
    const about = where.length === 0 ? '' : ` (${where.join(', ')})`;
    lines.push('', `${custom_id}${about}:`, formatParams(params));
  }
  return lines.join('\n');
}

/** Wanted by whoever asks several times, an oversight of everybody else. */
function formatDuplicates({ duplicates, requests }: Plan, { stages }: Estimate): readonly string[] {
  if (duplicates === 0) return [];
  const likely = sumOrUnknown(
    stages.filter(({ isLater }) => !isLater).map(({ batch }) => batch?.likely ?? null),
  );
  const cost = likely === null ? '' : `, about ${formatUsd(Math.round((likely * duplicates) / requests))}`;
  const what = duplicates === 1 ? '1 asks' : `${formatCount(duplicates)} ask`;
  return [`          ${what} word for word what another one asks${cost}`];
}

/** What the budget of the job file makes of the prices above. */
function formatBudget({ total: { batch } }: Estimate, { spending }: JobFile): readonly string[] {
  const max = spending.maxMicroUsd;
  if (max === null) return [];
  return [`budget    ${formatUsd(max)}${describeFit(batch, max)}`];
}

function describeFit(price: Estimate['total']['batch'], max: MicroUsd): string {
  if (price === null) return '; nothing is sent without a price';
  if (price.high <= max) return ', enough for the high price of a batch';
  return price.likely <= max
    ? ', less than the high price of a batch; shards go as they fit'
    : ', less than the likely price of a batch; what is over is not sent';
}

/** Of the models that requests name by now, and those of the stages that wait. */
function warnOfRetirement({ plan, job }: PrintedPlan, { clock, talk }: Context): void {
  const built = plan.sizes.flatMap(({ groups }) => modelsOfSizes(mergeSizes(groups?.values() ?? [])));
  for (const model of new Set([...built, ...job.stages.map((stage) => stage.model)])) {
    const facts = model === null ? null : shippedModel(model);
    const soon = facts === null ? null : retiresSoon(facts, clock.now());
    if (soon !== null) talk.warn(soon);
  }
}

function formatStage({ stage, requests, needs }: Plan['stages'][number]): string {
  const count = formatCount(requests);
  return `          ${stage}: ${needs.length === 0 ? count : `up to ${count}, from the answers of ${needs.join(' and ')}`}`;
}

function formatGroups(groups: Plan['groups']): readonly string[] {
  if (groups.length === 0) return [];
  const sizes = groups.map((group) => `${JSON.stringify(group.group)}: ${describeSize(group)}`);
  return [`groups    ${formatCount(groups.length)}${listOf(sizes)}`];
}

function describeSize({ requests, bytes }: { readonly requests: number; readonly bytes: number }): string {
  return `${formatCount(requests)} (${formatBytes(bytes)})`;
}

function extensionOf({ stages }: JobFile, name: string): 'md' | 'json' {
  const stage = stages.find((one) => one.name === name);
  return stage === undefined ? 'md' : defaultExtension(stage);
}

function isSilent({ stages }: JobFile, name: string): boolean {
  return stages.some((stage) => stage.name === name && writesNoFiles(stage));
}

function modelsOf({ stages }: JobFile): string {
  const models = new Set(stages.map((stage) => stage.model ?? 'as the requests say'));
  return [...models].join(', ');
}

function listOf(sizes: readonly string[]): string {
  if (sizes.length === 0) return '';
  return `: ${sizes.slice(0, 5).join(', ')}${sizes.length > 5 ? ', …' : ''}`;
}
