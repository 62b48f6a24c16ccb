import { InputError } from '../core/errors.ts';
import type { JobFile } from '../core/job-file.ts';
import type { Plan } from '../steps/plan-job.ts';
import type { Context } from './context.ts';
import { formatBytes, formatCount, formatMany } from './output.ts';

/** What a submit would do. @throws InputError after it, when some records cannot be sent. */
export async function printPlan(plan: Plan, jobFile: JobFile, context: Context): Promise<void> {
  if (context.json) await context.output.json(planDocument(plan, jobFile));
  else await context.output.line(formatPlan(plan, jobFile));
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
  context.talk.say(`next: batchctl submit ${jobFile.path} --use-batch${emulator}`);
}

/** What `plan --json` prints; docs/json.md describes it. */
function planDocument(plan: Plan, jobFile: JobFile): object {
  return {
    name: jobFile.name,
    model: jobFile.model,
    api_version: jobFile.apiVersion,
    requests: plan.requests,
    shards: plan.shards,
    bytes: plan.bytes,
    approx_input_tokens: plan.approxInputTokens,
    max_output_tokens: plan.maxOutputTokens,
    first: plan.first,
    problems: plan.problems,
    problem_count: plan.problemCount,
  };
}

function formatPlan(plan: Plan, jobFile: JobFile): string {
  const sizes = plan.shards.map((shard) => `${formatCount(shard.requests)} (${formatBytes(shard.bytes)})`);
  const lines = [
    `job       ${jobFile.name}`,
    `model     ${jobFile.model ?? 'as the requests say'}`,
    `requests  ${formatCount(plan.requests)}`,
    `shards    ${formatCount(plan.shards.length)}${sizes.length === 0 ? '' : `: ${shorten(sizes)}`}`,
    `body      ${formatBytes(plan.bytes)}`,
    `input     about ${formatCount(plan.approxInputTokens)} tokens (a quarter of the bytes)`,
    `output    at most ${formatCount(plan.maxOutputTokens)} tokens`,
  ];
  for (const { custom_id, params } of plan.first) {
    lines.push('', `${custom_id}:`, JSON.stringify(params, null, 2));
  }
  return lines.join('\n');
}

function shorten(sizes: readonly string[]): string {
  const shown = sizes.slice(0, 5).join(', ');
  return sizes.length > 5 ? `${shown}, …` : shown;
}
